import type { NetworkClock } from '../clock.js';

/** A clock that a test moves by hand. */
export class HandClock implements NetworkClock {
  private now = 0;
  private alarm: { readonly atMs: number; readonly fire: () => void } | undefined;
  private deferred: (() => void)[] = [];

  nowMs(): number {
    return this.now;
  }

  setAlarm(atMs: number | undefined, fire: () => void): void {
    this.alarm = atMs === undefined ? undefined : { atMs, fire };
  }

  defer(run: () => void): void {
    this.deferred.push(run);
  }

  /** When the next alarm is; undefined: nothing waits for time. */
  get nextMs(): number | undefined {
    return this.alarm?.atMs;
  }

  /** Runs what was deferred, and what that defers. @returns whether there was anything */
  settle(): boolean {
    let any = false;
    while (this.deferred.length > 0) {
      any = true;
      for (const run of this.deferred.splice(0)) run();
    }
    return any;
  }

  /** Moves time on, firing what is due on the way at its own time. */
  advance(ms: number): void {
    const end = this.now + ms;
    this.settle();
    while (this.alarm !== undefined && this.alarm.atMs <= end) {
      const { atMs, fire } = this.alarm;
      this.alarm = undefined;
      this.now = Math.max(this.now, atMs);
      fire();
      this.settle();
    }
    this.now = end;
  }
}
