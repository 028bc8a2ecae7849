import type { V128 } from '../../emit/emitter.js';
import { Op, Simd } from '../../emit/opcodes.js';
import type { Context } from '../context.js';
import type { Definitions } from '../definition.js';
import {
  DOUBLE, DOUBLES, elseElsewhere, magnitude, notDenormal, ordinary, ordinaryLanes, scalarCompare, setScalar, SINGLE, SINGLES, type ScalarFormat, type VectorFormat,
} from './float-format.js';
import { immediate8, lowSource, splat32, vectorSource } from './operand.js';

// SDM vol. 2: CMPPS CMPPD CMPSS CMPSD, COMISS COMISD UCOMISS UCOMISD. They raise IE for NaNs and DE for denormals, which go
// elsewhere, and don't round.

/** imm8[1:0]: equal, less, less or equal, unordered (never, of numbers); imm8[2] inverts. */
interface Predicate {
  readonly onEqual: ReturnType<typeof immediate8>;
  readonly onLess: ReturnType<typeof immediate8>;
  readonly inverted: ReturnType<typeof immediate8>;
}
/** Each 0 or -1. */
function predicate(x: Context): Predicate {
  const { e } = x;
  const immediate = immediate8(x);
  const bit = (v: ReturnType<typeof immediate8>): ReturnType<typeof immediate8> => e.i32(0).sub(v.and(1));
  return { onEqual: bit(immediate.xor(1)), onLess: bit(immediate.xor(immediate.shrU(1))), inverted: bit(immediate.shrU(2)) };
}

function definePacked(d: Definitions, mnemonic: string, f: VectorFormat): void {
  d.define(mnemonic, { shapes: ['xxi', 'xmi'], mayExecute: true }, (x) => {
    x.requireSse();
    const b = vectorSource(x, 1);
    const a = x.xmmOperand(0);
    const and = (p: V128, q: V128): V128 => p.binary(Simd.v128And, q);
    elseElsewhere(x, and(ordinaryLanes(x, f, a), ordinaryLanes(x, f, b)).reduce(f.allTrue));
    const { onEqual, onLess, inverted } = predicate(x);
    const holds = and(a.binary(f.eq, b), splat32(onEqual)).binary(Simd.v128Or, and(a.binary(f.lt, b), splat32(onLess)));
    x.setXmmOperand(0, holds.binary(Simd.v128Xor, splat32(inverted)));
  });
}

function defineScalar(d: Definitions, suffix: string, f: ScalarFormat): void {
  d.define(`Cmp${suffix}`, { shapes: ['xxi', 'xmi'], mayExecute: true }, (x) => {
    x.requireSse();
    const b = lowSource(x, 1, f.size);
    const a = x.xmmLow(0, f.size);
    elseElsewhere(x, ordinary(f, magnitude(f, a)).and(ordinary(f, magnitude(f, b))));
    const { onEqual, onLess, inverted } = predicate(x);
    const equal = scalarCompare(f, Op.f32Eq, Op.f64Eq, a, b).and(onEqual);
    const less = scalarCompare(f, Op.f32Lt, Op.f64Lt, a, b).and(onLess);
    // 0 or 1; negated, and inverted with -1.
    setScalar(x, f, x.e.i32(0).sub(equal.or(less)).xor(inverted).toI64S());
  });

  for (const [name, quietSignals] of [[`Ucomi${suffix}`, false], [`Comi${suffix}`, true]] as const) {
    d.define(name, { shapes: ['xx', 'xm'], mayExecute: true }, (x) => {
      x.requireSse();
      const b = lowSource(x, 1, f.size);
      const a = x.xmmLow(0, f.size);
      const [ma, mb] = [magnitude(f, a), magnitude(f, b)];
      const unordered = ma.gtU(f.infinity).or(mb.gtU(f.infinity));
      // A signaling NaN has the significand's highest bit clear.
      const quiet = f.infinity + (f.minimumNormal >> 1n);
      const harmless = (m: typeof ma): ReturnType<typeof ma.eqz> => m.leU(f.infinity).or(m.geU(quiet)).and(notDenormal(f, m));
      elseElsewhere(x, quietSignals ? ordinary(f, ma).and(ordinary(f, mb)) : harmless(ma).and(harmless(mb)));
      x.flags.setZero(scalarCompare(f, Op.f32Eq, Op.f64Eq, a, b).or(unordered));
      // PF is the parity of the low byte: even for 0.
      x.flags.setSign(unordered.xor(1).toI64U());
      x.flags.setCarryOverflow(scalarCompare(f, Op.f32Lt, Op.f64Lt, a, b).or(unordered), x.e.i32(0));
    });
  }
}

export function defineFloatCompare(d: Definitions): void {
  definePacked(d, 'Cmpps', SINGLES);
  definePacked(d, 'Cmppd', DOUBLES);
  defineScalar(d, 'ss', SINGLE);
  defineScalar(d, 'sd', DOUBLE);
}
