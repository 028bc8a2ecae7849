import { AtaError } from '@pckit/ata';
import type { AtaDevice } from '@pckit/ata';
import type { Device, GuestMemory, Ingress, PciFunction, PciInterrupts } from '@pckit/interfaces';
import { AhciPort, expectPorts } from './ahci-port.js';
import type { AhciPortState } from './ahci-port.js';
import * as reg from './registers.js';

/**
 * A Serial ATA AHCI 1.3.1 controller that looks like the one of an ICH9 (8086:2922): native command queuing, 64-bit addresses, 32 command slots,
 * one MSI vector.
 *
 * Deviations: AHCI mode only; no port multipliers, hot-plug, link power management, staggered spin-up, command completion coalescing or
 * enclosure management, and the capability bits say so. Ports without a device are not implemented (PI).
 */

export const MAX_PORTS = 32;
const ABAR_BYTES = 0x2000;
/** MAP and PCS of an ICH9: AHCI mode, and which ports are switched on. */
const MAP = 0x90;
const MAP_AHCI = 0x40;

export interface AhciWires {
  readonly memory: GuestMemory;
  readonly ingress: Ingress;
  readonly interrupts: PciInterrupts;
  /** By port; ports may stay empty. Their devices have `sata: true`. */
  readonly drives: readonly (AtaDevice | undefined)[];
}

export interface AhciOptions {
  readonly name?: string;
}

export type AhciState = {
  readonly version: 1;
  readonly control: number;
  readonly interrupts: number;
  readonly busMaster: boolean;
  readonly ports: readonly (AhciPortState | null)[];
};

export class Ahci implements Device<AhciState> {
  readonly name: string;
  readonly pciFunction: PciFunction;

  readonly #ports: readonly (AhciPort | undefined)[];
  readonly #interruptLines: PciInterrupts;
  /** GHC without AE, which is always set. */
  #control = 0;
  /** IS: ports that have something to say. */
  #interrupts = 0;
  #line = false;
  #busMaster = false;

  constructor({ memory, ingress, interrupts, drives }: AhciWires, options: AhciOptions = {}) {
    this.name = options.name ?? 'ahci';
    if (drives.length === 0 || drives.length > MAX_PORTS) throw new AtaError('bad-option', `${this.name}: ${drives.length} ports; there are 1 to ${MAX_PORTS}`);
    this.#interruptLines = interrupts;
    this.#ports = drives.map((device, i) =>
      device === undefined ? undefined : new AhciPort(`${this.name}-${i}`, { memory, ingress, device, changed: () => this.#update(i) }),
    );
    const implemented = this.#implemented;
    this.pciFunction = {
      name: this.name,
      vendorId: 0x8086,
      deviceId: 0x2922,
      revision: 0x02,
      classCode: 0x010601,
      interruptPin: 1,
      msiVectors: 1,
      capabilityBase: 0x50,
      bars: [
        {
          index: 5,
          kind: 'memory32',
          region: {
            name: `${this.name} ABAR`,
            length: ABAR_BYTES,
            accepts: [4],
            handler: { read: (offset) => this.#read(offset), write: (offset, value) => this.#write(offset, value >>> 0) },
          },
        },
      ],
      registers: [{ at: MAP, initial: Uint8Array.of(MAP_AHCI, 0, implemented & 0xff, 0), writable: Uint8Array.of(0, 0, 0xff, 0xff) }],
      onBusMaster: (enabled) => {
        this.#busMaster = enabled;
        for (const port of this.#ports) if (port !== undefined) port.mayMaster = enabled;
      },
    };
  }

  reset(kind: 'cold' | 'warm'): void {
    this.#resetHba(kind === 'cold' ? 'power' : 'hard');
    this.#busMaster = false;
    for (const port of this.#ports) if (port !== undefined) port.mayMaster = false;
  }

  save(): AhciState {
    return {
      version: 1,
      control: this.#control,
      interrupts: this.#interrupts,
      busMaster: this.#busMaster,
      ports: this.#ports.map((port) => port?.save() ?? null),
    };
  }

  restore(state: AhciState): void {
    if (state.version !== 1) throw new AtaError('bad-state', `${this.name}: state version ${String(state.version)}, known: 1`);
    expectPorts(this.name, state.ports.length, this.#ports.length);
    this.#control = state.control;
    this.#interrupts = state.interrupts;
    this.#busMaster = state.busMaster;
    this.#line = this.#asserted;
    this.#ports.forEach((port, i) => {
      const saved = state.ports[i];
      if ((port === undefined) !== (saved === null)) throw new AtaError('bad-state', `${this.name}: the state is of other drives`);
      if (saved !== null) port?.restore(saved, state.busMaster);
    });
  }

  get #implemented(): number {
    return this.#ports.reduce((bits, port, i) => (port === undefined ? bits : bits | (1 << i)), 0) >>> 0;
  }

  get #capabilities(): number {
    const bits = reg.CAP_S64A | reg.CAP_SNCQ | reg.CAP_SCLO | reg.CAP_ISS_GEN2 | reg.CAP_SAM;
    return (bits | ((reg.SLOTS - 1) << reg.CAP_NCS_SHIFT) | (this.#ports.length - 1)) >>> 0;
  }

  #read(offset: number): number {
    if (offset >= reg.PORTS) return this.#port(offset)?.read(offset % reg.PORT_BYTES) ?? 0;
    switch (offset) {
      case reg.CAP:
        return this.#capabilities;
      case reg.GHC:
        return (this.#control | reg.GHC_AE) >>> 0;
      case reg.IS:
        return this.#interrupts >>> 0;
      case reg.PI:
        return this.#implemented;
      case reg.VS:
        return reg.VERSION_1_3_1;
      default:
        return 0;
    }
  }

  #write(offset: number, value: number): void {
    if (offset >= reg.PORTS) return this.#port(offset)?.write(offset % reg.PORT_BYTES, value);
    if (offset === reg.GHC) {
      if ((value & reg.GHC_HR) !== 0) return this.#resetHba('hard');
      this.#control = value & reg.GHC_IE;
      this.#drive(true);
    } else if (offset === reg.IS) {
      this.#interrupts &= ~value;
      // A port that still has something to say sets its bit again.
      this.#ports.forEach((port, i) => {
        if (port?.pending === true) this.#interrupts |= 1 << i;
      });
      this.#drive(true);
    }
  }

  #port(offset: number): AhciPort | undefined {
    return this.#ports[Math.floor((offset - reg.PORTS) / reg.PORT_BYTES)];
  }

  #resetHba(kind: 'power' | 'hard'): void {
    for (const port of this.#ports) port?.reset(kind);
    this.#control = 0;
    this.#interrupts = 0;
    this.#drive(false);
  }

  /** A port's interrupts changed. */
  #update(index: number): void {
    const bit = 1 << index;
    const news = this.#ports[index]?.pending === true && (this.#interrupts & bit) === 0;
    if (news) this.#interrupts |= bit;
    this.#drive(news);
  }

  get #asserted(): boolean {
    return this.#interrupts !== 0 && (this.#control & reg.GHC_IE) !== 0;
  }

  /** @param message whether this is an occasion for a message, if messages are what software wants (10.6.2.2) */
  #drive(message: boolean): void {
    const level = this.#asserted;
    if (level !== this.#line) {
      this.#line = level;
      this.#interruptLines.intx.set(level);
    }
    if (level && message) this.#interruptLines.notify(0);
  }
}
