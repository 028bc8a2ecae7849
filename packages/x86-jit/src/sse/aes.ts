/**
 * One round of AES as AESENC and its kin compute it. FIPS 197, section 5; SDM vol. 1, 12.13 "AESNI". A state is four double words,
 * one a column, row 0 in the lowest byte.
 */

/** Multiplication by x in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. */
function double(value: number): number {
  return ((value << 1) ^ (value & 0x80 ? 0x11b : 0)) & 0xff;
}
function multiply(a: number, b: number): number {
  let product = 0;
  for (let power = a, rest = b; rest; power = double(power), rest >>= 1) if (rest & 1) product ^= power;
  return product;
}

/** The inverse in GF(2^8), then an affine map. FIPS 197, 5.1.1. */
function substitutionBox(): Uint8Array {
  const box = new Uint8Array(256);
  let p = 1; // runs through the powers of 3,
  let q = 1; // and q through those of its inverse
  do {
    p ^= double(p);
    q = multiply(q, 0xf6);
    const rotated = q ^ (q << 1) ^ (q << 2) ^ (q << 3) ^ (q << 4);
    box[p] = ((rotated & 0xff) ^ (rotated >> 8) ^ 0x63) & 0xff;
  } while (p !== 1);
  box[0] = 0x63;
  return box;
}
const SUBSTITUTE = substitutionBox();
const INVERSE_SUBSTITUTE = new Uint8Array(256);
SUBSTITUTE.forEach((value, index) => (INVERSE_SUBSTITUTE[value] = index));

/** What a byte of row 0 adds to its column, as a double word; other rows rotate it. */
function columnTable(factors: readonly number[]): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, value) => factors.reduce((word, factor, row) => word | (multiply(value, factor) << (8 * row)), 0));
}
const MIX = columnTable([2, 1, 1, 3]);
const INVERSE_MIX = columnTable([14, 9, 13, 11]);

function rotateLeft(word: number, bits: number): number {
  return bits === 0 ? word : (word << bits) | (word >>> (32 - bits));
}
function mix(table: Uint32Array, column: number): number {
  let mixed = 0;
  for (let row = 0; row < 4; row++) mixed ^= rotateLeft(table[(column >>> (8 * row)) & 0xff] as number, 8 * row);
  return mixed;
}

/** @param direction 1 for ShiftRows, 3 for InvShiftRows */
function round(state: Uint32Array, key: Uint32Array, box: Uint8Array, direction: 1 | 3, table: Uint32Array | undefined): void {
  const [w0, w1, w2, w3] = state as unknown as [number, number, number, number];
  for (let column = 0; column < 4; column++) {
    let word = 0;
    for (let row = 0; row < 4; row++) {
      const from = (column + row * direction) & 3;
      const source = from === 0 ? w0 : from === 1 ? w1 : from === 2 ? w2 : w3;
      word |= (box[(source >>> (8 * row)) & 0xff] as number) << (8 * row);
    }
    state[column] = (table ? mix(table, word) : word) ^ (key[column] as number);
  }
}

export function aesEncrypt(state: Uint32Array, key: Uint32Array): void {
  round(state, key, SUBSTITUTE, 1, MIX);
}
export function aesEncryptLast(state: Uint32Array, key: Uint32Array): void {
  round(state, key, SUBSTITUTE, 1, undefined);
}
export function aesDecrypt(state: Uint32Array, key: Uint32Array): void {
  round(state, key, INVERSE_SUBSTITUTE, 3, INVERSE_MIX);
}
export function aesDecryptLast(state: Uint32Array, key: Uint32Array): void {
  round(state, key, INVERSE_SUBSTITUTE, 3, undefined);
}
/** AESIMC: InvMixColumns of `key` into `state`. */
export function aesInverseMixColumns(state: Uint32Array, key: Uint32Array): void {
  for (let column = 0; column < 4; column++) state[column] = mix(INVERSE_MIX, key[column] as number);
}
/** AESKEYGENASSIST: SubWord and RotWord of columns 1 and 3. */
export function aesKeyGenerationAssist(state: Uint32Array, key: Uint32Array, roundConstant: number): void {
  const substituted = (column: number): number => {
    const word = key[column] as number;
    let result = 0;
    for (let row = 0; row < 4; row++) result |= (SUBSTITUTE[(word >>> (8 * row)) & 0xff] as number) << (8 * row);
    return result;
  };
  const [one, three] = [substituted(1), substituted(3)];
  state[0] = one;
  state[1] = rotateLeft(one, 24) ^ roundConstant;
  state[2] = three;
  state[3] = rotateLeft(three, 24) ^ roundConstant;
}
