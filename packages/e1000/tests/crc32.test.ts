import * as zlib from 'node:zlib';
import { WordBuffer } from '@pckit/ethernet-offload';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { crc32 } from '../src/crc32.js';

const zlibCrc32 = (zlib as { crc32?: (bytes: Uint8Array) => number }).crc32;

// zlib's is there from Node 20.15 on.
it.skipIf(zlibCrc32 === undefined)('is what zlib computes, by bytes and by words', () => {
  const buffer = new WordBuffer(128);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const expected = zlibCrc32?.(bytes);
      expect(crc32(bytes)).toBe(expected);
      buffer.bytes.fill(0xa5).set(bytes);
      expect(crc32(buffer.bytes, bytes.length, buffer.words)).toBe(expected);
    }),
    { seed: 1 },
  );
});
