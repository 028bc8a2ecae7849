/**
 * FSIN, FCOS, FSINCOS, FPTAN, FPATAN, F2XM1, FYL2X, FYL2XP1. SDM vol. 1, 8.3.7 - 8.3.10; the tables of special cases in
 * vol. 2.
 */
import { denormalOperands } from '../softfloat/arithmetic.js';
import type { FloatEnvironment } from '../softfloat/float-environment.js';
import { PE, UE, x87Environment, ZE } from '../softfloat/float-environment.js';
import type { Float80, Unpacked } from '../softfloat/float-format.js';
import { float80 } from '../softfloat/float-format.js';
import { invalid, isNotANumber, propagateNan } from '../softfloat/nan.js';
import { bitLength, roundToFormat } from '../softfloat/rounding.js';
import { PI, WORKING_BITS } from './elementary-constants.js';
import type { Approximation } from './elementary-functions.js';
import { arctangent, cosine, exp2MinusOne, log2, log2OnePlus, sine, tangent } from './elementary-functions.js';
import type { X87Execute } from './x87-instruction.js';
import {
  push,
  pushOverflows,
  report,
  setConditions,
  stackOverflow,
  stackUnderflow,
  X87_DONE,
} from './x87-instruction.js';
import { SW_C2 } from './x87-state.js';

/** Precision control does not act on these. */
function round(value: Approximation, environment: FloatEnvironment): Float80 {
  const full: FloatEnvironment = { ...environment, precision: 64 };
  const { sign, exponent, significand, exact } = value;
  const result = roundToFormat(float80, sign, exponent, significand, !exact, full);
  environment.flags = full.flags;
  environment.roundedUp = full.roundedUp;
  return result;
}

function withSign(value: Approximation, sign: 0 | 1): Approximation {
  return { ...value, sign: (value.sign ^ sign) as 0 | 1 };
}

const ONE = float80.finite(0, 0, 1n << 63n);

/** The trigonometric instructions leave |x| >= 2^63 alone and say so in C2. */
function isOutOfRange({ kind, exponent, significand }: Unpacked): boolean {
  return kind === 'finite' && exponent + bitLength(significand) > 63;
}

type OneResult = (a: Unpacked, environment: FloatEnvironment) => Float80;

function trigonometric(ofZero: (sign: 0 | 1) => Float80, compute: (a: Unpacked) => Approximation): OneResult {
  return (a, environment) => {
    environment.roundedUp = false;
    if (isNotANumber(a)) return propagateNan(float80, [a], environment);
    if (a.kind === 'infinity') return invalid(float80, environment);
    if (a.kind === 'zero') return ofZero(a.sign);
    if (denormalOperands(environment, a)) return float80.indefinite;
    return round(compute(a), environment);
  };
}

const sineOf = trigonometric(float80.zero, (a) => withSign(sine(a), a.sign));
const cosineOf = trigonometric(() => ONE, cosine);
const tangentOf = trigonometric(float80.zero, (a) => withSign(tangent(a), a.sign));

function single(compute: OneResult): X87Execute {
  return (state) => {
    if (state.isEmpty(0)) {
      if (stackUnderflow(state)) state.write(0, float80.indefinite);
      setConditions(state, SW_C2, 0);
      return X87_DONE;
    }
    const a = float80.unpack(state.read(0));
    setConditions(state, SW_C2, isOutOfRange(a) ? SW_C2 : 0);
    const environment = x87Environment(state.control);
    if (isOutOfRange(a)) {
      report(state, environment);
      return X87_DONE;
    }
    const result = compute(a, environment);
    if (report(state, environment)) state.write(0, result);
    return X87_DONE;
  };
}

export const fsin = single(sineOf);
export const fcos = single(cosineOf);

