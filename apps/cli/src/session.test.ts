import { describe, expect, it } from 'vitest';
import { Session, type PcEnd, type SessionPc } from './session.js';

/** A machine that executes 1000 instructions a turn of the event loop until it is stopped. */
class FakePc implements SessionPc {
  executed = 0;
  turns = 0;
  endsAt: { instructions: number; end: PcEnd } | undefined;
  onTurn: (() => void) | undefined;
  #stop = false;

  async run(limit = Number.POSITIVE_INFINITY): Promise<PcEnd> {
    this.#stop = false;
    for (;;) {
      await new Promise(setImmediate);
      if (this.#stop) return { kind: 'stopped' };
      this.turns++;
      const budget = Math.min(1000, limit - this.executed);
      if (this.endsAt !== undefined && this.executed + budget >= this.endsAt.instructions) {
        this.executed = this.endsAt.instructions;
        return this.endsAt.end;
      }
      this.executed += budget;
      this.onTurn?.();
      if (this.executed === limit) return { kind: 'max-instructions' };
    }
  }
  stop(): void {
    this.#stop = true;
  }
}

function start(options: { timeoutSeconds?: number; maxInstructions?: number } = {}) {
  const pc = new FakePc();
  const session = new Session(pc);
  return { pc, session, run: () => session.run(options) };
}

describe('Session', () => {
  it('ends as the machine ends', async () => {
    const { pc, run } = start();
    pc.endsAt = { instructions: 4500, end: { kind: 'debug-exit', value: 3 } };
    expect(await run()).toEqual({ kind: 'debug-exit', value: 3 });
    expect(pc.executed).toBe(4500);
  });

  it('ends at exactly so many instructions, counted from power-on', async () => {
    const { pc, run } = start({ maxInstructions: 2500 });
    pc.executed = 100;
    expect(await run()).toEqual({ kind: 'max-instructions' });
    expect(pc.executed).toBe(2500);
  });

  it('ends when the time is over', async () => {
    expect(await start({ timeoutSeconds: 0.02 }).run()).toEqual({ kind: 'timeout' });
  });

  it('keeps the first reason', async () => {
    const { pc, session, run } = start();
    pc.onTurn = () => {
      session.end({ kind: 'exit-on', text: 'login:' });
      session.end({ kind: 'quit' });
    };
    expect(await run()).toEqual({ kind: 'exit-on', text: 'login:' });
  });

  it('can be ended before it runs', async () => {
    const { pc, session, run } = start();
    session.end({ kind: 'signal', number: 15 });
    expect(await run()).toEqual({ kind: 'signal', number: 15 });
    expect(pc.turns).toBe(0);
  });

  it('stands still while it is held, then executes what remained', async () => {
    const { pc, session, run } = start({ maxInstructions: 5000 });
    pc.onTurn = () => {
      if (pc.executed === 2000) session.hold('key');
    };
    const done = run();
    while (!session.held('key')) await new Promise(setImmediate);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(pc.executed).toBe(2000);
    session.release('key');
    expect(await done).toEqual({ kind: 'max-instructions' });
    expect(pc.executed).toBe(5000);
  });

  it('goes on when everyone has released it', async () => {
    const { pc, session, run } = start({ maxInstructions: 5000 });
    session.hold('key');
    session.hold('output');
    const done = run();
    session.release('output');
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect([pc.turns, session.held('key'), session.held('output')]).toEqual([0, true, false]);
    session.release('key');
    expect(await done).toEqual({ kind: 'max-instructions' });
  });

  it('can be ended while it is held', async () => {
    const { session, run } = start();
    session.hold('key');
    const done = run();
    await new Promise(setImmediate);
    session.end({ kind: 'quit' });
    expect(await done).toEqual({ kind: 'quit' });
  });
});
