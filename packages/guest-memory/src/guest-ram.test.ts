import type { GuestMemory } from '@pckit/interfaces';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GuestMemoryError, GuestRam, layOutRam } from './index.js';

const MIB = 1 << 20;
const GIB = 2 ** 30;

describe('the layout of RAM', () => {
  it('is one range while it fits below the hole', () => {
    expect(layOutRam({ ramBytes: 128 * MIB })).toEqual({
      ranges: [{ start: 0, length: 128 * MIB, offset: 0 }],
      base: 0,
      memoryBytes: 128 * MIB,
    });
  });

  it('goes on above 4 GiB what does not fit below the hole', () => {
    const { ranges } = layOutRam({ ramBytes: 3.5 * GIB, reserveBytes: 1 });
    expect(ranges).toEqual([
      { start: 0, length: 3 * GIB, offset: 65536 },
      { start: 4 * GIB, length: 0.5 * GIB, offset: 65536 + 3 * GIB },
    ]);
  });

  it('leaves out holes and keeps the offsets of what follows', () => {
    const { ranges, memoryBytes } = layOutRam({ ramBytes: 4 * MIB, holes: [{ start: 0xa0000, length: 0x20000 }] });
    expect(ranges).toEqual([
      { start: 0, length: 0xa0000, offset: 0 },
      { start: 0xc0000, length: 4 * MIB - 0xc0000, offset: 0xc0000 },
    ]);
    expect(memoryBytes).toBe(4 * MIB);
    expect(layOutRam({ ramBytes: 64 * 1024, holes: [{ start: 0xa0000, length: 0x20000 }] }).ranges).toHaveLength(1);
  });

  it('says how much would fit when it is too large', () => {
    expect(() => layOutRam({ ramBytes: 4 * GIB, reserveBytes: 16 * MIB })).toThrow(
      '4096 MiB of RAM and 16 MiB for the processor exceed the 4096 MiB that one WebAssembly memory holds; at most 4080 MiB of RAM fit',
    );
    expect(layOutRam({ ramBytes: 4 * GIB }).memoryBytes).toBe(4 * GIB);
  });

  it('refuses sizes that are no pages', () => {
    expect(() => layOutRam({ ramBytes: 1000 })).toThrow(GuestMemoryError);
    expect(() => layOutRam({ ramBytes: 0 })).toThrow(/without RAM/);
    expect(() => layOutRam({ ramBytes: MIB, holeStart: 5 * GIB })).toThrow(/0x140000000/);
    expect(() =>
      layOutRam({
        ramBytes: MIB,
        holes: [
          { start: 0, length: 8192 },
          { start: 4096, length: 4096 },
        ],
      }),
    ).toThrow(/overlap at 0x1000/);
    expect(() => layOutRam({ ramBytes: -4096 })).toThrow(GuestMemoryError);
    expect(() => layOutRam({ ramBytes: NaN })).toThrow(GuestMemoryError);
  });

  it('has ascending disjoint page-aligned ranges inside the memory, for any size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 20 - 4096 }),
        fc.integer({ min: 0, max: 16 * MIB }),
        fc.integer({ min: 1, max: 2 ** 20 }),
        (pages, reserveBytes, holePage) => {
          const { ranges, memoryBytes, base } = layOutRam({
            ramBytes: pages * 4096,
            reserveBytes,
            holeStart: holePage * 4096,
          });
          expect(base).toBeGreaterThanOrEqual(reserveBytes);
          expect(ranges.reduce((sum, range) => sum + range.length, 0)).toBe(pages * 4096);
          let guest = 0;
          let host = base;
          for (const range of ranges) {
            expect(range.start).toBeGreaterThanOrEqual(guest);
            expect(range.offset).toBe(host);
            expect(range.offset % 4096).toBe(0);
            guest = range.start + range.length;
            host = range.offset + range.length;
          }
          expect(host).toBeLessThanOrEqual(memoryBytes);
        },
      ),
      { seed: 1, numRuns: 300 },
    );
  });
});

/** 2 MiB below the hole, 1 MiB above 4 GiB, a window at A0000H. */
function small(onWrite?: (address: number, length: number) => void): GuestRam {
  return new GuestRam({
    ramBytes: 3 * MIB,
    reserveBytes: 100,
    holeStart: 2 * MIB,
    holes: [{ start: 0xa0000, length: 0x20000 }],
    ...(onWrite === undefined ? {} : { onWrite }),
  });
}

