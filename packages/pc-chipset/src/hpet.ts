import { disconnected, pulse } from '@pckit/interfaces';
import type { AccessSize, Clock, Device, IoRegion, IrqLine, Timer } from '@pckit/interfaces';
import { ChipsetError } from './chipset-error.js';
import { expectVersion } from './state-version.js';
import { restoreTimer, saveTimer } from './timer-state.js';

/*
 * IA-PC HPET (High Precision Event Timers) Specification 1.0a. 64-bit main counter at 100 MHz, all comparators 64 bits wide and
 * periodic-capable, legacy replacement route. FSB (MSI) delivery is not advertised.
 */

const PERIOD_NS = 10;
const FEMTOSECONDS_PER_NANOSECOND = 1_000_000;

// Registers
const CAPABILITIES = 0x000;
const CONFIGURATION = 0x010;
const INTERRUPT_STATUS = 0x020;
const MAIN_COUNTER = 0x0f0;
const TIMERS = 0x100;
const TIMER_STRIDE = 0x20;
const TIMER_CONFIGURATION = 0x00;
const TIMER_COMPARATOR = 0x08;

// General capabilities
const REVISION = 0x01;
const COUNT_SIZE_CAP = 0x2000;
const LEG_RT_CAP = 0x8000;
const VENDOR_ID = 0x8086;

// General configuration
const ENABLE_CNF = 0x1;
const LEG_RT_CNF = 0x2;

// Timer configuration
const INT_TYPE_LEVEL = 0x0002;
const INT_ENB = 0x0004;
const TYPE_PERIODIC = 0x0008;
const PER_INT_CAP = 0x0010;
const SIZE_CAP = 0x0020;
const VAL_SET = 0x0040;
const MODE_32 = 0x0100;
const INT_ROUTE_SHIFT = 9;
const CONFIGURATION_WRITABLE = 0x3f4e;

const MASK_32 = 0xffff_ffffn;
const MASK_64 = 0xffff_ffff_ffff_ffffn;

/** Matches of one comparator nearer to each other than this are merged: no processor could take the interrupts. */
const SHORTEST_PERIOD_TICKS = 100n;

export type HpetComparatorState = {
  readonly configuration: number;
  readonly comparator: bigint;
  readonly period: bigint;
  readonly deadline: number | null;
};

export type HpetState = {
  readonly version: 1;
  readonly configuration: number;
  readonly status: number;
  /** Main counter minus ticks since power-on while it runs, the counter itself while it is halted. */
  readonly counter: bigint;
  readonly comparators: readonly HpetComparatorState[];
  /** Levels that the 8254 and the RTC drive. Not the chip's own: a reset leaves them. */
  readonly inputs: readonly boolean[];
};

export interface HpetWires {
  readonly clock: Clock;
  /** I/O APIC inputs that comparators may be routed to, by pin number (0..31); what is here is what Tn_INT_ROUTE_CAP advertises. */
  readonly pins: Readonly<Record<number, IrqLine>>;
  /** IRQ 0 (PIC 0 and I/O APIC 2) and IRQ 8: driven by `pit` and `rtc`, or by comparators 0 and 1 in legacy replacement mode. */
  readonly irq0: IrqLine;
  readonly irq8: IrqLine;
}

export interface HpetOptions {
  /** Default `hpet`. */
  readonly name?: string;
  /** 3..32; default 3. */
  readonly comparators?: number;
}

class Comparator {
  configuration = 0;
  comparator = MASK_64;
  period = 0n;

  constructor(readonly timer: Timer) {}

  reset(): void {
    this.configuration = 0;
    this.comparator = MASK_64;
    this.period = 0n;
    this.timer.cancel();
  }

  get mask(): bigint {
    return (this.configuration & MODE_32) !== 0 ? MASK_32 : MASK_64;
  }
}

