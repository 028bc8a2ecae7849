import type { Clock, IrqLine, Timer } from '@pckit/interfaces';
import { ICR_ALL, ICR_RXT0, ICR_TXDW } from './registers.js';

// Causes, masks, and when the line moves: manual, 3.2.7, 3.3.7.1 and 13.4.17 to 13.4.22.
//
// Each direction has two timers that hold its cause back: one that every frame starts anew (RDTR, TIDV) and one that only the first starts
// (RADV, TADV); the earlier one counts. ITR then keeps the line from rising too soon after the last time.

/** Of RDTR, RADV, TIDV, TADV. */
const DELAY_UNIT = 1024;
/** Of ITR. */
const INTERVAL_UNIT = 256;
/** RDTR, TIDV: flush partial descriptor block, that is: now. */
export const DELAY_FLUSH = 0x8000_0000;

/** Longer ago than any interval. */
const NEVER = -1e9;

export type InterruptState = {
  readonly causes: number;
  readonly mask: number;
  readonly interval: number;
  /** When the line rose last. */
  readonly lastRise: number;
  readonly level: boolean;
  readonly throttleDeadline: number | null;
  readonly receiveDeadline: number | null;
  readonly receiveLatest: number | null;
  readonly transmitDeadline: number | null;
  readonly transmitLatest: number | null;
};

/** One direction's cause and what holds it back. */
class DelayedCause {
  readonly #timer: Timer;
  /** Where the absolute timer ends; `Infinity` while none runs. */
  #latest = Infinity;

  constructor(
    private readonly clock: Clock,
    name: string,
    private readonly raise: () => void,
  ) {
    this.#timer = clock.timer(name, () => this.now());
  }

  now(): void {
    this.cancel();
    this.raise();
  }

  cancel(): void {
    this.#latest = Infinity;
    this.#timer.cancel();
  }

  /** Another frame. @param delay, absolute in the registers' units; without a delay the cause comes at once */
  event(delay: number, absolute: number): void {
    if (delay === 0) {
      this.now();
      return;
    }
    const now = this.clock.now();
    if (absolute !== 0 && this.#latest === Infinity) this.#latest = now + absolute * DELAY_UNIT;
    this.#timer.arm(Math.min(now + delay * DELAY_UNIT, this.#latest));
  }

  save(): { deadline: number | null; latest: number | null } {
    return { deadline: finite(this.#timer.deadline), latest: finite(this.#latest) };
  }

  restore(deadline: number | null, latest: number | null): void {
    this.#latest = latest ?? Infinity;
    if (deadline === null) this.#timer.cancel();
    else this.#timer.arm(deadline);
  }
}

export class Interrupts {
  readonly receive: DelayedCause;
  readonly transmit: DelayedCause;
  readonly #throttle: Timer;
  #causes = 0;
  #mask = 0;
  #interval = 0;
  #lastRise = NEVER;
  #level = false;

  constructor(
    private readonly clock: Clock,
    private readonly line: IrqLine,
    name: string,
  ) {
    this.#throttle = clock.timer(`${name}.itr`, () => this.#update());
    this.receive = new DelayedCause(clock, `${name}.rdtr`, () => this.set(ICR_RXT0));
    this.transmit = new DelayedCause(clock, `${name}.tidv`, () => this.set(ICR_TXDW));
  }

  get mask(): number {
    return this.#mask;
  }

  get interval(): number {
    return this.#interval;
  }

  reset(): void {
    this.receive.cancel();
    this.transmit.cancel();
    this.#throttle.cancel();
    this.#causes = this.#mask = this.#interval = 0;
    this.#lastRise = NEVER;
    this.#update();
  }

  /** ICS, and the card itself. */
  set(causes: number): void {
    this.#causes |= causes & ICR_ALL;
    this.#update();
  }

  /** A read of ICR: takes all. */
  take(): number {
    const causes = this.#causes;
    this.#causes = 0;
    this.#update();
    return causes;
  }

  /** A write to ICR. */
  clear(causes: number): void {
    this.#causes &= ~causes;
    this.#update();
  }

  /** IMS. */
  enable(causes: number): void {
    this.#mask |= causes & ICR_ALL;
    this.#update();
  }

  /** IMC. */
  disable(causes: number): void {
    this.#mask &= ~causes;
    this.#update();
  }

  setInterval(interval: number): void {
    this.#interval = interval & 0xffff;
    this.#update();
  }

  save(): InterruptState {
    const receive = this.receive.save();
    const transmit = this.transmit.save();
    return {
      causes: this.#causes,
      mask: this.#mask,
      interval: this.#interval,
      lastRise: this.#lastRise,
      level: this.#level,
      throttleDeadline: finite(this.#throttle.deadline),
      receiveDeadline: receive.deadline,
      receiveLatest: receive.latest,
      transmitDeadline: transmit.deadline,
      transmitLatest: transmit.latest,
    };
  }

  restore(state: InterruptState): void {
    this.#causes = state.causes;
    this.#mask = state.mask;
    this.#interval = state.interval;
    this.#lastRise = state.lastRise;
    this.#level = state.level;
    if (state.throttleDeadline === null) this.#throttle.cancel();
    else this.#throttle.arm(state.throttleDeadline);
    this.receive.restore(state.receiveDeadline, state.receiveLatest);
    this.transmit.restore(state.transmitDeadline, state.transmitLatest);
  }

  #update(): void {
    const wanted = (this.#causes & this.#mask) !== 0;
    if (wanted && !this.#level) {
      const now = this.clock.now();
      const earliest = this.#lastRise + this.#interval * INTERVAL_UNIT;
      if (now < earliest) {
        this.#throttle.arm(earliest);
        return;
      }
      this.#lastRise = now;
    }
    if (!wanted) this.#throttle.cancel();
    if (wanted === this.#level) return;
    this.#level = wanted;
    this.line.set(wanted);
  }
}

function finite(time: number): number | null {
  return time === Infinity ? null : time;
}
