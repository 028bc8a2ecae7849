import type { AccessSize, AddressSpace, Mapping, MsiSink, PciBar, PciCapability, PciFunction, PciInterrupts } from '@pckit/interfaces';
import { ChipsetError } from '../chipset-error.js';
import { MsixTable, overlayMsix } from './msix-table.js';
import type { MsixTableState } from './msix-table.js';
import * as reg from './registers.js';

/**
 * One function's configuration space: PCI Local Bus Specification 3.0, chapter 6. The 256 bytes are kept as software reads them, with a
 * mask of what it can write; whatever has an effect (decode, bar addresses, MSI, INTx gating) is derived from them after a write.
 *
 * Deviations: no expansion ROM, no cache line size, latency timer or BIST; status errors never happen. A memory bar at address 0, or
 * one whose last byte would be FFFFFFFFH (the value during sizing), decodes nothing, so that sizing with decode enabled, which
 * Linux does for some bridges, can't cover other devices.
 */

const CONFIG_LENGTH = 256;
const CAPABILITIES_BASE = 0x40;
const BAR_COUNT = 6;
/** x86 has at most 52 bits of physical address. */
const ADDRESS_LIMIT = 2 ** 52;

/** MSI capability with 64-bit address and per-vector masks: registers from its start. */
const MSI_CONTROL = 2;
const MSI_ADDRESS_LOW = 4;
const MSI_ADDRESS_HIGH = 8;
const MSI_DATA = 12;
const MSI_MASK = 16;
const MSI_PENDING = 20;
const MSI_LENGTH = 24;

const MSIX_CONTROL = 2;
const MSIX_LENGTH = 12;

export interface PciSlotState {
  readonly [field: string]: Uint8Array | boolean | MsixTableState | null;
  /** The 256 bytes as software reads them, without what the function answers itself. */
  readonly config: Uint8Array;
  /** What the function drives on its INTx pin. */
  readonly intx: boolean;
  readonly msix: MsixTableState | null;
}

export interface PciSlotWires {
  readonly ports: AddressSpace;
  readonly memory: AddressSpace;
  readonly msi: MsiSink;
  /** The function's pin, gated, has a new level. */
  driveIntx(pin: number, level: boolean): void;
}

interface PlacedBar {
  readonly bar: PciBar;
  readonly mapping: Mapping;
}

interface PlacedCapability {
  readonly capability: PciCapability;
  /** Register of the first byte of the body, and the one after the last. */
  readonly start: number;
  readonly end: number;
}

export class PciSlot {
  /** For the device that will stand here; works from before it is plugged in. */
  readonly interrupts: PciInterrupts;

  #occupant: PciFunction | undefined;
  readonly #initial = new Uint8Array(CONFIG_LENGTH);
  readonly #writable = new Uint8Array(CONFIG_LENGTH);
  readonly #config = new Uint8Array(CONFIG_LENGTH);
  readonly #view = new DataView(this.#config.buffer);
  readonly #bars: PlacedBar[] = [];
  readonly #capabilities: PlacedCapability[] = [];
  #msix: MsixTable | undefined;
  /** Registers of the capabilities; 0 when the function has none. */
  #msixAt = 0;
  #msiAt = 0;
  #intx = false;
  #drivenIntx = false;
  #busMaster = false;

