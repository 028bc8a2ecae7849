import type { I32, I64, V128 } from '../../emit/emitter.js';
import { Op, Simd } from '../../emit/opcodes.js';
import type { Context } from '../context.js';
import type { Definitions } from '../definition.js';
import {
  asSingle, constantLanes, DOUBLE, DOUBLES, elseElsewhere, isZeroLanes, magnitude, notDenormal, ordinary, ordinaryLanes, roundsFreely, roundsToNearest, scalarBinary, scalarUnary,
  setScalar, settled, settledLanes, SINGLE, SINGLES, trailingZeros, widened, type ScalarFormat, type VectorFormat,
} from './float-format.js';
import { defineUnary, lowSource, vectorSource } from './operand.js';

// SDM vol. 2: ADD SUB MUL DIV SQRT MIN MAX in their PS, PD, SS and SD forms, HADD HSUB ADDSUB, RCP, RSQRT. `float-format.ts` says when
// they are computed here.

type Operation = 'add' | 'sub' | 'mul' | 'div';
const SCALAR_OPCODES: Readonly<Record<Operation, readonly [single: number, double: number]>> = {
  add: [Op.f32Add, Op.f64Add], sub: [Op.f32Sub, Op.f64Sub], mul: [Op.f32Mul, Op.f64Mul], div: [Op.f32Div, Op.f64Div],
};
const VECTOR_OPCODES: Readonly<Record<Operation, readonly [single: number, double: number]>> = {
  add: [Simd.f32x4Add, Simd.f64x2Add], sub: [Simd.f32x4Sub, Simd.f64x2Sub], mul: [Simd.f32x4Mul, Simd.f64x2Mul], div: [Simd.f32x4Div, Simd.f64x2Div],
};

/** `first`, or else `second`, which is computed only then. */
function orElse(x: Context, first: I32, second: () => I32): I32 {
  const either = x.e.variable(first);
  x.e.if(first.eqz(), () => either.set(second()));
  return either.get();
}
function andThen(x: Context, first: I32, second: () => I32): I32 {
  const both = x.e.variable(first);
  x.e.if(first, () => both.set(second()));
  return both.get();
}

/**
 * Whether a settled or exactly zero result is exact; `true` may be missed. Sums: the error term of Knuth's 2Sum. Products and quotients
 * of singles: the product in double precision is exact. Those of doubles: the significands' lengths add up to what fits.
 */
function isExact(f: ScalarFormat, operation: Operation | 'sqrt', a: I64, b: I64, r: I64): I32 {
  const apply = (name: Operation, p: I64, q: I64): I64 => scalarBinary(f, ...SCALAR_OPCODES[name], p, q);
  const product = (p: I64, q: I64, result: I64): I32 => {
    const equal = widened(f, p).binary(Op.f64Mul, widened(f, q)).compare(Op.f64Eq, widened(f, result));
    if (f.size === 4) return equal;
    const [tp, tq] = [trailingZeros(f, magnitude(f, p)), trailingZeros(f, magnitude(f, q))];
    const powerOfTwo = tp.eq(f.precision - 1).or(tq.eq(f.precision - 1));
    return equal.and(tp.add(tq).geU(f.precision).or(powerOfTwo));
  };
  const isZero = magnitude(f, r).eqz();
  switch (operation) {
    case 'add':
    case 'sub': {
      const virtual = apply('sub', r, a);
      const rest = apply('sub', a, apply('sub', r, virtual));
      const error = operation === 'add' ? apply('add', rest, apply('sub', b, virtual)) : apply('sub', rest, apply('add', b, virtual));
      return magnitude(f, error).eqz();
    }
    case 'mul':
      return product(a, b, r).or(isZero);
    case 'div':
      return product(r, b, a).or(isZero);
    case 'sqrt':
      return product(r, r, b).or(isZero);
  }
}

