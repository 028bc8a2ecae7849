import type { Clock, Timer } from '@pckit/interfaces';
import { MachineError } from './machine-error.js';

/** Firing this often without time moving on means that a device arms its timer at or before the present for ever. */
const MAX_FIRES_AT_ONE_INSTANT = 100_000;

/** What the clock needs of the processor that runs. */
export interface RunningProcessor {
  readonly executed: number;
  preempt(): void;
}

const NOBODY: RunningProcessor = { executed: 0, preempt: () => undefined };

export type ClockState = {
  readonly version: 1;
  readonly now: number;
  /** Deadlines of armed timers. */
  readonly timers: { readonly [name: string]: number };
};

/**
 * Virtual time: nanoseconds since power-on, and the timers on it.
 *
 * Between runs time is a number that `advanceTo` moves, firing timers on the way in order of deadline, ties in order of creation, each seeing
 * `now()` equal to its deadline. During a run of a processor it is the start of the run plus the instructions executed since, each worth
 * `nanosecondsPerInstruction`; nothing fires then, so the run loop gives budgets that end at the next deadline, and a timer armed to fall
 * within the run under way preempts it.
 */
export class VirtualClock implements Clock {
  readonly #timers: ClockTimer[] = [];
  /** Armed ones, in firing order. */
  readonly #armed: ClockTimer[] = [];
  #base = 0;
  #running: RunningProcessor = NOBODY;
  #nanosecondsPerInstruction = 0;
  /** Where the run under way ends at the latest. */
  #runEnd = -Infinity;

  now(): number {
    // With a fractional rate (real time) the floor keeps times integral; with an integral one it does nothing.
    return this.#base + Math.floor(this.#running.executed * this.#nanosecondsPerInstruction);
  }

  timer(name: string, fire: (now: number) => void): Timer {
    if (this.#timers.some((timer) => timer.name === name))
      throw new MachineError('configuration', `there is a timer ${name} already`);
    const timer = new ClockTimer(this, name, this.#timers.length, fire);
    this.#timers.push(timer);
    return timer;
  }

  /** The earliest deadline, `Infinity` when nothing is armed. May lie in the past. */
  get nextDeadline(): number {
    return this.#armed.length === 0 ? Infinity : this.#armed[0].deadline;
  }

  /** The processor runs at most `budget` instructions from now on. */
  beginRun(processor: RunningProcessor, budget: number, nanosecondsPerInstruction: number): void {
    this.#runEnd = this.#base + budget * nanosecondsPerInstruction;
    this.#nanosecondsPerInstruction = nanosecondsPerInstruction;
    this.#running = processor;
  }

  /**
   * The run has ended. @returns the time that it is now, for `advanceTo`: a deadline between the starts of the last instruction and the next lies
   * in the past by then, but its timer still sees its own time, which nobody has read beyond.
   */
  endRun(): number {
    const end = this.now();
    this.#running = NOBODY;
    this.#nanosecondsPerInstruction = 0;
    this.#runEnd = -Infinity;
    return end;
  }

  /** Moves time forward, firing what falls due. Not during a run. */
  advanceTo(time: number): void {
    if (!(time >= this.#base)) throw new MachineError('state', `virtual time can't go from ${this.#base} to ${time}`);
    let firesAtThisInstant = 0;
    while (this.#armed.length > 0) {
      const timer = this.#armed[0];
      if (timer.deadline > time) break;
      // A timer armed during a run for a time before that sees the time at which it was armed.
      const at = Math.max(timer.deadline, timer.armedAt);
      if (at > this.#base) {
        this.#base = at;
        firesAtThisInstant = 0;
      } else if (++firesAtThisInstant > MAX_FIRES_AT_ONE_INSTANT) {
        throw new MachineError('state', `timer ${timer.name} fires at ${this.#base} for ever`);
      }
      this.#armed.shift();
      timer.deadline = Infinity;
      timer.fire(this.#base);
    }
    this.#base = time;
  }

  /** Something at virtual time `at` has to be seen to: ends a run that would go past it. */
  preemptBefore(at: number): void {
    if (at < this.#runEnd) this.#running.preempt();
  }

  /** Ends the run under way, if any. */
  preempt(): void {
    this.#running.preempt();
  }

  save(): ClockState {
    const timers: Record<string, number> = {};
    for (const timer of this.#timers) if (timer.deadline !== Infinity) timers[timer.name] = timer.deadline;
    return { version: 1, now: this.#base, timers };
  }

  /** Time and deadlines as saved. The devices' own `restore` comes afterwards and may arm their timers again, to the same effect. */
  restore(state: ClockState): void {
    if (state.version !== 1) throw new MachineError('snapshot', `clock: unknown version ${String(state.version)}`);
    this.#base = state.now;
    for (const timer of this.#timers) this.rearm(timer, state.timers[timer.name] ?? Infinity);
  }

  /** @internal */
  rearm(timer: ClockTimer, deadline: number): void {
    if (Number.isNaN(deadline)) throw new MachineError('state', `timer ${timer.name} armed at NaN`);
    if (timer.deadline === deadline) return;
    const armed = this.#armed;
    if (timer.deadline !== Infinity) armed.splice(armed.indexOf(timer), 1);
    timer.deadline = deadline;
    if (deadline === Infinity) return;
    timer.armedAt = this.now();
    let at = armed.length;
    while (
      at > 0 &&
      (armed[at - 1].deadline > deadline || (armed[at - 1].deadline === deadline && armed[at - 1].order > timer.order))
    )
      at--;
    armed.splice(at, 0, timer);
    this.preemptBefore(deadline);
  }
}

class ClockTimer implements Timer {
  deadline = Infinity;
  armedAt = 0;

  constructor(
    private readonly clock: VirtualClock,
    readonly name: string,
    readonly order: number,
    readonly fire: (now: number) => void,
  ) {}

  arm(at: number): void {
    this.clock.rearm(this, at);
  }

  cancel(): void {
    this.clock.rearm(this, Infinity);
  }
}
