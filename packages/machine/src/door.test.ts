import { describe, expect, it } from 'vitest';
import { Door, type DoorEntry } from './door.js';
import { VirtualClock } from './virtual-clock.js';

function setUp(completionLatency?: number): {
  clock: VirtualClock;
  door: Door;
  entries: DoorEntry[];
  seen: unknown[];
  count: { instructions: number };
  woken: () => number;
} {
  const clock = new VirtualClock();
  const entries: DoorEntry[] = [];
  const count = { instructions: 0 };
  let woken = 0;
  const door = new Door({
    clock,
    instructions: () => count.instructions,
    completionLatency,
    onEntry: (entry) => entries.push(entry),
  });
  door.onReady = () => woken++;
  return { clock, door, entries, seen: [], count, woken: () => woken };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe('the door', () => {
  it('delivers inputs in order, at the safe point only, and wakes the loop', () => {
    const { door, seen, woken, entries, count } = setUp();
    const keys = door.input<string>('keys', (key) => seen.push(key));
    keys.post('a');
    keys.post('b');
    expect(seen).toEqual([]);
    expect(woken()).toBe(2);
    expect(door.ready).toBe(true);
    count.instructions = 77;
    expect(door.deliver()).toBe(2);
    expect(seen).toEqual(['a', 'b']);
    expect(door.ready).toBe(false);
    expect(entries[0]).toEqual({ kind: 'input', name: 'keys', instructions: 77, time: 0, event: 'a' });
    expect(() => door.post('mouse', 1)).toThrow('there is no input mouse; there are keys');
    expect(() => door.input('keys', () => undefined)).toThrow(/keys already/);
  });

  it('leaves what a delivery posts for the next round', () => {
    const { door, seen } = setUp();
    const keys = door.input<number>('keys', (key) => {
      seen.push(key);
      if (key < 3) keys.post(key + 1);
    });
    keys.post(1);
    expect(door.deliver()).toBe(1);
    expect(door.deliver()).toBe(1);
    expect(seen).toEqual([1, 2]);
  });

  it('has a scheduled input enter at its instruction', () => {
    const { door, seen, count } = setUp();
    door.input<string>('keys', (key) => seen.push(key));
    door.postAt(20, 'keys', 'late');
    door.postAt(10, 'keys', 'early');
    door.postAt(10, 'keys', 'early too');
    expect(door.nextScheduled).toBe(10);
    expect(door.ready).toBe(false);
    count.instructions = 10;
    door.deliver();
    expect(seen).toEqual(['early', 'early too']);
    count.instructions = 20;
    expect(door.ready).toBe(true);
    door.deliver();
    expect(seen).toEqual(['early', 'early too', 'late']);
    expect(() => door.postAt(19, 'keys', 'never')).toThrow(/20 have been executed/);
  });

  it('without a latency, lets completions in as the host finishes them', async () => {
    const { door, seen } = setUp();
    let finishSlow: (value: string) => void = () => undefined;
    door.completion('slow', new Promise<string>((resolve) => (finishSlow = resolve)), (result) => seen.push(result));
    door.completion('fast', 'at once', (result) => seen.push(result));
    door.completion('broken', Promise.reject(new Error('no disk')), (result) => seen.push(result));
    expect(seen).toEqual([]);
    door.deliver();
    expect(seen).toEqual([{ ok: true, value: 'at once' }]);
    await settled();
    finishSlow('at last');
    await settled();
    expect(door.outstanding).toBe(2);
    door.deliver();
    expect(seen.slice(1)).toEqual([
      { ok: false, error: new Error('no disk') },
      { ok: true, value: 'at last' },
    ]);
    expect(door.outstanding).toBe(0);
  });

  it('with a latency, lets them in at request time plus latency, in order of request, and waits for the host', async () => {
    const { clock, door, seen } = setUp(100);
    let finish: (value: string) => void = () => undefined;
    door.completion('first', new Promise<string>((resolve) => (finish = resolve)), () =>
      seen.push(`first ${clock.now()}`),
    );
    clock.advanceTo(30);
    door.completion('second', 'at once', () => seen.push(`second ${clock.now()}`));
    expect(door.nextDeadline).toBe(100);
    expect(door.ready).toBe(false);
    clock.advanceTo(100);
    expect(door.ready).toBe(false);
    expect(door.blocked).toBe(true);
    expect(door.deliver()).toBe(0);
    finish('');
    await settled();
    expect(door.blocked).toBe(false);
    expect(door.deliver()).toBe(1);
    clock.advanceTo(130);
    expect(door.deliver()).toBe(1);
    expect(seen).toEqual(['first 100', 'second 130']);
  });

  it('preempts a run that a completion falls into', () => {
    const { clock, door } = setUp(100);
    let preempted = 0;
    clock.beginRun({ executed: 10, preempt: () => preempted++ }, 100, 1);
    door.completion('later', 1, () => undefined);
    expect(preempted).toBe(0);
    clock.endRun();
    clock.beginRun({ executed: 10, preempt: () => preempted++ }, 111, 1);
    door.completion('within', 1, () => undefined);
    expect(preempted).toBe(1);
  });

  it('gives work that was in flight its time again after a restore', async () => {
    const before = setUp(100);
    before.door.input('keys', () => undefined);
    before.door.completion('disk', 1, () => undefined);
    before.clock.advanceTo(20);
    before.door.completion('disk', 2, () => undefined);
    before.door.completion('net', 3, () => undefined);
    before.door.post('keys', { code: 30 });
    const state = structuredClone(before.door.save());

    const { clock, door, seen } = setUp(100);
    const keys: unknown[] = [];
    door.input('keys', (key) => keys.push(key));
    let stale: (value: number) => void = () => undefined;
    door.completion('disk', new Promise<number>((resolve) => (stale = resolve)), () => seen.push('stale'));
    clock.restore({ version: 1, now: 50, timers: {} });
    door.beginRestore(state);
    // Devices are restored in their own order, each in the order of its requests.
    door.completion('net', 3, () => seen.push(`net ${clock.now()}`));
    door.completion('disk', 1, () => seen.push(`disk1 ${clock.now()}`));
    door.completion('disk', 2, () => seen.push(`disk2 ${clock.now()}`));
    expect(() => door.completion('rng', 1, () => undefined)).toThrow(
      /rng asks for work on restore that was not in flight/,
    );
    door.endRestore();
    stale(1);
    await settled();
    door.deliver();
    expect(keys).toEqual([{ code: 30 }]);
    clock.advanceTo(100);
    door.deliver();
    expect(seen).toEqual(['disk1 100']);
    clock.advanceTo(120);
    door.deliver();
    expect(seen).toEqual(['disk1 100', 'disk2 120', 'net 120']);

    door.beginRestore(state);
    expect(() => door.endRestore()).toThrow(/in flight: disk, disk, net/);
  });

  it('blocks the processors for as long as work holds them, and is quiet when none uses guest memory', async () => {
    const { door, woken } = setUp();
    const ends: (() => void)[] = [];
    const work = (): Promise<void> => new Promise((resolve) => ends.push(resolve));
    const [first, second] = [work(), work()];
    door.beside?.(first);
    door.beside?.(second);
    expect([door.usesMemory, door.blocked]).toEqual([true, false]);
    let quiet = false;
    void door.quiet().then(() => (quiet = true));
    door.hold?.(Promise.all([first, second]));
    door.hold?.(Promise.reject(new Error('not a reason to stay')));
    await settled();
    expect([door.blocked, woken(), quiet]).toEqual([true, 0, false]);
    ends[0]();
    await settled();
    expect([door.blocked, door.usesMemory, quiet]).toEqual([true, true, false]);
    ends[1]();
    await settled();
    expect([door.blocked, door.usesMemory, quiet]).toEqual([false, false, true]);
    expect(woken()).toBe(1);
    await door.quiet();
  });

  it('lets nothing go on beside the guest, and nothing wait, in deterministic time', () => {
    const { door } = setUp(100);
    expect([door.beside, door.hold, door.completionWithin]).toEqual([undefined, undefined, undefined]);
    expect(door.hasten()).toBe(false);
  });

  it('has a patient completion wait until its time, for another entry, or for an idle moment', async () => {
    const { clock, door, seen, entries } = setUp();
    const keys = door.input<string>('keys', (key) => seen.push(key));
    const patient = (name: string, nanoseconds: number): void => door.completionWithin?.(name, nanoseconds, () => seen.push(name));
    patient('late', 500);
    patient('soon', 100);
    expect([door.ready, door.blocked, door.outstanding, door.nextDeadline]).toEqual([false, false, 2, 100]);
    clock.advanceTo(99);
    expect(door.ready).toBe(false);
    clock.advanceTo(100);
    expect([door.ready, door.blocked, door.deliver(), door.ready, door.nextDeadline, door.outstanding]).toEqual([true, false, 2, false, Infinity, 0]);
    expect(seen).toEqual(['late', 'soon']);
    expect(entries[0]).toEqual({ kind: 'completion', name: 'late', instructions: 0, time: 100, ok: true });

    patient('with a key', 100);
    keys.post('key');
    expect(door.deliver()).toBe(2);
    patient('with work', 100);
    door.completion('disk', Promise.resolve(), () => seen.push('disk'));
    await settled();
    expect(door.deliver()).toBe(2);
    patient('idle', 100);
    expect([door.hasten(), door.ready, door.deliver(), door.hasten()]).toEqual([true, true, 1, false]);
    expect(seen.slice(2)).toEqual(['key', 'with a key', 'disk', 'with work', 'idle']);
  });

  it('saves a patient completion as any other, and forgets it on restore', () => {
    const { door, seen } = setUp();
    door.completionWithin?.('disk', 100, () => seen.push('lost'));
    const state = door.save();
    expect(state.pending).toEqual([{ name: 'disk', deadline: 0 }]);
    door.beginRestore(state);
    door.completion('disk', undefined, () => seen.push('disk'));
    door.endRestore();
    expect([door.nextDeadline, door.hasten(), door.deliver(), door.outstanding]).toEqual([Infinity, false, 1, 0]);
    expect(seen).toEqual(['disk']);
  });
});
