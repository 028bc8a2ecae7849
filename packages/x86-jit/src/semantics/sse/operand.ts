import type { Emitter, I32, I64, V128 } from '../../emit/emitter.js';
import { Simd } from '../../emit/opcodes.js';
import { Vector } from '../../state-layout.js';
import type { Context } from '../context.js';
import type { Definitions } from '../definition.js';

// What the legacy SSE instructions share. SDM vol. 2, 2.6 "Instruction Exception Specification", types 1 to 5.

/** #GP(0) unless the address is a multiple of 16, or 32. */
export function requireAligned(x: Context, linear: I64, alignment = 16): void {
  x.e.if(linear.wrap().and(alignment - 1), () => x.exception(Vector.GP, x.e.i32(0)));
}

/** Operand `index`: a register, or 16 bytes of memory, which must be aligned unless the instruction is one of the exceptions. */
export function vectorSource(x: Context, index: number, aligned = true): V128 {
  if (x.vex) return x.vex.vector(index);
  if (x.shape[index] !== 'm') return x.xmmOperand(index);
  const linear = x.linear(16, false);
  if (aligned) requireAligned(x, linear);
  return x.loadV128(linear);
}

/** The low `size` bytes of a register operand, or as many of memory, zero-extended. */
export function lowSource(x: Context, index: number, size: number): I64 {
  if (x.vex) return x.vex.low(index, size);
  return x.shape[index] === 'm' ? x.load(x.linear(size, false), size) : x.xmmLow(index, size);
}

/**
 * The low 8 bytes, or less of memory, as a vector whose upper half nobody looks at: what is made into wider elements. Where it
 * makes the upper half of a YMM register, the `size` bytes that follow.
 */
export function lowVector(x: Context, index: number, size: number): V128 {
  if (x.vex) return x.vex.lowVector(index, size);
  return x.shape[index] === 'm' ? x.load(x.linear(size, false), size).splat() : x.xmmOperand(index);
}

export function zero(e: Emitter): V128 {
  return e.v128(new Uint8Array(16));
}

/** A value in the low 8 bytes, zero above. */
export function extendZero(e: Emitter, low: I64): V128 {
  return zero(e).replace(Simd.i64x2ReplaceLane, 0, low);
}

export function words(e: Emitter, lanes: readonly number[]): V128 {
  return e.v128(new Uint8Array(Uint16Array.from(lanes).buffer));
}
export function doubleWords(e: Emitter, lanes: readonly number[]): V128 {
  return e.v128(new Uint8Array(Uint32Array.from(lanes).buffer));
}
export function quadWords(e: Emitter, lanes: readonly bigint[]): V128 {
  return e.v128(new Uint8Array(BigUint64Array.from(lanes).buffer));
}
/** 0, 1 ... 15. */
export function iota(e: Emitter): V128 {
  return e.v128(Array.from({ length: 16 }, (_, k) => k));
}
export function splat8(value: I32): V128 {
  return value.splat(Simd.i8x16Splat);
}
export function splat16(value: I32): V128 {
  return value.splat(Simd.i16x8Splat);
}
export function splat32(value: I32): V128 {
  return value.splat(Simd.i32x4Splat);
}

export function immediate8(x: Context): I32 {
  return x.immediate().wrap().and(0xff);
}
/** The immediate where it is known while code is made: a region's, not the interpreter's. */
export function constantImmediate(x: Context): number | undefined {
  const immediate = x.immediate();
  return immediate.isConstant ? immediate.low & 0xff : undefined;
}

export type VectorOperation = (a: V128, b: V128, x: Context) => V128;

export interface VectorOptions {
  readonly aligned?: boolean;
  readonly hot?: boolean | ((size: number, shape: string) => boolean);
}

/** An instruction `xmm1 = operation(xmm1, xmm2/m128)`. */
export function defineBinary(d: Definitions, mnemonic: string, operation: VectorOperation, { aligned = true, hot = false }: VectorOptions = {}): void {
  d.define(mnemonic, { shapes: ['xx', 'xm'], hot }, (x) => {
    x.requireSse();
    const b = vectorSource(x, 1, aligned);
    x.setXmmOperand(0, operation(x.xmmOperand(0), b, x));
  });
}

/** An instruction `xmm1 = operation(xmm2/m128)`. */
export function defineUnary(d: Definitions, mnemonic: string, operation: (b: V128, x: Context) => V128, { aligned = true, hot = false }: VectorOptions = {}): void {
  d.define(mnemonic, { shapes: ['xx', 'xm'], hot }, (x) => {
    x.requireSse();
    x.setXmmOperand(0, operation(vectorSource(x, 1, aligned), x));
  });
}

/** An instruction `xmm1 = operation(xmm1, xmm2/m128)` that also looks at its immediate byte. */
export function defineBinaryImmediate(d: Definitions, mnemonic: string, operation: VectorOperation): void {
  d.define(mnemonic, { shapes: ['xxi', 'xmi'] }, (x) => {
    x.requireSse();
    const b = vectorSource(x, 1);
    x.setXmmOperand(0, operation(x.xmmOperand(0), b, x));
  });
}
