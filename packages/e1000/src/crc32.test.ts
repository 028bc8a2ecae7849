import { expect, it } from 'vitest';
import { crc32 } from './crc32.js';

it('is the check value of CRC-32', () => {
  expect(crc32(Uint8Array.from('123456789', (digit) => digit.charCodeAt(0)))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array(0))).toBe(0);
});