function defineScalar(d: Definitions, suffix: string, f: ScalarFormat): void {
  const instruction = (name: string, emit: (x: Context, a: I64, b: I64) => void, hot = false): void => {
    d.define(`${name}${suffix}`, { shapes: ['xx', 'xm'], mayExecute: true, hot }, (x) => {
      x.requireSse();
      const b = lowSource(x, 1, f.size);
      emit(x, x.xmmLow(0, f.size), b);
    });
  };
  /** Rounds to nearest, and with no trace. */
  const rounded = (x: Context, exact: () => I32): I32 => orElse(x, roundsFreely(x), () => andThen(x, roundsToNearest(x), exact));

  for (const operation of ['add', 'sub', 'mul', 'div'] as const) {
    instruction(`${operation[0]?.toUpperCase()}${operation.slice(1)}`, (x, a, b) => {
      const r = scalarBinary(f, ...SCALAR_OPCODES[operation], a, b);
      const [ma, mb, mr] = [magnitude(f, a), magnitude(f, b), magnitude(f, r)];
      // A zero is exact as a sum; as a product or quotient it is if it comes from one.
      const zero = operation === 'mul' ? mr.eqz().and(ma.eqz().or(mb.eqz())) : operation === 'div' ? mr.or(ma).eqz() : mr.eqz();
      const plain = notDenormal(f, ma).and(notDenormal(f, mb)).and(settled(f, mr).or(zero));
      elseElsewhere(x, andThen(x, plain, () => rounded(x, () => isExact(f, operation, a, b, r))));
      setScalar(x, f, r);
    });
  }
  instruction('Sqrt', (x, a, b) => {
    const r = scalarUnary(f, Op.f32Sqrt, Op.f64Sqrt, b);
    const plain = b.sub(f.minimumNormal).ltU(f.infinity - f.minimumNormal).or(magnitude(f, b).eqz());
    elseElsewhere(x, andThen(x, plain, () => rounded(x, () => isExact(f, 'sqrt', a, b, r))));
    setScalar(x, f, r);
  });
  // The second operand when the comparison fails: also for two zeros.
  for (const [name, single, double] of [['Min', Op.f32Lt, Op.f64Lt], ['Max', Op.f32Gt, Op.f64Gt]] as const) {
    instruction(name, (x, a, b) => {
      elseElsewhere(x, ordinary(f, magnitude(f, a)).and(ordinary(f, magnitude(f, b))));
      const chosen = f.size === 8 ? a.asF64().compare(double, b.asF64()) : asSingle(a).compare(single, asSingle(b));
      setScalar(x, f, chosen.select(a, b));
    });
  }
}

