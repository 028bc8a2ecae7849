/**
 * One lane of an SSE floating-point instruction: raw bits in, raw bits out, flags into the environment. SDM vol. 1,
 * 11.5 "SSE, SSE2, and SSE3 Exceptions" and the instructions' pages in vol. 2.
 */
import { add, divide, fusedMultiplyAdd, multiply, negate, squareRoot, subtract, unpackOperand } from './arithmetic.js';
import { compare } from './comparison.js';
import { convert, fromInteger, roundToIntegral, toInteger } from './conversion.js';
import type { FloatEnvironment, RoundingControl } from './float-environment.js';
import { PE, RC_ZERO, UE } from './float-environment.js';
import type { FloatFormat } from './float-format.js';
import { float16, float32, float64 } from './float-format.js';
import { isNotANumber } from './nan.js';

/** A format whose bits are handed over as BigInts, whatever the format itself prefers. */
export interface LaneFormat {
  readonly bits: 16 | 32 | 64;
  readonly format: FloatFormat<bigint>;
}

function withBigIntBits(format: FloatFormat<number>): FloatFormat<bigint> {
  return {
    ...format,
    indefinite: BigInt(format.indefinite),
    unpack: (bits) => format.unpack(Number(bits)),
    zero: (sign) => BigInt(format.zero(sign)),
    infinity: (sign) => BigInt(format.infinity(sign)),
    nan: (sign, significand) => BigInt(format.nan(sign, significand)),
    finite: (sign, exponent, significand) => BigInt(format.finite(sign, exponent, significand)),
  };
}

export const half: LaneFormat = { bits: 16, format: withBigIntBits(float16) };
export const single: LaneFormat = { bits: 32, format: withBigIntBits(float32) };
export const double: LaneFormat = { bits: 64, format: float64 };

export type BinaryLane = ({ format }: LaneFormat, a: bigint, b: bigint, environment: FloatEnvironment) => bigint;

export const addLane: BinaryLane = ({ format }, a, b, environment) =>
  add(format, unpackOperand(format, a, environment), unpackOperand(format, b, environment), environment);

export const subtractLane: BinaryLane = ({ format }, a, b, environment) =>
  subtract(format, unpackOperand(format, a, environment), unpackOperand(format, b, environment), environment);

export const multiplyLane: BinaryLane = ({ format }, a, b, environment) =>
  multiply(format, unpackOperand(format, a, environment), unpackOperand(format, b, environment), environment);

export const divideLane: BinaryLane = ({ format }, a, b, environment) =>
  divide(format, unpackOperand(format, a, environment), unpackOperand(format, b, environment), environment);

export const squareRootLane: BinaryLane = ({ format }, _a, b, environment) =>
  squareRoot(format, unpackOperand(format, b, environment), environment);

/** MINPS and MAXPS are `a < b ? a : b`: the second operand, as it is, when either is a NaN and when both are zeros. */
function extremeLane(chosen: 'less' | 'greater'): BinaryLane {
  return ({ format }, a, b, environment) => {
    const left = unpackOperand(format, a, environment);
    const right = unpackOperand(format, b, environment);
    const relation = compare(left, right, true, environment);
    const value = relation === chosen ? left : right;
    // A denormal that DAZ made a zero comes out as that zero.
    return value.kind === 'zero' ? format.zero(value.sign) : relation === chosen ? a : b;
  };
}

export const minimumLane = extremeLane('less');
export const maximumLane = extremeLane('greater');

const LESS = 1;
const EQUAL = 2;
const GREATER = 4;
const UNORDERED = 8;
const RELATION_BIT = { less: LESS, equal: EQUAL, greater: GREATER, unordered: UNORDERED } as const;

/** Relations for which predicates 0 to 15 hold. SDM vol. 2, VCMPPS, "Comparison Predicate for VEX-Encoded Forms". */
const PREDICATES = [
  EQUAL, // EQ_OQ
  LESS, // LT_OS
  LESS | EQUAL, // LE_OS
  UNORDERED, // UNORD_Q
  LESS | GREATER | UNORDERED, // NEQ_UQ
  EQUAL | GREATER | UNORDERED, // NLT_US
  GREATER | UNORDERED, // NLE_US
  LESS | EQUAL | GREATER, // ORD_Q
  EQUAL | UNORDERED, // EQ_UQ
  LESS | UNORDERED, // NGE_US
  LESS | EQUAL | UNORDERED, // NGT_US
  0, // FALSE_OQ
  LESS | GREATER, // NEQ_OQ
  EQUAL | GREATER, // GE_OS
  GREATER, // GT_OS
  LESS | EQUAL | GREATER | UNORDERED, // TRUE_UQ
] as const;
/** Which of predicates 0 to 15 signal on quiet NaNs; 16 to 31 are the same relations with that inverted. */
const SIGNALING_PREDICATES = 0b0110_0110_0110_0110;

/** @param predicate 0..31 @returns all ones or all zeros */
export function comparePredicateLane(
  { format, bits }: LaneFormat,
  a: bigint,
  b: bigint,
  predicate: number,
  environment: FloatEnvironment,
): bigint {
  const signalQuiet = ((SIGNALING_PREDICATES >> (predicate & 15)) & 1) !== ((predicate >> 4) & 1);
  const relation = compare(
    unpackOperand(format, a, environment),
    unpackOperand(format, b, environment),
    signalQuiet,
    environment,
  );
  return (PREDICATES[predicate & 15]! & RELATION_BIT[relation]) !== 0 ? (1n << BigInt(bits)) - 1n : 0n;
}

