import type { V128 } from '../../emit/emitter.js';
import { Simd } from '../../emit/opcodes.js';
import type { Context } from '../context.js';
import type { Definitions } from '../definition.js';
import {
  constantImmediate, defineBinary, defineBinaryImmediate, doubleWords, immediate8, iota, lowSource, splat16, splat32, splat8, vectorSource, words, type VectorOperation,
} from './operand.js';

// SDM vol. 2: shuffles, PUNPCK*, PACK*, PALIGNR, PSHUFB, insertions and extractions.
//
// A shuffle's immediate is known when a region is made but not in the interpreter, whose handler serves every immediate: it makes
// a control vector for SWIZZLE out of it.

/** Four 2-bit fields of an immediate as byte indices of double words. */
function selectDoubleWords(x: Context): V128 {
  const { e } = x;
  // A multiplication shifts each lane by its own count.
  const fields = splat32(immediate8(x)).binary(Simd.i32x4Mul, doubleWords(e, [64, 16, 4, 1])).shift(Simd.i32x4ShrU, e.i32(6)).binary(Simd.v128And, doubleWords(e, [3, 3, 3, 3]));
  return fields.binary(Simd.i32x4Mul, splat32(e.i32(0x04040404))).binary(Simd.i32x4Add, splat32(e.i32(0x03020100)));
}

function shuffleDoubleWords(x: Context, v: V128): V128 {
  const immediate = constantImmediate(x);
  if (immediate === undefined) return v.binary(Simd.i8x16Swizzle, selectDoubleWords(x));
  return x.e.shuffle(v, v, Array.from({ length: 16 }, (_, byte) => ((immediate >> (2 * (byte >> 2))) & 3) * 4 + (byte & 3)));
}

/** PSHUFLW and PSHUFHW: the words of one half, the other one stays. */
function shuffleWords(x: Context, v: V128, half: 0 | 1): V128 {
  const { e } = x;
  const immediate = constantImmediate(x);
  if (immediate !== undefined) {
    return e.shuffle(v, v, Array.from({ length: 16 }, (_, byte) => (byte >> 3 === half ? ((immediate >> (byte & 6)) & 3) * 2 + (byte & 1) + 8 * half : byte)));
  }
  const lanes = (inside: readonly number[], outside: readonly number[]): V128 => words(e, half === 0 ? [...inside, ...outside] : [...outside, ...inside]);
  const rest = half === 0 ? [0x0908, 0x0b0a, 0x0d0c, 0x0f0e] : [0x0100, 0x0302, 0x0504, 0x0706];
  const base = half === 0 ? 0x0100 : 0x0908;
  const fields = splat16(immediate8(x)).binary(Simd.i16x8Mul, lanes([64, 16, 4, 1], [0, 0, 0, 0])).shift(Simd.i16x8ShrU, e.i32(6)).binary(Simd.v128And, words(e, new Array<number>(8).fill(3)));
  const control = fields.binary(Simd.i16x8Mul, splat16(e.i32(0x0202))).binary(Simd.i16x8Add, lanes([base, base, base, base], rest));
  return v.binary(Simd.i8x16Swizzle, control);
}

const interleave = (size: number, high: boolean): VectorOperation => {
  const lanes: number[] = [];
  for (let element = 0; element < 8 / size; element++) {
    for (const operand of [0, 16]) for (let byte = 0; byte < size; byte++) lanes.push(operand + (high ? 8 : 0) + element * size + byte);
  }
  return (a, b, { e }) => e.shuffle(a, b, lanes);
};

const INTERLEAVE: readonly (readonly [string, number, boolean])[] = [
  ['Punpcklbw', 1, false], ['Punpcklwd', 2, false], ['Punpckldq', 4, false], ['Punpcklqdq', 8, false],
  ['Punpckhbw', 1, true], ['Punpckhwd', 2, true], ['Punpckhdq', 4, true], ['Punpckhqdq', 8, true],
  ['Unpcklps', 4, false], ['Unpcklpd', 8, false], ['Unpckhps', 4, true], ['Unpckhpd', 8, true],
];

/** Byte indices of element `index` (a multiple of 1, taken modulo its number) of `size` bytes in lane 0. */
function elementControl(x: Context, size: number): V128 {
  const index = immediate8(x).and(16 / size - 1);
  const first = { 1: 0, 2: 0x0100, 4: 0x03020100 }[size] as number;
  const step = { 1: 1, 2: 0x0202, 4: 0x04040404 }[size] as number;
  return splat32(index.mul(step).add(first));
}

