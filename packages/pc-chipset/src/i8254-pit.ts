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
  readonly countRegister: number | null;
  readonly nullCount: boolean;
  readonly loadAt: number | null;
  readonly reloadAt: number | null;
  readonly counting: boolean;
  readonly paused: boolean;
  readonly period: number;
  readonly base: number;
  readonly start: number;
  readonly zeroAt: number | null;
  readonly held: number;
};

export type I8254PitState = {
  readonly version: 1;
  readonly counters: readonly I8254CounterState[];
  readonly deadlines: readonly (number | null)[];
};

/** One counter. Times are ticks of CLK; a method that changes or shows something gets the present one. */
class Counter {
  private control = 0;
  private writeMsbNext = false;
  private readMsbNext = false;
  private lsb = 0;
  private latchedCount: number | null = null;
  private latchedStatus: number | null = null;
  /** CR, 1..65536; null until written after a control word. */
  private countRegister: number | null = null;
  /** What was written to CR has not reached the counting element. */
  private nullCount = true;
  /** The CLK at which CR is loaded: the one after it was written, or after a trigger. */
  private loadAt: number | null = null;
  /** Modes 2 and 3: the end of the present (half) cycle, if it is to load a new count. */
  private reloadAt: number | null = null;

  // The counting element. It was loaded with `start` at `base` and counts down from there; `period` is what repeats in modes 2 and 3.
  private counting = false;
  private paused = false;
  private period = 0x10000;
  private base = 0;
  private start = 0;
  /** Modes 0, 1, 4 and 5: when the count reaches zero; null while GATE leaves that open. */
  private zeroAt: number | null = null;
  /** The count while it stands still. */
  private held = 0;
  gate: boolean;

  constructor(private readonly gateAtReset: boolean) {
    this.gate = gateAtReset;
  }

  reset(): void {
    this.program(0, 0);
    this.lsb = 0;
    this.period = 0x10000;
    this.base = 0;
    this.start = 0;
    this.held = 0;
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
    this.countRegister = null;
    this.nullCount = true;
    this.loadAt = null;
    this.reloadAt = null;
    this.counting = false;
    this.paused = false;
    this.zeroAt = null;
  }

  write(value: number, now: number): void {
    switch (this.access) {
      case RW_LSB:
        this.writeCount(value, now);
        return;
      case RW_MSB:
        this.writeCount(value << 8, now);
        return;
    }
    if (!this.writeMsbNext) {
      this.lsb = value;
      this.writeMsbNext = true;
      if (this.mode === 0) {
        // "Mode 0": writing the first byte disables counting, OUT is set low immediately.
        this.held = this.count(now);
        this.counting = false;
        this.loadAt = null;
        this.zeroAt = null;
      }
      return;
    }
    this.writeMsbNext = false;
    this.writeCount((value << 8) | this.lsb, now);
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
    this.settle(now);
    this.latchedStatus ??=
      (this.out(now) ? STATUS_OUT : 0) | (this.nullCount ? STATUS_NULL_COUNT : 0) | (this.control & 0x3f);
  }

  setGate(level: boolean, now: number): void {
    if (this.gate === level) return;
    this.settle(now);
    this.gate = level;
    const { mode } = this;
    if (mode === 0 || mode === 4) {
      if (level) this.resume(now);
      else this.pause(now);
    } else if (level) {
      if (this.countRegister !== null) this.loadAt = now + 1; // a trigger
    } else if (mode === 2 || mode === 3) {
      this.pause(now);
    }
  }

  out(now: number): boolean {
    if (this.control === 0) return false; // never programmed
    this.settle(now);
    const { mode, zeroAt } = this;
    if (mode === 0) return this.loadAt === null && zeroAt !== null && now >= zeroAt;
    if (!this.counting) return true;
    switch (mode) {
      case 1:
        return zeroAt === null || now >= zeroAt;
      case 2:
      case 3:
        return this.paused || this.period === 1 || (now - this.base) % this.period < this.lowFrom;
      default:
        return now !== zeroAt;
    }
  }

