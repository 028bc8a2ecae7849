import { describe, expect, it } from 'vitest';
import { readRelocations, relocate } from './relocations.js';

function words(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

const TEXT = -0x7f00_0000; // 0xffffffff81000000

describe('readRelocations', () => {
  it('reads the three lists of x86-64 up to Linux 6.14', () => {
    const { add64, subtract32, add32 } = readRelocations(words(0, 1, 2, 0, 3, 0, 4, 5, 6), true) ?? {};
    expect([add64, subtract32, add32].map((list) => [...(list ?? [])])).toEqual([[1, 2], [3], [4, 5, 6]]);
  });

  it('reads two lists as a kernel without inverse ones, and one as i386', () => {
    expect(readRelocations(words(0, 1, 0, 2), true)).toMatchObject({ add64: Int32Array.of(1), add32: Int32Array.of(2), subtract32: new Int32Array(0) });
    expect(readRelocations(words(0, 7), false)).toMatchObject({ add32: Int32Array.of(7), add64: new Int32Array(0) });
  });

  it('knows empty lists', () => {
    expect(readRelocations(words(0, 1, 0, 0, 2), true)).toMatchObject({ subtract32: new Int32Array(0), add32: Int32Array.of(2) });
    expect(readRelocations(words(0), false)).toMatchObject({ add32: new Int32Array(0) });
  });

  it('needs no alignment', () => {
    const shifted = new Uint8Array(9);
    shifted.set(words(0, 7), 1);
    expect(readRelocations(shifted.subarray(1), false)).toMatchObject({ add32: Int32Array.of(7) });
  });

  it('is undefined where nothing is appended, and refuses what it does not know', () => {
    expect(readRelocations(new Uint8Array(0), true)).toBeUndefined();
    for (const [bytes, is64] of [[words(1, 2), true], [words(0, 1), true], [words(0, 1, 0, 2), false], [words(0, 1, 0, 2, 0, 3, 0, 4, 0, 5), true], [new Uint8Array(7), true]] as const) {
      expect(() => readRelocations(bytes, is64)).toThrow(expect.objectContaining({ code: 'unsupported' }));
    }
  });
});

describe('relocate', () => {
  const none = new Int32Array(0);

  it('adds to 32-bit and 64-bit locations and subtracts from inverse ones, across parts', () => {
    const text = words(0x8100_0000, 5, 0x8234_5678 | 0, -1);
    const data = words(-16, 0, 0xffff_fff0 | 0, 7);
    relocate(
      [{ address: TEXT, bytes: text }, { address: TEXT + 0x1000, bytes: data }],
      { add32: Int32Array.of(TEXT, TEXT + 0x1000), subtract32: Int32Array.of(TEXT + 4), add64: Int32Array.of(TEXT + 8, TEXT + 0x1008) },
      0x20_0000,
    );
    expect([...new Uint32Array(text.buffer)]).toEqual([0x8120_0000, 0xffe0_0005, 0x8254_5678, 0xffff_ffff]);
    // A carry goes into the high half.
    expect([...new Uint32Array(data.buffer)]).toEqual([0x1f_fff0, 0, 0x1f_fff0, 8]);
  });

  it('finds a location in a part that was loaded before the last one used', () => {
    const parts = [{ address: TEXT, bytes: words(1) }, { address: TEXT + 64, bytes: words(2) }];
    relocate(parts, { add32: Int32Array.of(TEXT + 64, TEXT), subtract32: none, add64: none }, 16);
    expect(parts.map(({ bytes }) => bytes[0])).toEqual([17, 18]);
  });

  it('refuses a location outside, or half outside, what is loaded', () => {
    for (const address of [TEXT - 4, TEXT - 1, TEXT + 13, TEXT + 16]) {
      const parts = [{ address: TEXT, bytes: words(1, 2, 3, 4) }];
      expect(() => relocate(parts, { add32: Int32Array.of(address), subtract32: none, add64: none }, 16)).toThrow(/lies outside/);
    }
    expect(() => relocate([], { add32: Int32Array.of(1), subtract32: none, add64: none }, 16)).toThrow(/lies outside/);
  });
});
