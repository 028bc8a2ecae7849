import type { V128 } from '../../emit/emitter.js';
import { Simd } from '../../emit/opcodes.js';
import type { Context } from '../context.js';
import type { Definitions } from '../definition.js';
import { defineBinary, immediate8, splat32, splat8, vectorSource, zero } from './operand.js';

// AESENC, AESENCLAST, AESDEC, AESDECLAST, AESIMC, AESKEYGENASSIST: one round of AES. FIPS 197, section 5; SDM vol. 2. A state's columns
// are its double words, row 0 in the lowest byte.

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
    box[p] = (rotated & 0xff) ^ (rotated >> 8) ^ 0x63;
  } while (p !== 1);
  box[0] = 0x63;
  return box;
}
function inverseSubstitutionBox(box: Uint8Array): Uint8Array {
  const inverse = new Uint8Array(256);
  box.forEach((value, index) => (inverse[value] = index));
  return inverse;
}

/** Looks every byte up: one SWIZZLE for each 16 entries, which gives zero where the index isn't among them. */
function substitute(x: Context, state: V128, box: Uint8Array): V128 {
  let result = zero(x.e);
  for (let row = 0; row < 16; row++) {
    const index = row === 0 ? state : state.binary(Simd.i8x16Sub, splat8(x.e.i32(16 * row)));
    result = result.binary(Simd.v128Or, x.e.v128(box.subarray(16 * row, 16 * row + 16)).binary(Simd.i8x16Swizzle, index));
  }
  return result;
}

/** @param direction 1 for ShiftRows, -1 for InvShiftRows */
function shiftRows(x: Context, state: V128, direction: 1 | -1): V128 {
  return x.e.shuffle(state, state, Array.from({ length: 16 }, (_, byte) => (byte + 4 * direction * (byte & 3) + 16) & 15));
}

/** Each column's row r becomes row r + `rows`. */
function rotateColumns(x: Context, state: V128, rows: number): V128 {
  return x.e.shuffle(state, state, Array.from({ length: 16 }, (_, byte) => (byte & 12) | ((byte + rows) & 3)));
}
function doubled(x: Context, state: V128): V128 {
  const overflow = state.shift(Simd.i8x16ShrS, x.e.i32(7)).binary(Simd.v128And, splat8(x.e.i32(0x1b)));
  return state.shift(Simd.i8x16Shl, x.e.i32(1)).binary(Simd.v128Xor, overflow);
}
const xor = (a: V128, b: V128): V128 => a.binary(Simd.v128Xor, b);

/** 2a + 3b + c + d for each row a and those after it. FIPS 197, 5.1.3. */
function mixColumns(x: Context, state: V128): V128 {
  const next = rotateColumns(x, state, 1);
  const others = xor(rotateColumns(x, state, 2), rotateColumns(x, state, 3));
  return xor(xor(doubled(x, xor(state, next)), next), others);
}
/** 14a + 11b + 13c + 9d: MixColumns of 5a + 4c. FIPS 197, 5.3.3. */
function inverseMixColumns(x: Context, state: V128): V128 {
  const pairs = xor(state, rotateColumns(x, state, 2));
  return mixColumns(x, xor(state, doubled(x, doubled(x, pairs))));
}

export function defineAes(d: Definitions): void {
  const box = substitutionBox();
  const inverse = inverseSubstitutionBox(box);
  const encrypted = (x: Context, state: V128): V128 => substitute(x, shiftRows(x, state, 1), box);
  const decrypted = (x: Context, state: V128): V128 => substitute(x, shiftRows(x, state, -1), inverse);
  defineBinary(d, 'Aesenc', (state, key, x) => xor(mixColumns(x, encrypted(x, state)), key));
  defineBinary(d, 'Aesenclast', (state, key, x) => xor(encrypted(x, state), key));
  defineBinary(d, 'Aesdec', (state, key, x) => xor(inverseMixColumns(x, decrypted(x, state)), key));
  defineBinary(d, 'Aesdeclast', (state, key, x) => xor(decrypted(x, state), key));
  defineBinary(d, 'Aesimc', (_, key, x) => inverseMixColumns(x, key));

  // SubWord of columns 1 and 3, and RotWord of them with the round constant. FIPS 197, 5.2.
  d.define('Aeskeygenassist', { shapes: ['xxi', 'xmi'] }, (x) => {
    x.requireSse();
    const words = substitute(x, vectorSource(x, 1), box);
    const arranged = x.e.shuffle(words, words, [4, 5, 6, 7, 5, 6, 7, 4, 12, 13, 14, 15, 13, 14, 15, 12]);
    const constants = splat32(immediate8(x)).binary(Simd.v128And, x.e.v128([0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 255, 255, 255, 255]));
    x.setXmmOperand(0, xor(arranged, constants));
  });
}