  constructor(
    /** 0..31 */
    readonly device: number,
    /** 0..7 */
    readonly functionNumber: number,
    private readonly wires: PciSlotWires,
  ) {
    const msiEnabled = (): boolean => this.#msiEnabled();
    const msixEnabled = (): boolean => this.#msixEnabled();
    this.interrupts = {
      intx: { set: (level) => this.#setIntx(level) },
      get msiEnabled() {
        return msiEnabled();
      },
      get msixEnabled() {
        return msixEnabled();
      },
      notify: (vector) => this.#notify(vector),
    };
  }

  /** What stands in the slot. */
  get occupant(): PciFunction | undefined {
    return this.#occupant;
  }

  /** Whether the pin is driven now: the function asks for it and nothing holds it back. */
  get intxLevel(): boolean {
    return this.#drivenIntx;
  }

  /**
   * Puts a function into the slot; its bars are mapped, disabled, until software gives them an address.
   *
   * @throws ChipsetError when the slot is taken or the description can't be a PCI function
   */
  plug(occupant: PciFunction): void {
    if (this.#occupant !== undefined) {
      throw new ChipsetError('pci-slot', `${this.#place()} holds ${this.#occupant.name}; ${occupant.name} can't be plugged in`);
    }
    this.#describe(occupant);
    this.#occupant = occupant;
    for (const bar of occupant.bars) {
      const space = bar.kind === 'io' ? this.wires.ports : this.wires.memory;
      const region = this.#msix !== undefined && bar.index === this.#msix.layout.bar ? overlayMsix(bar.region, this.#msix) : bar.region;
      this.#bars.push({ bar, mapping: space.map(0, region, false) });
    }
    this.#config.set(this.#initial);
  }

  /** @param register 0..255; the access lies within a dword. */
  readConfig(register: number, size: AccessSize): number {
    if (this.#occupant === undefined) return size === 4 ? 0xffff_ffff : size === 2 ? 0xffff : 0xff;
    if (register >= reg.DEVICE_SPECIFIC) {
      const answered = this.#readCapability(register, size) ?? this.#occupant.readConfig?.(register, size);
      if (answered !== undefined) return answered;
    }
    return this.#load(register, size);
  }

  /** @param register 0..255; the access lies within a dword. */
  writeConfig(register: number, value: number, size: AccessSize): void {
    const occupant = this.#occupant;
    if (occupant === undefined) return;
    const msiControl = this.#msiAt !== 0 ? this.#view.getUint16(this.#msiAt + MSI_CONTROL, true) : 0;
    const msixControl = this.#msixControl();
    for (let i = 0; i < size; i++) {
      const mask = this.#writable[register + i];
      const byte = Math.floor(value / 2 ** (i * 8)) & 0xff;
      this.#config[register + i] = (this.#config[register + i] & ~mask) | (byte & mask);
    }
    if (register < reg.DEVICE_SPECIFIC) {
      if (register <= reg.COMMAND + 1) this.#applyCommand();
      else if (register >= reg.BASE_ADDRESS_0 && register < reg.BASE_ADDRESS_0 + 4 * BAR_COUNT) this.#applyBars();
      return;
    }
    if (this.#msiAt !== 0 && register >= this.#msiAt && register < this.#msiAt + MSI_LENGTH) return this.#applyMsi(msiControl);
    if (this.#msixAt !== 0 && register >= this.#msixAt && register < this.#msixAt + MSIX_LENGTH) return this.#applyMsix(msixControl);
    if (!this.#writeCapability(register, value, size)) occupant.writeConfig?.(register, value, size);
  }

  /** Where bar `index` decodes now, `undefined` when it doesn't. */
  barAddress(index: number): number | undefined {
    const placed = this.#bars.find(({ bar }) => bar.index === index);
    return placed?.mapping.enabled === true ? placed.mapping.base : undefined;
  }

  reset(): void {
    this.#config.set(this.#initial);
    this.#msix?.reset();
    this.#intx = false;
    if (this.#occupant !== undefined) this.#applyCommand();
  }

  save(): PciSlotState {
    return { config: this.#config.slice(), intx: this.#intx, msix: this.#msix?.save() ?? null };
  }

  /** Mappings follow; no line moves. */
  restore(state: PciSlotState): void {
    this.#config.set(state.config);
    this.#intx = state.intx;
    if (state.msix !== null) this.#msix?.restore(state.msix);
    this.#busMaster = (this.#command() & reg.COMMAND_BUS_MASTER) !== 0;
    this.#drivenIntx = this.#gatedIntx();
    this.#applyBars();
  }

  /** Fills `#initial` and `#writable` from the description. */
  #describe(occupant: PciFunction): void {
    const initial = this.#initial;
    const writable = this.#writable;
    const view = new DataView(initial.buffer);
    view.setUint16(reg.VENDOR_ID, occupant.vendorId, true);
    view.setUint16(reg.DEVICE_ID, occupant.deviceId, true);
    view.setUint8(reg.REVISION_ID, occupant.revision ?? 0);
    view.setUint8(reg.CLASS_CODE, occupant.classCode & 0xff);
    view.setUint16(reg.CLASS_CODE + 1, occupant.classCode >>> 8, true);
    view.setUint8(reg.HEADER_TYPE, occupant.multifunction === true ? reg.HEADER_MULTIFUNCTION : 0);
    view.setUint16(reg.SUBSYSTEM_VENDOR_ID, occupant.subsystemVendorId ?? 0, true);
    view.setUint16(reg.SUBSYSTEM_ID, occupant.subsystemId ?? 0, true);
    writable[reg.INTERRUPT_LINE] = 0xff;
    initial[reg.INTERRUPT_PIN] = occupant.interruptPin ?? 0;
    let status = occupant.fixedCommand !== undefined ? reg.STATUS_DEVSEL_MEDIUM : 0;

    let decodes = 0;
    for (const bar of occupant.bars) decodes |= bar.kind === 'io' ? reg.COMMAND_IO : reg.COMMAND_MEMORY;
    const fixed = occupant.fixedCommand ?? 0;
    view.setUint16(reg.COMMAND, fixed, true);
    const command =
      (decodes | reg.COMMAND_BUS_MASTER | reg.COMMAND_PARITY | reg.COMMAND_SERR | (occupant.interruptPin !== undefined ? reg.COMMAND_INTX_DISABLE : 0)) & ~fixed;
    writable[reg.COMMAND] = command & 0xff;
    writable[reg.COMMAND + 1] = command >>> 8;

    this.#describeBars(occupant);
    for (const stored of occupant.registers ?? []) {
      if (stored.at < reg.DEVICE_SPECIFIC || stored.at + stored.initial.length > CONFIG_LENGTH) {
        throw new ChipsetError('pci-function', `${occupant.name}: registers at ${hex(stored.at)}, ${stored.initial.length} bytes, lie outside 0x40..0xff`);
      }
      initial.set(stored.initial, stored.at);
      if (stored.writable !== undefined) writable.set(stored.writable.subarray(0, stored.initial.length), stored.at);
    }
    if (this.#describeCapabilities(occupant)) status |= reg.STATUS_CAPABILITIES;
    view.setUint16(reg.STATUS, status, true);
  }

  #describeBars(occupant: PciFunction): void {
    const taken = new Set<number>();
    for (const { index, kind, prefetchable, region } of occupant.bars) {
      const size = region.length;
      const smallest = kind === 'io' ? 4 : 16;
      const largest = kind === 'io' ? 256 : kind === 'memory32' ? 2 ** 31 : 2 ** 40;
      if (!Number.isInteger(Math.log2(size)) || size < smallest || size > largest) {
        throw new ChipsetError('pci-function', `${occupant.name}: bar ${index} (${kind}) has ${size} bytes; it takes a power of two, ${smallest} to ${largest}`);
      }
      for (const i of kind === 'memory64' ? [index, index + 1] : [index]) {
        if (!Number.isInteger(i) || i < 0 || i >= BAR_COUNT || taken.has(i)) {
          throw new ChipsetError('pci-function', `${occupant.name}: bar ${index} (${kind}) needs register ${i}, which is ${taken.has(i) ? 'taken' : 'not there'}`);
        }
        taken.add(i);
      }
      const at = reg.BASE_ADDRESS_0 + 4 * index;
      this.#initial[at] = kind === 'io' ? reg.BAR_IO : (kind === 'memory64' ? reg.BAR_MEMORY_64 : 0) | (prefetchable === true ? reg.BAR_PREFETCHABLE : 0);
      // Address bits below the size read as zero: this is how software learns the size.
      const bytes = kind === 'memory64' ? 8 : 4;
      for (let i = 0; i < bytes; i++) {
        const below = Math.min(Math.max(Math.log2(size) - 8 * i, 0), 8);
        this.#writable[at + i] = (0xff << below) & 0xff;
      }
    }
  }

  /** MSI, MSI-X, then the function's own. @returns whether there are any */
  #describeCapabilities(occupant: PciFunction): boolean {
    let next = occupant.capabilityBase ?? CAPABILITIES_BASE;
    let link = reg.CAPABILITIES_POINTER;
    const place = (id: number, length: number): number => {
      const at = next;
      next = (at + length + 3) & ~3;
      if (at < CAPABILITIES_BASE || at % 4 !== 0 || at + length > CONFIG_LENGTH) {
        throw new ChipsetError('pci-function', `${occupant.name}: capability ${hex(id)}, ${length} bytes at ${hex(at)}, doesn't fit into configuration space`);
      }
      this.#initial[link] = at;
      this.#initial[at] = id;
      link = at + 1;
      return at;
    };
    const view = new DataView(this.#initial.buffer);

    if (occupant.msiVectors !== undefined) {
      const log2 = Math.log2(occupant.msiVectors);
      if (!Number.isInteger(log2) || log2 < 0 || log2 > 5) {
        throw new ChipsetError('pci-function', `${occupant.name}: ${occupant.msiVectors} MSI vectors; it takes 1, 2, 4, 8, 16 or 32`);
      }
      const at = place(reg.CAP_MSI, MSI_LENGTH);
      view.setUint16(at + MSI_CONTROL, (log2 << reg.MSI_MULTIPLE_CAPABLE_SHIFT) | reg.MSI_64_BIT | reg.MSI_PER_VECTOR_MASK, true);
      const mask = new DataView(this.#writable.buffer);
      mask.setUint16(at + MSI_CONTROL, reg.MSI_ENABLE | (7 << reg.MSI_MULTIPLE_ENABLE_SHIFT), true);
      mask.setUint32(at + MSI_ADDRESS_LOW, 0xffff_fffc, true);
      mask.setUint32(at + MSI_ADDRESS_HIGH, 0xffff_ffff, true);
      mask.setUint16(at + MSI_DATA, 0xffff, true);
      mask.setUint32(at + MSI_MASK, 2 ** occupant.msiVectors - 1, true);
      this.#msiAt = at;
    }

    if (occupant.msix !== undefined) {
      const { vectors, bar, tableOffset, pendingOffset } = occupant.msix;
      const msix = new MsixTable(occupant.msix, (address, data) => this.#sendMsix(address, data));
      const region = occupant.bars.find(({ index, kind }) => index === bar && kind !== 'io')?.region;
      const fits = (offset: number, length: number): boolean => offset % 8 === 0 && region !== undefined && offset >= 0 && offset + length <= region.length;
      const overlap = tableOffset < pendingOffset + msix.pendingLength && pendingOffset < tableOffset + msix.tableLength;
      if (vectors < 1 || vectors > 2048 || !fits(tableOffset, msix.tableLength) || !fits(pendingOffset, msix.pendingLength) || overlap) {
        throw new ChipsetError(
          'pci-function',
          `${occupant.name}: MSI-X with ${vectors} vectors, table at ${hex(tableOffset)}, pending bits at ${hex(pendingOffset)} doesn't fit memory bar ${bar} of ${region?.length ?? 'no'} bytes`,
        );
      }
      const at = place(reg.CAP_MSIX, MSIX_LENGTH);
      view.setUint16(at + MSIX_CONTROL, vectors - 1, true);
      view.setUint32(at + 4, tableOffset | bar, true);
      view.setUint32(at + 8, pendingOffset | bar, true);
      new DataView(this.#writable.buffer).setUint16(at + MSIX_CONTROL, reg.MSIX_ENABLE | reg.MSIX_FUNCTION_MASK, true);
      this.#msix = msix;
      this.#msixAt = at;
    }

    for (const capability of occupant.capabilities ?? []) {
      const start = place(capability.id, 2 + capability.body.length) + 2;
      this.#initial.set(capability.body, start);
      if (capability.writable !== undefined) this.#writable.set(capability.writable.subarray(0, capability.body.length), start);
      this.#capabilities.push({ capability, start, end: start + capability.body.length });
    }
    return link !== reg.CAPABILITIES_POINTER;
  }

  #readCapability(register: number, size: AccessSize): number | undefined {
    const placed = this.#capabilityAt(register, size);
    if (placed?.capability.onRead === undefined) return undefined;
    if (register >= placed.start && register + size <= placed.end) return placed.capability.onRead(register - placed.start, size);
    // The header's two bytes, or padding, and some of the body.
    let value = 0;
    for (let i = 0; i < size; i++) {
      const inside = register + i >= placed.start && register + i < placed.end;
      const byte = inside ? placed.capability.onRead(register + i - placed.start, 1) : undefined;
      value += (byte ?? this.#config[register + i]) * 2 ** (8 * i);
    }
    return value;
  }

  #writeCapability(register: number, value: number, size: AccessSize): boolean {
    const placed = this.#capabilityAt(register, size);
    if (placed === undefined) return false;
    if (register >= placed.start && register + size <= placed.end) {
      placed.capability.onWrite?.(register - placed.start, value, size);
      return true;
    }
    for (let i = 0; i < size; i++) {
      const inside = register + i >= placed.start && register + i < placed.end;
      if (inside) placed.capability.onWrite?.(register + i - placed.start, Math.floor(value / 2 ** (8 * i)) & 0xff, 1);
    }
    return true;
  }

  /** The capability whose body the access touches; bodies are in different dwords, so there is at most one. */
  #capabilityAt(register: number, size: AccessSize): PlacedCapability | undefined {
    for (const placed of this.#capabilities) if (register < placed.end && register + size > placed.start) return placed;
    return undefined;
  }

  #load(register: number, size: AccessSize): number {
    if (size === 4) return this.#view.getUint32(register, true);
    return size === 2 ? this.#view.getUint16(register, true) : this.#config[register];
  }

  #command(): number {
    return this.#view.getUint16(reg.COMMAND, true);
  }

  #applyCommand(): void {
    const busMaster = (this.#command() & reg.COMMAND_BUS_MASTER) !== 0;
    if (busMaster !== this.#busMaster) {
      this.#busMaster = busMaster;
      this.#occupant?.onBusMaster?.(busMaster);
      if (busMaster) this.#flushMessages();
    }
    this.#applyBars();
    this.#updateIntx();
  }

  /** Mappings follow the registers. */
  #applyBars(): void {
    const command = this.#command();
    for (const { bar, mapping } of this.#bars) {
      const base = this.#barBase(bar);
      if (base === undefined) {
        mapping.enable(false);
        continue;
      }
      if (mapping.base !== base) mapping.move(base);
      mapping.enable((command & (bar.kind === 'io' ? reg.COMMAND_IO : reg.COMMAND_MEMORY)) !== 0);
    }
  }

  /** The address in the registers, `undefined` if nothing can decode there. */
  #barBase(bar: PciBar): number | undefined {
    const at = reg.BASE_ADDRESS_0 + 4 * bar.index;
    const low = this.#view.getUint32(at, true);
    const base =
      bar.kind === 'io' ? low - (low % 4) : low - (low % 16) + (bar.kind === 'memory64' ? this.#view.getUint32(at + 4, true) * 2 ** 32 : 0);
    const last = base + bar.region.length - 1;
    if (base === 0) return undefined;
    if (bar.kind === 'io') return last < 0x1_0000 ? base : undefined;
    if (last === 0xffff_ffff || (bar.kind === 'memory32' && last > 0xffff_ffff)) return undefined;
    return last < ADDRESS_LIMIT ? base : undefined;
  }

  #setIntx(level: boolean): void {
    if (this.#intx === level) return;
    this.#intx = level;
    // Interrupt status shows the function's state whatever gates the pin (PCI 3.0 section 6.2.3).
    if (level) this.#config[reg.STATUS] |= reg.STATUS_INTERRUPT;
    else this.#config[reg.STATUS] &= ~reg.STATUS_INTERRUPT;
    this.#updateIntx();
  }

  #gatedIntx(): boolean {
    return this.#intx && (this.#command() & reg.COMMAND_INTX_DISABLE) === 0 && !this.#msiEnabled() && !this.#msixEnabled();
  }

  #updateIntx(): void {
    const level = this.#gatedIntx();
    if (level === this.#drivenIntx) return;
    this.#drivenIntx = level;
    this.wires.driveIntx(this.#initial[reg.INTERRUPT_PIN], level);
  }

  #msiEnabled(): boolean {
    return this.#msiAt !== 0 && (this.#config[this.#msiAt + MSI_CONTROL] & reg.MSI_ENABLE) !== 0;
  }

  #msixControl(): number {
    return this.#msixAt !== 0 ? this.#view.getUint16(this.#msixAt + MSIX_CONTROL, true) : 0;
  }

  #msixEnabled(): boolean {
    return (this.#msixControl() & reg.MSIX_ENABLE) !== 0;
  }

  #notify(vector: number): void {
    if (this.#msixEnabled()) {
      if (this.#msix !== undefined && vector >= 0 && vector < this.#msix.layout.vectors) this.#msix.notify(vector);
    } else if (this.#msiEnabled()) {
      this.#notifyMsi(vector);
    }
  }

  #sendMsix(address: number, data: number): boolean {
    if (!this.#busMaster || (this.#msixControl() & reg.MSIX_FUNCTION_MASK) !== 0) return false;
    this.wires.msi.send(address, data);
    return true;
  }

  #notifyMsi(vector: number): void {
    const at = this.#msiAt;
    const capable = this.#occupant?.msiVectors ?? 1;
    const enable = (this.#config[at + MSI_CONTROL] >>> reg.MSI_MULTIPLE_ENABLE_SHIFT) & 7;
    const count = Math.min(1 << enable, capable);
    const index = vector & (count - 1);
    const bit = (1 << index) >>> 0;
    if (!this.#busMaster || (this.#view.getUint32(at + MSI_MASK, true) & bit) !== 0) {
      this.#view.setUint32(at + MSI_PENDING, this.#view.getUint32(at + MSI_PENDING, true) | bit, true);
      return;
    }
    const address = this.#view.getUint32(at + MSI_ADDRESS_HIGH, true) * 2 ** 32 + this.#view.getUint32(at + MSI_ADDRESS_LOW, true);
    // PCI 3.0 section 6.8.1.6: the function changes the low bits of the data only.
    const data = (this.#view.getUint16(at + MSI_DATA, true) & ~(count - 1)) | index;
    this.wires.msi.send(address, data);
  }

  /** Sends what a mask or a missing bus mastership held back. */
  #flushMessages(): void {
    if (this.#msixEnabled()) this.#msix?.flushPending();
    else if (this.#msiEnabled()) this.#flushMsi();
  }

  #flushMsi(): void {
    const at = this.#msiAt;
    const ready = this.#view.getUint32(at + MSI_PENDING, true) & ~this.#view.getUint32(at + MSI_MASK, true);
    if (ready === 0 || !this.#busMaster) return;
    this.#view.setUint32(at + MSI_PENDING, this.#view.getUint32(at + MSI_PENDING, true) & ~ready, true);
    for (let vector = 0; vector < 32; vector++) if ((ready & (1 << vector)) !== 0) this.#notifyMsi(vector);
  }

  #applyMsi(before: number): void {
    const enabled = this.#msiEnabled();
    if (!enabled && (before & reg.MSI_ENABLE) !== 0) this.#view.setUint32(this.#msiAt + MSI_PENDING, 0, true);
    if (enabled) this.#flushMsi();
    this.#updateIntx();
  }

  #applyMsix(before: number): void {
    const enabled = this.#msixEnabled();
    if (!enabled && (before & reg.MSIX_ENABLE) !== 0) this.#msix?.forgetPending();
    if (enabled) this.#msix?.flushPending();
    this.#updateIntx();
  }

  #place(): string {
    return `PCI slot ${hex(this.device)}.${this.functionNumber}`;
  }
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
