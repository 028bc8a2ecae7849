import type { F32, F64, I32, I64, V128 } from '../../emit/emitter.js';
import { Simd } from '../../emit/opcodes.js';
import { State } from '../../state-layout.js';
import type { Context } from '../context.js';
import { doubleWords, quadWords } from './operand.js';

// When is WebAssembly's floating point all that an SSE instruction does? It rounds to nearest and raises nothing, so: where the
// operands are neither NaNs nor denormals, the result is neither tiny nor infinite, and rounding it leaves no trace in MXCSR, because
// PE is set already and masked, or because it is exact. All else is computed in TypeScript (`softfloat/`). SDM vol. 1, 11.5 and 4.9.

const RC = 0x6000;
const PM = 0x1000;
const PE = 0x20;

export interface ScalarFormat {
  readonly size: 4 | 8;
  readonly magnitude: bigint;
  readonly minimumNormal: bigint;
  readonly infinity: bigint;
  /** Significand bits, the implicit one included. */
  readonly precision: number;
}
export const SINGLE: ScalarFormat = { size: 4, magnitude: 0x7fffffffn, minimumNormal: 0x800000n, infinity: 0x7f800000n, precision: 24 };
export const DOUBLE: ScalarFormat = { size: 8, magnitude: 0x7fffffffffffffffn, minimumNormal: 1n << 52n, infinity: 0x7ffn << 52n, precision: 53 };

/** Rounding to nearest, and an inexact result changes nothing in MXCSR. */
export function roundsFreely(x: Context): I32 {
  return x.field32(State.mxcsr).and(RC | PM | PE).eq(PM | PE);
}
export function roundsToNearest(x: Context): I32 {
  return x.field32(State.mxcsr).and(RC).eqz();
}
/** An inexact result changes nothing in MXCSR, however it is rounded. */
export function inexactIsSilent(x: Context): I32 {
  return x.field32(State.mxcsr).and(PM | PE).eq(PM | PE);
}

/** Continues in TypeScript unless `fine`. */
export function elseElsewhere(x: Context, fine: I32): void {
  x.e.if(fine.eqz(), () => x.executeElsewhere());
}

// --- scalars: bits as I64, singles zero-extended ---------------------------------------------------------------------------------

export function asSingle(bits: I64): F32 {
  return bits.wrap().asF32();
}
export function asDouble(bits: I64): F64 {
  return bits.asF64();
}
/** The value as a double, which is exact. */
export function widened({ size }: ScalarFormat, bits: I64): F64 {
  return size === 8 ? bits.asF64() : asSingle(bits).promote();
}

/** @param single, double the opcode for each format */
export function scalarBinary({ size }: ScalarFormat, single: number, double: number, a: I64, b: I64): I64 {
  return size === 8 ? a.asF64().binary(double, b.asF64()).bits() : asSingle(a).binary(single, asSingle(b)).bits().toI64U();
}
export function scalarUnary({ size }: ScalarFormat, single: number, double: number, b: I64): I64 {
  return size === 8 ? b.asF64().unary(double).bits() : asSingle(b).unary(single).bits().toI64U();
}
export function scalarCompare({ size }: ScalarFormat, single: number, double: number, a: I64, b: I64): I32 {
  return size === 8 ? a.asF64().compare(double, b.asF64()) : asSingle(a).compare(single, asSingle(b));
}

export function magnitude(f: ScalarFormat, bits: I64): I64 {
  return bits.and(f.magnitude);
}
/** @param m a magnitude */
export function notDenormal(f: ScalarFormat, m: I64): I32 {
  return m.sub(1).geU(f.minimumNormal - 1n);
}
/** Normal, zero or infinite. */
export function ordinary(f: ScalarFormat, m: I64): I32 {
  return m.sub(f.minimumNormal).leU(f.infinity - f.minimumNormal).or(m.eqz());
}
/**
 * A result that can't have been tiny and isn't infinite. The least normal number is left out: tininess is detected after rounding
 * with unbounded exponent, and it may come from below.
 */
export function settled(f: ScalarFormat, m: I64): I32 {
  return m.sub(f.minimumNormal + 1n).ltU(f.infinity - f.minimumNormal - 1n);
}
/** Trailing zeros of a normal number's significand. */
export function trailingZeros(f: ScalarFormat, m: I64): I64 {
  return m.or(f.minimumNormal).ctz();
}

/** Puts a scalar result into operand 0, whose upper part stays. */
export function setScalar(x: Context, { size }: ScalarFormat, bits: I64): void {
  const a = x.xmmOperand(0);
  x.setXmmOperand(0, size === 8 ? a.replace(Simd.i64x2ReplaceLane, 0, bits) : a.replace(Simd.i32x4ReplaceLane, 0, bits.wrap()));
}

// --- vectors ---------------------------------------------------------------------------------------------------------------------

export interface VectorFormat {
  readonly bits: 32 | 64;
  readonly abs: number;
  readonly eq: number;
  readonly lt: number;
  readonly gt: number;
  readonly ge: number;
  readonly add: number;
  readonly sub: number;
  readonly allTrue: number;
  readonly scalar: ScalarFormat;
}
export const SINGLES: VectorFormat = {
  bits: 32, abs: Simd.f32x4Abs, eq: Simd.f32x4Eq, lt: Simd.f32x4Lt, gt: Simd.f32x4Gt, ge: Simd.f32x4Ge, add: Simd.f32x4Add, sub: Simd.f32x4Sub, allTrue: Simd.i32x4AllTrue, scalar: SINGLE,
};
export const DOUBLES: VectorFormat = {
  bits: 64, abs: Simd.f64x2Abs, eq: Simd.f64x2Eq, lt: Simd.f64x2Lt, gt: Simd.f64x2Gt, ge: Simd.f64x2Ge, add: Simd.f64x2Add, sub: Simd.f64x2Sub, allTrue: Simd.i64x2AllTrue, scalar: DOUBLE,
};

/** The same bits in every lane. */
export function constantLanes(x: Context, { bits }: VectorFormat, value: bigint): V128 {
  return bits === 64 ? quadWords(x.e, [value, value]) : doubleWords(x.e, new Array<number>(4).fill(Number(value)));
}
export function isZeroLanes(x: Context, f: VectorFormat, v: V128): V128 {
  return v.binary(f.eq, constantLanes(x, f, 0n));
}
/** Normal, zero or infinite. */
export function ordinaryLanes(x: Context, f: VectorFormat, v: V128): V128 {
  return v.unary(f.abs).binary(f.ge, constantLanes(x, f, f.scalar.minimumNormal)).binary(Simd.v128Or, isZeroLanes(x, f, v));
}
export function settledLanes(x: Context, f: VectorFormat, v: V128): V128 {
  const m = v.unary(f.abs);
  return m.binary(f.gt, constantLanes(x, f, f.scalar.minimumNormal)).binary(Simd.v128And, m.binary(f.lt, constantLanes(x, f, f.scalar.infinity)));
}
