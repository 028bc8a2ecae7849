import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextMatcher } from './exit-on.js';

/** Where in `text` the matcher says that it found the pattern: the offsets after its last byte. */
function find(pattern: string, text: string): number[] {
  const matcher = new TextMatcher(pattern);
  const found: number[] = [];
  new TextEncoder().encode(text).forEach((byte, at) => {
    if (matcher.push(byte)) found.push(at + 1);
  });
  return found;
}

describe('TextMatcher', () => {
  it('finds a text that other text surrounds', () => expect(find('login:', 'debian login: ')).toEqual([13]));

  it('falls back to the longest prefix that still fits', () => {
    expect(find('aab', 'aaab')).toEqual([4]);
    expect(find('abcabd', 'abcabcabd')).toEqual([9]);
  });

  it('finds texts that overlap themselves', () => expect(find('aa', 'aaaa')).toEqual([2, 3, 4]));

  it('compares UTF-8', () => expect(find('größe', 'die größe')).toEqual([11]));

  it('refuses the empty text', () => expect(() => new TextMatcher('')).toThrow(RangeError));

  it('agrees with indexOf on any text', () => {
    const letters = fc.stringMatching(/^[ab]{1,6}$/);
    fc.assert(
      fc.property(letters, fc.stringMatching(/^[abc]{0,60}$/), (pattern, text) => {
        const expected: number[] = [];
        for (let at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, at + 1)) expected.push(at + pattern.length);
        expect(find(pattern, text)).toEqual(expected);
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});
