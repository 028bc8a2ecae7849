// The Internet checksum: RFC 1071.

/** The 16-bit one's complement sum of `bytes[start..end)`, big-endian, plus `initial`; an odd last byte is the upper half of a word. */
export function onesComplementSum(bytes: Uint8Array, start: number, end: number, initial = 0): number {
  let sum = initial;
  let i = start;
  // Sums of 64 KiB stay below 2^31.
  for (const whole = end - 7; i < whole; i += 8)
    sum +=
      ((bytes[i]! + bytes[i + 2]! + bytes[i + 4]! + bytes[i + 6]!) << 8) + bytes[i + 1]! + bytes[i + 3]! + bytes[i + 5]! + bytes[i + 7]!;
  for (const whole = end - 1; i < whole; i += 2) sum += (bytes[i]! << 8) + bytes[i + 1]!;
  if (i < end) sum += bytes[i]! << 8;
  return foldedSum(sum);
}

/** @param sum below 2^32 */
export function foldedSum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16);
  return folded;
}

/** What stands in the checksum field: the complement of the sum over the bytes with the field zero. */
export function internetChecksum(bytes: Uint8Array, start: number, end: number, initial = 0): number {
  return ~onesComplementSum(bytes, start, end, initial) & 0xffff;
}
