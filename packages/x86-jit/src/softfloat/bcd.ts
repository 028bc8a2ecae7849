/** 18-digit packed BCD integers. SDM vol. 1, 4.7 "BCD and Packed BCD Integers", figure 4-9; vol. 2, FBLD, FBSTP. */
import { roundToBigInt } from './conversion.js';
import type { FloatEnvironment } from './float-environment.js';
import { IE, PE } from './float-environment.js';
import type { Unpacked } from './float-format.js';

const DIGIT_BYTES = 9;
const LIMIT = 10n ** 18n;
/** "Packed BCD indefinite", most significant bytes: FFFFC000000000000000H. */
const INDEFINITE_TOP = [0xc0, 0xff, 0xff] as const;

/**
 * Digits above 9 are undefined; here they count with their value, as processors have it.
 *
 * @param bytes 10 of them, sign in bit 7 of the last
 */
export function unpackBcd(bytes: DataView): { readonly sign: 0 | 1; readonly magnitude: bigint } {
  let magnitude = 0n;
  for (let at = DIGIT_BYTES - 1; at >= 0; at--) {
    const pair = bytes.getUint8(at);
    magnitude = magnitude * 100n + BigInt((pair >> 4) * 10 + (pair & 15));
  }
  return { sign: (bytes.getUint8(DIGIT_BYTES) >> 7) as 0 | 1, magnitude };
}

/** Rounds to an integer and writes 10 bytes; what has no 18 digits raises IE and becomes the indefinite. */
export function packBcd(value: Unpacked, bytes: DataView, environment: FloatEnvironment): void {
  environment.roundedUp = false;
  const integer = roundToBigInt(value, environment.rounding);
  const magnitude = integer === undefined ? LIMIT : integer.value < 0n ? -integer.value : integer.value;
  if (integer === undefined || magnitude >= LIMIT) {
    environment.flags |= IE;
    bytes.setBigUint64(0, 0n, true);
    INDEFINITE_TOP.forEach((byte, index) => bytes.setUint8(7 + index, byte));
    return;
  }
  if (integer.inexact) environment.flags |= PE;
  environment.roundedUp = integer.up;
  const digits = magnitude.toString().padStart(2 * DIGIT_BYTES, '0');
  for (let at = 0; at < DIGIT_BYTES; at++) {
    const from = digits.length - 2 * at - 2;
    bytes.setUint8(at, parseInt(digits.slice(from, from + 2), 16));
  }
  bytes.setUint8(DIGIT_BYTES, value.sign << 7);
}
