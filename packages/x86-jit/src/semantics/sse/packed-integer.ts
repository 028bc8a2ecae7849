import type { V128 } from '../../emit/emitter.js';
import { Simd } from '../../emit/opcodes.js';
import type { Definitions } from '../definition.js';
import { defineBinary, defineUnary, vectorSource, words, type VectorOperation } from './operand.js';

// SDM vol. 2: packed integer arithmetic, comparison and logic of SSE2, SSSE3, SSE4.1 and SSE4.2.

const simd = (opcode: number): VectorOperation => (a, b) => a.binary(opcode, b);
const andNot: VectorOperation = (a, b) => b.binary(Simd.v128AndNot, a);

const EVEN_DOUBLE_WORDS = [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11];
const EVEN_WORDS = [0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29];
const ODD_WORDS = EVEN_WORDS.map((byte) => byte + 2);
const EVEN_OF_BOTH_DOUBLE_WORDS = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];
const ODD_OF_BOTH_DOUBLE_WORDS = EVEN_OF_BOTH_DOUBLE_WORDS.map((byte) => byte + 4);

/** The upper words of 32-bit products. */
const highProduct = (low: number, high: number): VectorOperation => (a, b, { e }) => e.shuffle(a.binary(low, b), a.binary(high, b), ODD_WORDS);
/** 64-bit products of the even double words. */
const wideProduct = (opcode: number): VectorOperation => (a, b, { e }) => {
  const even = (v: V128): V128 => e.shuffle(v, v, EVEN_DOUBLE_WORDS);
  return even(a).binary(opcode, even(b));
};
/** Neighbours of the first operand, then of the second. */
const horizontal = (opcode: number, even: readonly number[], odd: readonly number[]): VectorOperation => (a, b, { e }) => e.shuffle(a, b, even).binary(opcode, e.shuffle(a, b, odd));

/** a where b > 0, 0 where it is 0, -a where it is negative. */
const sign = (bits: number, shift: number, subtract: number, equal: number): VectorOperation => (a, b, { e }) => {
  const negative = b.shift(shift, e.i32(bits - 1));
  const zero = b.binary(equal, e.v128(new Uint8Array(16)));
  return a.binary(Simd.v128Xor, negative).binary(subtract, negative).binary(Simd.v128AndNot, zero);
};