export class Hpet implements Device<HpetState> {
  readonly name: string;
  /** FED00000h, 1 KiB */
  readonly regions: { readonly registers: IoRegion };
  /** Where the 8254's OUT0 and the RTC's interrupt go in; cut off while legacy replacement is on. */
  readonly pit: IrqLine;
  readonly rtc: IrqLine;
  private readonly clock: Clock;
  private readonly pins: readonly IrqLine[];
  private readonly routeCapability: number;
  private readonly legacyLines: readonly [IrqLine, IrqLine];
  private readonly comparators: readonly Comparator[];
  private readonly inputs: [boolean, boolean] = [false, false];
  private configuration = 0;
  private status = 0;
  private counter = 0n;

  constructor(wires: HpetWires, options: HpetOptions = {}) {
    const count = options.comparators ?? 3;
    if (!Number.isInteger(count) || count < 3 || count > 32) {
      throw new ChipsetError('chip-options', `hpet: ${count} comparators, there must be 3 to 32`);
    }
    this.name = options.name ?? 'hpet';
    this.clock = wires.clock;
    this.legacyLines = [wires.irq0, wires.irq8];
    this.pins = Array.from({ length: 32 }, (_, pin) => wires.pins[pin] ?? disconnected);
    this.routeCapability = this.pins.reduce((mask, line, pin) => (line === disconnected ? mask : mask | (1 << pin)), 0) >>> 0;
    this.comparators = Array.from(
      { length: count },
      (_, n) => new Comparator(wires.clock.timer(`${this.name}.comparator${n}`, () => this.match(n))),
    );
    this.pit = { set: (level) => this.setInput(0, level) };
    this.rtc = { set: (level) => this.setInput(1, level) };
    this.regions = {
      registers: {
        name: this.name,
        length: 0x400,
        accepts: [4],
        handler: {
          read: (offset, _size: AccessSize) => this.read(offset),
          write: (offset, value, _size: AccessSize) => this.write(offset, value),
          read64: (offset) => this.read64(offset),
          write64: (offset, value) => this.write64(offset, value),
        },
      },
    };
  }

  /** What ACPI's HPET table says: the low 32 bits of the capabilities register. */
  get eventTimerBlockId(): number {
    return ((VENDOR_ID << 16) | LEG_RT_CAP | COUNT_SIZE_CAP | ((this.comparators.length - 1) << 8) | REVISION) >>> 0;
  }

  reset(_kind: 'cold' | 'warm'): void {
    const before = this.levels();
    this.configuration = 0;
    this.status = 0;
    this.counter = 0n;
    for (const comparator of this.comparators) comparator.reset();
    this.drive(before);
  }

  save(): HpetState {
    return {
      version: 1,
      configuration: this.configuration,
      status: this.status,
      counter: this.counter,
      comparators: this.comparators.map(({ configuration, comparator, period, timer }) => ({
        configuration,
        comparator,
        period,
        deadline: saveTimer(timer),
      })),
      inputs: [...this.inputs],
    };
  }

  restore(state: HpetState): void {
    expectVersion(this.name, state, 1);
    this.configuration = state.configuration;
    this.status = state.status;
    this.counter = state.counter;
    this.inputs[0] = state.inputs[0];
    this.inputs[1] = state.inputs[1];
    this.comparators.forEach((comparator, n) => {
      const saved = state.comparators[n];
      comparator.configuration = saved.configuration;
      comparator.comparator = saved.comparator;
      comparator.period = saved.period;
      restoreTimer(comparator.timer, saved.deadline);
    });
  }

  private get running(): boolean {
    return (this.configuration & ENABLE_CNF) !== 0;
  }

  private get legacy(): boolean {
    return (this.configuration & LEG_RT_CNF) !== 0;
  }

  private ticks(): number {
    return Math.floor(this.clock.now() / PERIOD_NS);
  }

  private mainCounter(): bigint {
    return this.running ? (this.counter + BigInt(this.ticks())) & MASK_64 : this.counter;
  }