/** Those with a second result, which is pushed. */
function double(first: OneResult, second: OneResult): X87Execute {
  return (state) => {
    if (state.isEmpty(0) || pushOverflows(state)) {
      const masked = state.isEmpty(0) ? stackUnderflow(state) : stackOverflow(state);
      setConditions(state, SW_C2, 0);
      if (masked) {
        state.write(0, float80.indefinite);
        push(state, float80.indefinite);
      }
      return X87_DONE;
    }
    const a = float80.unpack(state.read(0));
    const environment = x87Environment(state.control);
    setConditions(state, SW_C2, isOutOfRange(a) ? SW_C2 : 0);
    if (isOutOfRange(a)) {
      report(state, environment);
      return X87_DONE;
    }
    const pushed = second(a, environment);
    const result = first(a, environment);
    if (report(state, environment)) {
      state.write(0, result);
      push(state, pushed);
    }
    return X87_DONE;
  };
}

export const fsincos = double(sineOf, cosineOf);
/** The 1.0 is for the 8087's sake; a NaN is pushed as well as put in place. */
export const fptan = double(tangentOf, (a, environment) =>
  isNotANumber(a) || a.kind === 'infinity' ? tangentOf(a, environment) : ONE,
);

type TwoOperands = (y: Unpacked, x: Unpacked, environment: FloatEnvironment) => Float80;

/** ST(1) = f(ST(1), ST(0)), pop. */
function combining(compute: TwoOperands): X87Execute {
  return (state) => {
    if (state.isEmpty(0) || state.isEmpty(1)) {
      if (!stackUnderflow(state)) return X87_DONE;
      state.write(1, float80.indefinite);
    } else {
      const environment = x87Environment(state.control);
      const result = compute(float80.unpack(state.read(1)), float80.unpack(state.read(0)), environment);
      if (!report(state, environment)) return X87_DONE;
      state.write(1, result);
    }
    state.pop();
    return X87_DONE;
  };
}

/** `quarters * pi/4`, inexact as any other angle. */
function quarterTurns(quarters: number, sign: 0 | 1, environment: FloatEnvironment): Float80 {
  const significand = PI * BigInt(quarters);
  return round({ sign, exponent: -WORKING_BITS - 2, significand, exact: false }, environment);
}

const arctangentOf: TwoOperands = (y, x, environment) => {
  environment.roundedUp = false;
  if (isNotANumber(y) || isNotANumber(x)) return propagateNan(float80, [y, x], environment);
  if (denormalOperands(environment, y, x)) return float80.indefinite;
  if (y.kind === 'infinity') {
    return quarterTurns(x.kind !== 'infinity' ? 2 : x.sign === 1 ? 3 : 1, y.sign, environment);
  }
  if (x.kind === 'infinity' || y.kind === 'zero') {
    return x.sign === 1 ? quarterTurns(4, y.sign, environment) : float80.zero(y.sign);
  }
  if (x.kind === 'zero') return quarterTurns(2, y.sign, environment);
  return round(withSign(arctangent(y, x, x.sign === 1), y.sign), environment);
};

export const fpatan = combining(arctangentOf);

/** y times an approximation that is not zero. */
function product(y: Unpacked, factor: Approximation, environment: FloatEnvironment): Float80 {
  const sign = (y.sign ^ factor.sign) as 0 | 1;
  return round(
    {
      sign,
      exponent: y.exponent + factor.exponent,
      significand: y.significand * factor.significand,
      exact: factor.exact,
    },
    environment,
  );
}

/** y times a logarithm, where y may be infinite or zero. */
function timesLogarithm(y: Unpacked, logarithm: Approximation, environment: FloatEnvironment): Float80 {
  const sign = (y.sign ^ logarithm.sign) as 0 | 1;
  if (logarithm.significand === 0n) {
    return y.kind === 'infinity' ? invalid(float80, environment) : float80.zero(sign);
  }
  if (y.kind === 'infinity') return float80.infinity(sign);
  if (y.kind === 'zero') return float80.zero(sign);
  return product(y, logarithm, environment);
}