export const packedIntegerOperations: Readonly<Record<string, VectorOperation>> = {
  Paddb: simd(Simd.i8x16Add), Paddw: simd(Simd.i16x8Add), Paddd: simd(Simd.i32x4Add), Paddq: simd(Simd.i64x2Add),
  Paddsb: simd(Simd.i8x16AddSatS), Paddsw: simd(Simd.i16x8AddSatS), Paddusb: simd(Simd.i8x16AddSatU), Paddusw: simd(Simd.i16x8AddSatU),
  Psubb: simd(Simd.i8x16Sub), Psubw: simd(Simd.i16x8Sub), Psubd: simd(Simd.i32x4Sub), Psubq: simd(Simd.i64x2Sub),
  Psubsb: simd(Simd.i8x16SubSatS), Psubsw: simd(Simd.i16x8SubSatS), Psubusb: simd(Simd.i8x16SubSatU), Psubusw: simd(Simd.i16x8SubSatU),
  Pavgb: simd(Simd.i8x16AvgrU), Pavgw: simd(Simd.i16x8AvgrU),
  Pminub: simd(Simd.i8x16MinU), Pmaxub: simd(Simd.i8x16MaxU), Pminsw: simd(Simd.i16x8MinS), Pmaxsw: simd(Simd.i16x8MaxS),
  Pminsb: simd(Simd.i8x16MinS), Pmaxsb: simd(Simd.i8x16MaxS), Pminuw: simd(Simd.i16x8MinU), Pmaxuw: simd(Simd.i16x8MaxU),
  Pminsd: simd(Simd.i32x4MinS), Pmaxsd: simd(Simd.i32x4MaxS), Pminud: simd(Simd.i32x4MinU), Pmaxud: simd(Simd.i32x4MaxU),

  Pmullw: simd(Simd.i16x8Mul), Pmulld: simd(Simd.i32x4Mul),
  Pmulhw: highProduct(Simd.i32x4ExtmulLowI16x8S, Simd.i32x4ExtmulHighI16x8S),
  Pmulhuw: highProduct(Simd.i32x4ExtmulLowI16x8U, Simd.i32x4ExtmulHighI16x8U),
  Pmuludq: wideProduct(Simd.i64x2ExtmulLowI32x4U), Pmuldq: wideProduct(Simd.i64x2ExtmulLowI32x4S),
  Pmaddwd: simd(Simd.i32x4DotI16x8S),
  // The first operand is unsigned, the second signed; the sums of two products saturate.
  Pmaddubsw: (a, b, { e }) => {
    const low = a.unary(Simd.i16x8ExtendLowI8x16U).binary(Simd.i16x8Mul, b.unary(Simd.i16x8ExtendLowI8x16S));
    const high = a.unary(Simd.i16x8ExtendHighI8x16U).binary(Simd.i16x8Mul, b.unary(Simd.i16x8ExtendHighI8x16S));
    return e.shuffle(low, high, EVEN_WORDS).binary(Simd.i16x8AddSatS, e.shuffle(low, high, ODD_WORDS));
  },
  // -1 * -1 stays 0x8000 where WebAssembly's saturates to 0x7fff.
  Pmulhrsw: (a, b, { e }) => {
    const minimum = words(e, new Array<number>(8).fill(0x8000));
    const both = a.binary(Simd.i16x8Eq, minimum).binary(Simd.v128And, b.binary(Simd.i16x8Eq, minimum));
    return a.binary(Simd.i16x8Q15mulrSatS, b).binary(Simd.v128Xor, both);
  },
  // Sums of absolute differences of each 8 bytes.
  Psadbw: (a, b, { e }) => {
    const difference = a.binary(Simd.i8x16MaxU, b).binary(Simd.i8x16Sub, a.binary(Simd.i8x16MinU, b));
    const sums = difference.unary(Simd.i16x8ExtaddPairwiseI8x16U).unary(Simd.i32x4ExtaddPairwiseI16x8U);
    // At most 1020 in each half: adding the quad word's upper half to its lower one carries nothing.
    return sums.binary(Simd.i64x2Add, sums.shift(Simd.i64x2ShrU, e.i32(32))).binary(Simd.v128And, e.i64(0xffffffff).splat());
  },

  Phaddw: horizontal(Simd.i16x8Add, EVEN_WORDS, ODD_WORDS), Phaddsw: horizontal(Simd.i16x8AddSatS, EVEN_WORDS, ODD_WORDS),
  Phsubw: horizontal(Simd.i16x8Sub, EVEN_WORDS, ODD_WORDS), Phsubsw: horizontal(Simd.i16x8SubSatS, EVEN_WORDS, ODD_WORDS),
  Phaddd: horizontal(Simd.i32x4Add, EVEN_OF_BOTH_DOUBLE_WORDS, ODD_OF_BOTH_DOUBLE_WORDS),
  Phsubd: horizontal(Simd.i32x4Sub, EVEN_OF_BOTH_DOUBLE_WORDS, ODD_OF_BOTH_DOUBLE_WORDS),
  Psignb: sign(8, Simd.i8x16ShrS, Simd.i8x16Sub, Simd.i8x16Eq),
  Psignw: sign(16, Simd.i16x8ShrS, Simd.i16x8Sub, Simd.i16x8Eq),
  Psignd: sign(32, Simd.i32x4ShrS, Simd.i32x4Sub, Simd.i32x4Eq),

  Pcmpeqb: simd(Simd.i8x16Eq), Pcmpeqw: simd(Simd.i16x8Eq), Pcmpeqd: simd(Simd.i32x4Eq), Pcmpeqq: simd(Simd.i64x2Eq),
  Pcmpgtb: simd(Simd.i8x16GtS), Pcmpgtw: simd(Simd.i16x8GtS), Pcmpgtd: simd(Simd.i32x4GtS), Pcmpgtq: simd(Simd.i64x2GtS),

  Pand: simd(Simd.v128And), Andps: simd(Simd.v128And), Andpd: simd(Simd.v128And),
  Pandn: andNot, Andnps: andNot, Andnpd: andNot,
  Por: simd(Simd.v128Or), Orps: simd(Simd.v128Or), Orpd: simd(Simd.v128Or),
  Pxor: simd(Simd.v128Xor), Xorps: simd(Simd.v128Xor), Xorpd: simd(Simd.v128Xor),
};

/** What string functions of every C library are made of. */
const HOT: ReadonlySet<string> = new Set(['Pcmpeqb', 'Pminub', 'Pxor', 'Por', 'Pand', 'Xorps']);

export function definePackedInteger(d: Definitions): void {
  for (const [mnemonic, operation] of Object.entries(packedIntegerOperations)) defineBinary(d, mnemonic, operation, { hot: HOT.has(mnemonic) });
  for (const [mnemonic, opcode] of [['Pabsb', Simd.i8x16Abs], ['Pabsw', Simd.i16x8Abs], ['Pabsd', Simd.i32x4Abs]] as const) {
    defineUnary(d, mnemonic, (b) => b.unary(opcode));
  }

  d.define('Ptest', { shapes: ['xx', 'xm'] }, (x) => {
    x.requireSse();
    const b = vectorSource(x, 1);
    const a = x.xmmOperand(0);
    const common = a.binary(Simd.v128And, b).reduce(Simd.v128AnyTrue);
    const missing = b.binary(Simd.v128AndNot, a).reduce(Simd.v128AnyTrue);
    x.flags.clear();
    x.flags.setZero(common.eqz());
    x.flags.setCarry(missing.eqz());
  });
}
