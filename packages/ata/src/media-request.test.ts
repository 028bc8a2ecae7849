import { FakeBlockBackend, FakeGuestMemory } from '@pckit/device-testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DmaSegments } from './dma-segments.js';
import { MediaRequest } from './media-request.js';
import type { MediaWork } from './media-request.js';

const CONTENTS = Uint8Array.from({ length: 1 << 20 }, (_, i) => i * 7 + (i >>> 9));

function rig(vectored: boolean) {
  const memory = new FakeGuestMemory({ ranges: [[0, 0x8_0000], [0x10_0000, 0x8_0000]] });
  memory.bytes.forEach((_, i) => (memory.bytes[i] = i * 5 + (i >>> 8)));
  const disk = Object.assign(new FakeBlockBackend(CONTENTS.slice(), { vectored }), { synchronous: true });
  return { memory, disk };
}

function segmentsOf(pairs: readonly (readonly [address: number, length: number])[]): DmaSegments {
  const segments = new DmaSegments();
  for (const [address, length] of pairs) segments.add(address, length);
  return segments;
}

function request(work: MediaWork, offset: number, segments: DmaSegments, durable = false): MediaRequest {
  return new MediaRequest({ work, offset, length: segments.total, durable, segments });
}

function differsAt(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return i;
  return -1;
}

describe('a request on a synchronous disk that takes many buffers', () => {
  const PAIRS = [[0x1000, 512], [0x1200, 1024], [0x10_0000, 100], [0x4000, 412]] as const;

  it('reads in one operation into all pieces, neighbours as one, each announced', () => {
    const { memory, disk } = rig(true);
    const read = request('read', 1024, segmentsOf(PAIRS));
    expect(read.start(disk, memory)).toBeUndefined();
    expect([read.done, read.ok, read.dmaOk]).toEqual([true, true, true]);
    expect(disk.requests).toEqual(['readv 1024+1536+100+412']);
    expect(memory.writes).toEqual([{ address: 0x1000, length: 1536 }, { address: 0x10_0000, length: 100 }, { address: 0x4000, length: 412 }]);
    const all = new Uint8Array(2048);
    expect(segmentsOf(PAIRS).gather(memory, 0, all)).toBe(true);
    expect(all).toEqual(CONTENTS.slice(1024, 3072));
  });

  it('writes in one operation, then flushes if it is to be durable', () => {
    const { memory, disk } = rig(true);
    const all = new Uint8Array(2048);
    segmentsOf(PAIRS).gather(memory, 0, all);
    const write = request('write', 512, segmentsOf(PAIRS), true);
    write.start(disk, memory);
    expect([write.ok, write.dmaOk, disk.requests]).toEqual([true, true, ['writev 512+1536+100+412', 'flush']]);
    expect(disk.bytes.slice(512, 2560)).toEqual(all);
    expect(memory.writes).toEqual([]);
  });

  it('fails when that fails', () => {
    for (const work of ['read', 'write'] as const) {
      const { memory, disk } = rig(true);
      disk.failNext = new Error('injected');
      const failing = request(work, 0, segmentsOf(PAIRS), true);
      failing.start(disk, memory);
      expect([failing.done, failing.ok, failing.dmaOk, disk.requests.length]).toEqual([true, false, true, 1]);
    }
  });

  it('ends as on one that does not, with the same in memory and on disk, wherever the pieces lie', () => {
    // Pages near each other and anything; some of them are not RAM, or end outside it.
    const address = fc.oneof(fc.nat(255).map((page) => page * 0x1000), fc.constantFrom(0x7_fe00, 0x8_0000, 0xf_ff00, 2 ** 32, Infinity), fc.nat(0x18_0000));
    const length = fc.oneof(fc.constantFrom(1, 512, 4096, 65536), fc.integer({ min: 1, max: 9000 }));
    fc.assert(
      fc.property(fc.constantFrom<MediaWork>('read', 'write'), fc.array(fc.tuple(address, length), { minLength: 1, maxLength: 20 }), fc.nat(64), (work, pairs, sector) => {
        const [one, many] = [false, true].map((vectored) => {
          const { memory, disk } = rig(vectored);
          const each = request(work, sector * 512, segmentsOf(pairs), true);
          each.start(disk, memory);
          return { memory: memory.bytes, disk: disk.bytes, ok: each.ok, dmaOk: each.dmaOk };
        });
        expect([many.ok, many.dmaOk]).toEqual([one.ok, one.dmaOk]);
        // A read that fails leaves what it came to.
        if (one.ok) expect([differsAt(many.memory, one.memory), differsAt(many.disk, one.disk)]).toEqual([-1, -1]);
      }),
      { seed: 5, numRuns: 150 },
    );
  });

  it('asks for nothing when its one piece is not RAM', () => {
    const { memory, disk } = rig(true);
    const read = request('read', 0, segmentsOf([[0x9_0000, 512]]));
    read.start(disk, memory);
    expect([read.ok, read.dmaOk, disk.requests]).toEqual([true, false, []]);
  });
});
