import type { NetworkClock } from '../clock.js';

interface Alarm {
  readonly atMs: number;
  readonly fire: () => void;
}

/** A clock that a test moves by hand. */
export class HandClock implements NetworkClock {
  private now = 0;
  private deferred: (() => void)[] = [];
  /** The alarms of this clock and of those that go along. */
  private readonly alarms: (Alarm | undefined)[] = [undefined];

  nowMs(): number {
    return this.now;
  }

  setAlarm(atMs: number | undefined, fire: () => void): void {
    this.alarms[0] = atMs === undefined ? undefined : { atMs, fire };
  }

  defer(run: () => void): void {
    this.deferred.push(run);
  }

  /** Another clock with an alarm of its own, on the same time. */
  second(): NetworkClock {
    const index = this.alarms.push(undefined) - 1;
    return {
      nowMs: () => this.now,
      setAlarm: (atMs, fire) => (this.alarms[index] = atMs === undefined ? undefined : { atMs, fire }),
      defer: (run) => this.defer(run),
    };
  }

  /** When the next alarm is; undefined: nothing waits for time. */
  get nextMs(): number | undefined {
    return this.next()?.atMs;
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
    for (let alarm = this.next(); alarm !== undefined && alarm.atMs <= end; alarm = this.next()) {
      this.fire(alarm);
    }
    this.now = end;
  }

  /** Goes to the next alarm. @returns false when there is none */
  step(): boolean {
    this.settle();
    const alarm = this.next();
    if (alarm === undefined) return false;
    this.fire(alarm);
    return true;
  }

  private fire(alarm: Alarm): void {
    this.alarms[this.alarms.indexOf(alarm)] = undefined;
    this.now = Math.max(this.now, alarm.atMs);
    alarm.fire();
    this.settle();
  }

  private next(): Alarm | undefined {
    let first: Alarm | undefined;
    for (const alarm of this.alarms) if (alarm !== undefined && (first === undefined || alarm.atMs < first.atMs)) first = alarm;
    return first;
  }
}
