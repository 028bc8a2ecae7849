/**
 * One step of the exact remainder. SDM vol. 2, FPREM and FPREM1: the exponent is reduced by at most 63; what is left of
 * a larger difference is a partial remainder, and the program comes again.
 */
import { denormalOperands } from './arithmetic.js';
import { exactly } from './conversion.js';
import type { FloatEnvironment } from './float-environment.js';
import type { Float80, Unpacked } from './float-format.js';
import { float80 } from './float-format.js';
import { invalid, isNotANumber, propagateNan } from './nan.js';
import { bitLength } from './rounding.js';

export interface RemainderStep {
  readonly result: Float80;
  /** The result is a partial remainder. */
  readonly incomplete: boolean;
  /** The quotient's low three bits; 0 while incomplete. */
  readonly quotient: number;
}

export function remainderStep(
  a: Unpacked,
  b: Unpacked,
  nearest: boolean,
  environment: FloatEnvironment,
): RemainderStep {
  environment.roundedUp = false;
  const done = (result: Float80, quotient = 0): RemainderStep => ({ result, incomplete: false, quotient });
  if (isNotANumber(a) || isNotANumber(b)) return done(propagateNan(float80, [a, b], environment));
  if (a.kind === 'infinity' || b.kind === 'zero') return done(invalid(float80, environment));
  if (denormalOperands(environment, a, b)) return done(float80.indefinite);
  if (a.kind === 'zero') return done(float80.zero(a.sign));
  if (b.kind === 'infinity') return done(exactly(float80, a.sign, a.exponent, a.significand, environment));

  const difference = a.exponent + bitLength(a.significand) - (b.exponent + bitLength(b.significand));
  if (difference >= 64) {
    // "N := an implementation-dependent number between 32 and 63": a multiple of 32 stays to be done.
    const step = 32 + (difference & 31);
    const scaled: Unpacked = { ...b, exponent: b.exponent + difference - step };
    const { remainder, exponent } = divideIntegers(a, scaled);
    return { result: pack(a.sign, exponent, remainder, environment), incomplete: true, quotient: 0 };
  }
  const { quotient, remainder, divisor, exponent } = divideIntegers(a, b);
  const twice = remainder * 2n;
  if (nearest && (twice > divisor || (twice === divisor && (quotient & 1n) === 1n))) {
    return done(pack((a.sign ^ 1) as 0 | 1, exponent, divisor - remainder, environment), Number((quotient + 1n) & 7n));
  }
  return done(pack(a.sign, exponent, remainder, environment), Number(quotient & 7n));
}

function divideIntegers(
  a: Unpacked,
  b: Unpacked,
): { quotient: bigint; remainder: bigint; divisor: bigint; exponent: number } {
  const exponent = Math.min(a.exponent, b.exponent);
  const dividend = a.significand << BigInt(a.exponent - exponent);
  const divisor = b.significand << BigInt(b.exponent - exponent);
  const quotient = dividend / divisor;
  return { quotient, remainder: dividend - quotient * divisor, divisor, exponent };
}

function pack(sign: 0 | 1, exponent: number, significand: bigint, environment: FloatEnvironment): Float80 {
  return significand === 0n ? float80.zero(sign) : exactly(float80, sign, exponent, significand, environment);
}
