import fc from 'fast-check';
import { expect, it } from 'vitest';
import { onesComplementSum } from './internet-checksum.js';
import { WordBuffer } from './word-buffer.js';

it('gives the sum of any of its bytes', () => {
  const buffer = new WordBuffer(131);
  expect(buffer.bytes.length).toBe(132);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 131, maxLength: 131 }), fc.nat(131), fc.nat(131), fc.nat(0x1ffff), (bytes, a, b, initial) => {
      buffer.bytes.set(bytes);
      const [start, end] = [Math.min(a, b), Math.max(a, b)];
      expect(buffer.sum(start, end, initial)).toBe(onesComplementSum(bytes, start, end, initial));
    }),
    { seed: 1, numRuns: 1000 },
  );
});

it('does not overflow over 64 KiB of ones', () => {
  const buffer = new WordBuffer(65_536 + 2);
  buffer.bytes.fill(0xff);
  expect(buffer.sum(0, 65_536, 0xffff)).toBe(0xffff);
  expect(buffer.sum(2, 65_538)).toBe(0xffff);
});
