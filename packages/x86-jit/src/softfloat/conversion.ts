/**
 * Between floating-point formats, and between them and integers. SDM vol. 1, 4.8.4.1 "Rounding Control (RC) Fields",
 * 8.5.1.2 table 8-10: what does not fit is invalid and gives the "integer indefinite".
 */
import { denormalOperands } from './arithmetic.js';
import type { FloatEnvironment, RoundingControl } from './float-environment.js';
import { IE, PE } from './float-environment.js';
import type { FloatFormat, Unpacked } from './float-format.js';
import { unpackInteger } from './float-format.js';
import { isNotANumber, propagateNan } from './nan.js';
import { roundShift, roundToFormat } from './rounding.js';

export interface ConversionOptions {
  /** x87 stores do not report a denormal source; loads and SSE conversions do. */
  readonly reportDenormal: boolean;
}

export function convert<Bits>(
  target: FloatFormat<Bits>,
  a: Unpacked,
  { reportDenormal }: ConversionOptions,
  environment: FloatEnvironment,
): Bits {
  environment.roundedUp = false;
  if (isNotANumber(a)) return propagateNan(target, [a], environment);
  if (reportDenormal && denormalOperands(environment, a)) return target.indefinite;
  if (a.kind === 'zero') return target.zero(a.sign);
  if (a.kind === 'infinity') return target.infinity(a.sign);
  return roundToFormat(target, a.sign, a.exponent, a.significand, false, environment);
}

export function fromInteger<Bits>(target: FloatFormat<Bits>, value: bigint, environment: FloatEnvironment): Bits {
  environment.roundedUp = false;
  const a = unpackInteger(value);
  return a.kind === 'zero' ? target.zero(0) : roundToFormat(target, a.sign, 0, a.significand, false, environment);
}

export interface IntegerOptions {
  readonly bits: 8 | 16 | 32 | 64;
  readonly signed: boolean;
  /** The environment's, unless the instruction says otherwise (truncation). */
  readonly rounding?: RoundingControl;
}

/**
 * @returns the integer, negative ones included; what is no number or does not fit raises IE and gives the "integer
 *   indefinite": only the sign bit set when signed, all ones when unsigned
 */
export function toInteger(
  a: Unpacked,
  { bits, signed, rounding }: IntegerOptions,
  environment: FloatEnvironment,
): bigint {
  environment.roundedUp = false;
  const smallest = signed ? -(1n << BigInt(bits - 1)) : 0n;
  const largest = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  const integer = roundToBigInt(a, rounding ?? environment.rounding);
  if (integer === undefined || integer.value < smallest || integer.value > largest) {
    environment.flags |= IE;
    return signed ? smallest : largest;
  }
  if (integer.inexact) environment.flags |= PE;
  environment.roundedUp = integer.up;
  return integer.value;
}

/** @returns undefined for what is not finite or far beyond 64 bits */
export function roundToBigInt(
  a: Unpacked,
  rounding: RoundingControl,
): { readonly value: bigint; readonly inexact: boolean; readonly up: boolean } | undefined {
  if (a.kind === 'zero') return { value: 0n, inexact: false, up: false };
  if (a.kind !== 'finite' || a.exponent > 128) return undefined;
  const { significand, inexact, up } = roundShift(a.sign, a.significand, -a.exponent, false, rounding);
  return { value: a.sign === 1 ? -significand : significand, inexact, up };
}

export interface RoundToIntegralOptions {
  readonly rounding?: RoundingControl;
  /** ROUNDPS with imm8[3] does not report inexact. */
  readonly suppressInexact?: boolean;
  /** FRNDINT reports a denormal source, ROUNDPS does not. */
  readonly reportDenormal: boolean;
}

/** Rounds to an integral value in the same format. */
export function roundToIntegral<Bits>(
  format: FloatFormat<Bits>,
  a: Unpacked,
  { rounding, suppressInexact, reportDenormal }: RoundToIntegralOptions,
  environment: FloatEnvironment,
): Bits {
  environment.roundedUp = false;
  if (isNotANumber(a)) return propagateNan(format, [a], environment);
  if (reportDenormal && denormalOperands(environment, a)) return format.indefinite;
  if (a.kind === 'infinity') return format.infinity(a.sign);
  if (a.kind === 'zero') return format.zero(a.sign);
  if (a.exponent >= 0) return exactly(format, a.sign, a.exponent, a.significand, environment);
  const mode = rounding ?? environment.rounding;
  const { significand, inexact, up } = roundShift(a.sign, a.significand, -a.exponent, false, mode);
  if (inexact && suppressInexact !== true) environment.flags |= PE;
  const result = significand === 0n ? format.zero(a.sign) : exactly(format, a.sign, 0, significand, environment);
  environment.roundedUp = up;
  return result;
}

/** A value that the format is known to hold, whatever the precision control says. */
export function exactly<Bits>(
  format: FloatFormat<Bits>,
  sign: 0 | 1,
  exponent: number,
  significand: bigint,
  environment: FloatEnvironment,
): Bits {
  const full: FloatEnvironment = { ...environment, precision: 64, flushToZero: false };
  const result = roundToFormat(format, sign, exponent, significand, false, full);
  environment.flags = full.flags;
  environment.roundedUp = full.roundedUp;
  return result;
}
