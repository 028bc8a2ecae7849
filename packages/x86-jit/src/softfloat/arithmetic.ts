/**
 * Add, subtract, multiply, divide, square root and fused multiply-add: exact on unpacked operands, rounded once to the
 * target format. Operand formats may differ from each other and from the target's, which is how x87 takes its memory
 * operands.
 *
 * Order of detection (SDM vol. 1, 4.9.2): unsupported and signaling operands, quiet NaNs, invalid operations and
 * division by zero, denormal operands, then what rounding finds. A NaN result leaves denormal operands unreported.
 */
import type { FloatEnvironment } from './float-environment.js';
import { DE, RC_DOWN, stopsComputation, ZE } from './float-environment.js';
import type { FloatFormat, Unpacked } from './float-format.js';
import { unpackedZero } from './float-format.js';
import { invalid, isNotANumber, propagateNan } from './nan.js';
import { bitLength, roundToFormat } from './rounding.js';

/** An operand as SSE sees it: a denormal is a zero under DAZ. */
export function unpackOperand<Bits>(format: FloatFormat<Bits>, bits: Bits, environment: FloatEnvironment): Unpacked {
  const value = format.unpack(bits);
  return value.denormal && environment.denormalsAreZeros ? unpackedZero(value.sign) : value;
}

/** Raises DE where it applies. @returns whether the operation stops here, with no result */
export function denormalOperands(environment: FloatEnvironment, a: Unpacked, b?: Unpacked, c?: Unpacked): boolean {
  if (a.denormal || b?.denormal === true || c?.denormal === true) environment.flags |= DE;
  return stopsComputation(environment);
}

export function negate(value: Unpacked): Unpacked {
  return { ...value, sign: (value.sign ^ 1) as 0 | 1 };
}

/** A sum of exact zero is +0, but -0 when rounding down. SDM vol. 1, 4.8.3.1. */
function zeroSum<Bits>(target: FloatFormat<Bits>, environment: FloatEnvironment): Bits {
  return target.zero(environment.rounding === RC_DOWN ? 1 : 0);
}

function roundSigned<Bits>(
  target: FloatFormat<Bits>,
  exponent: number,
  value: bigint,
  environment: FloatEnvironment,
): Bits {
  return value < 0n
    ? roundToFormat(target, 1, exponent, -value, false, environment)
    : roundToFormat(target, 0, exponent, value, false, environment);
}

function signedSignificand(value: Unpacked, exponent: number): bigint {
  const magnitude = value.significand << BigInt(value.exponent - exponent);
  return value.sign === 1 ? -magnitude : magnitude;
}

/** a + b where neither is a NaN and not both are infinite. */
function addNumbers<Bits>(target: FloatFormat<Bits>, a: Unpacked, b: Unpacked, environment: FloatEnvironment): Bits {
  if (a.kind === 'infinity') return target.infinity(a.sign);
  if (b.kind === 'infinity') return target.infinity(b.sign);
  if (a.kind === 'zero' && b.kind === 'zero') {
    return a.sign === b.sign ? target.zero(a.sign) : zeroSum(target, environment);
  }
  // A zero's exponent must not widen the alignment.
  const exponent = a.kind === 'zero' ? b.exponent : b.kind === 'zero' ? a.exponent : Math.min(a.exponent, b.exponent);
  const sum =
    (a.kind === 'zero' ? 0n : signedSignificand(a, exponent)) +
    (b.kind === 'zero' ? 0n : signedSignificand(b, exponent));
  return sum === 0n ? zeroSum(target, environment) : roundSigned(target, exponent, sum, environment);
}

export function add<Bits>(target: FloatFormat<Bits>, a: Unpacked, b: Unpacked, environment: FloatEnvironment): Bits {
  environment.roundedUp = false;
  if (isNotANumber(a) || isNotANumber(b)) return propagateNan(target, [a, b], environment);
  if (a.kind === 'infinity' && b.kind === 'infinity' && a.sign !== b.sign) return invalid(target, environment);
  if (denormalOperands(environment, a, b)) return target.indefinite;
  return addNumbers(target, a, b, environment);
}

export function subtract<Bits>(
  target: FloatFormat<Bits>,
  a: Unpacked,
  b: Unpacked,
  environment: FloatEnvironment,
): Bits {
  // A NaN keeps its sign.
  return add(target, a, isNotANumber(b) ? b : negate(b), environment);
}