  private read(offset: number): number {
    const half = offset & 4;
    switch (offset & ~4) {
      case CAPABILITIES:
        return half === 0 ? this.eventTimerBlockId : PERIOD_NS * FEMTOSECONDS_PER_NANOSECOND;
      case CONFIGURATION:
        return half === 0 ? this.configuration : 0;
      case INTERRUPT_STATUS:
        return half === 0 ? this.status : 0;
      case MAIN_COUNTER: {
        const counter = this.mainCounter();
        return Number(half === 0 ? counter & MASK_32 : counter >> 32n);
      }
    }
    const n = (offset - TIMERS) >> 5;
    const comparator = this.comparators[n];
    if (offset < TIMERS || comparator === undefined) return 0;
    switch ((offset - TIMERS) & (TIMER_STRIDE - 1) & ~4) {
      case TIMER_CONFIGURATION:
        return half === 0 ? comparator.configuration | PER_INT_CAP | SIZE_CAP : this.routeCapability;
      case TIMER_COMPARATOR:
        this.catchUp(comparator);
        return Number(half === 0 ? comparator.comparator & MASK_32 : comparator.comparator >> 32n);
      default:
        return 0; // FSB route: not there
    }
  }

  private write(offset: number, value: number): void {
    const half = offset & 4;
    switch (offset & ~4) {
      case CONFIGURATION:
        if (half === 0) this.writeConfiguration(value);
        return;
      case INTERRUPT_STATUS:
        if (half === 0) this.clearStatus(value);
        return;
      case MAIN_COUNTER: {
        const old = this.mainCounter();
        this.setMainCounter(half === 0 ? (old & ~MASK_32) | BigInt(value) : (old & MASK_32) | (BigInt(value) << 32n));
        return;
      }
    }
    const n = (offset - TIMERS) >> 5;
    const comparator = this.comparators[n];
    if (offset < TIMERS || comparator === undefined) return;
    switch ((offset - TIMERS) & (TIMER_STRIDE - 1) & ~4) {
      case TIMER_CONFIGURATION:
        if (half === 0) this.writeTimerConfiguration(comparator, value);
        break;
      case TIMER_COMPARATOR: {
        const { comparator: old, period } = comparator;
        if (half === 0) this.setComparator(comparator, (old & ~MASK_32) | BigInt(value), (period & ~MASK_32) | BigInt(value));
        else this.setComparator(comparator, (old & MASK_32) | (BigInt(value) << 32n), (period & MASK_32) | (BigInt(value) << 32n));
        break;
      }
    }
  }

  private read64(offset: number): bigint {
    if (offset === MAIN_COUNTER) return this.mainCounter();
    return BigInt(this.read(offset)) | (BigInt(this.read(offset + 4)) << 32n);
  }

  private write64(offset: number, value: bigint): void {
    if (offset === MAIN_COUNTER) {
      this.setMainCounter(value);
      return;
    }
    const comparator = this.comparators[(offset - TIMERS) >> 5];
    if (offset >= TIMERS && comparator !== undefined && ((offset - TIMERS) & (TIMER_STRIDE - 1)) === TIMER_COMPARATOR) {
      this.setComparator(comparator, value, value);
      return;
    }
    this.write(offset, Number(value & MASK_32));
    this.write(offset + 4, Number(value >> 32n));
  }

  private writeConfiguration(value: number): void {
    const before = this.levels();
    const counter = this.mainCounter();
    for (const comparator of this.comparators) this.catchUp(comparator);
    this.configuration = value & (ENABLE_CNF | LEG_RT_CNF);
    this.counter = this.running ? (counter - BigInt(this.ticks())) & MASK_64 : counter;
    this.scheduleAll();
    this.drive(before);
  }

  private setMainCounter(value: bigint): void {
    for (const comparator of this.comparators) this.catchUp(comparator);
    this.counter = this.running ? (value - BigInt(this.ticks())) & MASK_64 : value;
    this.scheduleAll();
  }

  private writeTimerConfiguration(comparator: Comparator, value: number): void {
    const before = this.levels();
    this.catchUp(comparator);
    comparator.configuration = value & CONFIGURATION_WRITABLE;
    comparator.comparator &= comparator.mask;
    comparator.period &= comparator.mask;
    // "Tn_INT_TYPE_CNF": an edge-triggered timer has no status.
    if ((value & INT_TYPE_LEVEL) === 0) this.status &= ~(1 << this.comparators.indexOf(comparator));
    this.schedule(comparator);
    this.drive(before);
  }