const ZF = 0x40n;
const PF = 0x04n;
const CF = 0x01n;

/** COMISS, UCOMISS. @returns ZF, PF and CF as they stand in EFLAGS */
export function compareToFlagsLane(
  { format }: LaneFormat,
  a: bigint,
  b: bigint,
  signalQuiet: boolean,
  environment: FloatEnvironment,
): bigint {
  const relation = compare(
    unpackOperand(format, a, environment),
    unpackOperand(format, b, environment),
    signalQuiet,
    environment,
  );
  return relation === 'unordered' ? ZF | PF | CF : relation === 'equal' ? ZF : relation === 'less' ? CF : 0n;
}

/** ROUNDPS and VCVTPS2PH choose their rounding with imm8: bit 2 takes MXCSR's, else bits 1:0 say. */
function immediateRounding(immediate: number, environment: FloatEnvironment): RoundingControl {
  return (immediate & 4) !== 0 ? environment.rounding : ((immediate & 3) as RoundingControl);
}

export function roundLane({ format }: LaneFormat, b: bigint, immediate: number, environment: FloatEnvironment): bigint {
  return roundToIntegral(
    format,
    unpackOperand(format, b, environment),
    {
      rounding: immediateRounding(immediate, environment),
      suppressInexact: (immediate & 8) !== 0,
      reportDenormal: false,
    },
    environment,
  );
}

export function convertLane(target: LaneFormat, source: LaneFormat, b: bigint, environment: FloatEnvironment): bigint {
  return convert(target.format, unpackOperand(source.format, b, environment), { reportDenormal: true }, environment);
}

/** VCVTPH2PS: every half is exact, DAZ does not act on halves, and denormals are not reported. */
export function convertFromHalfLane(b: bigint, environment: FloatEnvironment): bigint {
  return convert(single.format, half.format.unpack(b), { reportDenormal: false }, environment);
}

/** VCVTPS2PH: FTZ does not act on halves. */
export function convertToHalfLane(b: bigint, immediate: number, environment: FloatEnvironment): bigint {
  const own: FloatEnvironment = {
    ...environment,
    rounding: immediateRounding(immediate, environment),
    flushToZero: false,
  };
  const value = unpackOperand(single.format, b, environment);
  const result = convert(half.format, value, { reportDenormal: true }, own);
  // SDM vol. 2, VCVTPS2PH: a denormal source sets UE and PE, also where the exception for underflow is unmasked and nothing is rounded. (AMD's processors
  // don't set PE then.)
  if (value.denormal && (own.flags & UE) !== 0) own.flags |= PE;
  environment.flags = own.flags;
  return result;
}

export function fromIntegerLane(target: LaneFormat, bits: 32 | 64, b: bigint, environment: FloatEnvironment): bigint {
  return fromInteger(target.format, BigInt.asIntN(bits, b), environment);
}

/** @returns the two's complement in `bits` bits */
export function toIntegerLane(
  source: LaneFormat,
  bits: 32 | 64,
  truncate: boolean,
  b: bigint,
  environment: FloatEnvironment,
): bigint {
  const value = unpackOperand(source.format, b, environment);
  const rounding = truncate ? RC_ZERO : environment.rounding;
  return BigInt.asUintN(bits, toInteger(value, { bits, signed: true, rounding }, environment));
}

/** a * b + c, with the product or the addend negated; NaNs keep their signs. */
export function fusedLane(
  { format }: LaneFormat,
  a: bigint,
  b: bigint,
  c: bigint,
  negateProduct: boolean,
  negateAddend: boolean,
  environment: FloatEnvironment,
): bigint {
  const x = unpackOperand(format, a, environment);
  const y = unpackOperand(format, b, environment);
  const z = unpackOperand(format, c, environment);
  return fusedMultiplyAdd(
    format,
    negateProduct && !isNotANumber(x) ? negate(x) : x,
    y,
    negateAddend && !isNotANumber(z) ? negate(z) : z,
    environment,
  );
}

/**
 * RCPPS and RSQRTPS are approximations that differ between processors (relative error at most 1.5 * 2^-12). Here they
 * are the quotient in double precision rounded to single, to the nearest, which is within that bound, and which wasm
 * computes the same way. They raise nothing and ignore MXCSR: denormals count as zeros, denormal results become zeros,
 * NaNs are quieted.
 */
export function approximateLane(kind: 'reciprocal' | 'reciprocalSquareRoot', b: bigint): bigint {
  const { format } = single;
  const value = format.unpack(b);
  if (isNotANumber(value)) return format.nan(value.sign, value.significand | (1n << 62n));
  if (value.kind === 'zero' || value.denormal) return format.infinity(value.sign);
  if (kind === 'reciprocalSquareRoot' && value.sign === 1) return format.indefinite;
  if (value.kind === 'infinity') return format.zero(value.sign);
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, Number(b));
  const x = view.getFloat32(0);
  view.setFloat32(0, kind === 'reciprocal' ? 1 / x : 1 / Math.sqrt(x));
  const result = format.unpack(BigInt(view.getUint32(0)));
  return result.denormal ? format.zero(value.sign) : BigInt(view.getUint32(0));
}
