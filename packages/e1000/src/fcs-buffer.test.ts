import { SeededRandom } from '@pckit/device-testing';
import { expect, it } from 'vitest';
import { crc32 } from './crc32.js';
import { FcsBuffer } from './fcs-buffer.js';

const CAPACITY = 4096;

it.each([true, false])('knows the FCS of frames of all lengths (vectors: %s)', (vectors) => {
  const buffer = new FcsBuffer(CAPACITY, vectors);
  const random = new SeededRandom(1);
  const bytes = Uint8Array.from({ length: CAPACITY }, () => random.u32() & 0xff);
  buffer.frame.bytes.set(bytes);
  for (let length = 0; length <= CAPACITY; length += length < 1600 ? 1 : 97) expect([length, buffer.fcs(length)]).toEqual([length, crc32(bytes.subarray(0, length))]);
  expect(buffer.fcs(CAPACITY)).toBe(crc32(bytes));
  // The frame is what it was.
  expect(buffer.frame.bytes).toEqual(bytes);
});
