import { disconnected } from '@pckit/interfaces';
import type { Clock, Device, IoRegion, IrqLine, Timer } from '@pckit/interfaces';
import { ChipsetError } from './chipset-error.js';
import { ticksAt, timeOfTick } from './frequency.js';
import { expectVersion } from './state-version.js';
import { restoreTimer, saveTimer } from './timer-state.js';

/*
 * Intel 8254 programmable interval timer (datasheet 231164). Counters are not stepped: each is described by the CLK tick at which
 * its present count was loaded, and OUT and the count at any time follow from that. Ticks are counted from power-on, so periods
 * add up without drift.
 *
 * A count of 1 in modes 2 and 3 is illegal by the datasheet; here OUT stays high.
 */

export const PIT_FREQUENCY_HZ = 1_193_182;

const CONTROL = 3; // port offset
const READ_BACK = 3; // counter select of the control word
const READ_BACK_NO_COUNT = 0x20; // active low
const READ_BACK_NO_STATUS = 0x10;
const RW_LATCH = 0;
const RW_LSB = 1;
const RW_MSB = 2;
const STATUS_OUT = 0x80;
const STATUS_NULL_COUNT = 0x40;

const NEVER = Infinity;

export type I8254CounterState = {
  /** Bits 5-0 of the control word: access, mode, BCD. */
  readonly control: number;
  readonly gate: boolean;
  readonly writeMsbNext: boolean;
  readonly readMsbNext: boolean;
  readonly lsb: number;
  readonly latchedCount: number | null;
  readonly latchedStatus: number | null;
  readonly reload: number;
  readonly counting: boolean;
  readonly paused: boolean;
  readonly expired: boolean;
  readonly base: number;
  readonly start: number;
  readonly held: number;
  /** A count that takes effect at tick `nextAt` (modes 2 and 3) or at the next trigger (`nextAt` null: modes 1 and 5). */
  readonly next: number | null;
  readonly nextAt: number | null;
};

export type I8254PitState = {
  readonly version: 1;
  readonly counters: readonly I8254CounterState[];
  readonly deadlines: readonly (number | null)[];
};

/**
 * One counter. Times are ticks of CLK. From `base` on the count runs down from `start`; before `base` (the load happens at the
 * CLK pulse after the write) it still shows `held`.
 */
class Counter {
  private control = 0;
  private writeMsbNext = false;
  private readMsbNext = false;
  private lsb = 0;
  private latchedCount: number | null = null;
  private latchedStatus: number | null = null;
  /** The initial count of the present period; 1..65536. */
  private reload = 0x10000;
  /** A count has been loaded (or, in modes 1 and 5, triggered) since the control word. */
  private counting = false;
  private paused = false;
  /** The count went through zero: OUT has done what it does, the counter wraps on. */
  private expired = false;
  private base = 0;
  private start = 0;
  private held = 0;
  private next: number | null = null;
  private nextAt: number | null = null;
  gate: boolean;

  constructor(private readonly gateAtReset: boolean) {
    this.gate = gateAtReset;
  }

  reset(): void {
    this.control = 0;
    this.writeMsbNext = false;
    this.readMsbNext = false;
    this.lsb = 0;
    this.latchedCount = null;
    this.latchedStatus = null;
    this.reload = 0x10000;
    this.counting = false;
    this.paused = false;
    this.expired = false;
    this.base = 0;
    this.start = 0;
    this.held = 0;
    this.next = null;
    this.nextAt = null;
    this.gate = this.gateAtReset;
  }

  /** @param control bits 5-0 of a control word with an access mode */
  program(control: number, now: number): void {
    this.held = this.count(now);
    this.control = control;
    this.writeMsbNext = false;
    this.readMsbNext = false;
    this.latchedCount = null;
    this.latchedStatus = null;
    this.counting = false;
    this.paused = false;
    this.expired = false;
    this.next = null;
    this.nextAt = null;
  }

  write(value: number, now: number): void {
    switch (this.access) {
      case RW_LSB:
        this.load(value, now);
        return;
      case RW_MSB:
        this.load(value << 8, now);
        return;
    }
    if (!this.writeMsbNext) {
      this.lsb = value;
      this.writeMsbNext = true;
      if (this.mode === 0) {
        // "Mode 0": writing the first byte disables counting, OUT is set low immediately.
        this.held = this.count(now);
        this.counting = false;
        this.expired = false;
      }
      return;
    }
    this.writeMsbNext = false;
    this.load((value << 8) | this.lsb, now);
  }

