import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HandClock } from '../testing/hand-clock.js';
import { NetworkTimers } from '../timers.js';
import { FlowTable } from './flow-table.js';
import { ReceiveQueue } from './receive-queue.js';
import { Rto } from './rto.js';
import { Scoreboard } from './scoreboard.js';
import { PiecePool, SendQueue } from './send-queue.js';

/** Sequence numbers wrap: everything is tried near the end of their space, too. */
const origins = [0, 0x7fff_ff00, -256];

describe('the queue to send', () => {
  it('gives back what was written, whatever the pieces', () =>
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.tuple(fc.constant('push'), fc.integer({ min: 1, max: 40_000 })), fc.tuple(fc.constant('discard'), fc.nat(30_000)), fc.tuple(fc.constant('copy'), fc.nat(9000))), { maxLength: 60 }), (steps) => {
        const pool = new PiecePool();
        const queue = new SendQueue(pool);
        const other = new SendQueue(pool);
        let model: number[] = [];
        let next = 0;
        for (const [what, n] of steps) {
          if (what === 'push') {
            const data = Uint8Array.from({ length: n }, () => next++);
            queue.push(data);
            model = model.concat([...data]);
            // Borrowed: the writer uses it again.
            data.fill(0xee);
          } else if (what === 'discard') {
            const count = Math.min(n, model.length);
            if (count > 0) queue.discard(count);
            // Somebody else gets what it no longer needs.
            other.push(new Uint8Array(n).fill(0xdd));
            if (n % 3 === 0) other.clear();
            model = model.slice(count);
          } else if (model.length > 0) {
            const offset = n % model.length;
            const length = Math.min(1460, model.length - offset);
            const into = new Uint8Array(length + 3);
            queue.copy(offset, length, into, 3);
            expect(Buffer.compare(into.subarray(3), Uint8Array.from(model.slice(offset, offset + length)))).toBe(0);
          }
          expect(queue.length).toBe(model.length);
        }
      }),
      { seed: 1, numRuns: 60 },
    ));
});

describe('what came', () => {
  it.each(origins)('is put in order from %d on, whatever overlaps, repeats or is missing', (origin) =>
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(900), fc.integer({ min: 1, max: 200 })), { maxLength: 80 }), (pieces) => {
        const data = Uint8Array.from({ length: 1100 }, (_, i) => i * 7);
        const got: number[] = [];
        const queue = new ReceiveQueue((bytes) => got.push(...bytes));
        queue.next = origin;
        const have = new Set<number>();
        for (const [at, length] of pieces) {
          queue.add((origin + at) | 0, data, at, at + length, (origin + 1100) | 0);
          for (let i = at; i < at + length; i++) have.add(i);
          let edge = 0;
          while (have.has(edge)) edge++;
          expect((queue.next - origin) | 0).toBe(edge);
        }
        queue.flush();
        expect(got).toEqual([...data.subarray(0, got.length)]);
        expect(got).toHaveLength((queue.next - origin) | 0);
        const starts = new Int32Array(4);
        const ends = new Int32Array(4);
        const count = queue.blocks(starts, ends, 4);
        for (let i = 0; i < count; i++) {
          for (let s = (starts[i] - origin) | 0; s < ((ends[i] - origin) | 0); s++) expect(have.has(s)).toBe(true);
          expect(have.has(((starts[i] - origin) | 0) - 1)).toBe(false);
          expect(have.has((ends[i] - origin) | 0)).toBe(false);
        }
      }),
      { seed: 2, numRuns: 100 },
    ),
  );
});

describe('the scoreboard', () => {
  it.each(origins)('knows what is there from %d on', (origin) =>
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(500), fc.integer({ min: 1, max: 80 })), { maxLength: 40 }), fc.nat(600), (ranges, una) => {
        const board = new Scoreboard();
        const have = new Set<number>();
        for (const [at, length] of ranges) {
          const before = have.size;
          for (let i = at; i < at + length; i++) have.add(i);
          expect(board.add((origin + at) | 0, (origin + at + length) | 0)).toBe(have.size > before);
          expect(board.bytes).toBe(have.size);
        }
        board.trim((origin + una) | 0);
        for (const i of [...have]) if (i < una) have.delete(i);
        expect(board.bytes).toBe(have.size);
        for (const at of [una, una + 50, una + 200]) {
          let hole = at;
          while (have.has(hole)) hole++;
          expect((board.skip((origin + at) | 0) - origin) | 0).toBe(hole);
          expect(board.below((origin + at) | 0)).toBe([...have].filter((i) => i < at).length);
        }
      }),
      { seed: 3, numRuns: 100 },
    ),
  );

  it('says what is lost by three ranges or more than two segments above (RFC 6675 4)', () => {
    const board = new Scoreboard();
    board.add(1000, 2000);
    expect(board.lostBelow(1000)).toBeUndefined();
    board.add(2000, 3001);
    expect(board.lostBelow(1000)).toBe(1000);
    const ranges = new Scoreboard();
    for (const at of [10, 20, 30]) ranges.add(at, at + 1);
    expect(ranges.lostBelow(1000)).toBe(10);
  });
});

it('the retransmission timeout follows RFC 6298', () => {
  const rto = new Rto();
  expect(rto.ms).toBe(1000);
  rto.sample(400);
  // RTO = SRTT + 4 * RTTVAR, with RTTVAR = R / 2.
  expect(rto.ms).toBe(400 + 4 * 200);
  rto.sample(400);
  expect(rto.ms).toBe(400 + 4 * 150);
  rto.double();
  expect(rto.ms).toBe(2000);
  for (let i = 0; i < 10; i++) rto.double();
  expect(rto.ms).toBe(60_000);
  rto.settle();
  for (let i = 0; i < 100; i++) rto.sample(1);
  expect(rto.ms).toBe(200);
});

it('flows are found by their words, thousands of them', () => {
  class Flow {
    nextInBucket: this | undefined;
    constructor(readonly key: Uint32Array) {}
  }
  const table = new FlowTable<Flow>(99);
  const flows = Array.from({ length: 5000 }, (_, i) => new Flow(Uint32Array.of(0x0a00020f, (i * 7919) >>> 0, i % 2 === 0 ? 80 : 443)));
  for (const flow of flows) table.add(flow);
  expect([table.size, [...table].length]).toEqual([5000, 5000]);
  for (const flow of flows) {
    table.probe.set(flow.key);
    expect(table.find(3)).toBe(flow);
  }
  table.probe[8] = 1;
  expect(table.find(9)).toBeUndefined();
  for (const flow of flows) expect(table.delete(flow)).toBe(true);
  expect([table.size, table.delete(flows[0])]).toEqual([0, false]);
});

it('timers fire in order, of equal times the one armed first; later deadlines and cancelled ones keep their word', () => {
  const clock = new HandClock();
  const timers = new NetworkTimers(clock);
  const log: string[] = [];
  const make = (name: string): ReturnType<NetworkTimers['create']> => timers.create(() => log.push(`${name}@${clock.nowMs()}`));
  const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map(make);
  a.arm(10);
  b.arm(10);
  c.arm(5);
  d.arm(7);
  e.arm(20);
  d.cancel();
  c.arm(15);
  e.arm(12);
  clock.advance(11);
  expect(log).toEqual(['a@10', 'b@10']);
  a.arm(15);
  e.dispose();
  clock.advance(100);
  expect(log.slice(2)).toEqual(['c@15', 'a@15']);
});
