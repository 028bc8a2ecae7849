import type { I32, V128, Variable } from '../../emit/emitter.js';
import { Simd } from '../../emit/opcodes.js';
import type { Context } from '../context.js';
import type { Definitions } from '../definition.js';
import { extendZero, immediate8, iota, splat16, splat32, splat8, vectorSource, words, zero } from './operand.js';

// PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM. SDM vol. 2, 4.1 "Imm8 Control Byte Operation for PCMPESTRI / ...".

const RAX = 0;
const RCX = 1;
const RDX = 2;

/** imm8 bits. */
const WORDS = 1;
const SIGNED = 2;
const NEGATIVE = 0x10;
const MASKED = 0x20;
/** The highest index instead of the lowest, or a mask of whole elements instead of bits. */
const ALTERNATIVE = 0x40;
/** imm8[3:2]. */
const Aggregation = { equalAny: 0, ranges: 1, equalEach: 2, equalOrdered: 3 } as const;

interface ElementType {
  readonly size: 1 | 2;
  readonly splat: (value: I32) => V128;
  readonly eq: number;
  readonly gt: number;
  readonly add: number;
  readonly bitmask: number;
  /** Of one element in the low bytes of a vector: its index's bytes. */
  readonly control: (x: Context, index: I32) => V128;
  readonly indices: (x: Context) => V128;
  readonly sign: number;
}
const BYTE: ElementType = {
  size: 1, splat: splat8, eq: Simd.i8x16Eq, gt: Simd.i8x16GtS, add: Simd.i8x16Add, bitmask: Simd.i8x16Bitmask, control: (_, index) => splat8(index), indices: (x) => iota(x.e), sign: 0x80,
};
const WORD: ElementType = {
  size: 2, splat: splat16, eq: Simd.i16x8Eq, gt: Simd.i16x8GtS, add: Simd.i16x8Add, bitmask: Simd.i16x8Bitmask, control: (_, index) => splat16(index.mul(0x0202).add(0x0100)),
  indices: (x) => words(x.e, [0, 1, 2, 3, 4, 5, 6, 7]), sign: 0x8000,
};

interface Comparison {
  readonly a: V128;
  readonly b: V128;
  readonly lengthA: I32;
  readonly lengthB: I32;
  readonly immediate: I32;
}

const and = (p: V128, q: V128): V128 => p.binary(Simd.v128And, q);
const or = (p: V128, q: V128): V128 => p.binary(Simd.v128Or, q);
const not = (p: V128): V128 => p.unary(Simd.v128Not);

/** Runs `body` for i = 0, `step`, ... while `i + step <= length`. */
function forElements(x: Context, length: I32, step: number, body: (i: I32) => void): void {
  const { e } = x;
  const i = e.variable(e.i32(0));
  e.block((done) => {
    e.loop((next) => {
      e.brIf(done, i.get().add(step).gtU(length));
      body(i.get());
      i.set(i.get().add(step));
      e.br(next);
    });
  });
}

/** IntRes1: the aggregated comparisons, all ones or zeros for each element of `b`. */
function aggregate(x: Context, type: ElementType, { a, b, lengthA, lengthB, immediate }: Comparison): V128 {
  const { e } = x;
  const indices = type.indices(x);
  const before = (length: I32, index: V128): V128 => type.splat(length).binary(type.gt, index);
  const element = (v: V128, index: I32): V128 => v.binary(Simd.i8x16Swizzle, type.control(x, index));
  const result: Variable<V128> = e.variable(zero(e));
  const aggregation = immediate.shrU(2).and(3);
  e.if(aggregation.eq(Aggregation.equalAny), () => {
    forElements(x, lengthA, 1, (i) => result.set(or(result.get(), b.binary(type.eq, element(a, i)))));
    result.set(and(result.get(), before(lengthB, indices)));
  });
  e.if(aggregation.eq(Aggregation.ranges), () => {
    // Unsigned elements compare as signed ones with the highest bit flipped.
    const bias = type.splat(immediate.and(SIGNED).select(e.i32(0), e.i32(type.sign)));
    const [low, value] = [a.binary(Simd.v128Xor, bias), b.binary(Simd.v128Xor, bias)];
    forElements(x, lengthA, 2, (i) => {
      const outside = or(element(low, i).binary(type.gt, value), value.binary(type.gt, element(low, i.add(1))));
      result.set(or(result.get(), not(outside)));
    });
    result.set(and(result.get(), before(lengthB, indices)));
  });
  e.if(aggregation.eq(Aggregation.equalEach), () => {
    const [validA, validB] = [before(lengthA, indices), before(lengthB, indices)];
    result.set(or(and(a.binary(type.eq, b), and(validA, validB)), not(or(validA, validB))));
  });
  e.if(aggregation.eq(Aggregation.equalOrdered), () => {
    // What lies beyond the end of `a` matches anything; what would lie beyond the register is not looked at.
    result.set(not(zero(e)));
    forElements(x, lengthA, 1, (i) => {
      const shifted = b.binary(Simd.i8x16Swizzle, iota(e).binary(Simd.i8x16Add, splat8(i.mul(type.size))));
      const index = indices.binary(type.add, type.splat(i));
      const equal = and(shifted.binary(type.eq, element(a, i)), before(lengthB, index));
      result.set(and(result.get(), or(equal, index.binary(type.gt, type.splat(e.i32(16 / type.size - 1))))));
    });
  });
  return result.get();
}

