import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { crc32 } from '../src/crc32.js';

const zlibCrc32 = (zlib as { crc32?: (bytes: Uint8Array) => number }).crc32;

// zlib's is there from Node 20.15 on.
it.skipIf(zlibCrc32 === undefined)('is what zlib computes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(crc32(bytes)).toBe(zlibCrc32?.(bytes));
    }),
    { seed: 1 },
  );
});
