import type { Device, IoRegion, IrqLine } from '@pckit/interfaces';
import { DELIVERY_EXT_INT, DELIVERY_FIXED, DELIVERY_LOWEST_PRIORITY, DELIVERY_NMI, widenDestination } from './apic-bus.js';
import type { ApicBus } from './apic-bus.js';
import { ChipsetError } from './chipset-error.js';
import { expectVersion } from './state-version.js';

/*
 * Intel 82093AA I/O APIC (datasheet 290566), with the EOI register of its successors (version 20h, ICH datasheets "EOIR").
 *
 * - An edge on a masked pin is lost, as the datasheet says ("Interrupt Mask").
 * - Lines carry assertion, not voltage: the polarity bit only reads back, the board has no inverters.
 * - A message is delivered as it is sent, so the delivery status bit always reads idle.
 */

// Memory-mapped
const IOREGSEL = 0x00;
const IOWIN = 0x10;
const EOIR = 0x40;
// Indexed
const IOAPICID = 0x00;
const IOAPICVER = 0x01;
const IOAPICARB = 0x02;
const IOREDTBL = 0x10;

const VERSION = 0x20;
const ID_SHIFT = 24;

// Redirection table entry, low half
const VECTOR = 0xff;
const DELIVERY_SHIFT = 8;
const DESTINATION_LOGICAL = 0x800;
const REMOTE_IRR = 0x4000;
const TRIGGER_LEVEL = 0x8000;
const MASKED = 0x1_0000;
const LOW_WRITABLE = 0x1_afff;
// High half
const DESTINATION_SHIFT = 24;
const HIGH_WRITABLE = 0xff00_0000;

export type IoApicState = {
  readonly version: 1;
  readonly select: number;
  readonly id: number;
  /** Redirection entries, low and high halves. */
  readonly low: readonly number[];
  readonly high: readonly number[];
  /** Levels of the pins. Not the chip's own: a reset leaves them. */
  readonly lines: readonly boolean[];
};

export interface IoApicWires {
  readonly bus: ApicBus;
}

export interface IoApicOptions {
  /** Default `ioapic`. */
  readonly name?: string;
  /** APIC ID at reset, 0..15; default 0. */
  readonly id?: number;
  /** Number of pins, 1..240; default 24. */
  readonly pins?: number;
}

export class IoApic implements Device<IoApicState> {
  readonly name: string;
  readonly pins: number;
  /** FEC00000h, 4 KiB */
  readonly regions: { readonly registers: IoRegion };
  private readonly bus: ApicBus;
  private readonly initialId: number;
  private readonly inputs: readonly IrqLine[];
  private readonly low: number[];
  private readonly high: number[];
  private readonly lines: boolean[];
  private select = 0;
  private id = 0;

  constructor(wires: IoApicWires, options: IoApicOptions = {}) {
    this.name = options.name ?? 'ioapic';
    this.pins = options.pins ?? 24;
    if (!Number.isInteger(this.pins) || this.pins < 1 || this.pins > 240) {
      throw new ChipsetError('chip-options', `${this.name}: ${this.pins} pins, an I/O APIC has 1 to 240`);
    }
    this.initialId = options.id ?? 0;
    this.bus = wires.bus;
    this.low = new Array<number>(this.pins);
    this.high = new Array<number>(this.pins);
    this.lines = new Array<boolean>(this.pins).fill(false);
    this.inputs = this.lines.map((_, pin) => ({ set: (level: boolean): void => this.setPin(pin, level) }));
    this.regions = {
      registers: {
        name: this.name,
        length: 0x1000,
        accepts: [4],
        handler: {
          read: (offset) => this.read(offset),
          write: (offset, value) => this.write(offset, value),
        },
      },
    };
    this.reset('cold');
    this.bus.attachIoApic(this);
  }

  /** The input INTINn, active high whatever the redirection entry's polarity bit says. */
  pin(n: number): IrqLine {
    const line = this.inputs[n];
    if (line === undefined) throw new ChipsetError('chip-options', `${this.name}: no pin ${n}, there are 0 to ${this.pins - 1}`);
    return line;
  }

  /** An EOI message: from a local APIC, or from the EOI register. */
  endOfInterrupt(vector: number): void {
    for (let pin = 0; pin < this.pins; pin++) {
      const entry = this.low[pin];
      if ((entry & (VECTOR | TRIGGER_LEVEL | REMOTE_IRR)) !== (vector | TRIGGER_LEVEL | REMOTE_IRR)) continue;
      this.low[pin] = entry & ~REMOTE_IRR;
      this.serviceLevel(pin);
    }
  }

