import type { I32, V128 } from '../../emit/emitter.js';
import { Simd } from '../../emit/opcodes.js';
import type { Definitions } from '../definition.js';
import {
  constantImmediate, defineBinary, defineBinaryImmediate, defineUnary, doubleWords, extendZero, immediate8, lowVector, quadWords, splat16, splat32, splat8, words,
} from './operand.js';

// SDM vol. 2: BLEND*, PMOVSX*, PMOVZX*, MPSADBW, PHMINPOSUW of SSE4.1.

const { i16x8ExtendLowI8x16S: bw, i32x4ExtendLowI16x8S: wd, i64x2ExtendLowI32x4S: dq } = Simd;
const { i16x8ExtendLowI8x16U: bwZero, i32x4ExtendLowI16x8U: wdZero, i64x2ExtendLowI32x4U: dqZero } = Simd;
/** PMOVSX and PMOVZX: the elements, the bytes of the source, and the steps that make 128 bits of them. */
export const WIDENINGS: readonly (readonly [suffix: string, bytes: number, signed: readonly number[], unsigned: readonly number[]])[] = [
  ['bw', 8, [bw], [bwZero]], ['bd', 4, [bw, wd], [bwZero, wdZero]], ['bq', 2, [bw, wd, dq], [bwZero, wdZero, dqZero]],
  ['wd', 8, [wd], [wdZero]], ['wq', 4, [wd, dq], [wdZero, dqZero]], ['dq', 8, [dq], [dqZero]],
];

export function defineSse41(d: Definitions): void {
  // The element that the immediate has a bit for comes from the second operand.
  defineBinaryImmediate(d, 'Blendps', (a, b, x) => {
    const bits = doubleWords(x.e, [1, 2, 4, 8]);
    return b.bitselect(a, splat32(immediate8(x)).binary(Simd.v128And, bits).binary(Simd.i32x4Eq, bits));
  });
  defineBinaryImmediate(d, 'Blendpd', (a, b, x) => {
    const bits = quadWords(x.e, [1n, 2n]);
    return b.bitselect(a, immediate8(x).toI64U().splat().binary(Simd.v128And, bits).binary(Simd.i64x2Eq, bits));
  });
  defineBinaryImmediate(d, 'Pblendw', (a, b, x) => {
    const immediate = constantImmediate(x);
    if (immediate !== undefined) return x.e.shuffle(a, b, Array.from({ length: 16 }, (_, byte) => (immediate & (1 << (byte >> 1)) ? byte + 16 : byte)));
    const bits = words(x.e, [1, 2, 4, 8, 16, 32, 64, 128]);
    return b.bitselect(a, splat16(immediate8(x)).binary(Simd.v128And, bits).binary(Simd.i16x8Eq, bits));
  });
  // The same by the sign bits of XMM0.
  for (const [mnemonic, shift, bits] of [['Pblendvb', Simd.i8x16ShrS, 8], ['Blendvps', Simd.i32x4ShrS, 32], ['Blendvpd', Simd.i64x2ShrS, 64]] as const) {
    defineBinary(d, mnemonic, (a, b, x) => b.bitselect(a, x.xmm(0).shift(shift, x.e.i32(bits - 1))));
  }

  for (const [suffix, bytes, signed, unsigned] of WIDENINGS) {
    for (const [mnemonic, steps] of [[`Pmovsx${suffix}`, signed], [`Pmovzx${suffix}`, unsigned]] as const) {
      d.define(mnemonic, { shapes: ['xx', 'xm'] }, (x) => {
        x.requireSse();
        let value = lowVector(x, 1, bytes);
        for (const step of steps) value = value.unary(step);
        x.setXmmOperand(0, value);
      });
    }
  }

  // Eight sums over four bytes each: a window that moves over the first operand, from byte 0 or 4 (imm8[2]), against one
  // double word of the second (imm8[1:0]).
  defineBinaryImmediate(d, 'Mpsadbw', (a, b, x) => {
    const { e } = x;
    const immediate = immediate8(x);
    const block = b.binary(Simd.i8x16Swizzle, splat32(immediate.and(3).mul(0x04040404).add(0x03020100)));
    const start = splat8(immediate.and(4));
    const sums = (first: number): V128 => {
      const window = e.v128(Array.from({ length: 16 }, (_, byte) => first + (byte >> 2) + (byte & 3))).binary(Simd.i8x16Add, start);
      const bytes = a.binary(Simd.i8x16Swizzle, window);
      const difference = bytes.binary(Simd.i8x16MaxU, block).binary(Simd.i8x16Sub, bytes.binary(Simd.i8x16MinU, block));
      return difference.unary(Simd.i16x8ExtaddPairwiseI8x16U).unary(Simd.i32x4ExtaddPairwiseI16x8U);
    };
    return sums(0).binary(Simd.i16x8NarrowI32x4U, sums(4));
  });

  // The smallest word and the index of its first occurrence: the least of word * 8 + index.
  defineUnary(d, 'Phminposuw', (b, { e }) => {
    let least: I32 = b.lane16U(0).shl(3);
    for (let index = 1; index < 8; index++) {
      const key = b.lane16U(index).shl(3).or(index);
      least = key.ltU(least).select(key, least);
    }
    return extendZero(e, least.shrU(3).or(least.and(7).shl(16)).toI64U());
  });
}
