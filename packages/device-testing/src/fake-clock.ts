import type { Clock, Timer } from '@pckit/interfaces';

/** Firing this often without time moving on means that a device arms its timer at or before the present for ever. */
const MAX_FIRES_AT_ONE_INSTANT = 100_000;

class FakeTimer implements Timer {
  deadline = Infinity;

  constructor(readonly name: string, readonly fire: (now: number) => void) {}

  arm(at: number): void {
    if (Number.isNaN(at)) throw new TypeError(`timer ${this.name} armed at NaN`);
    this.deadline = at;
  }

  cancel(): void {
    this.deadline = Infinity;
  }
}

/**
 * A clock held in the hand: time stands still until `advance` moves it, and timers fire on the way in order of deadline, ties in
 * order of creation, each seeing `now()` equal to its deadline.
 */
export class FakeClock implements Clock {
  readonly #timers: FakeTimer[] = [];
  #now: number;

  constructor(now = 0) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  timer(name: string, fire: (now: number) => void): Timer {
    if (this.#timers.some((timer) => timer.name === name)) throw new Error(`timer ${name} exists already`);
    const timer = new FakeTimer(name, fire);
    this.#timers.push(timer);
    return timer;
  }

  /** Moves time forward by `nanoseconds`, firing what falls due (an advance of 0 fires what is overdue). */
  advance(nanoseconds: number): void {
    this.advanceTo(this.#now + nanoseconds);
  }

  advanceTo(time: number): void {
    if (!(time >= this.#now)) throw new RangeError(`the clock can't go from ${this.#now} to ${time}`);
    let firesAtThisInstant = 0;
    for (;;) {
      const timer = this.#next();
      if (timer === undefined || timer.deadline > time) break;
      firesAtThisInstant = timer.deadline > this.#now ? 0 : firesAtThisInstant + 1;
      if (firesAtThisInstant > MAX_FIRES_AT_ONE_INSTANT)
        throw new Error(`timer ${timer.name} fires at ${this.#now} for ever`);
      this.#now = Math.max(this.#now, timer.deadline);
      timer.deadline = Infinity;
      timer.fire(this.#now);
    }
    this.#now = time;
  }

  /** Advances to the earliest deadline and fires it. @returns false when nothing is armed */
  advanceToNext(): boolean {
    const next = this.#next();
    if (next === undefined) return false;
    this.advanceTo(Math.max(this.#now, next.deadline));
    return true;
  }

  /** Sets the time without firing anything: a restored machine's clock. */
  set(now: number): void {
    this.#now = now;
  }

  /** Deadlines of the armed timers by name. */
  get armed(): Record<string, number> {
    const armed: Record<string, number> = {};
    for (const timer of this.#timers) if (timer.deadline !== Infinity) armed[timer.name] = timer.deadline;
    return armed;
  }

  /** Arms and disarms the timers so that they stand as `armed` says: what a machine's clock does on restore. */
  restore(now: number, armed: Readonly<Record<string, number>>): void {
    this.#now = now;
    for (const timer of this.#timers) timer.deadline = armed[timer.name] ?? Infinity;
  }

  #next(): FakeTimer | undefined {
    let next: FakeTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.deadline !== Infinity && (next === undefined || timer.deadline < next.deadline)) next = timer;
    }
    return next;
  }
}