export function defineSseShuffle(d: Definitions): void {
  const shuffle = (mnemonic: string, operation: (x: Context, b: V128) => V128): void => {
    d.define(mnemonic, { shapes: ['xxi', 'xmi'] }, (x) => {
      x.requireSse();
      x.setXmmOperand(0, operation(x, vectorSource(x, 1)));
    });
  };
  shuffle('Pshufd', shuffleDoubleWords);
  shuffle('Pshuflw', (x, b) => shuffleWords(x, b, 0));
  shuffle('Pshufhw', (x, b) => shuffleWords(x, b, 1));
  defineBinaryImmediate(d, 'Shufps', (a, b, x) => {
    const [low, high] = [shuffleDoubleWords(x, a), shuffleDoubleWords(x, b)];
    return x.e.shuffle(low, high, [0, 1, 2, 3, 4, 5, 6, 7, 24, 25, 26, 27, 28, 29, 30, 31]);
  });
  defineBinaryImmediate(d, 'Shufpd', (a, b, x) => {
    const immediate = immediate8(x);
    const low = immediate.and(1).select(a.lane64(1), a.lane64(0));
    const high = immediate.and(2).select(b.lane64(1), b.lane64(0));
    return low.splat().replace(Simd.i64x2ReplaceLane, 1, high);
  });
  for (const [mnemonic, size, high] of INTERLEAVE) defineBinary(d, mnemonic, interleave(size, high));

  defineBinary(d, 'Packsswb', (a, b) => a.binary(Simd.i8x16NarrowI16x8S, b));
  defineBinary(d, 'Packuswb', (a, b) => a.binary(Simd.i8x16NarrowI16x8U, b));
  defineBinary(d, 'Packssdw', (a, b) => a.binary(Simd.i16x8NarrowI32x4S, b));
  defineBinary(d, 'Packusdw', (a, b) => a.binary(Simd.i16x8NarrowI32x4U, b));

  // An index with bit 7 set gives zero; bits 4 to 6 are ignored.
  defineBinary(d, 'Pshufb', (a, b, { e }) => a.binary(Simd.i8x16Swizzle, b.binary(Simd.v128And, splat8(e.i32(0x8f)))));

  // Bytes imm8 and up of the first operand above the second, zeros beyond. Saturation keeps large counts outside of both.
  defineBinaryImmediate(d, 'Palignr', (a, b, x) => {
    const index = iota(x.e).binary(Simd.i8x16AddSatU, splat8(immediate8(x)));
    const inFirst = index.binary(Simd.i8x16Sub, splat8(x.e.i32(16)));
    return b.binary(Simd.i8x16Swizzle, index).binary(Simd.v128Or, a.binary(Simd.i8x16Swizzle, inFirst));
  });

  for (const [mnemonic, size] of [['Pextrb', 1], ['Pextrw', 2], ['Pextrd', 4], ['Pextrq', 8], ['Extractps', 4]] as const) {
    d.define(mnemonic, { shapes: ['rxi', 'mxi'] }, (x) => {
      x.requireSse();
      const a = x.xmmOperand(1);
      const value = size === 8 ? immediate8(x).and(1).select(a.lane64(1), a.lane64(0)) : a.binary(Simd.i8x16Swizzle, elementControl(x, size)).lane64(0).unsigned(size);
      if (x.shape === 'mxi') x.store(x.linear(size, true), size, value);
      else x.setOperandSized(0, value, 8);
    });
  }
  for (const [mnemonic, size, splat] of [['Pinsrb', 1, Simd.i8x16Splat], ['Pinsrw', 2, Simd.i16x8Splat], ['Pinsrd', 4, Simd.i32x4Splat]] as const) {
    d.define(mnemonic, { shapes: ['xri', 'xmi'] }, (x) => {
      x.requireSse();
      const value = (x.shape === 'xmi' ? x.load(x.linear(size, false), size) : x.operand(1).readUnsigned(4)).wrap().splat(splat);
      const element = splat8(immediate8(x).and(16 / size - 1));
      const mask = x.e.v128(Array.from({ length: 16 }, (_, byte) => Math.floor(byte / size))).binary(Simd.i8x16Eq, element);
      x.setXmmOperand(0, value.bitselect(x.xmmOperand(0), mask));
    });
  }
  d.define('Pinsrq', { shapes: ['xri', 'xmi'] }, (x) => {
    x.requireSse();
    const value = x.shape === 'xmi' ? x.load(x.linear(8, false), 8) : x.operand(1).readUnsigned(8);
    const a = x.xmmOperand(0);
    const high = immediate8(x).and(1);
    const low = high.select(a.lane64(0), value);
    x.setXmmOperand(0, low.splat().replace(Simd.i64x2ReplaceLane, 1, high.select(value, a.lane64(1))));
  });

  // imm8[7:6] chooses the element of a register source (memory has one only), [5:4] where it goes, [3:0] what becomes zero.
  d.define('Insertps', { shapes: ['xxi', 'xmi'] }, (x) => {
    x.requireSse();
    const { e } = x;
    const immediate = immediate8(x);
    const element = splat32(immediate.shrU(6).mul(0x04040404).add(0x03020100));
    const value = x.shape === 'xmi' ? splat32(lowSource(x, 1, 4).wrap()) : x.xmmOperand(1).binary(Simd.i8x16Swizzle, element);
    const place = doubleWords(e, [0, 1, 2, 3]).binary(Simd.i32x4Eq, splat32(immediate.shrU(4).and(3)));
    const bits = doubleWords(e, [1, 2, 4, 8]);
    const cleared = splat32(immediate).binary(Simd.v128And, bits).binary(Simd.i32x4Eq, bits);
    x.setXmmOperand(0, value.bitselect(x.xmmOperand(0), place).binary(Simd.v128AndNot, cleared));
  });
}