/** The length of a string that ends with an element of zero. */
function implicitLength(x: Context, v: V128, immediate: I32): I32 {
  const zeros = (type: ElementType): I32 => v.binary(type.eq, zero(x.e)).reduce(type.bitmask).or(1 << (16 / type.size)).ctz();
  return immediate.and(WORDS).select(zeros(WORD), zeros(BYTE));
}
/** The magnitude of EAX or EDX (RAX or RDX), at most the number of elements. */
function explicitLength(x: Context, register: number, size: 4 | 8, count: I32): I32 {
  const value = x.gpr(register, size);
  const magnitude = value.ltS(0).select(value.neg(), value);
  return magnitude.ltU(count.toI64U()).select(magnitude.wrap(), count);
}

export function defineStringComparison(d: Definitions): void {
  const instruction = (mnemonic: string, explicit: 0 | 4 | 8, emitResult: (x: Context, bits: I32, count: I32, immediate: I32) => void): void => {
    d.define(mnemonic, { shapes: ['xxi', 'xmi'] }, (x) => {
      x.requireSse();
      const { e } = x;
      const immediate = immediate8(x);
      const b = vectorSource(x, 1, false);
      const a = x.xmmOperand(0);
      const count = immediate.and(WORDS).select(e.i32(8), e.i32(16));
      const length = (register: number, v: V128): I32 => (explicit ? explicitLength(x, register, explicit, count) : implicitLength(x, v, immediate));
      const comparison: Comparison = { a, b, lengthA: length(RAX, a), lengthB: length(RDX, b), immediate };
      const bits = e.variableI32();
      e.if(
        immediate.and(WORDS),
        () => bits.set(aggregate(x, WORD, comparison).reduce(WORD.bitmask)),
        () => bits.set(aggregate(x, BYTE, comparison).reduce(BYTE.bitmask)),
      );
      e.if(immediate.and(NEGATIVE), () => {
        const inverted = immediate.and(MASKED).select(comparison.lengthB, count);
        bits.set(bits.get().xor(e.i32(1).shl(inverted).sub(1)));
      });
      const result = bits.get();
      emitResult(x, result, count, immediate);
      x.flags.setZero(comparison.lengthB.ltU(count));
      // SF in bit 63; PF is clear for an odd parity of the low byte.
      x.flags.setSign(comparison.lengthA.ltU(count).toI64U().shl(63).or(1));
      x.flags.setCarryOverflow(result.ne(0), result.and(1));
    });
  };

  const index = (x: Context, bits: I32, count: I32, immediate: I32): void => {
    const found = immediate.and(ALTERNATIVE).select(x.e.i32(31).sub(bits.clz()), bits.ctz());
    x.setGpr(RCX, bits.select(found, count).toI64U(), 4);
  };
  const mask = (x: Context, bits: I32, _count: I32, immediate: I32): void => {
    const { e } = x;
    const result = e.variable(extendZero(e, bits.toI64U()));
    e.if(immediate.and(ALTERNATIVE), () => {
      const ofWord = words(e, [1, 2, 4, 8, 16, 32, 64, 128]);
      const ofByte = e.v128([1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128]);
      const bytes = splat32(bits).binary(Simd.i8x16Swizzle, e.v128([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]));
      e.if(
        immediate.and(WORDS),
        () => result.set(and(splat16(bits), ofWord).binary(Simd.i16x8Eq, ofWord)),
        () => result.set(and(bytes, ofByte).binary(Simd.i8x16Eq, ofByte)),
      );
    });
    x.setXmm(0, result.get());
  };
  for (const [infix, suffix, size] of [['i', '', 0], ['e', '', 4], ['e', '64', 8]] as const) {
    instruction(`Pcmp${infix}stri${suffix}`, size, index);
    instruction(`Pcmp${infix}strm${suffix}`, size, mask);
  }
}
