import { describe, expect, it } from 'vitest';
import { VirtualClock, type RunningProcessor } from './virtual-clock.js';

/** A processor that counts how often it was preempted. */
function processor(): RunningProcessor & { executed: number; preemptions: number } {
  const self = {
    executed: 0,
    preemptions: 0,
    preempt: () => {
      self.preemptions++;
    },
  };
  return self;
}

describe('VirtualClock', () => {
  it('fires in order of deadline, ties in order of creation, with now equal to the deadline', () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    const timers = ['c', 'a', 'b'].map((name) => clock.timer(name, (now) => seen.push(`${name}${now}:${clock.now()}`)));
    timers[1].arm(10);
    timers[2].arm(5);
    timers[0].arm(10);
    expect(clock.nextDeadline).toBe(5);
    clock.advanceTo(9);
    expect(seen).toEqual(['b5:5']);
    clock.advanceTo(20);
    expect(seen).toEqual(['b5:5', 'c10:10', 'a10:10']);
    expect(clock.now()).toBe(20);
    expect(clock.nextDeadline).toBe(Infinity);
  });

  it('re-arms without drift, cancels, and fires what is overdue at the next opportunity', () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    const timer = clock.timer('t', (now) => {
      seen.push(now);
      if (seen.length < 4) timer.arm(now + 30);
    });
    timer.arm(30);
    clock.advanceTo(1000);
    expect(seen).toEqual([30, 60, 90, 120]);
    timer.arm(500);
    expect(timer.deadline).toBe(500);
    clock.advanceTo(1000);
    expect(seen).toEqual([30, 60, 90, 120, 1000]);
    timer.arm(2000);
    timer.cancel();
    clock.advanceTo(3000);
    expect(seen).toHaveLength(5);
    expect(() => clock.advanceTo(2999)).toThrow(/from 3000 to 2999/);
  });

  it('counts instructions during a run, and preempts for a timer that falls into it', () => {
    const clock = new VirtualClock();
    const cpu = processor();
    const timer = clock.timer('t', () => undefined);
    clock.advanceTo(100);
    clock.beginRun(cpu, 50, 2);
    cpu.executed = 10;
    expect(clock.now()).toBe(120);
    timer.arm(200);
    expect(cpu.preemptions).toBe(0);
    timer.arm(199);
    expect(cpu.preemptions).toBe(1);
    timer.arm(150);
    expect(cpu.preemptions).toBe(2);
    cpu.executed = 11;
    const end = clock.endRun();
    expect(end).toBe(122);
    clock.advanceTo(end);
    cpu.executed = 40;
    expect(clock.now()).toBe(122);
    timer.arm(123);
    expect(cpu.preemptions).toBe(2);
  });

  it('shows a timer its own time although the instruction went past it', () => {
    const clock = new VirtualClock();
    const cpu = processor();
    const seen: number[] = [];
    const timer = clock.timer('t', (now) => seen.push(now));
    timer.arm(9);
    clock.beginRun(cpu, 3, 4);
    cpu.executed = 3;
    clock.advanceTo(clock.endRun());
    expect(seen).toEqual([9]);
    expect(clock.now()).toBe(12);
  });

  it('never shows a timer armed in a run a time before it was armed', () => {
    const clock = new VirtualClock();
    const cpu = processor();
    const seen: number[] = [];
    const timer = clock.timer('t', (now) => seen.push(now));
    clock.beginRun(cpu, 100, 1);
    cpu.executed = 50;
    timer.arm(20);
    cpu.executed = 51;
    clock.advanceTo(clock.endRun());
    expect(seen).toEqual([50]);
  });

  it('stays integral with a fractional rate', () => {
    const clock = new VirtualClock();
    const cpu = processor();
    clock.beginRun(cpu, 100, 0.3);
    cpu.executed = 5;
    expect(clock.now()).toBe(1);
    clock.advanceTo(clock.endRun());
    expect(clock.now()).toBe(1);
  });

  it('restores time and deadlines by name, disarming the rest', () => {
    const make = (): { clock: VirtualClock; fired: string[]; arm: (name: 'a' | 'b' | 'c', at: number) => void } => {
      const clock = new VirtualClock();
      const fired: string[] = [];
      const timers = {
        a: clock.timer('a', () => fired.push('a')),
        b: clock.timer('b', () => fired.push('b')),
        c: clock.timer('c', () => fired.push('c')),
      };
      return { clock, fired, arm: (name, at) => timers[name].arm(at) };
    };
    const one = make();
    one.clock.advanceTo(100);
    one.arm('b', 150);
    one.arm('a', 150);
    const two = make();
    two.arm('c', 10);
    two.clock.restore(structuredClone(one.clock.save()));
    expect(two.clock.save()).toEqual(one.clock.save());
    two.clock.advanceTo(200);
    expect(two.fired).toEqual(['a', 'b']);
    expect(() => two.clock.restore({ ...one.clock.save(), version: 2 as 1 })).toThrow(/version 2/);
  });

  it('refuses two timers of one name, NaN, and a timer that fires for ever', () => {
    const clock = new VirtualClock();
    const timer = clock.timer('t', (now) => timer.arm(now));
    expect(() => clock.timer('t', () => undefined)).toThrow(/timer t already/);
    expect(() => timer.arm(NaN)).toThrow(/NaN/);
    timer.arm(0);
    expect(() => clock.advanceTo(1)).toThrow(/for ever/);
  });
});
