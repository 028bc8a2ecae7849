import type { F64, I32, V128 } from '../../emit/emitter.js';
import { Op, Simd } from '../../emit/opcodes.js';
import { State } from '../../state-layout.js';
import type { Context } from '../context.js';
import type { Definitions } from '../definition.js';
import {
  asDouble, asSingle, constantLanes, DOUBLE, DOUBLES, elseElsewhere, inexactIsSilent, isZeroLanes, magnitude, notDenormal, ordinary, ordinaryLanes, roundsFreely, setScalar, settled,
  SINGLE, SINGLES, widened, type ScalarFormat, type VectorFormat,
} from './float-format.js';
import { immediate8, lowSource, lowVector, splat32, vectorSource } from './operand.js';

// SDM vol. 2: CVT* between integers, singles and doubles, and ROUND*. Forms with MMX registers are elsewhere.

const UNROUNDED_LIMITS: Readonly<Record<string, bigint>> = { '4/4': 0x4f000000n, '4/8': 0x5f000000n, '8/4': 0x41e0000000000000n, '8/8': 0x43e0000000000000n };

/** 1.0 * 2^exponent in each lane. */
function powerLanes(x: Context, f: VectorFormat, exponent: number): V128 {
  return constantLanes(x, f, f.bits === 32 ? BigInt(127 + exponent) << 23n : BigInt(1023 + exponent) << 52n);
}
const and = (a: V128, b: V128): V128 => a.binary(Simd.v128And, b);
const or = (a: V128, b: V128): V128 => a.binary(Simd.v128Or, b);

function defineIntegerToScalar(d: Definitions, suffix: string, f: ScalarFormat): void {
  d.define(`Cvtsi2${suffix}`, { shapes: ['xr', 'xm'], sizes: [4, 8], sizeOf: 1, mayExecute: true }, (x) => {
    x.requireSse();
    const value = x.operand(1).read(x.size);
    // Whole numbers of the significand's length are exact.
    if (f.size === 4 || x.size === 8) {
      const limit = 1n << BigInt(f.precision);
      elseElsewhere(x, value.add(limit).leU(2n * limit).or(roundsFreely(x)));
    }
    setScalar(x, f, f.size === 8 ? value.toF64().bits() : value.toF32().bits().toI64U());
  });
}

function defineScalarToInteger(d: Definitions, suffix: string, f: ScalarFormat): void {
  for (const truncating of [true, false]) {
    d.define(`Cvt${truncating ? 't' : ''}${suffix}2si`, { shapes: ['rx', 'rm'], sizes: [4, 8], mayExecute: true }, (x) => {
      x.requireSse();
      const bits = lowSource(x, 1, f.size);
      const value = widened(f, bits);
      const r = (truncating ? value : value.unary(Op.f64Nearest)).truncSatI64();
      const inside = magnitude(f, bits).ltU(UNROUNDED_LIMITS[`${f.size}/${x.size}`] as bigint).and(r.signed(x.size).eq(r));
      const exact = r.toF64().compare(Op.f64Eq, value);
      elseElsewhere(x, inside.and(exact.or(truncating ? inexactIsSilent(x) : roundsFreely(x))));
      x.setOperandSized(0, r, x.size);
    });
  }
}

function defineBetweenFormats(d: Definitions): void {
  d.define('Cvtss2sd', { shapes: ['xx', 'xm'], mayExecute: true }, (x) => {
    x.requireSse();
    const bits = lowSource(x, 1, 4);
    elseElsewhere(x, ordinary(SINGLE, magnitude(SINGLE, bits)));
    setScalar(x, DOUBLE, asSingle(bits).promote().bits());
  });
  d.define('Cvtsd2ss', { shapes: ['xx', 'xm'], mayExecute: true }, (x) => {
    x.requireSse();
    const bits = lowSource(x, 1, 8);
    const r = asDouble(bits).demote();
    const m = magnitude(DOUBLE, bits);
    const small = settled(SINGLE, magnitude(SINGLE, r.bits().toI64U())).or(m.eqz());
    const exact = r.promote().compare(Op.f64Eq, asDouble(bits));
    elseElsewhere(x, notDenormal(DOUBLE, m).and(small).and(exact.or(roundsFreely(x))));
    setScalar(x, SINGLE, r.bits().toI64U());
  });
  d.define('Cvtps2pd', { shapes: ['xx', 'xm'], mayExecute: true }, (x) => {
    x.requireSse();
    // The two singles twice, so that what lies above them doesn't count.
    const b = lowVector(x, 1, 8).lane64(0).splat();
    elseElsewhere(x, ordinaryLanes(x, SINGLES, b).reduce(Simd.i32x4AllTrue));
    x.setXmmOperand(0, b.unary(Simd.f64x2PromoteLowF32x4));
  });
  d.define('Cvtpd2ps', { shapes: ['xx', 'xm'], mayExecute: true }, (x) => {
    x.requireSse();
    const b = vectorSource(x, 1);
    const r = b.unary(Simd.f32x4DemoteF64x2Zero);
    const widenedResult = r.unary(Simd.f64x2PromoteLowF32x4);
    const m = widenedResult.unary(Simd.f64x2Abs);
    const normal = and(m.binary(Simd.f64x2Gt, powerLanes(x, DOUBLES, -126)), m.binary(Simd.f64x2Lt, powerLanes(x, DOUBLES, 128)));
    const small = or(normal, isZeroLanes(x, DOUBLES, b)).reduce(Simd.i64x2AllTrue);
    const exact = widenedResult.binary(Simd.f64x2Eq, b).reduce(Simd.i64x2AllTrue);
    elseElsewhere(x, small.and(exact.or(roundsFreely(x))));
    x.setXmmOperand(0, r);
  });
}

