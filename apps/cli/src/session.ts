import type { ExitReason } from './exit-code.js';

/** Why a machine's run ended by itself. */
export type PcEnd = Extract<ExitReason, { kind: 'power-off' | 'debug-exit' | 'shutdown' | 'reset' | 'stuck' | 'max-instructions' | 'host-failure' }> | { readonly kind: 'stopped' };

/** What a session needs of a machine. */
export interface SessionPc {
  /** Runs until the machine ends, it has executed `limit` instructions since power-on, or `stop()`. */
  run(limit?: number): Promise<PcEnd>;
  /** Ends `run()` at the next instruction, with `stopped`. Without a run, or when it ends by itself first, it does nothing. */
  stop(): void;
}

/**
 * One run of a machine, and the race of everything that may end it. The first reason wins; what comes while the machine stops changes
 * nothing.
 */
export class Session {
  readonly #pc: SessionPc;
  #ending: ExitReason | undefined;
  /** Who wants the machine to stand still. */
  readonly #holders = new Set<string>();
  /** The machine runs. */
  #running = false;
  #stopped: (() => void)[] = [];
  /** Wakes the run while it stands still. */
  #wake: (() => void) | undefined;

  constructor(pc: SessionPc) {
    this.#pc = pc;
  }

  /** Safe to call from inside the guest's output, from a timer, from a signal; also before the run. */
  end(reason: ExitReason): void {
    if (this.#ending !== undefined) return;
    this.#ending = reason;
    this.#pc.stop();
    this.#wake?.();
  }

  get ending(): ExitReason | undefined {
    return this.#ending;
  }

  /** Stops the machine without ending the run, until everyone who did so releases it: a pause, a reader of our output that is too slow. */
  hold(who: string): void {
    this.#holders.add(who);
    this.#pc.stop();
  }

  /** Like `hold`; resolves when the machine stands still, or the run has ended. */
  async standStill(who: string): Promise<void> {
    this.hold(who);
    while (this.#running) await new Promise<void>((stopped) => this.#stopped.push(stopped));
  }

  release(who: string): void {
    this.#holders.delete(who);
    this.#wake?.();
  }

  held(who: string): boolean {
    return this.#holders.has(who);
  }

  async run(options: { readonly timeoutSeconds?: number; readonly maxInstructions?: number } = {}): Promise<ExitReason> {
    const timer = options.timeoutSeconds === undefined ? undefined : setTimeout(() => this.end({ kind: 'timeout' }), options.timeoutSeconds * 1000);
    try {
      while (this.#ending === undefined) {
        if (this.#holders.size > 0) {
          await new Promise<void>((wake) => (this.#wake = wake));
          continue;
        }
        this.#running = true;
        const end = await this.#pc.run(options.maxInstructions);
        this.#running = false;
        for (const stopped of this.#stopped.splice(0)) stopped();
        if (end.kind !== 'stopped') this.#ending ??= end;
      }
      return this.#ending;
    } finally {
      clearTimeout(timer);
    }
  }
}