export function multiply<Bits>(
  target: FloatFormat<Bits>,
  a: Unpacked,
  b: Unpacked,
  environment: FloatEnvironment,
): Bits {
  environment.roundedUp = false;
  if (isNotANumber(a) || isNotANumber(b)) return propagateNan(target, [a, b], environment);
  const sign = (a.sign ^ b.sign) as 0 | 1;
  const infinite = a.kind === 'infinity' || b.kind === 'infinity';
  const zero = a.kind === 'zero' || b.kind === 'zero';
  if (infinite && zero) return invalid(target, environment);
  if (denormalOperands(environment, a, b)) return target.indefinite;
  if (infinite) return target.infinity(sign);
  if (zero) return target.zero(sign);
  return roundToFormat(target, sign, a.exponent + b.exponent, a.significand * b.significand, false, environment);
}

export function divide<Bits>(target: FloatFormat<Bits>, a: Unpacked, b: Unpacked, environment: FloatEnvironment): Bits {
  environment.roundedUp = false;
  if (isNotANumber(a) || isNotANumber(b)) return propagateNan(target, [a, b], environment);
  const sign = (a.sign ^ b.sign) as 0 | 1;
  if (a.kind === b.kind && a.kind !== 'finite') return invalid(target, environment);
  if (b.kind === 'zero' && a.kind === 'finite') {
    environment.flags |= ZE; // a denormal dividend goes unreported
    return target.infinity(sign);
  }
  if (denormalOperands(environment, a, b)) return target.indefinite;
  if (a.kind === 'infinity' || b.kind === 'zero') return target.infinity(sign);
  if (a.kind === 'zero' || b.kind === 'infinity') return target.zero(sign);
  // Two bits more than the longest result, so that the sticky bit lies below the half.
  const shift = Math.max(0, 66 + bitLength(b.significand) - bitLength(a.significand));
  const dividend = a.significand << BigInt(shift);
  const quotient = dividend / b.significand;
  const exponent = a.exponent - shift - b.exponent;
  return roundToFormat(target, sign, exponent, quotient, quotient * b.significand !== dividend, environment);
}

/** The integer square root, by Newton's method from a double's estimate. */
export function integerSquareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  // The first guess must not lie below the root for the descent to stop at it.
  let root = 1n << BigInt((bitLength(value) + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

export function squareRoot<Bits>(target: FloatFormat<Bits>, a: Unpacked, environment: FloatEnvironment): Bits {
  environment.roundedUp = false;
  if (isNotANumber(a)) return propagateNan(target, [a], environment);
  if (a.kind === 'zero') return target.zero(a.sign);
  if (a.sign === 1) return invalid(target, environment);
  if (denormalOperands(environment, a)) return target.indefinite;
  if (a.kind === 'infinity') return target.infinity(0);
  let shift = Math.max(0, 134 - bitLength(a.significand));
  if (((a.exponent - shift) & 1) !== 0) shift++;
  const radicand = a.significand << BigInt(shift);
  const root = integerSquareRoot(radicand);
  return roundToFormat(target, 0, (a.exponent - shift) / 2, root, root * root !== radicand, environment);
}

/** a * b + c with one rounding. SDM vol. 1, 14.5.2 "FMA Instruction ... Numeric Behavior". */
export function fusedMultiplyAdd<Bits>(
  target: FloatFormat<Bits>,
  a: Unpacked,
  b: Unpacked,
  c: Unpacked,
  environment: FloatEnvironment,
): Bits {
  environment.roundedUp = false;
  if (isNotANumber(a) || isNotANumber(b) || isNotANumber(c)) return propagateNan(target, [a, b, c], environment);
  const sign = (a.sign ^ b.sign) as 0 | 1;
  const infinite = a.kind === 'infinity' || b.kind === 'infinity';
  const zero = a.kind === 'zero' || b.kind === 'zero';
  if (infinite && (zero || (c.kind === 'infinity' && c.sign !== sign))) return invalid(target, environment);
  if (denormalOperands(environment, a, b, c)) return target.indefinite;
  if (infinite) return target.infinity(sign);
  const product: Unpacked = zero
    ? unpackedZero(sign)
    : {
        kind: 'finite',
        sign,
        exponent: a.exponent + b.exponent,
        significand: a.significand * b.significand,
        denormal: false,
      };
  return addNumbers(target, product, c, environment);
}
