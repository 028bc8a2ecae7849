import type { AccessSize, AddressSpace, Device, IoRegion, IrqLine, MsiSink } from '@pckit/interfaces';
import { ChipsetError } from '../chipset-error.js';
import { expectVersion } from '../state-version.js';
import { PciSlot } from './pci-slot.js';
import type { PciSlotState } from './pci-slot.js';
import * as reg from './registers.js';

/**
 * PCI bus 0 behind configuration mechanism #1: PCI Local Bus Specification 3.0, section 3.2.2.3.2.
 *
 * Only a dword write reaches CONFIG_ADDRESS: bytes at CF8H..CFBH belong to other chips. Linux writes a byte to CFBH before it probes
 * the mechanism (arch/x86/pci/direct.c), and CF9H is the reset control register of the ISA bridge.
 */

const CONFIG_ADDRESS_ENABLE = 0x8000_0000;
const RESET_CONTROL = 1;

const DEVICES = 32;
const FUNCTIONS = 8;
const PIRQS = 4;

export interface PciBusWires {
  readonly ports: AddressSpace;
  readonly memory: AddressSpace;
  readonly msi: MsiSink;
  /** PIRQA# to PIRQD#, each shared by all functions that are wired to it. */
  readonly pirqs: readonly [IrqLine, IrqLine, IrqLine, IrqLine];
  /** The byte register at CF9H, which lies between CONFIG_ADDRESS's bytes (`ResetControl.regions.port`); reads all-ones when absent. */
  readonly resetControl?: IoRegion;
}

export interface PciBusOptions {
  readonly name?: string;
}

export interface PciBusState {
  readonly [field: string]: number | { readonly [slot: string]: PciSlotState };
  readonly version: 1;
  readonly configAddress: number;
  /** By `device.function`, device in decimal. */
  readonly slots: { readonly [slot: string]: PciSlotState };
}

/** Where an interrupt pin (1..4) of a device ends: 0..3 for PIRQA..PIRQD. As on PIIX3 boards, INTA of device 1 is PIRQA. */
export function pirqOf(device: number, pin: number): number {
  return (device + pin - 2) & 3;
}

export class PciBus implements Device<PciBusState> {
  readonly name: string;
  /** CONFIG_ADDRESS, for port 0CF8H, and CONFIG_DATA, for port 0CFCH. */
  readonly regions: { readonly address: IoRegion; readonly data: IoRegion };

  #configAddress = 0;
  readonly #slots = new Map<number, PciSlot>();
  /** How many functions hold each PIRQ. */
  readonly #pirqHolders = [0, 0, 0, 0];

