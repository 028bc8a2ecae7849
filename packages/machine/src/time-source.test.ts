import { describe, expect, it } from 'vitest';
import { RealTime } from './time-source.js';
import { VirtualClock } from './virtual-clock.js';

const MS = 1_000_000;

/** A host whose processor executes an instruction every 5 ns whenever we have it. */
function start() {
  let host = 1000;
  const clock = new VirtualClock();
  const time = new RealTime({ now: () => host });
  time.start(clock);
  return {
    clock,
    time,
    pass: (milliseconds: number): void => void (host += milliseconds),
    /** Virtual time minus the host's, in ms. */
    lead: (): number => clock.now() / MS - (host - 1000),
    /** Executes for so long, as the run loop does: runs of 2 ms. @returns the longest step of virtual time between two of them */
    execute: (milliseconds: number): number => {
      let jump = 0;
      for (let i = 0; i < milliseconds / 2; i++) {
        const executed = (2 * MS) / 5;
        host += 2;
        clock.advanceTo(clock.now() + Math.floor(executed * time.nanosecondsPerInstruction));
        const before = clock.now();
        time.sync(clock, executed);
        jump = Math.max(jump, clock.now() - before);
      }
      return jump;
    },
  };
}

describe('real time', () => {
  it('follows the host while the guest executes', () => {
    const { execute, lead } = start();
    execute(1000);
    expect(Math.abs(lead())).toBeLessThan(0.5);
  });

  it('makes up for a short stall by going faster, without a jump', () => {
    const { clock, time, execute, pass, lead } = start();
    execute(100);
    pass(20);
    time.sync(clock, 0);
    expect(lead()).toBeLessThan(-19);
    expect(time.nanosecondsPerInstruction).toBeGreaterThan(8);
    expect(execute(100)).toBe(0);
    expect(Math.abs(lead())).toBeLessThan(0.5);
  });

  it('is never more than 50 ms behind', () => {
    const { clock, time, execute, pass, lead } = start();
    execute(100);
    pass(300);
    time.sync(clock, 0);
    expect(lead()).toBeCloseTo(-50, 3);
    expect(execute(300)).toBe(0);
    expect(Math.abs(lead())).toBeLessThan(0.5);
  });

  it('is where the host is after a sleep, however long the host overslept', () => {
    const { clock, time, execute, pass, lead } = start();
    execute(100);
    pass(5); // not yet made up for when the guest halts
    expect(time.idle(clock, clock.now() + 250 * MS)).toBeCloseTo(245, 0);
    expect(lead()).toBeCloseTo(0, 3);
    pass(270);
    time.sync(clock, 0);
    expect(lead()).toBeCloseTo(0, 3);
  });

  it('lets a halted guest that is behind have its timers at their times, without a sleep', () => {
    const { clock, time, execute, pass } = start();
    execute(100);
    pass(40);
    const deadline = clock.now() + 10 * MS;
    expect(time.idle(clock, deadline)).toBe(0);
    expect(clock.now()).toBe(deadline);
    time.sync(clock, 0);
    expect(clock.now()).toBe(deadline);
  });

  it('goes slower while it is ahead, and never back', () => {
    const { clock, time, lead } = start();
    clock.advanceTo(MS / 2);
    time.sync(clock, 0);
    expect(clock.now()).toBe(MS / 2);
    expect(time.nanosecondsPerInstruction).toBeCloseTo(2.5, 1);
    expect(lead()).toBeCloseTo(0.5, 3);
  });
});
