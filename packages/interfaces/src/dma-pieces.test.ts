import { describe, expect, it } from 'vitest';
import { DmaPieces } from './dma-pieces.js';
import type { GuestMemory } from './guest-memory.js';

/** As much of a memory as the pieces use; an address is an index of its bytes. */
function memoryOf(...ranges: readonly (readonly [start: number, length: number])[]) {
  const bytes = new Uint8Array(0x1_0000);
  const writes: { address: number; length: number }[] = [];
  const contains = (address: number, length: number): boolean => ranges.some(([start, size]) => address >= start && address + length <= start + size);
  const borrow = (address: number, length: number, intent: 'read' | 'write'): Uint8Array | undefined => {
    if (!contains(address, length)) return undefined;
    if (intent === 'write') writes.push({ address, length });
    return bytes.subarray(address, address + length);
  };
  return Object.assign({ contains, borrow } as GuestMemory, { bytes, writes });
}

describe('DmaPieces', () => {
  it('makes neighbours one, in order only', () => {
    const memory = memoryOf([0, 0x1_0000]);
    const pieces = new DmaPieces();
    for (const [address, length] of [[0x1000, 0x1000], [0x2000, 0x800], [0x2800, 1], [0x5000, 16], [0x4000, 0x1000], [0x5000, 16]]) expect(pieces.add(memory, address, length)).toBe(true);
    expect(pieces.count).toBe(3);
    memory.bytes.fill(7, 0x4000, 0x5010);
    const views = pieces.borrow(memory, 'write');
    expect(views.map(({ length }) => length)).toEqual([0x1801, 16, 0x1010]);
    expect(views.map((view) => view[0])).toEqual([0, 7, 7]);
    expect(memory.writes).toEqual([{ address: 0x1000, length: 0x1801 }, { address: 0x5000, length: 16 }, { address: 0x4000, length: 0x1010 }]);
  });

  it('keeps apart what lies in two ranges of RAM, though their addresses touch', () => {
    const memory = memoryOf([0, 0x1000], [0x1000, 0x1000]);
    const pieces = new DmaPieces();
    expect([pieces.add(memory, 0x800, 0x800), pieces.add(memory, 0x1000, 0x100), pieces.add(memory, 0x1100, 0x100)]).toEqual([true, true, true]);
    expect(pieces.borrow(memory, 'read').map(({ length }) => length)).toEqual([0x800, 0x200]);
    expect(memory.writes).toEqual([]);
  });

  it('refuses what is not RAM, and announces nothing by that', () => {
    const memory = memoryOf([0, 0x1000]);
    const pieces = new DmaPieces();
    expect(pieces.add(memory, 0x800, 0x800)).toBe(true);
    for (const [address, length] of [[0x1000, 1], [0xfff, 2], [Infinity, 1], [-1, 2], [2 ** 53, 512]]) expect(pieces.add(memory, address, length)).toBe(false);
    expect([pieces.count, memory.writes]).toEqual([1, []]);
  });

  it('is used again', () => {
    const memory = memoryOf([0, 0x1_0000]);
    const pieces = new DmaPieces();
    for (const count of [3, 1, 5, 0]) {
      pieces.clear();
      for (let i = 0; i < count; i++) pieces.add(memory, 0x2000 * i, 512);
      expect(pieces.borrow(memory, 'read')).toHaveLength(count);
    }
  });
});
