import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BootError } from './boot-error.js';
import { Layout } from './layout.js';

const RAM = [
  { start: 0x1000, length: 0xf000 },
  { start: 0x10_0000, length: 0x10_0000 },
];

describe('Layout', () => {
  it('names both parts when a claim overlaps', () => {
    const layout = new Layout(RAM);
    layout.claim('kernel', 0x10_0000, 0x8_0000);
    expect(() => layout.claim('initrd', 0x17_ffff, 1)).toThrow('initrd 0x17ffff-0x17ffff overlaps kernel 0x100000-0x17ffff');
    layout.claim('initrd', 0x18_0000, 1);
  });

  it('refuses what is not RAM all the way', () => {
    const layout = new Layout(RAM);
    expect(() => layout.claim('kernel', 0xf000, 0x2000)).toThrow(BootError);
    expect(() => layout.claim('kernel', 0x20_0000, 1)).toThrow(/not all RAM/);
  });

  it('places low or high, aligned, around what is there', () => {
    const layout = new Layout(RAM);
    layout.claim('kernel', 0x10_0000, 0x8_0000);
    expect(layout.find(0x1000, { align: 0x1000, from: 0x10_0000, below: Infinity, prefer: 'low' })).toBe(0x18_0000);
    expect(layout.find(0x1001, { align: 0x1000, from: 0x10_0000, below: Infinity, prefer: 'high' })).toBe(0x1f_e000);
    expect(layout.find(0x1000, { align: 0x1000, from: 0, below: 0x1fff, prefer: 'high' })).toBeUndefined();
  });

  it('says which parts are in the way when nothing fits', () => {
    const layout = new Layout(RAM);
    layout.claim('kernel', 0x10_0000, 0xc_0000);
    expect(() => layout.place('initrd', 0x5_0000, { align: 0x1000, from: 0x10_0000, below: 0x20_0000, prefer: 'high' })).toThrow(
      /initrd \(320 KiB\) doesn't fit between 0x100000 and 0x1fffff.*kernel 0x100000-0x1bffff/s,
    );
  });

  it('finds room whenever there is some, and only there', () => {
    const claims = fc.array(fc.tuple(fc.integer({ min: 0, max: 0xff }), fc.integer({ min: 1, max: 16 })), { maxLength: 20 });
    fc.assert(
      fc.property(claims, fc.integer({ min: 1, max: 64 }), fc.constantFrom('low' as const, 'high' as const), (wanted, pages, prefer) => {
        const layout = new Layout([{ start: 0, length: 0x10_0000 }]);
        const used = new Array<boolean>(256).fill(false);
        for (const [page, count] of wanted) {
          if (page + count > 256 || used.slice(page, page + count).includes(true)) continue;
          layout.claim('part', page * 0x1000, count * 0x1000);
          used.fill(true, page, page + count);
        }
        const free = [...used.keys()].filter((page) => page + pages <= 256 && !used.slice(page, page + pages).includes(true));
        const expected = prefer === 'low' ? free[0] : free.at(-1);
        const found = layout.find(pages * 0x1000, { align: 0x1000, from: 0, below: Infinity, prefer });
        expect(found).toBe(expected === undefined ? undefined : expected * 0x1000);
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});
