import type { NetworkClock } from '../clock.js';

/** The host's time, on Node's event loop. The alarm does not keep a process alive. */
export class RealClock implements NetworkClock {
  private timeout: NodeJS.Timeout | undefined;
  private deferred: (() => void)[] = [];

  nowMs(): number {
    return performance.now();
  }

  setAlarm(atMs: number | undefined, fire: () => void): void {
    clearTimeout(this.timeout);
    this.timeout = atMs === undefined ? undefined : setTimeout(fire, Math.min(0x7fff_ffff, Math.max(0, Math.ceil(atMs - performance.now())))).unref();
  }

  defer(run: () => void): void {
    // After the callbacks of this turn of the event loop: many frames, one batch.
    if (this.deferred.length === 0) setImmediate(this.runDeferred);
    this.deferred.push(run);
  }

  private readonly runDeferred = (): void => {
    const { deferred } = this;
    this.deferred = [];
    for (const run of deferred) run();
  };
}
