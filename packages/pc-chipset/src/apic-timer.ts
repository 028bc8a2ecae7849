import type { Clock, Timer } from '@pckit/interfaces';
import { restoreTimer, saveTimer } from './timer-state.js';

/*
 * The local APIC's timer: SDM vol. 3, 11.5.4 "APIC Timer". It counts lazily: the count follows from the time at which it was
 * loaded, and the clock is only asked to fire when an interrupt would come of it.
 */

export const TIMER_ONE_SHOT = 0;
export const TIMER_PERIODIC = 1;
export const TIMER_TSC_DEADLINE = 2;

/**
 * Expirations of a periodic timer that lie nearer to each other than this are merged: no processor could take them, and each costs
 * the host as much as a real one.
 */
const SHORTEST_PERIOD_NS = 1000;

export type ApicTimerState = {
  readonly mode: number;
  readonly masked: boolean;
  readonly initialCount: number;
  readonly divideConfiguration: number;
  /** When the present count was loaded; null: stopped. */
  readonly loadedAt: number | null;
  readonly tscDeadline: bigint;
  readonly deadline: number | null;
};

export interface ApicTimerWires {
  readonly clock: Clock;
  readonly tsc: { toNanoseconds(tsc: bigint): number };
  /** The timer expired while unmasked. */
  readonly expire: () => void;
}

export class ApicTimer {
  private readonly clock: Clock;
  private readonly tsc: { toNanoseconds(tsc: bigint): number };
  private readonly expire: () => void;
  private readonly timer: Timer;
  private mode = TIMER_ONE_SHOT;
  private masked = true;
  private initial = 0;
  private divide = 0;
  private loadedAt: number | null = null;
  private tscDeadline = 0n;

  /** @param period nanoseconds per tick of the input clock */
  constructor(
    wires: ApicTimerWires,
    name: string,
    private readonly period: number,
  ) {
    this.clock = wires.clock;
    this.tsc = wires.tsc;
    this.expire = wires.expire;
    this.timer = wires.clock.timer(name, (now) => this.fire(now));
  }

  reset(): void {
    this.mode = TIMER_ONE_SHOT;
    this.masked = true;
    this.initial = 0;
    this.divide = 0;
    this.loadedAt = null;
    this.tscDeadline = 0n;
    this.timer.cancel();
  }

  /** The LVT entry's mode and mask. */
  configure(mode: number, masked: boolean): void {
    const now = this.clock.now();
    if (mode !== this.mode) {
      if (mode === TIMER_TSC_DEADLINE || this.mode === TIMER_TSC_DEADLINE) {
        // "A transition between TSC-deadline mode and the others disarms the timer."
        this.initial = 0;
        this.loadedAt = null;
        this.tscDeadline = 0n;
      } else if (this.loadedAt !== null) {
        // The count goes on; a one-shot that has ended stays at zero, a period begins where the present one did.
        const elapsed = this.elapsed(now, this.loadedAt);
        if (this.mode === TIMER_PERIODIC) this.loadedAt += Math.floor(elapsed / this.initial) * this.initial * this.tick;
        else if (elapsed >= this.initial) this.loadedAt = null;
      }
      this.mode = mode;
    }
    this.masked = masked;
    this.schedule(now);
  }

  get initialCount(): number {
    return this.initial;
  }

  set initialCount(count: number) {
    if (this.mode === TIMER_TSC_DEADLINE) return; // "writes to the initial-count register are ignored"
    const now = this.clock.now();
    this.initial = count;
    this.loadedAt = count === 0 ? null : now;
    this.schedule(now);
  }

  get currentCount(): number {
    if (this.loadedAt === null) return 0;
    const elapsed = this.elapsed(this.clock.now(), this.loadedAt);
    if (this.mode === TIMER_PERIODIC) return this.initial - (elapsed % this.initial);
    return elapsed >= this.initial ? 0 : this.initial - elapsed;
  }

  get divideConfiguration(): number {
    return this.divide;
  }

  set divideConfiguration(value: number) {
    const now = this.clock.now();
    const count = this.currentCount;
    this.divide = value;
    // The present count is kept and runs on at the new rate.
    if (this.loadedAt !== null) this.loadedAt = count === 0 ? null : now - (this.initial - count) * this.tick;
    this.schedule(now);
  }

  /** IA32_TSC_DEADLINE; 0 when disarmed, expired, or not in that mode. */
  get deadline(): bigint {
    return this.tscDeadline;
  }

  set deadline(tsc: bigint) {
    if (this.mode !== TIMER_TSC_DEADLINE) return; // "ignored"
    this.tscDeadline = tsc;
    this.schedule(this.clock.now());
  }

  /** The time stamp counter was written: a deadline lies elsewhere in time now. */
  tscChanged(): void {
    if (this.tscDeadline !== 0n) this.schedule(this.clock.now());
  }

  save(): ApicTimerState {
    return {
      mode: this.mode,
      masked: this.masked,
      initialCount: this.initial,
      divideConfiguration: this.divide,
      loadedAt: this.loadedAt,
      tscDeadline: this.tscDeadline,
      deadline: saveTimer(this.timer),
    };
  }

  restore(state: ApicTimerState): void {
    this.mode = state.mode;
    this.masked = state.masked;
    this.initial = state.initialCount;
    this.divide = state.divideConfiguration;
    this.loadedAt = state.loadedAt;
    this.tscDeadline = state.tscDeadline;
    restoreTimer(this.timer, state.deadline);
  }

  /** Nanoseconds per count. "Divide Configuration Register": bits 3, 1, 0; 0 divides by 2, 7 by 1. */
  private get tick(): number {
    const code = ((this.divide >> 1) & 4) | (this.divide & 3);
    return this.period * (1 << ((code + 1) & 7));
  }

  private elapsed(now: number, since: number): number {
    return Math.floor((now - since) / this.tick);
  }

  private schedule(now: number): void {
    if (this.mode === TIMER_TSC_DEADLINE) {
      // Also while masked: the register must read 0 afterwards.
      const at = this.tscDeadline === 0n ? Infinity : this.tsc.toNanoseconds(this.tscDeadline);
      if (at <= Number.MAX_SAFE_INTEGER) this.timer.arm(Math.max(at, now));
      else this.timer.cancel();
      return;
    }
    if (this.loadedAt === null || this.masked) {
      this.timer.cancel();
      return;
    }
    const length = this.initial * this.tick;
    if (this.mode === TIMER_PERIODIC) {
      const periods = Math.floor((now - this.loadedAt) / length) + 1;
      const next = this.loadedAt + periods * length;
      const earliest = now + SHORTEST_PERIOD_NS;
      this.timer.arm(next >= earliest ? next : this.loadedAt + Math.ceil((earliest - this.loadedAt) / length) * length);
    } else if (this.loadedAt + length > now) {
      this.timer.arm(this.loadedAt + length);
    } else {
      this.timer.cancel(); // ended while it was masked
    }
  }

  private fire(now: number): void {
    switch (this.mode) {
      case TIMER_TSC_DEADLINE:
        this.tscDeadline = 0n;
        break;
      case TIMER_PERIODIC:
        this.schedule(now);
        break;
      default:
        this.loadedAt = null;
    }
    if (!this.masked) this.expire();
  }
}
