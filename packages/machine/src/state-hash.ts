/**
 * A 64-bit hash of bytes, as 16 hexadecimal digits: two lanes of 32-bit multiply and rotate with MurmurHash3's finish. It tells states apart; it is no
 * defence against someone who wants a collision. Device states are tens of kilobytes, so plain JavaScript does.
 */
export function hashBytes(bytes: Uint8Array): string {
  let a = 0x9e37_79b1 ^ bytes.length;
  let b = 0x85eb_ca77;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    a = Math.imul(a ^ byte, 0x0100_0193);
    a = (a << 5) | (a >>> 27);
    b = Math.imul(b + byte + (a & 0xff), 0xcc9e_2d51);
    b = (b << 15) | (b >>> 17);
  }
  a = finish(a ^ b);
  b = finish(b + Math.imul(a, 5));
  return hex(a) + hex(b);
}

function finish(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