  read(now: number): number {
    if (this.latchedStatus !== null) {
      const status = this.latchedStatus;
      this.latchedStatus = null;
      return status;
    }
    const count = this.latchedCount ?? this.visibleCount(now);
    switch (this.access) {
      case RW_LSB:
        this.latchedCount = null;
        return count & 0xff;
      case RW_MSB:
        this.latchedCount = null;
        return count >> 8;
    }
    this.readMsbNext = !this.readMsbNext;
    if (this.readMsbNext) return count & 0xff;
    this.latchedCount = null;
    return count >> 8;
  }

  /** "Counter Latch Command": a second one is ignored until the first is read. */
  latchCount(now: number): void {
    this.latchedCount ??= this.visibleCount(now);
  }

  latchStatus(now: number): void {
    this.latchedStatus ??=
      (this.out(now) ? STATUS_OUT : 0) | (this.nullCount(now) ? STATUS_NULL_COUNT : 0) | (this.control & 0x3f);
  }

  setGate(level: boolean, now: number): void {
    if (this.gate === level) return;
    this.settle(now);
    this.gate = level;
    switch (this.mode) {
      case 0:
      case 4:
        if (level) this.resume(now);
        else this.pause(now);
        break;
      case 1:
      case 5:
        if (level) this.trigger(now);
        break;
      case 2:
      case 3:
        if (level) this.trigger(now);
        else this.pause(now);
        break;
    }
  }

  out(now: number): boolean {
    if (this.control === 0) return false; // never programmed
    if (!this.counting) return this.mode !== 0;
    this.settle(now);
    const elapsed = now - this.base;
    switch (this.mode) {
      case 0:
        return this.expired || (!this.paused && elapsed >= this.start);
      case 1:
        return elapsed < 0 ? this.expired : elapsed >= this.start;
      case 2:
        return this.paused || elapsed < 0 || this.reload === 1 || elapsed % this.reload !== this.reload - 1;
      case 3:
        return this.paused || elapsed < 0 || elapsed % this.reload < this.highHalf;
      default:
        return this.expired || this.paused || elapsed !== this.start;
    }
  }

  /** The first tick after `now` at which OUT changes if nothing else happens. */
  nextChange(now: number): number {
    if (!this.counting) return NEVER;
    this.settle(now);
    const elapsed = now - this.base;
    switch (this.mode) {
      case 0:
        return this.expired || this.paused || elapsed >= this.start ? NEVER : this.base + this.start;
      case 1:
        // OUT goes low as the trigger loads the counter, high as the count ends.
        if (elapsed < 0) return this.base;
        return elapsed >= this.start ? NEVER : this.base + this.start;
      case 2:
      case 3: {
        if (this.paused || this.reload === 1) return NEVER;
        if (elapsed < 0) return this.base + this.lowFrom;
        const phase = elapsed % this.reload;
        return now - phase + (phase < this.lowFrom ? this.lowFrom : this.reload);
      }
      default: {
        const zero = this.base + this.start;
        if (this.expired || this.paused || now > zero) return NEVER;
        return now < zero ? zero : zero + 1;
      }
    }
  }

  save(): I8254CounterState {
    return {
      control: this.control,
      gate: this.gate,
      writeMsbNext: this.writeMsbNext,
      readMsbNext: this.readMsbNext,
      lsb: this.lsb,
      latchedCount: this.latchedCount,
      latchedStatus: this.latchedStatus,
      reload: this.reload,
      counting: this.counting,
      paused: this.paused,
      expired: this.expired,
      base: this.base,
      start: this.start,
      held: this.held,
      next: this.next,
      nextAt: this.nextAt,
    };
  }

  restore(state: I8254CounterState): void {
    this.control = state.control;
    this.gate = state.gate;
    this.writeMsbNext = state.writeMsbNext;
    this.readMsbNext = state.readMsbNext;
    this.lsb = state.lsb;
    this.latchedCount = state.latchedCount;
    this.latchedStatus = state.latchedStatus;
    this.reload = state.reload;
    this.counting = state.counting;
    this.paused = state.paused;
    this.expired = state.expired;
    this.base = state.base;
    this.start = state.start;
    this.held = state.held;
    this.next = state.next;
    this.nextAt = state.nextAt;
  }

  private get access(): number {
    return this.control >> 4;
  }

  /** Modes 6 and 7 are 2 and 3. */
  private get mode(): number {
    const mode = (this.control >> 1) & 7;
    return mode > 5 ? mode - 4 : mode;
  }

  private get bcd(): boolean {
    return (this.control & 1) !== 0;
  }

  private get modulus(): number {
    return this.bcd ? 10_000 : 0x10000;
  }

  /** Mode 3: CLKs that OUT is high: (N + 1) / 2 for an odd count. */
  private get highHalf(): number {
    return (this.reload + 1) >> 1;
  }

