import type { VirtualClock } from './virtual-clock.js';

/** What drives the virtual clock. */
export interface TimeSource {
  /** Virtual nanoseconds that an instruction of the next run is worth. */
  readonly nanosecondsPerInstruction: number;
  /** `run()` of the machine begins: time that passed while it was stopped does not count. */
  start(clock: VirtualClock): void;
  /** Called between runs; brings the clock to where it should be, firing timers. `executed` instructions ran since the last call. */
  sync(clock: VirtualClock, executed: number): void;
  /**
   * All processors are halted and nothing happens before virtual time `until` (`Infinity`: nothing at all). Either moves the clock there
   * and returns 0, or returns how many milliseconds the host should sleep before it asks again.
   */
  idle(clock: VirtualClock, until: number): number;
}

/**
 * Deterministic time: an instruction takes a fixed number of nanoseconds, whichever processor executes it (they take turns, so the count
 * of all of them together is the time), and a halted machine skips to whatever comes next.
 */
export class InstructionTime implements TimeSource {
  constructor(readonly nanosecondsPerInstruction = 1) {
    if (!Number.isInteger(nanosecondsPerInstruction) || nanosecondsPerInstruction < 1) {
      throw new RangeError(`${nanosecondsPerInstruction} ns per instruction is not a positive integer`);
    }
  }

  start(): void {}

  sync(): void {}

  idle(clock: VirtualClock, until: number): number {
    if (until === Infinity) return Infinity;
    if (until > clock.now()) clock.advanceTo(until);
    return 0;
  }
}

export interface RealTimeOptions {
  /** A monotonic clock in milliseconds. */
  readonly now: () => number;
  /**
   * Milliseconds. A longer gap between two looks at the clock than this, and the sleep that was asked for, is a suspended host: virtual time goes
   * on by this much only. Default 2000.
   */
  readonly longestGap?: number;
}

/** How far virtual time may run ahead of the host's, so that sleeps shorter than what `setTimeout` can do need not be slept. */
const MAY_LEAD = 1_000_000;
/** How far virtual time may stay behind the host's while the guest executes. */
const MAY_LAG = 50_000_000;
/** A lag of this doubles the speed of virtual time. */
const DOUBLE_SPEED_LAG = 10_000_000;
/** Bounds of the estimate, in ns per instruction: 20 GIPS to 10 MIPS. */
const FASTEST = 0.05;
const SLOWEST = 100;

/**
 * Real time: virtual time follows the host's monotonic clock. During a run it advances by the estimated speed of the processor, so that
 * reading it costs no call to the host. When the estimate was too high and virtual time is ahead, it is never turned back: it goes slower until
 * the host has caught up. When it is behind it goes faster, and does not jump: the host gives its processor to others for a few milliseconds all
 * the time, and a guest that measures one of its timers by another in just that moment would find them broken (Linux, `verify_pmtmr_rate`: "PM-Timer
 * running at invalid rate"). Only what is more than 50 ms late comes at once, and what a halted guest can't see.
 */
export class RealTime implements TimeSource {
  readonly #now: () => number;
  readonly #longestGap: number;
  /** Host time (ns) at virtual time 0. */
  #origin = 0;
  #lastLook = 0;
  /** Sleep that was asked for since the last look, in ns: no sign of a suspended host. */
  #slept = 0;
  #measured = 5;
  /** The host sleeps, or has slept just now. */
  #idle = false;
  nanosecondsPerInstruction = 5;

  constructor(options: RealTimeOptions) {
    this.#now = options.now;
    this.#longestGap = (options.longestGap ?? 2000) * 1e6;
  }

  start(clock: VirtualClock): void {
    this.#idle = false;
    this.#lastLook = this.#now() * 1e6;
    this.#origin = this.#lastLook - clock.now();
  }

  sync(clock: VirtualClock, executed: number): void {
    const target = this.#look(executed);
    const jumpTo = this.#idle ? target : target - MAY_LAG;
    this.#idle = false;
    if (jumpTo > clock.now()) clock.advanceTo(jumpTo);
    const lag = target - clock.now();
    this.nanosecondsPerInstruction = this.#measured * (lag < 0 ? Math.max(0.1, 1 + lag / MAY_LEAD) : 1 + Math.min(1, lag / DOUBLE_SPEED_LAG));
  }

  idle(clock: VirtualClock, until: number): number {
    const target = this.#look(0);
    const toGo = until - target;
    if (toGo > MAY_LEAD) {
      if (target > clock.now()) clock.advanceTo(target);
      this.#idle = true;
      this.#slept = toGo;
      return toGo / 1e6;
    }
    if (until > clock.now()) clock.advanceTo(until);
    return 0;
  }

  /** @returns the virtual time that the host's clock says */
  #look(executed: number): number {
    const now = this.#now() * 1e6;
    const gap = now - this.#lastLook;
    const longest = this.#longestGap + this.#slept;
    if (gap > longest) this.#origin += gap - longest;
    this.#slept = 0;
    this.#lastLook = now;
    // Short runs say more about the way in and out than about the speed.
    if (executed >= 10_000 && gap > 0) {
      const speed = Math.min(SLOWEST, Math.max(FASTEST, gap / executed));
      this.#measured += (speed - this.#measured) / 8;
    }
    return Math.max(0, Math.floor(now - this.#origin));
  }
}
