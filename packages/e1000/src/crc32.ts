// The frame check sequence: IEEE 802.3, 3.2.9. By sixteen tables sixteen bytes a step: 0.8 us for 1,514 bytes, where four tables and four bytes take 2.0 (Node 20).

const POLYNOMIAL = 0xedb8_8320;

/** Of tables: table n is what a byte makes of the sum after n more bytes. */
function tables(): readonly Int32Array[] {
  const first = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    first[byte] = crc;
  }
  const all = [first];
  for (let n = 1; n < 16; n++) all.push(all[n - 1]!.map((crc) => (crc >>> 8) ^ first[crc & 0xff]!));
  return all;
}

const [T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15] = /* @__PURE__ */ tables() as readonly [
  Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array,
  Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array,
];

/**
 * The FCS of the first `length` bytes, as a number whose lowest byte goes first on the wire.
 * @param words the same bytes as little-endian words; without them it goes byte by byte
 */
export function crc32(bytes: Uint8Array, length = bytes.length, words?: Int32Array): number {
  return crc32From(-1, bytes, 0, length, words);
}

/** Of what `FcsBuffer` leaves: bytes from `start`, a multiple of 4, to `end`. */
export function crc32Rest(bytes: Uint8Array, start: number, end: number, words: Int32Array | undefined): number {
  return crc32From(0, bytes, start, end, words);
}

function crc32From(before: number, bytes: Uint8Array, start: number, length: number, words: Int32Array | undefined): number {
  let crc = before;
  let i = start;
  if (words !== undefined) {
    let at = start >>> 2;
    for (const whole = (length >>> 2) - 3; at < whole; at += 4) {
      const a = words[at]! ^ crc;
      const b = words[at + 1]!;
      const c = words[at + 2]!;
      const d = words[at + 3]!;
      crc =
        T15[a & 0xff]! ^ T14[(a >>> 8) & 0xff]! ^ T13[(a >>> 16) & 0xff]! ^ T12[a >>> 24]! ^
        T11[b & 0xff]! ^ T10[(b >>> 8) & 0xff]! ^ T9[(b >>> 16) & 0xff]! ^ T8[b >>> 24]! ^
        T7[c & 0xff]! ^ T6[(c >>> 8) & 0xff]! ^ T5[(c >>> 16) & 0xff]! ^ T4[c >>> 24]! ^
        T3[d & 0xff]! ^ T2[(d >>> 8) & 0xff]! ^ T1[(d >>> 16) & 0xff]! ^ T0[d >>> 24]!;
    }
    i = 4 * at;
  }
  for (; i < length; i++) crc = (crc >>> 8) ^ T0[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}
