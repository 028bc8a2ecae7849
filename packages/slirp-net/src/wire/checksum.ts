/**
 * The Internet checksum (RFC 1071). `sum` is the running sum of big-endian 16-bit words, not folded; ranges that are added one after the
 * other must have even lengths, but for the last.
 */
export function addToSum(sum: number, bytes: Uint8Array, start: number, end: number): number {
  if (end - start >= LONG && ((bytes.byteOffset + start) & 1) === 0) return sum + sumOfWords(bytes, start, end);
  let at = start;
  let high = 0;
  let low = 0;
  for (; at + 1 < end; at += 2) {
    high += bytes[at];
    low += bytes[at + 1];
  }
  // RFC 1071 4.1: an odd byte is padded with a zero on the right.
  if (at < end) high += bytes[at];
  return sum + high * 256 + low;
}

/** From here on a view of words pays: 1460 bytes take 460 ns by words and 760 by bytes (Node 20, one noisy core). */
const LONG = 128;

/** RFC 1071 2 (B): the sum of words in the host's order is that in the network's, with its bytes swapped. */
function sumOfWords(bytes: Uint8Array, start: number, end: number): number {
  const count = (end - start) >> 1;
  const words = new Uint16Array(bytes.buffer, bytes.byteOffset + start, count);
  let sum = 0;
  let i = 0;
  for (const last = count - 3; i < last; i += 4) sum += words[i] + words[i + 1] + words[i + 2] + words[i + 3];
  for (; i < count; i++) sum += words[i];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  const swapped = LITTLE_ENDIAN ? ((sum & 0xff) << 8) | (sum >>> 8) : sum;
  return swapped + (((end - start) & 1) === 0 ? 0 : bytes[end - 1] << 8);
}

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** What stands in the header: the complement of the folded sum. */
export function finishSum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}

/** 0 when a range that holds its own checksum is intact. */
export function checksum(bytes: Uint8Array, start: number, end: number): number {
  return finishSum(addToSum(0, bytes, start, end));
}