  reset(_kind: 'cold' | 'warm'): void {
    this.select = 0;
    this.id = this.initialId;
    this.low.fill(MASKED);
    this.high.fill(0);
  }

  save(): IoApicState {
    return {
      version: 1,
      select: this.select,
      id: this.id,
      low: [...this.low],
      high: [...this.high],
      lines: [...this.lines],
    };
  }

  restore(state: IoApicState): void {
    expectVersion(this.name, state, 1);
    this.select = state.select;
    this.id = state.id;
    for (let pin = 0; pin < this.pins; pin++) {
      this.low[pin] = state.low[pin] ?? MASKED;
      this.high[pin] = state.high[pin] ?? 0;
      this.lines[pin] = state.lines[pin] ?? false;
    }
  }

  private read(offset: number): number {
    switch (offset) {
      case IOREGSEL:
        return this.select;
      case IOWIN:
        return this.readIndexed(this.select);
      default:
        return 0;
    }
  }

  private write(offset: number, value: number): void {
    switch (offset) {
      case IOREGSEL:
        this.select = value & 0xff;
        break;
      case IOWIN:
        this.writeIndexed(this.select, value);
        break;
      case EOIR:
        this.endOfInterrupt(value & VECTOR);
        break;
    }
  }

  private readIndexed(index: number): number {
    switch (index) {
      case IOAPICID:
      case IOAPICARB: // loaded with the ID whenever that is written; nobody arbitrates here
        return (this.id << ID_SHIFT) >>> 0;
      case IOAPICVER:
        return VERSION | ((this.pins - 1) << 16);
    }
    const pin = (index - IOREDTBL) >> 1;
    if (pin < 0 || pin >= this.pins) return 0;
    return (index & 1) === 0 ? this.low[pin] : this.high[pin];
  }

  private writeIndexed(index: number, value: number): void {
    if (index === IOAPICID) {
      this.id = (value >>> ID_SHIFT) & 15;
      return;
    }
    const pin = (index - IOREDTBL) >> 1;
    if (pin < 0 || pin >= this.pins) return;
    if ((index & 1) !== 0) {
      this.high[pin] = (value & HIGH_WRITABLE) >>> 0;
      return;
    }
    // Remote IRR is undefined for edge-triggered entries; clearing it lets software that lacks EOIR end an interrupt by a detour
    // over edge (Linux, __eoi_ioapic_pin).
    const remoteIrr = (value & TRIGGER_LEVEL) !== 0 ? this.low[pin] & REMOTE_IRR : 0;
    this.low[pin] = (value & LOW_WRITABLE) | remoteIrr;
    this.serviceLevel(pin);
  }

  /** Whether an edge of some pin would be an NMI: a processor that halts with interrupts off may wait for it. */
  get maySendNmi(): boolean {
    return this.low.some((entry) => (entry & MASKED) === 0 && ((entry >> DELIVERY_SHIFT) & 7) === DELIVERY_NMI);
  }

  private setPin(pin: number, level: boolean): void {
    if (this.lines[pin] === level) return;
    this.lines[pin] = level;
    if (!level) return;
    const entry = this.low[pin];
    if (this.isLevel(entry)) this.serviceLevel(pin);
    else if ((entry & MASKED) === 0) this.send(pin);
  }

  /** Level triggering counts for fixed and lowest priority only; the other modes are edges ("Delivery Mode" table). */
  private isLevel(entry: number): boolean {
    const mode = (entry >> DELIVERY_SHIFT) & 7;
    return (entry & TRIGGER_LEVEL) !== 0 && (mode === DELIVERY_FIXED || mode === DELIVERY_LOWEST_PRIORITY);
  }

  /** Sends the interrupt of an asserted level pin, unless it is masked or the last one is still being handled. */
  private serviceLevel(pin: number): void {
    const entry = this.low[pin];
    if (!this.lines[pin] || (entry & (MASKED | REMOTE_IRR)) !== 0 || !this.isLevel(entry)) return;
    // Set first: the acceptance may come back here with the EOI of a nested delivery.
    this.low[pin] = entry | REMOTE_IRR;
    if (!this.send(pin)) this.low[pin] &= ~REMOTE_IRR;
  }

  private send(pin: number): boolean {
    const entry = this.low[pin];
    const mode = (entry >> DELIVERY_SHIFT) & 7;
    const destination = widenDestination(this.high[pin] >>> DESTINATION_SHIFT);
    const level = mode !== DELIVERY_EXT_INT && (entry & TRIGGER_LEVEL) !== 0;
    return this.bus.deliver(mode, entry & VECTOR, destination, (entry & DESTINATION_LOGICAL) !== 0, level);
  }
}
