import type { I32, V128 } from '../../emit/emitter.js';
import { Simd } from '../../emit/opcodes.js';
import type { Context, Half } from '../context.js';
import type { Definitions } from '../definition.js';
import {
  constantLanes, DOUBLES, elseElsewhere, isZeroLanes, ordinaryLanes, roundsFreely, roundsToNearest, SINGLES, settledLanes, type VectorFormat,
} from '../sse/float-format.js';
import { setVector, vectorIfWide } from './operand.js';

// SDM vol. 2: VFMADD*, VFMSUB*, VFNMADD*, VFNMSUB*, VFMADDSUB*, VFMSUBADD*: a product and a sum with one rounding. WebAssembly rounds each,
// so the errors of its operations are computed (they are representable) and what remains is rounded to odd, which the last rounding
// can't be deceived by: S. Boldo and G. Melquiond, "Emulation of a FMA and correctly rounded sums: proved algorithms using rounding to
// odd", IEEE Transactions on Computers 57, 2008. `sse/float-format.ts` says when that is all there is to do.

const and = (p: V128, q: V128): V128 => p.binary(Simd.v128And, q);
const or = (p: V128, q: V128): V128 => p.binary(Simd.v128Or, q);
const add = (p: V128, q: V128): V128 => p.binary(Simd.f64x2Add, q);
const sub = (p: V128, q: V128): V128 => p.binary(Simd.f64x2Sub, q);
const mul = (p: V128, q: V128): V128 => p.binary(Simd.f64x2Mul, q);

/** Knuth's 2Sum: the rounded sum of doubles, and its error. */
function twoSum(p: V128, q: V128): [sum: V128, error: V128] {
  const sum = add(p, q);
  const virtual = sub(sum, p);
  return [sum, add(sub(p, sub(sum, virtual)), sub(q, virtual))];
}

/** Dekker's product with Veltkamp's splitting. */
function twoProduct(x: Context, p: V128, q: V128): [product: V128, error: V128] {
  const factor = constantLanes(x, DOUBLES, 0x41a0000002000000n); // 2^27 + 1
  const split = (v: V128): [high: V128, low: V128] => {
    const scaled = mul(factor, v);
    const high = sub(scaled, sub(scaled, v));
    return [high, sub(v, high)];
  };
  const product = mul(p, q);
  const [ph, pl] = split(p);
  const [qh, ql] = split(q);
  const error = add(add(add(sub(mul(ph, qh), product), mul(ph, ql)), mul(pl, qh)), mul(pl, ql));
  return [product, error];
}

/** Of a sum rounded to nearest and its error, the sum rounded to odd. */
function toOdd(x: Context, sum: V128, error: V128): V128 {
  const { e } = x;
  const inexact = error.binary(Simd.f64x2Ne, constantLanes(x, DOUBLES, 0n));
  const even = sum.binary(Simd.v128And, e.i64(1).splat()).binary(Simd.i64x2Eq, e.i64(0).splat());
  // One further away from zero where the signs are equal, else one towards it.
  const step = sum.binary(Simd.v128Xor, error).shift(Simd.i64x2ShrS, e.i32(63)).binary(Simd.v128Or, e.i64(1).splat());
  return sum.binary(Simd.i64x2Add, and(and(inexact, even), step));
}

interface Fused {
  readonly result: V128;
  /** All ones in lanes where nothing was rounded. */
  readonly exact: V128;
  /** All ones in lanes where `result` is right. */
  readonly plain: V128;
}

/** a * b + c of doubles. */
function fusedDoubles(x: Context, a: V128, b: V128, c: V128): Fused {
  // Neither a product nor an error may come near the ends of the range.
  const moderate = (v: V128, exponent: number): V128 => {
    const m = v.unary(Simd.f64x2Abs);
    const power = (n: number): V128 => constantLanes(x, DOUBLES, BigInt(1023 + n) << 52n);
    return or(and(m.binary(Simd.f64x2Gt, power(-exponent)), m.binary(Simd.f64x2Lt, power(exponent))), isZeroLanes(x, DOUBLES, v));
  };
  const zeros = constantLanes(x, DOUBLES, 0n);
  const [uh, ul] = twoProduct(x, a, b);
  const [th, tl] = twoSum(c, ul);
  const [vh, vl] = twoSum(uh, th);
  const [zh, zl] = twoSum(tl, vl);
  const [sum, error] = twoSum(vh, toOdd(x, zh, zl));
  // A zero's sign comes from the operands: the errors' zeros have none.
  const isZero = isZeroLanes(x, DOUBLES, sum);
  const result = add(uh, c).bitselect(sum, isZero);
  const exact = and(error.binary(Simd.f64x2Eq, zeros), zl.binary(Simd.f64x2Eq, zeros));
  const plain = and(and(moderate(a, 450), moderate(b, 450)), and(moderate(c, 900), or(settledLanes(x, DOUBLES, sum), isZero)));
  return { result, exact, plain };
}

