import type { ExitReason } from './exit-code.js';

/** Why a machine's run ended by itself. */
export type PcEnd = Extract<ExitReason, { kind: 'power-off' | 'debug-exit' | 'shutdown' | 'reset' | 'stuck' | 'max-instructions' | 'host-failure' }> | { readonly kind: 'stopped' };

/** What a session needs of a machine. */
export interface SessionPc {
  /** Runs until the machine ends, `instructions` more were executed, or `stop()`. */
  run(limit: { readonly instructions?: number }): Promise<PcEnd>;
  /** Ends `run()` soon, with `stopped`. */
  stop(): void;
}

/**
 * One run of a machine, and the race of everything that may end it. The first reason wins; what comes while the machine stops changes
 * nothing.
 */
export class Session {
  readonly #pc: SessionPc;
  #ending: ExitReason | undefined;
  /** Set while the machine is held; resolves to let it go on. */
  #hold: { promise: Promise<void>; release: () => void } | undefined;

  constructor(pc: SessionPc) {
    this.#pc = pc;
  }

  /** Safe to call from inside the guest's output, from a timer, from a signal; also before the run. */
  end(reason: ExitReason): void {
    if (this.#ending !== undefined) return;
    this.#ending = reason;
    this.#pc.stop();
    this.#hold?.release();
  }

  get ending(): ExitReason | undefined {
    return this.#ending;
  }

  /** Stops the machine without ending the run: a pause, or a reader of our output that is too slow. */
  hold(): void {
    if (this.#hold !== undefined) return;
    let release = (): void => {};
    const promise = new Promise<void>((done) => (release = done));
    this.#hold = { promise, release };
    this.#pc.stop();
  }

  release(): void {
    this.#hold?.release();
    this.#hold = undefined;
  }

  get held(): boolean {
    return this.#hold !== undefined;
  }

  /** @param executed how many instructions the machine has executed since power-on: what remains of the limit after a pause */
  async run(options: { readonly timeoutSeconds?: number; readonly maxInstructions?: number; readonly executed: () => number }): Promise<ExitReason> {
    const timer = options.timeoutSeconds === undefined ? undefined : setTimeout(() => this.end({ kind: 'timeout' }), options.timeoutSeconds * 1000);
    const limit = options.maxInstructions === undefined ? undefined : options.executed() + options.maxInstructions;
    try {
      while (this.#ending === undefined) {
        if (this.#hold !== undefined) {
          await this.#hold.promise;
          continue;
        }
        const end = await this.#pc.run(limit === undefined ? {} : { instructions: limit - options.executed() });
        if (end.kind !== 'stopped') this.#ending ??= end;
      }
      return this.#ending;
    } finally {
      clearTimeout(timer);
    }
  }
}
