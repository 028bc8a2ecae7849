import type { BlockBackend } from '@pckit/interfaces';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLUSTER, MemoryClusters } from './memory-clusters.js';
import { MemoryDisk } from './memory-disk.js';
import { OverlayDisk } from './overlay-disk.js';
import { FaultyBackend, SlowBackend } from './testing/index.js';

const SIZE = 4 * CLUSTER + 2048;
const base = (): MemoryDisk => new MemoryDisk(Uint8Array.from({ length: SIZE }, (_, i) => (i >>> 9) * 3 + 1));

const read = async (disk: BlockBackend, offset: number, length: number): Promise<Uint8Array> => {
  const into = new Uint8Array(length);
  await disk.read(offset, into);
  return into;
};

const firstDifference = (a: Uint8Array, b: Uint8Array): number => a.findIndex((byte, i) => byte !== b[i]);

describe('an overlay', () => {
  it('shows its base until it is written to, and never changes it', async () => {
    const below = base();
    const before = below.bytes.slice();
    const disk = new OverlayDisk(below);
    expect(firstDifference(await read(disk, 0, SIZE), before)).toBe(-1);
    disk.write(1024, new Uint8Array(512).fill(0xaa));
    disk.writeZeroes(CLUSTER, CLUSTER);
    disk.discard(3 * CLUSTER, 1024);
    expect(below.bytes).toEqual(before);
    expect([...(await read(disk, 512, 1536))].filter((_, i) => i % 512 === 0)).toEqual([before[512], 0xaa, before[1536]]);
    expect((await read(disk, CLUSTER, CLUSTER)).every((byte) => byte === 0)).toBe(true);
  });

  it('is synchronous when its base is', () => {
    expect(new OverlayDisk(base()).synchronous).toBe(true);
    expect(new OverlayDisk(base()).read(0, new Uint8Array(512))).toBeUndefined();
    expect(new OverlayDisk(new SlowBackend(base())).synchronous).toBe(false);
  });

  it('takes memory by clusters, none for zeros', () => {
    const clusters = new MemoryClusters();
    const disk = new OverlayDisk(base(), { store: clusters });
    disk.write(0, new Uint8Array(512).fill(1));
    disk.write(CLUSTER - 512, new Uint8Array(1024).fill(1));
    expect(clusters.allocated).toBe(2 * CLUSTER);
    disk.discard(0, 2 * CLUSTER);
    expect(clusters.allocated).toBe(0);
    disk.writeZeroes(512, 1024);
    expect(clusters.allocated).toBe(0);
    disk.write(512, new Uint8Array(512).fill(1));
    expect(clusters.allocated).toBe(CLUSTER);
  });

  it('refuses what is no whole sector, or not on it', () => {
    const disk = new OverlayDisk(base());
    for (const [offset, length] of [
      [1, 512],
      [0, 100],
      [SIZE, 512],
      [SIZE - 512, 1024],
    ] as const) {
      expect(() => disk.read(offset, new Uint8Array(length))).toThrow(expect.objectContaining({ code: 'out-of-range' }));
      expect(() => disk.write(offset, new Uint8Array(length))).toThrow(expect.objectContaining({ code: 'out-of-range' }));
      expect(() => disk.discard(offset, length)).toThrow(expect.objectContaining({ code: 'out-of-range' }));
    }
  });

  it('passes on what its base says against a read, and needs no base for what it has', async () => {
    const faulty = new FaultyBackend(base());
    faulty.fails = () => true;
    const disk = new OverlayDisk(faulty);
    disk.write(0, new Uint8Array(512).fill(5));
    expect((await read(disk, 0, 512))[0]).toBe(5);
    expect(() => disk.read(0, new Uint8Array(1024))).toThrow(/injected/);
    const slow = new SlowBackend(base());
    const later = new OverlayDisk(slow);
    const reading = read(later, 0, 512);
    slow.abort();
    await expect(reading).rejects.toThrow('aborted');
  });

  it('shows a write that happened while its base was being read', async () => {
    const slow = new SlowBackend(base());
    const disk = new OverlayDisk(slow);
    const reading = read(disk, 0, 1024);
    disk.write(512, new Uint8Array(512).fill(0xbb));
    slow.release();
    const bytes = await reading;
    expect([bytes[0], bytes[512]]).toEqual([1, 0xbb]);
  });

  it('is saved and restored', async () => {
    const disk = new OverlayDisk(base());
    disk.write(CLUSTER, new Uint8Array(1024).fill(9));
    disk.writeZeroes(0, CLUSTER);
    const state = disk.save();
    const expected = await read(disk, 0, SIZE);
    disk.write(CLUSTER, new Uint8Array(SIZE - CLUSTER).fill(1));
    const copy = new OverlayDisk(base());
    copy.restore(state);
    expect(firstDifference(await read(copy, 0, SIZE), expected)).toBe(-1);
    expect(copy.save()).toEqual(state);
    expect(() => copy.restore({ ...state, version: 2 as 1 })).toThrow(/version 2/);
  });

  it('is like a disk that was written to, whatever the order', async () => {
    const sectors = SIZE / 512;
    const operation = fc.record({
      kind: fc.constantFrom('write', 'write', 'zero', 'read'),
      sector: fc.oneof(fc.nat(sectors - 1), fc.constantFrom(0, 127, 128, 255, 256)),
      count: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.constantFrom(128, 129, 256, 400)),
      byte: fc.nat(255),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 30 }), fc.boolean(), async (operations, asynchronous) => {
        const below = base();
        const model = below.bytes.slice();
        const disk = new OverlayDisk(asynchronous ? { ...below, synchronous: false, read: async (at, into) => below.read(at, into), write: () => undefined, flush: () => undefined } : below);
        for (const { kind, sector, count, byte } of operations) {
          const offset = sector * 512;
          const length = Math.min(count, sectors - sector) * 512;
          if (kind === 'write') {
            model.fill(byte, offset, offset + length);
            disk.write(offset, new Uint8Array(length).fill(byte));
          } else if (kind === 'zero') {
            model.fill(0, offset, offset + length);
            disk.writeZeroes(offset, length);
          } else {
            expect(firstDifference(await read(disk, offset, length), model.subarray(offset, offset + length))).toBe(-1);
          }
        }
        expect(firstDifference(await read(disk, 0, SIZE), model)).toBe(-1);
      }),
      { seed: 5, numRuns: 150 },
    );
  });
});
