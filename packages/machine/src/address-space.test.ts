import type { AccessSize, IoRegion } from '@pckit/interfaces';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressSpaceMap } from './address-space.js';
import { MachineError } from './machine-error.js';

interface Recorded extends IoRegion {
  readonly log: string[];
  readonly bytes: Uint8Array;
}

/** Bytes behind a region that logs the accesses it gets. */
function region(name: string, length: number, accepts?: readonly AccessSize[]): Recorded {
  const bytes = Uint8Array.from({ length }, (_, i) => (i * 17 + 1) & 0xff);
  const log: string[] = [];
  const check = (offset: number, size: AccessSize): void => {
    if (offset < 0 || offset + size > length || (accepts !== undefined && !accepts.includes(size)))
      throw new Error(`${name}: ${offset}+${size}`);
  };
  return {
    name,
    length,
    ...(accepts === undefined ? {} : { accepts }),
    log,
    bytes,
    handler: {
      read: (offset, size) => {
        check(offset, size);
        log.push(`r${offset}/${size}`);
        let value = 0;
        for (let i = size - 1; i >= 0; i--) value = value * 256 + bytes[offset + i];
        return value;
      },
      write: (offset, value, size) => {
        check(offset, size);
        if (value < 0 || value >= 2 ** (8 * size)) throw new Error(`${name}: value ${value}`);
        log.push(`w${offset}/${size}=${value.toString(16)}`);
        for (let i = 0; i < size; i++) bytes[offset + i] = Math.floor(value / 2 ** (8 * i)) & 0xff;
      },
    },
  };
}