function definePackedIntegers(d: Definitions): void {
  d.define('Cvtdq2pd', { shapes: ['xx', 'xm'] }, (x) => {
    x.requireSse();
    x.setXmmOperand(0, lowVector(x, 1, 8).unary(Simd.f64x2ConvertLowI32x4S));
  });
  d.define('Cvtdq2ps', { shapes: ['xx', 'xm'], mayExecute: true }, (x) => {
    x.requireSse();
    const b = vectorSource(x, 1);
    const limit = 1 << SINGLE.precision;
    const long = b.binary(Simd.i32x4Add, splat32(x.e.i32(limit))).binary(Simd.i32x4GtU, splat32(x.e.i32(2 * limit)));
    elseElsewhere(x, long.reduce(Simd.v128AnyTrue).eqz().or(roundsFreely(x)));
    x.setXmmOperand(0, b.unary(Simd.f32x4ConvertI32x4S));
  });
  for (const [mnemonic, f, truncating] of [['Cvtps2dq', SINGLES, false], ['Cvttps2dq', SINGLES, true], ['Cvtpd2dq', DOUBLES, false], ['Cvttpd2dq', DOUBLES, true]] as const) {
    const [round, convert] = f.bits === 32 ? [truncating ? Simd.f32x4Trunc : Simd.f32x4Nearest, Simd.i32x4TruncSatF32x4S] : [truncating ? Simd.f64x2Trunc : Simd.f64x2Nearest, Simd.i32x4TruncSatF64x2SZero];
    d.define(mnemonic, { shapes: ['xx', 'xm'], mayExecute: true }, (x) => {
      x.requireSse();
      const b = vectorSource(x, 1);
      const whole = b.unary(round);
      const inside = whole.unary(f.abs).binary(f.lt, powerLanes(x, f, 31)).reduce(f.allTrue);
      const exact = whole.binary(f.eq, b).reduce(f.allTrue);
      elseElsewhere(x, inside.and(exact.or(truncating ? inexactIsSilent(x) : roundsFreely(x))));
      x.setXmmOperand(0, whole.unary(convert));
    });
  }
}

/** imm8[1:0], or MXCSR.RC with imm8[2]: nearest, down, up, toward zero. */
function roundingMode(x: Context, immediate: I32): I32 {
  return immediate.and(4).select(x.field32(State.mxcsr).shrU(13).and(3), immediate.and(3));
}

function defineRound(d: Definitions): void {
  const byMode = <T extends V128 | F64>(x: Context, value: T, immediate: I32, operations: readonly ((v: T) => T)[]): T => {
    const mode = roundingMode(x, immediate);
    const result = x.e.variable<T>(operations[0]?.(value) as T);
    for (let k = 1; k < 4; k++) x.e.if(mode.eq(k), () => result.set(operations[k]?.(value) as T));
    return result.get();
  };
  /** Inexactness doesn't matter with imm8[3], or where PE is set and masked. */
  const silent = (x: Context, immediate: I32): I32 => immediate.and(8).ne(0).or(inexactIsSilent(x));

  for (const [mnemonic, f] of [['Roundss', SINGLE], ['Roundsd', DOUBLE]] as const) {
    d.define(mnemonic, { shapes: ['xxi', 'xmi'], mayExecute: true }, (x) => {
      x.requireSse();
      const bits = lowSource(x, 1, f.size);
      const immediate = immediate8(x);
      const value = widened(f, bits);
      const opcodes = [Op.f64Nearest, Op.f64Floor, Op.f64Ceil, Op.f64Trunc];
      const r = byMode(x, value, immediate, opcodes.map((opcode) => (v: F64) => v.unary(opcode)));
      elseElsewhere(x, ordinary(f, magnitude(f, bits)).and(silent(x, immediate).or(r.compare(Op.f64Eq, value))));
      setScalar(x, f, f.size === 8 ? r.bits() : r.demote().bits().toI64U());
    });
  }
  for (const [mnemonic, f, opcodes] of [
    ['Roundps', SINGLES, [Simd.f32x4Nearest, Simd.f32x4Floor, Simd.f32x4Ceil, Simd.f32x4Trunc]],
    ['Roundpd', DOUBLES, [Simd.f64x2Nearest, Simd.f64x2Floor, Simd.f64x2Ceil, Simd.f64x2Trunc]],
  ] as const) {
    d.define(mnemonic, { shapes: ['xxi', 'xmi'], mayExecute: true }, (x) => {
      x.requireSse();
      const b = vectorSource(x, 1);
      const immediate = immediate8(x);
      const r = byMode(x, b, immediate, opcodes.map((opcode) => (v: V128) => v.unary(opcode)));
      const exact = r.binary(f.eq, b).reduce(f.allTrue);
      elseElsewhere(x, ordinaryLanes(x, f, b).reduce(f.allTrue).and(silent(x, immediate).or(exact)));
      x.setXmmOperand(0, r);
    });
  }
}

export function defineFloatConvert(d: Definitions): void {
  for (const [suffix, f] of [['ss', SINGLE], ['sd', DOUBLE]] as const) {
    defineIntegerToScalar(d, suffix, f);
    defineScalarToInteger(d, suffix, f);
  }
  defineBetweenFormats(d);
  definePackedIntegers(d);
  defineRound(d);
}