const yLog2x: TwoOperands = (y, x, environment) => {
  environment.roundedUp = false;
  if (isNotANumber(y) || isNotANumber(x)) return propagateNan(float80, [y, x], environment);
  if (x.kind === 'zero') {
    if (y.kind === 'zero') return invalid(float80, environment);
    if (y.kind === 'finite') environment.flags |= ZE;
    return float80.infinity((y.sign ^ 1) as 0 | 1);
  }
  if (x.sign === 1) return invalid(float80, environment);
  if (x.kind === 'infinity') {
    if (y.kind === 'zero') return invalid(float80, environment);
    if (denormalOperands(environment, y)) return float80.indefinite;
    return float80.infinity(y.sign);
  }
  const logarithm = log2(x);
  if (logarithm.significand === 0n && y.kind === 'infinity') return invalid(float80, environment);
  if (denormalOperands(environment, y, x)) return float80.indefinite;
  // The processor reports powers of two as inexact too.
  const result = timesLogarithm(y, logarithm, environment);
  if (y.kind === 'finite' && logarithm.significand !== 0n) environment.flags |= (result.signExponent & 0x7fff) === 0 ? PE | UE : PE;
  return result;
};

export const fyl2x = combining(yLog2x);

const yLog2xPlus1: TwoOperands = (y, x, environment) => {
  environment.roundedUp = false;
  if (isNotANumber(y) || isNotANumber(x)) return propagateNan(float80, [y, x], environment);
  if (x.kind === 'infinity') {
    if (x.sign === 1 || y.kind === 'zero') return invalid(float80, environment);
    if (denormalOperands(environment, y)) return float80.indefinite;
    return float80.infinity(y.sign);
  }
  if (x.kind === 'zero') {
    if (y.kind === 'infinity') return invalid(float80, environment);
    if (denormalOperands(environment, y)) return float80.indefinite;
    return float80.zero((x.sign ^ y.sign) as 0 | 1);
  }
  if (denormalOperands(environment, y, x)) return float80.indefinite;
  if (y.kind === 'infinity') return float80.infinity((y.sign ^ x.sign) as 0 | 1);
  if (y.kind === 'zero') return float80.zero((y.sign ^ x.sign) as 0 | 1);
  environment.flags |= PE; // of powers of two too
  if (x.sign === 1 && x.exponent + bitLength(x.significand) > 0) {
    // x <= -1 has no logarithm and is far outside of the defined range: it comes back as it is.
    return float80.finite(1, x.exponent + 63, x.significand);
  }
  return product(y, log2OnePlus(x.sign, x), environment);
};

export const fyl2xp1 = combining(yLog2xPlus1);

const exponentialOf: OneResult = (a, environment) => {
  environment.roundedUp = false;
  if (isNotANumber(a)) return propagateNan(float80, [a], environment);
  if (a.kind === 'infinity') return a.sign === 1 ? float80.finite(1, 0, 1n << 63n) : float80.infinity(0);
  if (a.kind === 'zero') return float80.zero(a.sign);
  if (denormalOperands(environment, a)) return float80.indefinite;
  const length = a.exponent + bitLength(a.significand);
  if (length === 1 && a.significand === 1n << BigInt(bitLength(a.significand) - 1)) {
    environment.flags |= PE; // of these too, which are exact
    return a.sign === 1 ? float80.finite(1, -1, 1n << 63n) : ONE;
  }
  if (length > 0) {
    // Beyond [-1, 1] the result is undefined: it comes back as it is.
    environment.flags |= PE;
    return float80.finite(a.sign, length - 1, a.significand << BigInt(64 - bitLength(a.significand)));
  }
  return round(exp2MinusOne(a.sign, a), environment);
};

export const f2xm1: X87Execute = (state) => {
  if (state.isEmpty(0)) {
    if (stackUnderflow(state)) state.write(0, float80.indefinite);
    return X87_DONE;
  }
  const environment = x87Environment(state.control);
  const result = exponentialOf(float80.unpack(state.read(0)), environment);
  if (report(state, environment)) state.write(0, result);
  return X87_DONE;
};
