import type { AddressSpace, Device, IoRegion, Mapping, PciFunction } from '@pckit/interfaces';
import { expectVersion } from '../state-version.js';

/**
 * The power management function of the 82371AB (PIIX4), function 3: Intel 82371AB datasheet, section 7.1. It decides where the PM block's
 * ports are (PMBA, 40H) and whether they decode (PMREGMISC, 80H).
 *
 * Deviations: no SMBus controller; SMBBA and SMBHSTCFG read zero, which says "disabled". Device monitors store without effect.
 */

const PMBA = 0x40;
const PMREGMISC = 0x80;
const PMIOSE = 0x01;
/** Bit 0 is hardwired: an I/O address. */
const PMBA_MASK = 0xffc0;

export interface Piix4PmWires {
  readonly ports: AddressSpace;
  /** `AcpiPm.regions.pm` */
  readonly pm: IoRegion;
}

export interface Piix4PmOptions {
  readonly name?: string;
}

export interface Piix4PmState {
  readonly [field: string]: number | boolean;
  readonly version: 1;
  readonly base: number;
  readonly enabled: boolean;
}

export class Piix4Pm implements Device<Piix4PmState> {
  readonly name: string;
  readonly pciFunction: PciFunction;

  readonly #mapping: Mapping;
  #base = 0;
  #enabled = false;

  constructor(wires: Piix4PmWires, options: Piix4PmOptions = {}) {
    this.name = options.name ?? 'piix4-pm';
    this.#mapping = wires.ports.map(0, wires.pm, false);
    this.pciFunction = {
      name: this.name,
      vendorId: 0x8086,
      deviceId: 0x7113,
      revision: 0x03,
      classCode: 0x068000,
      bars: [],
      fixedCommand: 0,
      // The SCI is IRQ9 whatever PIRQA is; the pin is there because the datasheet has it (INTPN, section 7.1.12).
      interruptPin: 1,
      readConfig: (register, size) => this.#readConfig(register, size),
      writeConfig: (register, value, size) => this.#writeConfig(register, value, size),
    };
  }

  reset(_kind: 'cold' | 'warm'): void {
    this.#base = 0;
    this.#enabled = false;
    this.#apply();
  }

  save(): Piix4PmState {
    return { version: 1, base: this.#base, enabled: this.#enabled };
  }

  restore(state: Piix4PmState): void {
    expectVersion(this.name, state, 1);
    this.#base = state.base;
    this.#enabled = state.enabled;
    this.#apply();
  }

  #readConfig(register: number, size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) value += this.#readByte(register + i) * 2 ** (8 * i);
    return value;
  }

  #readByte(register: number): number {
    if (register === PMBA) return (this.#base & 0xff) | 1;
    if (register === PMBA + 1) return this.#base >>> 8;
    if (register === PMREGMISC) return this.#enabled ? PMIOSE : 0;
    return 0;
  }

  #writeConfig(register: number, value: number, size: number): void {
    for (let i = 0; i < size; i++) {
      const byte = Math.floor(value / 2 ** (8 * i)) & 0xff;
      if (register + i === PMBA) this.#base = ((this.#base & 0xff00) | byte) & PMBA_MASK;
      else if (register + i === PMBA + 1) this.#base = (this.#base & 0xff) | (byte << 8);
      else if (register + i === PMREGMISC) this.#enabled = (byte & PMIOSE) !== 0;
    }
    this.#apply();
  }

  #apply(): void {
    if (this.#mapping.base !== this.#base) this.#mapping.move(this.#base);
    this.#mapping.enable(this.#enabled && this.#base !== 0);
  }
}