/** The same of two singles in the low half, whose products are exact as doubles. */
function fusedSinglePair(x: Context, a: V128, b: V128, c: V128): Fused {
  const wide = (v: V128): V128 => v.unary(Simd.f64x2PromoteLowF32x4);
  const zeros = constantLanes(x, DOUBLES, 0n);
  const [sum, error] = twoSum(mul(wide(a), wide(b)), wide(c));
  const odd = toOdd(x, sum, error);
  const result = odd.unary(Simd.f32x4DemoteF64x2Zero);
  const exact = and(error.binary(Simd.f64x2Eq, zeros), result.unary(Simd.f64x2PromoteLowF32x4).binary(Simd.f64x2Eq, sum));
  return { result, exact, plain: settledOrZero(x, sum, result) };
}
/** Lanes of doubles whose single result is normal, or zero and exactly so. */
function settledOrZero(x: Context, sum: V128, result: V128): V128 {
  const settled = settledLanes(x, SINGLES, result);
  return or(x.e.shuffle(settled, settled, [0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7]), isZeroLanes(x, DOUBLES, sum));
}

function fusedSingles(x: Context, a: V128, b: V128, c: V128): Fused {
  const { e } = x;
  const upper = (v: V128): V128 => e.shuffle(v, v, [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]);
  const low = fusedSinglePair(x, a, b, c);
  const high = fusedSinglePair(x, upper(a), upper(b), upper(c));
  const operands = and(and(ordinaryLanes(x, SINGLES, a), ordinaryLanes(x, SINGLES, b)), ordinaryLanes(x, SINGLES, c));
  const result = e.shuffle(low.result, high.result, [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]);
  return { result, exact: and(low.exact, high.exact), plain: and(and(low.plain, high.plain), operands) };
}

/** Continues in TypeScript unless the lanes are plain, and rounding them leaves no trace. */
function unlessPlain(x: Context, { plain, exact }: Fused, f: VectorFormat): void {
  const all = (v: V128): I32 => v.reduce(f.allTrue);
  elseElsewhere(x, all(plain).and(roundsFreely(x).or(roundsToNearest(x).and(all(exact)))));
}

/** Which operands are multiplied and which is added, as the mnemonic's digits say. */
const ORDERS = { '132': [0, 2, 1], '213': [1, 0, 2], '231': [1, 2, 0] } as const;

interface Signs {
  readonly name: string;
  readonly negatesProduct: boolean;
  /** Of the sign bits of even and odd lanes of what is added. */
  readonly negatesAddend: readonly [even: boolean, odd: boolean];
}
const KINDS: readonly Signs[] = [
  { name: 'Vfmadd', negatesProduct: false, negatesAddend: [false, false] },
  { name: 'Vfmsub', negatesProduct: false, negatesAddend: [true, true] },
  { name: 'Vfnmadd', negatesProduct: true, negatesAddend: [false, false] },
  { name: 'Vfnmsub', negatesProduct: true, negatesAddend: [true, true] },
  { name: 'Vfmaddsub', negatesProduct: false, negatesAddend: [true, false] },
  { name: 'Vfmsubadd', negatesProduct: false, negatesAddend: [false, true] },
];

/** The sign bits of even and odd lanes inverted. */
function negated(x: Context, f: VectorFormat, v: V128, [even, odd]: readonly [boolean, boolean]): V128 {
  if (!even && !odd) return v;
  const bytes = f.bits / 8;
  const signs = Array.from({ length: 16 }, (_, k) => (k % bytes === bytes - 1 && ((k / bytes) & 1 ? odd : even) ? 0x80 : 0));
  return v.binary(Simd.v128Xor, x.e.v128(signs));
}

export function defineFused(d: Definitions): void {
  for (const [order, [first, second, addend]] of Object.entries(ORDERS)) {
    for (const { name, negatesProduct, negatesAddend } of KINDS) {
      for (const [suffix, f] of [['s', SINGLES], ['d', DOUBLES]] as const) {
        const fused = (x: Context, operands: readonly V128[]): Fused => {
          const [a, b, c] = [operands[first], operands[second], operands[addend]] as [V128, V128, V128];
          const compute = f === DOUBLES ? fusedDoubles : fusedSingles;
          return compute(x, negated(x, f, a, [negatesProduct, negatesProduct]), b, negated(x, f, c, negatesAddend));
        };
        d.define(`${name}${order}p${suffix}`, { shapes: ['xxx', 'xxm', 'yyy', 'yym'], merged: true, mayExecute: true }, (x) => {
          x.requireAvx();
          const last = x.vexVectors(2);
          const half = (which: Half): V128 => {
            const value = fused(x, [x.ymmOperand(0, which), x.ymmOperand(1, which), which === 0 ? last.low : last.high]);
            unlessPlain(x, value, f);
            return value.result;
          };
          const low = half(0);
          setVector(x, low, vectorIfWide(x, () => half(1)));
        });
        if (negatesAddend[0] !== negatesAddend[1]) continue;
        d.define(`${name}${order}s${suffix}`, { shapes: ['xxx', 'xxm'], merged: true, mayExecute: true }, (x) => {
          x.requireAvx();
          const size = f.bits / 8;
          // The same number in both lanes of doubles. Of singles, all four lanes.
          const everywhere = (v: V128): V128 => x.e.shuffle(v, v, Array.from({ length: 16 }, (_, k) => k % size));
          const a = x.ymmOperand(0, 0);
          const value = fused(x, [everywhere(a), everywhere(x.ymmOperand(1, 0)), everywhere(x.vexLow(2, size).splat())]);
          unlessPlain(x, value, f);
          setVector(x, size === 8 ? a.replace(Simd.i64x2ReplaceLane, 0, value.result.lane64(0)) : a.replace(Simd.i32x4ReplaceLane, 0, value.result.lane32(0)));
        });
      }
    }
  }
}
