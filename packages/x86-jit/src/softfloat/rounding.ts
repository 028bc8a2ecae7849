/**
 * Rounding an exact value to a format, with overflow, underflow and inexact as x86 detects them: tininess after
 * rounding with an unbounded exponent. SDM vol. 1, 4.8.4 "Rounding", 4.9.1.4 - 4.9.1.6, 8.5.4 - 8.5.6, 11.5.2.4 -
 * 11.5.2.6.
 */
import type { FloatEnvironment, RoundingControl } from './float-environment.js';
import { OE, PE, RC_DOWN, RC_NEAREST, RC_UP, UE } from './float-environment.js';
import type { FloatFormat } from './float-format.js';

export function bitLength(value: bigint): number {
  // Hexadecimal digits are the cheapest way to a BigInt's length; the leading digit has 1 to 4 bits.
  const digits = value.toString(16);
  return digits.length * 4 - Math.clz32(parseInt(digits[0]!, 16)) + 28;
}

export interface RoundedInteger {
  readonly significand: bigint;
  readonly inexact: boolean;
  /** The magnitude was increased. */
  readonly up: boolean;
}

/**
 * Rounds `(significand + s) / 2^shift` to an integer, where s is 0, or with `sticky` any value in (0, 1).
 *
 * @param sign of the value whose magnitude is rounded
 * @param shift may be negative
 */
export function roundShift(
  sign: 0 | 1,
  significand: bigint,
  shift: number,
  sticky: boolean,
  rounding: RoundingControl,
): RoundedInteger {
  if (shift <= 0 && !sticky) {
    return { significand: significand << BigInt(-shift), inexact: false, up: false };
  }
  // With a sticky part there must be bits to drop for the ties to be told apart.
  const scaled = shift < 2 ? significand << BigInt(2 - shift) : significand;
  const dropped = BigInt(Math.max(shift, 2));
  const truncated = scaled >> dropped;
  const remainder = scaled - (truncated << dropped);
  if (remainder === 0n && !sticky) return { significand: truncated, inexact: false, up: false };
  let up: boolean;
  if (rounding === RC_NEAREST) {
    const half = 1n << (dropped - 1n);
    up = remainder > half || (remainder === half && (sticky || (truncated & 1n) === 1n));
  } else {
    up = rounding === (sign === 1 ? RC_DOWN : RC_UP);
  }
  return { significand: up ? truncated + 1n : truncated, inexact: true, up };
}

/**
 * Rounds `(significand + s) * 2^exponent` (s as in `roundShift`, significand > 0) to a format and raises what that
 * raises.
 *
 * With UE or OE unmasked the result has its exponent adjusted, as x87 registers receive it; for stores and SSE, which
 * write nothing then, the caller looks at the flags.
 */
export function roundToFormat<Bits>(
  format: FloatFormat<Bits>,
  sign: 0 | 1,
  exponent: number,
  significand: bigint,
  sticky: boolean,
  environment: FloatEnvironment,
): Bits {
  // Precision control lengthens with zeros on the right: the format's width stays.
  const precision = format.name === 'f80' ? environment.precision : format.precision;
  const padding = BigInt(format.precision - precision);
  const { rounding, masks } = environment;

  let leading = exponent + bitLength(significand) - 1;
  const unbounded = roundShift(sign, significand, leading - precision + 1 - exponent, sticky, rounding);
  let rounded = unbounded.significand;
  if (rounded >> BigInt(precision) !== 0n) {
    rounded >>= 1n;
    leading++;
  }

  if (leading > format.maxExponent) {
    environment.flags |= OE;
    if ((masks & OE) === 0) {
      if (unbounded.inexact) environment.flags |= PE;
      environment.roundedUp = unbounded.up;
      return format.finite(sign, leading - format.biasAdjustment, rounded << padding);
    }
    environment.flags |= PE;
    const toInfinity = rounding === RC_NEAREST || rounding === (sign === 1 ? RC_DOWN : RC_UP);
    environment.roundedUp = toInfinity;
    if (toInfinity) return format.infinity(sign);
    return format.finite(sign, format.maxExponent, ((1n << BigInt(precision)) - 1n) << padding);
  }

  if (leading < format.minExponent) {
    if ((masks & UE) === 0) {
      environment.flags |= UE;
      if (unbounded.inexact) environment.flags |= PE;
      environment.roundedUp = unbounded.up;
      return format.finite(sign, leading + format.biasAdjustment, rounded << padding);
    }
    if (environment.flushToZero) {
      environment.flags |= UE | PE;
      environment.roundedUp = false;
      return format.zero(sign);
    }
    const quantum = format.minExponent - precision + 1;
    const denormal = roundShift(sign, significand, quantum - exponent, sticky, rounding);
    if (denormal.inexact) environment.flags |= UE | PE;
    environment.roundedUp = denormal.up;
    return denormal.significand === 0n
      ? format.zero(sign)
      : format.finite(sign, format.minExponent, denormal.significand << padding);
  }

  if (unbounded.inexact) environment.flags |= PE;
  environment.roundedUp = unbounded.up;
  return format.finite(sign, leading, rounded << padding);
}
