import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aPackage, buffer, device, eisaId, integer, method, name, path, scope, string } from './aml.js';
import { busNumbers, interrupt, ioPorts, ioWindow, irqNoFlags, memory32Fixed, memoryWindow, resourceTemplate } from './aml-resources.js';

const hex = (bytes: ArrayLike<number>): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(' ');

describe('integers', () => {
  it('take the shortest encoding', () => {
    expect([0, 1, 2, 0xff, 0x100, 0xffff, 0x1_0000, 0xffff_ffff, 2 ** 32].map((n) => hex(integer(n).bytes))).toEqual([
      '00',
      '01',
      '0a 02',
      '0a ff',
      '0b 00 01',
      '0b ff ff',
      '0c 00 00 01 00',
      '0c ff ff ff ff',
      '0e 00 00 00 00 01 00 00 00',
    ]);
    expect(hex(integer((1n << 64n) - 1n).bytes)).toBe('0e ff ff ff ff ff ff ff ff');
  });

  it('outside 64 bits are refused', () => {
    for (const n of [-1, 0.5, NaN, 1n << 64n]) expect(() => integer(n)).toThrow(/AML can hold|64 bits/);
  });
});

describe('names', () => {
  it('are padded, prefixed and counted', () => {
    expect(hex(path('_CRS').bytes)).toBe('5f 43 52 53');
    expect(hex(path('COM').bytes)).toBe('43 4f 4d 5f');
    expect(hex(path('\\_SB').bytes)).toBe('5c 5f 53 42 5f');
    expect(hex(path('^^PCI0').bytes)).toBe('5e 5e 50 43 49 30');
    expect(hex(path('A.B').bytes)).toBe('2e 41 5f 5f 5f 42 5f 5f 5f');
    expect(hex(path('\\A.B.C').bytes)).toBe('5c 2f 03 41 5f 5f 5f 42 5f 5f 5f 43 5f 5f 5f');
    expect(hex(path('\\').bytes)).toBe('5c 00');
  });

  it.each(['', 'abcd', '1ABC', 'ABCDE', 'A..B', 'A B', '^\\A'])('that AML doesn\'t know are refused: %j', (bad) => {
    expect(() => path(bad)).toThrow();
  });
});

describe('data', () => {
  it('has EISA IDs in their compressed form', () => {
    // ACPI 6.5 section 19.3.4 and the encoding of every real DSDT: PNP0A03 is 030AD041H.
    expect(hex(eisaId('PNP0A03').bytes)).toBe('0c 41 d0 0a 03');
    expect(() => eisaId('PNPXYZ1')).toThrow(/no EISA ID/);
  });

  it('has strings, buffers and packages with their lengths', () => {
    expect(hex(string('AB').bytes)).toBe('0d 41 42 00');
    expect(hex(buffer([1, 2, 3]).bytes)).toBe('11 06 0a 03 01 02 03');
    expect(hex(aPackage(0, 'A', 2).bytes)).toBe('12 08 03 00 0d 41 00 0a 02');
    expect(() => string('ü')).toThrow(/outside ASCII/);
    expect(() => aPackage(...Array<number>(256).fill(0))).toThrow(/256 elements/);
  });
});

describe('package lengths', () => {
  /** Reads a PkgLength back, as an interpreter does. */
  function decode(bytes: Uint8Array, at: number): { length: number; own: number } {
    const following = bytes[at] >> 6;
    if (following === 0) return { length: bytes[at] & 0x3f, own: 1 };
    let length = bytes[at] & 0xf;
    for (let i = 0; i < following; i++) length += bytes[at + 1 + i] * 2 ** (4 + 8 * i);
    return { length, own: 1 + following };
  }

  it('count themselves, whatever their size', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(70), fc.integer({ min: 4080, max: 4110 }), fc.integer({ min: 2 ** 20 - 20, max: 2 ** 20 + 10 })), (length) => {
        const { bytes } = buffer(new Uint8Array(length));
        expect(decode(bytes, 1).length).toBe(bytes.length - 1);
      }),
      { seed: 0xa31, numRuns: 60 },
    );
  });

  it('are minimal', () => {
    expect(decode(scope('_SB', name('A', buffer(new Uint8Array(50)))).bytes, 1).own).toBe(2);
    expect(decode(scope('_SB').bytes, 1)).toEqual({ length: 5, own: 1 });
  });
});

describe('objects', () => {
  it('nest', () => {
    const tree = device('DEV0', name('_UID', 1), method('_STA', { args: 2, serialized: true }));
    expect(hex(tree.bytes)).toBe('5b 82 12 44 45 56 30 08 5f 55 49 44 01 14 06 5f 53 54 41 0a');
    expect(() => method('M', { args: 8 })).toThrow(/8 arguments/);
  });
});

describe('resource descriptors', () => {
  it('are those of section 6.4', () => {
    expect(hex(ioPorts(0x3f8, 8).bytes)).toBe('47 01 f8 03 f8 03 01 08');
    expect(hex(irqNoFlags(4).bytes)).toBe('22 10 00');
    expect(hex(memory32Fixed(0xfed0_0000, 0x400, 'read-only').bytes)).toBe('86 09 00 00 00 00 d0 fe 00 04 00 00');
    expect(hex(interrupt([5, 10], { trigger: 'level', polarity: 'low', shared: true }).bytes)).toBe('89 0a 00 0d 02 05 00 00 00 0a 00 00 00');
    expect(hex(interrupt([1], { trigger: 'edge', polarity: 'high', shared: false }).bytes)).toBe('89 06 00 03 01 01 00 00 00');
    expect(hex(busNumbers(0, 255).bytes)).toBe('88 0d 00 02 0c 00 00 00 00 00 ff 00 00 00 00 01');
    expect(hex(ioWindow(0xd00, 0xffff).bytes)).toBe('88 0d 00 01 0c 03 00 00 00 0d ff ff 00 00 00 f3');
    expect(memoryWindow(0xe000_0000, 0xfebf_ffff).bytes[0]).toBe(0x87);
    expect(memoryWindow(2 ** 32, 2 ** 33 - 1).bytes[0]).toBe(0x8a);
    expect(hex(resourceTemplate(irqNoFlags(1)).bytes)).toBe('11 08 0a 05 22 02 00 79 00');
  });

  it('that name what isn\'t there are refused', () => {
    expect(() => ioPorts(0xfffc, 8)).toThrow(/0xfffc\.\.0x10003 is outside 0\.\.0xffff/);
    expect(() => irqNoFlags(16)).toThrow(/IRQ/);
    expect(() => ioWindow(0, 0xffff)).toThrow(/can't be expressed/);
    expect(() => memory32Fixed(0xffff_ff00, 0x200, 'read-write')).toThrow(/memory/);
    expect(() => memoryWindow(5, 4)).toThrow(/a window/);
  });
});