  /** Modes 2 and 3: the phase at which OUT goes low. */
  private get lowFrom(): number {
    return this.mode === 2 ? this.reload - 1 : this.highHalf;
  }

  /** A complete initial count was written. */
  private load(raw: number, now: number): void {
    this.settle(now);
    const decoded = this.bcd ? fromBcd(raw) : raw;
    const count = decoded === 0 ? this.modulus : decoded;
    switch (this.mode) {
      case 0:
      case 4:
        this.begin(count, now);
        this.paused = !this.gate;
        break;
      case 1:
      case 5:
        this.next = count;
        this.nextAt = null;
        break;
      default:
        if (!this.counting) {
          this.begin(count, now);
          this.paused = !this.gate;
          if (this.paused) this.held = count % this.modulus;
        } else if (this.paused) {
          this.reload = count; // loaded by the trigger that resumes
        } else {
          // "Mode 2/3": a new count takes effect at the end of the current (half) cycle.
          this.next = count;
          this.nextAt = this.endOfCycle(now);
        }
    }
  }

  /** Loads the counter at the next CLK pulse. */
  private begin(count: number, now: number): void {
    this.held = this.count(now);
    this.reload = count;
    this.start = count;
    this.base = now + 1;
    this.counting = true;
    this.expired = false;
    this.next = null;
    this.nextAt = null;
  }

  /** A rising edge of GATE in modes 1, 2, 3 and 5. */
  private trigger(now: number): void {
    const mode = this.mode;
    if (mode === 1 || mode === 5) {
      const count = this.next ?? (this.counting ? this.reload : null);
      if (count === null) return; // no count written yet
      // Until the load OUT stays where it is: `expired` remembers it for mode 1.
      const high = this.out(now);
      this.begin(count, now);
      if (mode === 1) this.expired = high;
      return;
    }
    if (!this.counting) return;
    this.begin(this.next ?? this.reload, now);
    this.paused = false;
  }

  private pause(now: number): void {
    if (!this.counting || this.paused) return;
    if (now >= this.base) {
      const high = this.out(now);
      const count = this.count(now);
      if (this.mode === 0 || this.mode === 4) {
        this.expired = this.mode === 0 ? high : this.expired || now >= this.base + this.start;
        this.start = count;
        this.base = now;
      }
      this.held = count;
    }
    this.paused = true;
  }

  private resume(now: number): void {
    if (!this.counting || !this.paused) return;
    this.paused = false;
    if (now > this.base) this.base = now;
  }

  private endOfCycle(now: number): number {
    if (now < this.base) return this.base + (this.mode === 3 ? this.highHalf : this.reload);
    const phase = (now - this.base) % this.reload;
    const end = this.mode === 3 && phase < this.highHalf ? this.highHalf : this.reload;
    return now - phase + end;
  }

  /** Lets a count that was waiting for the end of a cycle take effect. */
  private settle(now: number): void {
    if (this.nextAt === null || this.next === null || now < this.nextAt) return;
    const secondHalf = this.mode === 3 && (this.nextAt - this.base) % this.reload !== 0;
    this.reload = this.next;
    this.start = this.next;
    this.base = secondHalf ? this.nextAt - this.highHalf : this.nextAt;
    this.next = null;
    this.nextAt = null;
  }

  /** NULL COUNT: the last count written has not reached the counting element. */
  private nullCount(now: number): boolean {
    this.settle(now);
    return !this.counting || this.next !== null || now < this.base;
  }

  /** The counting element: 0 .. modulus - 1. */
  private count(now: number): number {
    if (!this.counting) return this.held;
    this.settle(now);
    if (now < this.base) return this.held;
    const elapsed = now - this.base;
    const modulus = this.modulus;
    switch (this.mode) {
      case 2:
        return this.paused ? this.held : (this.reload - (elapsed % this.reload)) % modulus;
      case 3: {
        if (this.paused) return this.held;
        // "Mode 3": decremented by two; an odd count is loaded as count - 1.
        const even = this.reload & ~1;
        const phase = elapsed % this.reload;
        return (even - 2 * (phase < this.highHalf ? phase : phase - this.highHalf)) % modulus;
      }
      default:
        if (this.paused) return this.start % modulus;
        return (((this.start - elapsed) % modulus) + modulus) % modulus;
    }
  }

  private visibleCount(now: number): number {
    const count = this.count(now);
    return this.bcd ? toBcd(count % 10_000) : count; // a count held from a binary mode may be larger
  }
}

export interface I8254PitWires {
  readonly clock: Clock;
  /** OUT of channel 0 (IRQ 0), 1 (DRAM refresh; nothing on a modern board) and 2 (speaker). */
  readonly out0: IrqLine;
  readonly out1?: IrqLine;
  readonly out2?: IrqLine;
}