  /** The first tick after `now` at which OUT may change if nothing else happens. */
  nextChange(now: number): number {
    this.settle(now);
    if (this.loadAt !== null) return this.loadAt;
    if (!this.counting) return NEVER;
    switch (this.mode) {
      case 0:
      case 1:
        return this.zeroAt !== null && now < this.zeroAt ? this.zeroAt : NEVER;
      case 2:
      case 3: {
        if (this.paused || this.period === 1) return NEVER;
        const phase = (now - this.base) % this.period;
        return now - phase + (phase < this.lowFrom ? this.lowFrom : this.period);
      }
      default:
        if (this.zeroAt === null || now > this.zeroAt) return NEVER;
        return now < this.zeroAt ? this.zeroAt : now + 1;
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
      countRegister: this.countRegister,
      nullCount: this.nullCount,
      loadAt: this.loadAt,
      reloadAt: this.reloadAt,
      counting: this.counting,
      paused: this.paused,
      period: this.period,
      base: this.base,
      start: this.start,
      zeroAt: this.zeroAt,
      held: this.held,
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
    this.countRegister = state.countRegister;
    this.nullCount = state.nullCount;
    this.loadAt = state.loadAt;
    this.reloadAt = state.reloadAt;
    this.counting = state.counting;
    this.paused = state.paused;
    this.period = state.period;
    this.base = state.base;
    this.start = state.start;
    this.zeroAt = state.zeroAt;
    this.held = state.held;
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
    return (this.period + 1) >> 1;
  }

  /** Modes 2 and 3: the phase at which OUT goes low. */
  private get lowFrom(): number {
    return this.mode === 2 ? this.period - 1 : this.highHalf;
  }

  /** A complete count was written to CR. */
  private writeCount(raw: number, now: number): void {
    this.settle(now);
    const count = this.bcd ? fromBcd(raw) : raw;
    this.countRegister = count === 0 ? this.modulus : count;
    this.nullCount = true;
    switch (this.mode) {
      case 0:
      case 4:
        this.loadAt = now + 1;
        break;
      case 2:
      case 3:
        // "Mode 2/3": a new count takes effect at the end of the current (half) cycle, or with the next trigger.
        if (!this.counting) this.loadAt = now + 1;
        else if (!this.paused && this.loadAt === null) this.reloadAt = this.endOfCycle(now);
        break;
    }
  }

  /** Lets what the CLKs up to `now` loaded take effect. */
  private settle(now: number): void {
    const { countRegister } = this;
    if (countRegister === null) return;
    if (this.reloadAt !== null && now >= this.reloadAt) {
      const secondHalf = this.mode === 3 && (this.reloadAt - this.base) % this.period !== 0;
      this.period = countRegister;
      this.base = secondHalf ? this.reloadAt - this.highHalf : this.reloadAt;
      this.reloadAt = null;
      this.nullCount = false;
    }
    if (this.loadAt !== null && now >= this.loadAt) {
      const { mode } = this;
      this.counting = true;
      this.nullCount = false;
      this.paused = !this.gate && mode !== 1 && mode !== 5;
      this.period = countRegister;
      this.start = countRegister;
      this.base = this.loadAt;
      this.held = mode === 3 ? countRegister & ~1 : countRegister;
      this.zeroAt = mode === 2 || mode === 3 || this.paused ? null : this.base + this.start;
      this.loadAt = null;
      this.reloadAt = null;
    }
  }

  private pause(now: number): void {
    if (!this.counting || this.paused) return;
    const { zeroAt } = this;
    if (zeroAt !== null && now < zeroAt) {
      this.held = zeroAt - now;
      this.zeroAt = null;
    } else {
      this.held = this.count(now);
    }
    this.paused = true;
    this.reloadAt = null;
  }

  private resume(now: number): void {
    if (!this.counting || !this.paused) return;
    this.paused = false;
    this.start = this.held;
    this.base = now;
    this.zeroAt ??= this.base + this.start;
  }

  private endOfCycle(now: number): number {
    const phase = (now - this.base) % this.period;
    const end = this.mode === 3 && phase < this.highHalf ? this.highHalf : this.period;
    return now - phase + end;
  }

  /** The counting element: 0 .. modulus - 1. */
  private count(now: number): number {
    this.settle(now);
    const modulus = this.modulus;
    if (!this.counting || this.paused) return this.held % modulus;
    const elapsed = now - this.base;
    switch (this.mode) {
      case 2:
        return (this.period - (elapsed % this.period)) % modulus;
      case 3: {
        // "Mode 3": decremented by two; an odd count is loaded as count - 1.
        const phase = elapsed % this.period;
        return ((this.period & ~1) - 2 * (phase < this.highHalf ? phase : phase - this.highHalf)) % modulus;
      }
      default:
        return (((this.start - elapsed) % modulus) + modulus) % modulus;
    }
  }

  private visibleCount(now: number): number {
    const count = this.count(now);
    return this.bcd ? toBcd(count) : count;
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
