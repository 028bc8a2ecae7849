/** What the machine takes from the program that it runs in: a clock that never goes back, and turns of the event loop. */
export interface Host {
  /** Monotonic, in milliseconds, with a fraction. */
  now(): number;
  /** Gives the event loop a turn: sockets, files, timers. */
  turn(): Promise<void>;
  /** Resolves after `milliseconds`, or when `wake` is called; `Infinity` waits for `wake` alone. */
  sleep(milliseconds: number): Sleep;
}

export interface Sleep {
  readonly done: Promise<void>;
  wake(): void;
}

interface HostGlobals {
  performance: { now(): number };
  setTimeout(callback: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
  setImmediate?(callback: () => void): void;
  MessageChannel: new () => {
    port1: { onmessage: (() => void) | null; close(): void };
    port2: { postMessage(message: unknown): void };
  };
}

/** Longest setTimeout: 2^31-1 ms. */
const LONGEST_TIMEOUT = 0x7fff_ffff;

/** Node or a browser. */
export function defaultHost(): Host {
  const globals = globalThis as unknown as HostGlobals;
  // In browsers setTimeout(0) is clamped to 4 ms after a few in a row; a message is not.
  const { setImmediate } = globals;
  let turn: () => Promise<void>;
  if (setImmediate !== undefined) {
    turn = () => new Promise((resolve) => setImmediate(() => resolve()));
  } else {
    let waiting: (() => void) | undefined;
    const channel = new globals.MessageChannel();
    channel.port1.onmessage = () => waiting?.();
    turn = () =>
      new Promise((resolve) => {
        waiting = resolve;
        channel.port2.postMessage(0);
      });
  }
  return {
    now: () => globals.performance.now(),
    turn,
    sleep: (milliseconds) => {
      let wake: () => void = () => undefined;
      const done = new Promise<void>((resolve) => {
        const timer =
          milliseconds === Infinity ? undefined : globals.setTimeout(resolve, Math.min(milliseconds, LONGEST_TIMEOUT));
        wake = () => {
          if (timer !== undefined) globals.clearTimeout(timer);
          resolve();
        };
      });
      return { done, wake: () => wake() };
    },
  };
}