export interface I8254PitOptions {
  /** Default `pit`. */
  readonly name?: string;
}

export class I8254Pit implements Device<I8254PitState> {
  readonly name: string;
  /** 40h-43h */
  readonly regions: { readonly ports: IoRegion };
  private readonly clock: Clock;
  /** A PC ties GATE 0 and 1 high; GATE 2 is bit 0 of port 61h. */
  private readonly counters = [new Counter(true), new Counter(true), new Counter(false)] as const;
  private readonly outputs: readonly IrqLine[];
  private readonly timers: readonly Timer[];

  constructor(wires: I8254PitWires, options: I8254PitOptions = {}) {
    this.name = options.name ?? 'pit';
    this.clock = wires.clock;
    this.outputs = [wires.out0, wires.out1 ?? disconnected, wires.out2 ?? disconnected];
    this.timers = this.outputs.map((_, channel) =>
      wires.clock.timer(`${this.name}.out${channel}`, () => this.drive(channel)),
    );
    this.regions = {
      ports: {
        name: this.name,
        length: 4,
        accepts: [1],
        handler: {
          read: (offset) => this.read(offset),
          write: (offset, value) => this.write(offset, value),
        },
      },
    };
  }

  gate(channel: number): IrqLine {
    const counter = this.counter(channel);
    return {
      set: (level) => {
        counter.setGate(level, this.tick());
        this.drive(channel);
      },
    };
  }

  /** The level of OUT now. */
  output(channel: number): boolean {
    return this.counter(channel).out(this.tick());
  }

  reset(_kind: 'cold' | 'warm'): void {
    for (let channel = 0; channel < 3; channel++) {
      this.counters[channel].reset();
      this.drive(channel);
    }
  }

  save(): I8254PitState {
    return {
      version: 1,
      counters: this.counters.map((counter) => counter.save()),
      deadlines: this.timers.map(saveTimer),
    };
  }

  restore(state: I8254PitState): void {
    expectVersion(this.name, state, 1);
    for (let channel = 0; channel < 3; channel++) {
      this.counters[channel].restore(state.counters[channel]);
      restoreTimer(this.timers[channel], state.deadlines[channel]);
    }
  }

  private read(offset: number): number {
    if (offset === CONTROL) return 0xff; // write only
    return this.counters[offset].read(this.tick());
  }

  private write(offset: number, value: number): void {
    const now = this.tick();
    if (offset !== CONTROL) {
      this.counters[offset].write(value, now);
      this.drive(offset);
      return;
    }
    const select = value >> 6;
    if (select === READ_BACK) {
      this.readBack(value, now);
    } else if (((value >> 4) & 3) === RW_LATCH) {
      this.counters[select].latchCount(now);
    } else {
      this.counters[select].program(value & 0x3f, now);
      this.drive(select);
    }
  }

  private readBack(value: number, now: number): void {
    for (let channel = 0; channel < 3; channel++) {
      if ((value & (2 << channel)) === 0) continue;
      if ((value & READ_BACK_NO_COUNT) === 0) this.counters[channel].latchCount(now);
      if ((value & READ_BACK_NO_STATUS) === 0) this.counters[channel].latchStatus(now);
    }
  }

  /** Puts OUT on its line and waits for its next change. */
  private drive(channel: number): void {
    const now = this.tick();
    this.outputs[channel].set(this.counters[channel].out(now));
    this.schedule(channel, now);
  }

  private schedule(channel: number, now: number): void {
    if (this.outputs[channel] === disconnected) return; // nobody looks: `output` computes it
    const tick = this.counters[channel].nextChange(now);
    if (tick === NEVER) this.timers[channel].cancel();
    else this.timers[channel].arm(timeOfTick(tick, PIT_FREQUENCY_HZ));
  }

  private tick(): number {
    return ticksAt(this.clock.now(), PIT_FREQUENCY_HZ);
  }

  private counter(channel: number): Counter {
    const counter = this.counters[channel];
    if (counter === undefined) throw new ChipsetError('chip-options', `${this.name}: no channel ${channel}, there are 0 to 2`);
    return counter;
  }
}

function fromBcd(value: number): number {
  const decoded = (value >> 12) * 1000 + ((value >> 8) & 15) * 100 + ((value >> 4) & 15) * 10 + (value & 15);
  return decoded % 10_000; // digits above 9 are no BCD
}

function toBcd(value: number): number {
  return (
    (Math.floor(value / 1000) << 12) | ((Math.floor(value / 100) % 10) << 8) | ((Math.floor(value / 10) % 10) << 4) | value % 10
  );
}