  /**
   * "Timer n Comparator Value Register": a write sets the comparator of a one-shot timer. Of a periodic one it sets the period, and
   * the comparator (the accumulator) only together with Tn_VAL_SET_CNF, which it clears.
   */
  private setComparator(comparator: Comparator, value: bigint, period: bigint): void {
    this.catchUp(comparator);
    const periodic = (comparator.configuration & TYPE_PERIODIC) !== 0;
    if (!periodic || (comparator.configuration & VAL_SET) !== 0) comparator.comparator = value & comparator.mask;
    if (periodic) comparator.period = period & comparator.mask;
    comparator.configuration &= ~VAL_SET;
    this.schedule(comparator);
  }

  private clearStatus(value: number): void {
    const before = this.levels();
    this.status &= ~value;
    this.drive(before);
  }

  private scheduleAll(): void {
    for (const comparator of this.comparators) this.schedule(comparator);
  }

  /** Advances the comparator of a periodic timer past the matches that nobody was told of. */
  private catchUp(comparator: Comparator): void {
    if (!this.running || comparator.timer.deadline !== Infinity) return; // the timer keeps it up to date
    const { mask, period } = comparator;
    if ((comparator.configuration & TYPE_PERIODIC) === 0 || period === 0n) return;
    const behind = (this.mainCounter() - comparator.comparator) & mask;
    // In the upper half it lies ahead.
    if (behind <= mask >> 1n) comparator.comparator = (comparator.comparator + (behind / period + 1n) * period) & mask;
  }

  private schedule(comparator: Comparator): void {
    if (!this.running || (comparator.configuration & INT_ENB) === 0) {
      comparator.timer.cancel();
      return;
    }
    const ahead = (comparator.comparator - this.mainCounter()) & comparator.mask;
    const at = (this.ticks() + Number(ahead)) * PERIOD_NS;
    if (at <= Number.MAX_SAFE_INTEGER) comparator.timer.arm(at);
    else comparator.timer.cancel();
  }

  /** The main counter equals comparator `n`. */
  private match(n: number): void {
    const comparator = this.comparators[n];
    const { configuration, mask } = comparator;
    if ((configuration & TYPE_PERIODIC) !== 0 && comparator.period !== 0n) {
      const counter = this.mainCounter() & mask;
      const behind = (counter - comparator.comparator) & mask;
      const least = behind + SHORTEST_PERIOD_TICKS;
      const { period } = comparator;
      const periods = period >= least ? 1n : (least + period - 1n) / period;
      comparator.comparator = (comparator.comparator + periods * period) & mask;
      this.schedule(comparator);
    } else if (mask === MASK_32) {
      // The next match is a lap of the 32 bits away.
      comparator.timer.arm((this.ticks() + 0x1_0000_0000) * PERIOD_NS);
    }
    if ((configuration & INT_TYPE_LEVEL) === 0) {
      pulse(this.lineOf(n));
      return;
    }
    const before = this.levels();
    this.status |= 1 << n;
    this.drive(before);
  }

  private lineOf(n: number): IrqLine {
    if (this.legacy && n < 2) return this.legacyLines[n];
    return this.pins[(this.comparators[n].configuration >> INT_ROUTE_SHIFT) & 31];
  }

  private setInput(input: 0 | 1, level: boolean): void {
    this.inputs[input] = level;
    if (!this.legacy) this.legacyLines[input].set(level);
  }

  /** The lines that are to be high. */
  private levels(): ReadonlySet<IrqLine> {
    const high = new Set<IrqLine>();
    for (let n = 0; n < this.comparators.length; n++) {
      const level = (this.comparators[n].configuration & (INT_TYPE_LEVEL | INT_ENB)) === (INT_TYPE_LEVEL | INT_ENB);
      if (level && (this.status & (1 << n)) !== 0) high.add(this.lineOf(n));
    }
    for (const input of [0, 1] as const) if (!this.legacy && this.inputs[input]) high.add(this.legacyLines[input]);
    return high;
  }

  private drive(before: ReadonlySet<IrqLine>): void {
    const now = this.levels();
    for (const line of before) if (!now.has(line)) line.set(false);
    for (const line of now) if (!before.has(line)) line.set(true);
  }
}