describe('AddressSpaceMap', () => {
  it('reads all-ones where nobody answers, and drops writes', () => {
    const space = new AddressSpaceMap('memory', 2 ** 52);
    expect([space.read(0, 1), space.read(0xfee00000, 2), space.read(2 ** 52 - 4, 4)]).toEqual([
      0xff, 0xffff, 0xffff_ffff,
    ]);
    expect(space.read64(0x1000)).toBe(0xffff_ffff_ffff_ffffn);
    space.write(0, 1, 4);
    space.write64(0, 1n);
  });

  it('gives a handler offsets in its region', () => {
    const space = new AddressSpaceMap('port', 65536);
    const uart = region('uart', 8);
    space.map(0x3f8, uart);
    space.map(0x2f8, region('other', 8));
    expect(space.read(0x3fb, 1)).toBe(uart.bytes[3]);
    space.write(0x3ff, 0xab, 1);
    expect(uart.log).toEqual(['r3/1', 'w7/1=ab']);
  });

  it('names both regions when they overlap', () => {
    const space = new AddressSpaceMap('memory', 2 ** 52);
    space.map(0xfed00000, region('ioapic', 0x1000));
    expect(() => space.map(0xfed00000, region('hpet', 0x400))).toThrow(
      'region hpet 0xfed00000+0x400 overlaps region ioapic 0xfed00000+0x1000',
    );
    expect(() => space.map(0xfecfffff, region('hpet', 2))).toThrow(MachineError);
    expect(() => new AddressSpaceMap('port', 65536).map(0xffff, region('wide', 2))).toThrow(
      /exceeds the port space of 0x10000/,
    );
    expect(() => space.map(-1, region('x', 1))).toThrow(/no range/);
    space.map(0xfed00000, region('disabled', 0x400), false);
  });

  it('splits what is too wide and widens what is too narrow', () => {
    const space = new AddressSpaceMap('memory', 2 ** 52);
    const bytes = region('bytes', 8, [1]);
    const words = region('words', 8, [2]);
    const dwords = region('dwords', 8, [4]);
    space.map(0x10, bytes);
    space.map(0x20, words);
    space.map(0x30, dwords);
    expect(space.read(0x10, 4)).toBe(0x3423_1201);
    expect(bytes.log).toEqual(['r0/1', 'r1/1', 'r2/1', 'r3/1']);
    expect(space.read(0x22, 4)).toBe(0x5645_3423);
    expect(space.read(0x23, 1)).toBe(0x34);
    expect(words.log).toEqual(['r2/2', 'r4/2', 'r2/2']);
    expect(space.read(0x32, 2)).toBe(0x3423);
    expect(space.read(0x33, 2)).toBe(0x4534);
    expect(dwords.log).toEqual(['r0/4', 'r0/4', 'r4/4']);
    dwords.log.length = 0;
    space.write(0x35, 0xab, 1);
    space.write(0x33, 0xabcd, 2);
    expect(dwords.log).toEqual(['w4/4=ab00', 'w0/4=cd000000', 'w4/4=ab']);
    words.log.length = 0;
    space.write(0x20, 0x8123_4567, 4);
    expect(words.log).toEqual(['w0/2=4567', 'w2/2=8123']);
    expect(space.read64(0x30)).toBe(BigInt(space.read(0x30, 4)) | (BigInt(space.read(0x34, 4)) << 32n));
  });

  it('reads the tail of a region shorter than its unit as all-ones', () => {
    const space = new AddressSpaceMap('memory', 2 ** 52);
    space.map(0, region('odd', 6, [4]));
    expect(space.read(5, 1)).toBe(0xff);
    space.write(5, 1, 1);
  });

  it('goes through read64 only when the handler has it and the access is whole', () => {
    const space = new AddressSpaceMap('memory', 2 ** 52);
    const written: bigint[] = [];
    space.map(0x100, {
      name: 'hpet',
      length: 16,
      handler: {
        read: () => 1,
        write: () => undefined,
        read64: () => 0x1234_5678_9abcn,
        write64: (_offset, value) => written.push(value),
      },
    });
    expect(space.read64(0x108)).toBe(0x1234_5678_9abcn);
    space.write64(0x100, 7n);
    expect(written).toEqual([7n]);
    expect(space.read64(0x10c)).toBe(0xffff_ffff_0000_0001n);
  });

  it('makes an access across a border byte by byte, each byte answered by its owner', () => {
    const space = new AddressSpaceMap('port', 65536);
    space.map(0x10, region('a', 2));
    space.map(0x12, region('b', 2));
    expect(space.read(0x11, 4)).toBe(0xff12_0112);
    expect(space.read(0x0f, 2)).toBe(0x01ff);
    expect(space.read(0x0d, 4)).toBe(0x01ff_ffff);
    space.write(0x13, 0x8877, 2);
    space.write(0x0f, 0x6655, 2);
    expect([space.read(0x13, 1), space.read(0x10, 1)]).toEqual([0x77, 0x66]);
    // A port access wraps.
    space.map(0, region('zero', 1));
    expect(space.read(0xffff, 2)).toBe(0x01ff);
  });

  it('moves, enables, disables and unmaps; the older of two that overlap answers', () => {
    const space = new AddressSpaceMap('memory', 2 ** 52);
    const old = region('old', 0x100);
    const young = region('young', 0x1000);
    const mapping = space.map(0x8000, old);
    const bar = space.map(0xf000_0000, young, false);
    expect(space.find(0xf000_0000)).toBeUndefined();
    bar.enable(true);
    expect(space.find(0xf000_0fff)).toBe(bar);
    bar.move(0x7f80);
    expect(space.find(0x7fff)?.region).toBe(young);
    expect(space.find(0x8000)?.region).toBe(old);
    expect(space.find(0x80ff)?.region).toBe(old);
    expect(space.find(0x8100)?.region).toBe(young);
    space.read(0x8100, 4);
    expect(young.log).toEqual(['r384/4']);
    mapping.enable(false);
    expect(space.find(0x8000)?.region).toBe(young);
    mapping.enable(true);
    bar.unmap();
    bar.enable(true);
    expect(space.find(0x8100)).toBeUndefined();
    expect(space.mappings).toEqual([mapping]);
    mapping.move(2 ** 52 - 0x80);
    expect(space.read(2 ** 52 - 1, 1)).toBe(old.bytes[0x7f]);
  });

  it('agrees with a search through the list, whatever is mapped, moved and switched', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ base: fc.nat(200), length: fc.integer({ min: 1, max: 60 }) }), {
          minLength: 1,
          maxLength: 12,
        }),
        fc.array(fc.record({ which: fc.nat(11), move: fc.nat(200), on: fc.boolean() }), { maxLength: 20 }),
        (regions, changes) => {
          const space = new AddressSpaceMap('port', 256);
          const mappings = regions.map(({ base, length }, i) => space.map(base, region(`r${i}`, length, [1]), false));
          const check = (): void => {
            const wrong = Array.from({ length: 256 }, (_, address) => address).filter(
              (address) =>
                space.find(address) !==
                mappings.find((m) => m.enabled && address >= m.base && address < m.base + m.region.length),
            );
            expect(wrong).toEqual([]);
          };
          for (const { which, move, on } of changes) {
            const mapping = mappings[which % mappings.length];
            mapping.enable(on);
            check();
            mapping.move(move);
            check();
          }
        },
      ),
      { seed: 3, numRuns: 100 },
    );
  });
});