describe('GuestRam', () => {
  it('reads back what is written, little-endian, in every range', () => {
    const ram = small();
    for (const at of [0, 0x9fff8, 0xc0000, 2 * MIB - 8, 4 * GIB, 4 * GIB + MIB - 8]) {
      ram.writeU32(at, 0x8899_aabb);
      ram.writeU16(at + 4, 0xccdd);
      ram.writeU8(at + 6, 0xee);
      expect([ram.readU32(at), ram.readU16(at), ram.readU8(at), ram.readU16(at + 3)]).toEqual([
        0x8899_aabb, 0xaabb, 0xbb, 0xdd88,
      ]);
      expect([...(ram.borrow(at, 7, 'read') ?? [])]).toEqual([0xbb, 0xaa, 0x99, 0x88, 0xdd, 0xcc, 0xee]);
    }
  });

  it('reads all-ones and writes nothing outside RAM and across the ends of ranges', () => {
    const announced: number[] = [];
    const ram = small((address) => announced.push(address));
    for (const at of [0xa0000, 0xbffff, 2 * MIB, 3 * GIB, 4 * GIB - 1, 4 * GIB + MIB, 2 ** 52, -1, NaN, Infinity]) {
      expect(ram.readU8(at)).toBe(0xff);
      ram.writeU8(at, 1);
      expect(ram.borrow(at, 1, 'write')).toBeUndefined();
    }
    for (const end of [0xa0000, 2 * MIB, 4 * GIB + MIB]) {
      expect(ram.readU16(end - 1)).toBe(0xffff);
      expect(ram.readU32(end - 3)).toBe(0xffff_ffff);
      expect(ram.readAddress(end - 7)).toBe(Infinity);
      ram.writeU16(end - 1, 1);
      ram.writeU32(end - 3, 1);
      ram.writeAddress(end - 7, 1);
      expect(ram.contains(end - 1, 2)).toBe(false);
      expect(ram.contains(end - 1, 1)).toBe(true);
    }
    expect(announced).toEqual([]);
    let sum = 0;
    ram.forEachNonZeroPage(() => sum++);
    expect(sum).toBe(0);
  });

  it('never takes a borrow that is longer than RAM, negative or wraps', () => {
    const ram = small();
    for (const length of [-1, 2 ** 32, 2 ** 53, Infinity, NaN])
      expect(ram.borrow(0x1000, length, 'write')).toBeUndefined();
    expect(ram.borrow(0x1000, 0, 'write')?.length).toBe(0);
  });

  it('announces every write before bytes change', () => {
    const log: string[] = [];
    const ram: GuestRam = small((address, length) => log.push(`${address}+${length} was ${ram.readU8(address)}`));
    ram.writeU8(16, 1);
    ram.writeU16(16, 2);
    ram.writeU32(16, 3);
    ram.writeAddress(16, 4);
    ram.borrow(16, 100, 'write')?.fill(5);
    ram.borrow(16, 100, 'read');
    ram.load(16, Uint8Array.of(6, 7));
    expect(log).toEqual(['16+1 was 0', '16+2 was 1', '16+4 was 2', '16+8 was 3', '16+100 was 4', '16+2 was 5']);
  });

  it('reads 64-bit values above 2^53-1 as Infinity', () => {
    const ram = small();
    ram.writeAddress(0, 2 ** 53 - 1);
    expect(ram.readAddress(0)).toBe(2 ** 53 - 1);
    ram.writeU32(4, 0x20_0000);
    ram.writeU32(0, 0);
    expect(ram.readAddress(0)).toBe(Infinity);
    ram.writeU32(4, 0xffff_ffff);
    expect(ram.readAddress(0)).toBe(Infinity);
  });

  it('goes on working when the memory grows under it', () => {
    const memory = new WebAssembly.Memory({ initial: 17, maximum: 20 });
    const ram = new GuestRam({ memory, ramBytes: MIB, reserveBytes: 65536 });
    ram.writeU32(0, 42);
    memory.grow(1);
    expect(ram.readU32(0)).toBe(42);
    memory.grow(1);
    ram.writeU8(1, 1);
    memory.grow(1);
    expect(ram.borrow(0, 4, 'read')).toEqual(Uint8Array.of(42, 1, 0, 0));
    expect(new Uint8Array(memory.buffer)[65536]).toBe(42);
  });

  it('refuses a memory that is too small', () => {
    expect(() => new GuestRam({ memory: new WebAssembly.Memory({ initial: 1 }), ramBytes: MIB })).toThrow(
      /has 65536 bytes; the layout needs 1048576/,
    );
  });

  it('hashes contents and places, not history', () => {
    const empty = small().hash();
    expect(empty).toMatch(/^[0-9a-f]{16}$/);
    const hashes = new Set([empty]);
    // Every byte of a page counts, and where it is, and each of its bits.
    for (let at = 0x3000; at < 0x4000; at += 37) {
      const ram = small();
      ram.writeU8(at, 1);
      hashes.add(ram.hash());
    }
    for (const [at, value] of [
      [0x3000, 2],
      [0x3000, 0x80],
      [0x4000, 1],
      [4 * GIB, 1],
    ] as const) {
      const ram = small();
      ram.writeU8(at, value);
      hashes.add(ram.hash());
    }
    expect(hashes.size).toBe(1 + Math.ceil(4096 / 37) + 4);
    const ram = small();
    ram.writeU32(0x5000, 1);
    ram.writeU32(0x8000, 2);
    const both = ram.hash();
    ram.writeU32(0x5000, 2);
    ram.writeU32(0x8000, 1);
    expect(ram.hash()).not.toBe(both);
    ram.clear();
    expect(ram.hash()).toBe(empty);
    ram.writeU32(0x8000, 2);
    ram.writeU32(0x5000, 1);
    expect(ram.hash()).toBe(both);
  });

  it('scans a shared memory too', () => {
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
    const ram = new GuestRam({ memory, ramBytes: MIB });
    const before = ram.hash();
    ram.writeU8(0xfffff, 1);
    expect(ram.hash()).not.toBe(before);
  });

  it('finds the pages that are not zero, whichever bit it is', () => {
    const ram = small();
    ram.writeU8(0x1007, 0x80);
    ram.writeU8(4 * GIB + 0x2fff, 1);
    const found: number[] = [];
    ram.forEachNonZeroPage((address, page) => {
      found.push(address);
      expect(page.length).toBe(4096);
    });
    expect(found).toEqual([0x1000, 4 * GIB + 0x2000]);
    ram.clear();
    ram.forEachNonZeroPage(() => expect.unreachable());
  });

  it('clears what was there before it, and what was written around it since the first time', () => {
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 16 });
    new Uint8Array(memory.buffer)[0x5000] = 1;
    const given = new GuestRam({ memory, ramBytes: MIB });
    given.clear();
    given.forEachNonZeroPage(() => expect.unreachable());

    const own = new GuestRam({ ramBytes: MIB });
    own.clear();
    new Uint8Array(own.memory.buffer)[0x5000] = 1;
    own.clear();
    own.forEachNonZeroPage(() => expect.unreachable());

    const written = new GuestRam({ ramBytes: MIB });
    written.load(0x5000, Uint8Array.of(1));
    written.clear();
    written.forEachNonZeroPage(() => expect.unreachable());
  });

  it('throws with the ranges when the host loads outside RAM', () => {
    expect(() => small().load(0x9ffff, new Uint8Array(2))).toThrow(/0x9ffff\+0x2 is not all RAM \(RAM: 0x0\+0xa0000/);
    expect(() => small().copy(2 * MIB, 1)).toThrow(GuestMemoryError);
    expect(small().copy(0, 2)).toEqual(Uint8Array.of(0, 0));
  });

  it('agrees with a plain array under random accesses', () => {
    const ram: GuestMemory = small();
    const model = new Map<number, number>();
    const inRam = (at: number): boolean =>
      (at < 0xa0000 || (at >= 0xc0000 && at < 2 * MIB) || (at >= 4 * GIB && at < 4 * GIB + MIB)) && at >= 0;
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            near: fc.constantFrom(0, 0xa0000, 0xc0000, 2 * MIB, 4 * GIB, 4 * GIB + MIB),
            by: fc.integer({ min: -9, max: 9 }),
            size: fc.constantFrom(1, 2, 4),
            value: fc.nat(0xffff_ffff),
          }),
        ),
        (accesses) => {
          for (const { near, by, size, value } of accesses) {
            const at = near + by;
            const whole = inRam(at) && inRam(at + size - 1);
            const wrapped = value % 2 ** (8 * size);
            if (size === 1) ram.writeU8(at, wrapped);
            else if (size === 2) ram.writeU16(at, wrapped);
            else ram.writeU32(at, wrapped);
            if (whole) for (let i = 0; i < size; i++) model.set(at + i, Math.floor(wrapped / 2 ** (8 * i)) & 0xff);
            for (let i = -4; i < 8; i++) expect(ram.readU8(at + i)).toBe(inRam(at + i) ? model.get(at + i) ?? 0 : 0xff);
          }
        },
      ),
      { seed: 2, numRuns: 100 },
    );
  });
});
