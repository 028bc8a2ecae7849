import fc from 'fast-check';
import { expect, it } from 'vitest';
import { internetChecksum, onesComplementSum } from './internet-checksum.js';

it('is what RFC 1071, section 3, computes', () => {
  const bytes = Uint8Array.from([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
  expect(onesComplementSum(bytes, 0, 8)).toBe(0xddf2);
  expect(internetChecksum(bytes, 0, 8)).toBe(0x220d);
});

it('of any range is the sum of its words', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(20), fc.nat(0x1ffff), (bytes, start, initial) => {
      let sum = initial;
      for (let i = start; i < bytes.length; i += 2) sum += bytes[i]! * 256 + (bytes[i + 1] ?? 0);
      while (sum > 0xffff) sum = (sum % 65536) + Math.floor(sum / 65536);
      expect(onesComplementSum(bytes, start, bytes.length, initial)).toBe(sum);
    }),
    { seed: 1 },
  );
});

it('does not overflow over 64 KiB of ones', () => {
  expect(onesComplementSum(new Uint8Array(65536).fill(0xff), 0, 65536, 0xffff)).toBe(0xffff);
});
