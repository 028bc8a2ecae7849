/**
 * Logarithm, exponential and trigonometric functions of exact binary numbers, in BigInt fixed point with 256 fraction
 * bits. Results carry at least 200 correct bits relative to their size, so the rounding to 64 that follows is the
 * correct one in all but astronomically rare cases. Where a factor is within 2^-256 of one, it is taken as the
 * neighbour of one on the right side, so that directed rounding is right too.
 */
import { integerSquareRoot } from '../softfloat/arithmetic.js';
import { bitLength } from '../softfloat/rounding.js';
import { LN2, ONE, PI, WORKING_BITS } from './elementary-constants.js';

/** `significand * 2^exponent`, significand >= 0. */
export interface Magnitude {
  readonly exponent: number;
  readonly significand: bigint;
}

/** A result: the magnitude, or unless `exact`, something above it by less than one unit of the significand. */
export interface Approximation extends Magnitude {
  readonly sign: 0 | 1;
  readonly exact: boolean;
}

const W = BigInt(WORKING_BITS);
/** What stands for 1 - e and 1 + e (truncated), with e below the last bit. */
const JUST_BELOW_ONE = ONE - 1n;

/** Truncated to fixed point. */
function toFixed({ exponent, significand }: Magnitude): bigint {
  const shift = exponent + WORKING_BITS;
  return shift >= 0 ? significand << BigInt(shift) : significand >> BigInt(-shift);
}

/** a / b to at least 256 significant bits, truncated. */
function divide(a: Magnitude, b: Magnitude): Magnitude {
  const shift = Math.max(0, WORKING_BITS + 1 + bitLength(b.significand) - bitLength(a.significand));
  return {
    exponent: a.exponent - shift - b.exponent,
    significand: (a.significand << BigInt(shift)) / b.significand,
  };
}

/** Sum of t^k / (2k + 1), with alternating signs or without: atan(z) / z or atanh(z) / z for t = z^2. */
function oddReciprocalSeries(t: bigint, alternating: boolean): bigint {
  let sum = ONE;
  let power = ONE;
  for (let k = 1n; ; k++) {
    power = (power * t) >> W;
    if (power === 0n) return sum;
    const term = power / (2n * k + 1n);
    sum += alternating && (k & 1n) === 1n ? -term : term;
  }
}

/** Sum of (-t)^k / ((2k + first)! / first!), for sin(r) / r (first = 1) and cos(r) (first = 0), t = r^2. */
function alternatingFactorialSeries(t: bigint, first: 0n | 1n): bigint {
  let sum = ONE;
  let term = ONE;
  for (let k = 1n; ; k++) {
    term = ((term * t) >> W) / ((2n * k - 1n + first) * (2n * k + first));
    if (term === 0n) return sum;
    sum += (k & 1n) === 1n ? -term : term;
  }
}

/** 2^x - 1 for 0 < |x| <= 1. */
export function exp2MinusOne(sign: 0 | 1, x: Magnitude): Approximation {
  // (e^y - 1) / y = 1 + y/2! + y^2/3! + ...
  const magnitude = (toFixed(x) * LN2) >> W;
  const y = sign === 1 ? -magnitude : magnitude;
  let sum = ONE;
  let term = ONE;
  for (let k = 2n; ; k++) {
    // Towards zero, or a negative term would never vanish.
    term = (term * y) / ONE / k;
    if (term === 0n) break;
    sum += term;
  }
  return {
    sign,
    exponent: x.exponent - 2 * WORKING_BITS,
    significand: x.significand * LN2 * sum,
    exact: false,
  };
}

/** ln((1 + z) / (1 - z)) / ln 2 = 2 atanh(z) / ln 2. */
function log2FromRatio(z: Magnitude): Magnitude {
  const fixed = toFixed(z);
  const series = oddReciprocalSeries((fixed * fixed) >> W, false);
  return divide(
    { exponent: z.exponent + 1 - WORKING_BITS, significand: z.significand * series },
    { exponent: -WORKING_BITS, significand: LN2 },
  );
}

/** log2(x), x > 0. */
export function log2(x: Magnitude): Approximation {
  const length = bitLength(x.significand);
  // x = m * 2^k with m in [3/4, 3/2)
  const threeHalves = 3n << BigInt(Math.max(length, 2) - 2);
  const aligned = x.significand << BigInt(Math.max(length, 2) - length);
  const scaleBits = Math.max(length, 2) - (aligned >= threeHalves ? 0 : 1);
  const k = x.exponent + (length - Math.max(length, 2)) + scaleBits;
  const one = 1n << BigInt(scaleBits);
  const difference = aligned - one;
  if (difference === 0n) {
    return { sign: k < 0 ? 1 : 0, exponent: 0, significand: BigInt(Math.abs(k)), exact: true };
  }
  const fractionSign = difference < 0n ? 1 : 0;
  const fraction = log2FromRatio(
    divide(
      { exponent: 0, significand: difference < 0n ? -difference : difference },
      { exponent: 0, significand: aligned + one },
    ),
  );
  if (k === 0) return { sign: fractionSign, ...fraction, exact: false };
  const fixed = toFixed(fraction);
  const sum = (BigInt(k) << W) + (fractionSign === 1 ? -fixed : fixed);
  return { sign: sum < 0n ? 1 : 0, exponent: -WORKING_BITS, significand: sum < 0n ? -sum : sum, exact: false };
}