  constructor(
    private readonly wires: PciBusWires,
    options: PciBusOptions = {},
  ) {
    this.name = options.name ?? 'pci';
    this.regions = {
      address: {
        name: `${this.name}-address`,
        length: 4,
        handler: { read: (offset, size) => this.#readAddress(offset, size), write: (offset, value, size) => this.#writeAddress(offset, value, size) },
      },
      data: {
        name: `${this.name}-data`,
        length: 4,
        handler: { read: (offset, size) => this.#readData(offset, size), write: (offset, value, size) => this.#writeData(offset, value, size) },
      },
    };
  }

  /** @throws ChipsetError when there is no such slot */
  slot(device: number, functionNumber = 0): PciSlot {
    if (!Number.isInteger(device) || device < 0 || device >= DEVICES || !Number.isInteger(functionNumber) || functionNumber < 0 || functionNumber >= FUNCTIONS) {
      throw new ChipsetError('pci-slot', `there is no PCI slot ${device}.${functionNumber}: devices are 0..31, functions 0..7`);
    }
    const key = device * FUNCTIONS + functionNumber;
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = new PciSlot(device, functionNumber, {
        ports: this.wires.ports,
        memory: this.wires.memory,
        msi: this.wires.msi,
        driveIntx: (pin, level) => this.#drivePirq(pirqOf(device, pin), level),
      });
      this.#slots.set(key, slot);
    }
    return slot;
  }

  /** The slots with something in them, by device and function. */
  occupied(): PciSlot[] {
    return [...this.#slots.entries()]
      .filter(([, slot]) => slot.occupant !== undefined)
      .sort(([a], [b]) => a - b)
      .map(([, slot]) => slot);
  }

  /** @param register 0..255; the access must lie within a dword. All-ones where there is no function. */
  readConfig(device: number, functionNumber: number, register: number, size: AccessSize): number {
    const slot = this.#slots.get(device * FUNCTIONS + functionNumber);
    if (slot?.occupant === undefined) return size === 4 ? 0xffff_ffff : size === 2 ? 0xffff : 0xff;
    let value = slot.readConfig(register, size);
    if (functionNumber === 0 && register <= reg.HEADER_TYPE && register + size > reg.HEADER_TYPE && this.#hasMoreFunctions(device)) {
      value += this.#multifunctionBit(register, value);
    }
    return value;
  }

  writeConfig(device: number, functionNumber: number, register: number, value: number, size: AccessSize): void {
    this.#slots.get(device * FUNCTIONS + functionNumber)?.writeConfig(register, value, size);
  }

  reset(_kind: 'cold' | 'warm'): void {
    this.#configAddress = 0;
    for (const slot of this.#slots.values()) slot.reset();
  }

  save(): PciBusState {
    const slots: { [slot: string]: PciSlotState } = {};
    for (const slot of this.occupied()) slots[`${slot.device}.${slot.functionNumber}`] = slot.save();
    return { version: 1, configAddress: this.#configAddress, slots };
  }

  restore(state: PciBusState): void {
    expectVersion(this.name, state, 1);
    this.#configAddress = state.configAddress;
    this.#pirqHolders.fill(0);
    for (const slot of this.occupied()) {
      const saved = state.slots[`${slot.device}.${slot.functionNumber}`];
      if (saved === undefined) throw new ChipsetError('state', `${this.name}: the state has nothing for slot ${slot.device}.${slot.functionNumber}, which holds ${slot.occupant?.name}`);
      slot.restore(saved);
      const pin = slot.occupant?.interruptPin;
      if (slot.intxLevel && pin !== undefined) this.#pirqHolders[pirqOf(slot.device, pin)]++;
    }
  }

  #readAddress(offset: number, size: AccessSize): number {
    if (size === 4) return this.#configAddress;
    if (offset === RESET_CONTROL && size === 1 && this.wires.resetControl !== undefined) return this.wires.resetControl.handler.read(0, 1);
    return size === 2 ? 0xffff : 0xff;
  }

  #writeAddress(offset: number, value: number, size: AccessSize): void {
    // Bits 30:24 and 1:0 are reserved and read as zero.
    if (size === 4) this.#configAddress = (value & 0x80ff_fffc) >>> 0;
    else if (offset === RESET_CONTROL && size === 1) this.wires.resetControl?.handler.write(0, value, 1);
  }

  #readData(offset: number, size: AccessSize): number {
    const address = this.#configAddress;
    if (address < CONFIG_ADDRESS_ENABLE || (address & 0x00ff_0000) !== 0) return size === 4 ? 0xffff_ffff : size === 2 ? 0xffff : 0xff;
    return this.readConfig((address >>> 11) & 0x1f, (address >>> 8) & 7, (address & 0xfc) + offset, size);
  }

  #writeData(offset: number, value: number, size: AccessSize): void {
    const address = this.#configAddress;
    if (address < CONFIG_ADDRESS_ENABLE || (address & 0x00ff_0000) !== 0) return;
    this.writeConfig((address >>> 11) & 0x1f, (address >>> 8) & 7, (address & 0xfc) + offset, value, size);
  }

  #hasMoreFunctions(device: number): boolean {
    for (let f = 1; f < FUNCTIONS; f++) if (this.#slots.get(device * FUNCTIONS + f)?.occupant !== undefined) return true;
    return false;
  }

  /** What to add to a read that covers the header type so that its multifunction bit is set. */
  #multifunctionBit(register: number, value: number): number {
    const bit = reg.HEADER_MULTIFUNCTION * 2 ** (8 * (reg.HEADER_TYPE - register));
    return Math.floor(value / bit) % 2 === 1 ? 0 : bit;
  }

  #drivePirq(pirq: number, level: boolean): void {
    const before = this.#pirqHolders[pirq];
    this.#pirqHolders[pirq] = before + (level ? 1 : -1);
    if (before === 0 || this.#pirqHolders[pirq] === 0) this.wires.pirqs[pirq % PIRQS].set(this.#pirqHolders[pirq] > 0);
  }
}
