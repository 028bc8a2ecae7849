// The frame check sequence: IEEE 802.3, 3.2.9. Four bytes a step, by four tables.

const POLYNOMIAL = 0xedb8_8320;

function tables(): readonly [Uint32Array, Uint32Array, Uint32Array, Uint32Array] {
  const [first, second, third, fourth] = [new Uint32Array(256), new Uint32Array(256), new Uint32Array(256), new Uint32Array(256)] as const;
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    first[byte] = crc;
  }
  for (let byte = 0; byte < 256; byte++) {
    second[byte] = (first[byte]! >>> 8) ^ first[first[byte]! & 0xff]!;
    third[byte] = (second[byte]! >>> 8) ^ first[second[byte]! & 0xff]!;
    fourth[byte] = (third[byte]! >>> 8) ^ first[third[byte]! & 0xff]!;
  }
  return [first, second, third, fourth];
}

const [T0, T1, T2, T3] = /* @__PURE__ */ tables();

/** The FCS as a number whose lowest byte goes first on the wire. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  let i = 0;
  for (const whole = bytes.length - 3; i < whole; i += 4) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    crc = T3[crc & 0xff]! ^ T2[(crc >>> 8) & 0xff]! ^ T1[(crc >>> 16) & 0xff]! ^ T0[crc >>> 24]!;
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ T0[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}