function definePacked(d: Definitions, suffix: string, f: VectorFormat): void {
  const index = f.bits === 32 ? 0 : 1;
  const instruction = (name: string, emit: (x: Context, a: V128, b: V128) => void): void => {
    d.define(`${name}${suffix}`, { shapes: ['xx', 'xm'], mayExecute: true }, (x) => {
      x.requireSse();
      const b = vectorSource(x, 1);
      emit(x, x.xmmOperand(0), b);
    });
  };
  const and = (p: V128, q: V128): V128 => p.binary(Simd.v128And, q);
  const or = (p: V128, q: V128): V128 => p.binary(Simd.v128Or, q);

  const arithmetic = (x: Context, operation: Operation, a: V128, b: V128): void => {
    const r = a.binary(VECTOR_OPCODES[operation][index], b);
    let zero = isZeroLanes(x, f, r);
    if (operation === 'mul') zero = and(zero, or(isZeroLanes(x, f, a), isZeroLanes(x, f, b)));
    if (operation === 'div') zero = and(zero, isZeroLanes(x, f, a));
    const plain = and(and(ordinaryLanes(x, f, a), ordinaryLanes(x, f, b)), or(settledLanes(x, f, r), zero)).reduce(f.allTrue);
    const fine = andThen(x, plain, () =>
      orElse(x, roundsFreely(x), () => {
        if (operation === 'mul' || operation === 'div') return x.e.i32(0);
        // 2Sum, of a and -b for a difference.
        const addend = operation === 'add' ? b : constantLanes(x, f, 0n).binary(f.sub, b);
        const virtual = r.binary(f.sub, a);
        const error = a.binary(f.sub, r.binary(f.sub, virtual)).binary(f.add, addend.binary(f.sub, virtual));
        return isZeroLanes(x, f, error).reduce(f.allTrue).and(roundsToNearest(x));
      }),
    );
    elseElsewhere(x, fine);
    x.setXmmOperand(0, r);
  };
  for (const operation of ['add', 'sub', 'mul', 'div'] as const) {
    instruction(`${operation[0]?.toUpperCase()}${operation.slice(1)}`, (x, a, b) => arithmetic(x, operation, a, b));
  }
  instruction('Sqrt', (x, _a, b) => {
    const r = b.unary(f.bits === 32 ? Simd.f32x4Sqrt : Simd.f64x2Sqrt);
    const plain = or(and(settledLanes(x, f, b), b.binary(f.gt, constantLanes(x, f, 0n))), isZeroLanes(x, f, b)).reduce(f.allTrue);
    elseElsewhere(x, plain.and(roundsFreely(x)));
    x.setXmmOperand(0, r);
  });
  for (const [name, opcodes] of [['Min', [Simd.f32x4Pmin, Simd.f64x2Pmin]], ['Max', [Simd.f32x4Pmax, Simd.f64x2Pmax]]] as const) {
    instruction(name, (x, a, b) => {
      elseElsewhere(x, and(ordinaryLanes(x, f, a), ordinaryLanes(x, f, b)).reduce(f.allTrue));
      // PMIN(b, a) is `a < b ? a : b`.
      x.setXmmOperand(0, b.binary(opcodes[index], a));
    });
  }

  const even = f.bits === 32 ? [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27] : [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
  const odd = even.map((byte) => byte + f.bits / 8);
  instruction('Hadd', (x, a, b) => arithmetic(x, 'add', x.e.shuffle(a, b, even), x.e.shuffle(a, b, odd)));
  instruction('Hsub', (x, a, b) => arithmetic(x, 'sub', x.e.shuffle(a, b, even), x.e.shuffle(a, b, odd)));
  // Differences in the even lanes, sums in the odd ones.
  instruction('Addsub', (x, a, b) => {
    const signs = x.e.v128(Array.from({ length: 16 }, (_, byte) => (byte % (f.bits / 4) === f.bits / 8 - 1 ? 0x80 : 0)));
    arithmetic(x, 'add', a, b.binary(Simd.v128Xor, signs));
  });
}

/** RCPSS and RSQRTSS of one lane's bits, the same approximation as `softfloat`'s `approximateLane`. */
function approximate(x: Context, bits: I32, root: boolean): I32 {
  const { e } = x;
  const m = bits.and(0x7fffffff);
  const sign = bits.and(-0x80000000);
  const value = bits.asF32().promote();
  const quotient = e.i64(0x3ff0000000000000n).asF64().binary(Op.f64Div, root ? value.unary(Op.f64Sqrt) : value).demote().bits();
  let r = quotient.and(0x7f800000).select(quotient, sign);
  if (root) r = sign.select(e.i32(0xffc00000 | 0), r);
  r = m.ltU(0x800000).select(sign.or(0x7f800000), r);
  return m.gtU(0x7f800000).select(bits.or(0x400000), r);
}

export function defineFloatArithmetic(d: Definitions): void {
  defineScalar(d, 'ss', SINGLE);
  defineScalar(d, 'sd', DOUBLE);
  definePacked(d, 'ps', SINGLES);
  definePacked(d, 'pd', DOUBLES);
  for (const [name, root] of [['Rcp', false], ['Rsqrt', true]] as const) {
    d.define(`${name}ss`, { shapes: ['xx', 'xm'] }, (x) => {
      x.requireSse();
      const b = lowSource(x, 1, 4).wrap();
      x.setXmmOperand(0, x.xmmOperand(0).replace(Simd.i32x4ReplaceLane, 0, approximate(x, b, root)));
    });
    defineUnary(d, `${name}ps`, (b, x) => {
      let r = b;
      for (let lane = 0; lane < 4; lane++) r = r.replace(Simd.i32x4ReplaceLane, lane, approximate(x, b.lane32(lane), root));
      return r;
    });
  }
}