/** log2(1 + x), x != 0, x > -1. */
export function log2OnePlus(sign: 0 | 1, x: Magnitude): Approximation {
  const leading = x.exponent + bitLength(x.significand);
  if (leading > -1) {
    // 1 + x is exact in few bits.
    const exponent = Math.min(x.exponent, 0);
    const magnitude = x.significand << BigInt(x.exponent - exponent);
    const one = 1n << BigInt(-exponent);
    return log2({ exponent, significand: sign === 1 ? one - magnitude : one + magnitude });
  }
  // z = x / (2 + x)
  const fixed = toFixed(x);
  const denominator = 2n * ONE + (sign === 1 ? -fixed : fixed);
  return { sign, ...log2FromRatio(divide(x, { exponent: -WORKING_BITS, significand: denominator })), exact: false };
}

/**
 * The processor's pi for reducing the arguments of FSIN, FCOS, FSINCOS and FPTAN has 66 bits. SDM vol. 1, 8.3.8
 * "Approximation of Pi": 0.C90FDAA22168C234C (hexadecimal) * 2^2. AMD's processors use the same.
 */
const PI_66 = 0xc90fdaa22168c234cn;
/** pi/2 = PI_66 * 2^-67 */
const HALF_PI_EXPONENT = -67;

/** x = quadrant * pi/2 + r, |r| <= pi/4. */
function reduce(x: Magnitude): { quadrant: number; sign: 0 | 1; r: Magnitude } {
  if (x.exponent < HALF_PI_EXPONENT) {
    // Below 2^-3: a significand has 64 bits.
    return { quadrant: 0, sign: 0, r: x };
  }
  const scaled = x.significand << BigInt(x.exponent - HALF_PI_EXPONENT);
  const quotient = (scaled + PI_66 / 2n) / PI_66;
  const rest = scaled - quotient * PI_66;
  return {
    quadrant: Number(quotient & 3n),
    sign: rest < 0n ? 1 : 0,
    r: { exponent: HALF_PI_EXPONENT, significand: rest < 0n ? -rest : rest },
  };
}

function square(r: Magnitude): bigint {
  const fixed = toFixed(r);
  return (fixed * fixed) >> W;
}

function sineOfReduced(r: Magnitude): Magnitude {
  const t = square(r);
  const factor = t === 0n ? JUST_BELOW_ONE : alternatingFactorialSeries(t, 1n);
  return { exponent: r.exponent - WORKING_BITS, significand: r.significand * factor };
}

function cosineOfReduced(r: Magnitude): Magnitude {
  const t = square(r);
  return { exponent: -WORKING_BITS, significand: t === 0n ? JUST_BELOW_ONE : alternatingFactorialSeries(t, 0n) };
}

/** sin(x), x > 0. */
export function sine(x: Magnitude): Approximation {
  const { quadrant, sign, r } = reduce(x);
  const half = quadrant >> 1;
  return (quadrant & 1) === 0
    ? { sign: (sign ^ half) as 0 | 1, ...sineOfReduced(r), exact: false }
    : { sign: half as 0 | 1, ...cosineOfReduced(r), exact: false };
}

/** cos(x), x > 0. */
export function cosine(x: Magnitude): Approximation {
  const { quadrant, sign, r } = reduce(x);
  const half = quadrant >> 1;
  return (quadrant & 1) === 0
    ? { sign: half as 0 | 1, ...cosineOfReduced(r), exact: false }
    : { sign: (sign ^ half ^ 1) as 0 | 1, ...sineOfReduced(r), exact: false };
}

/** tan(x), x > 0. */
export function tangent(x: Magnitude): Approximation {
  const { quadrant, sign, r } = reduce(x);
  const t = square(r);
  const odd = (quadrant & 1) as 0 | 1;
  if (odd === 0 && t === 0n) {
    return { sign, exponent: r.exponent - WORKING_BITS, significand: r.significand << W, exact: false };
  }
  const quotient =
    odd === 0 ? divide(sineOfReduced(r), cosineOfReduced(r)) : divide(cosineOfReduced(r), sineOfReduced(r));
  return { sign: (sign ^ odd) as 0 | 1, ...quotient, exact: false };
}

/** atan(q) for 0 < q <= 1. */
function arctangentOfRatio(q: Magnitude): Magnitude {
  if (q.exponent + bitLength(q.significand) <= -8) {
    const t = square(q);
    const factor = t === 0n ? JUST_BELOW_ONE : oddReciprocalSeries(t, true);
    return { exponent: q.exponent - WORKING_BITS, significand: q.significand * factor };
  }
  // atan(q) = 2 atan(q / (1 + sqrt(1 + q^2))), three times, and the series is quick.
  let fixed = toFixed(q);
  for (let halving = 0; halving < 3; halving++) {
    const root = integerSquareRoot(ONE * ONE + fixed * fixed);
    fixed = (fixed << W) / (ONE + root);
  }
  const factor = oddReciprocalSeries((fixed * fixed) >> W, true);
  return { exponent: 3 - 2 * WORKING_BITS, significand: fixed * factor };
}

/**
 * The angle of the point (x, y), y and x > 0 but for `negativeX`: in (0, pi). With all of pi's digits, unlike the
 * reduction above.
 */
export function arctangent(y: Magnitude, x: Magnitude, negativeX: boolean): Approximation {
  const exponent = Math.min(x.exponent, y.exponent);
  // Far apart, alignment would cost more than comparing lengths.
  const difference = y.exponent + bitLength(y.significand) - (x.exponent + bitLength(x.significand));
  const steep =
    difference !== 0
      ? difference > 0
      : y.significand << BigInt(y.exponent - exponent) > x.significand << BigInt(x.exponent - exponent);
  const angle = arctangentOfRatio(steep ? divide(x, y) : divide(y, x));
  if (!steep && !negativeX) return { sign: 0, ...angle, exact: false };
  const fixed = toFixed(angle);
  const base = steep ? PI >> 1n : PI;
  return {
    sign: 0,
    exponent: -WORKING_BITS,
    significand: steep && negativeX ? base + fixed : base - fixed,
    exact: false,
  };
}
