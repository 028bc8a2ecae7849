/**
 * Basic arithmetic: what rounds once, and the exact FPREM, FSCALE, FXTRACT. SDM vol. 1, 8.3.5 "Basic Arithmetic
 * Instructions"; vol. 2.
 */
import { add, denormalOperands, divide, multiply, squareRoot, subtract } from '../softfloat/arithmetic.js';
import { exactly, roundToBigInt, roundToIntegral } from '../softfloat/conversion.js';
import type { FloatEnvironment } from '../softfloat/float-environment.js';
import { OE, PE, RC_ZERO, UE, x87Environment, ZE } from '../softfloat/float-environment.js';
import type { Float80, Unpacked } from '../softfloat/float-format.js';
import { float80 } from '../softfloat/float-format.js';
import { invalid, isNotANumber, propagateNan } from '../softfloat/nan.js';
import { remainderStep } from '../softfloat/remainder.js';
import { bitLength } from '../softfloat/rounding.js';
import type { OperandReader } from './x87-load-store.js';
import type { X87Execute, X87Outcome } from './x87-instruction.js';
import {
  push,
  pushOverflows,
  report,
  setConditions,
  stackOverflow,
  stackUnderflow,
  X87_DONE,
} from './x87-instruction.js';
import type { X87State } from './x87-state.js';
import { SW_C0, SW_C1, SW_C2, SW_C3 } from './x87-state.js';

export type BinaryOperation = (a: Unpacked, b: Unpacked, environment: FloatEnvironment) => Float80;

export const fadd: BinaryOperation = (a, b, environment) => add(float80, a, b, environment);
export const fmul: BinaryOperation = (a, b, environment) => multiply(float80, a, b, environment);
export const fsub: BinaryOperation = (a, b, environment) => subtract(float80, a, b, environment);
export const fsubr: BinaryOperation = (a, b, environment) => subtract(float80, b, a, environment);
export const fdiv: BinaryOperation = (a, b, environment) => divide(float80, a, b, environment);
export const fdivr: BinaryOperation = (a, b, environment) => divide(float80, b, a, environment);

/** Writes `ST(destination) = compute()` with the responses to exceptions. */
function into(
  state: X87State,
  destination: number,
  available: boolean,
  pops: boolean,
  compute: (environment: FloatEnvironment) => Float80,
): X87Outcome {
  if (!available) {
    if (!stackUnderflow(state)) return X87_DONE;
    state.write(destination, float80.indefinite);
  } else {
    const environment = x87Environment(state.control);
    const result = compute(environment);
    if (!report(state, environment)) return X87_DONE;
    state.write(destination, result);
  }
  if (pops) state.pop();
  return X87_DONE;
}

/** ST(0) = ST(0) op memory. */
export function arithmeticMemory(operation: BinaryOperation, read: OperandReader): X87Execute {
  return (state) =>
    into(state, 0, !state.isEmpty(0), false, (environment) =>
      operation(float80.unpack(state.read(0)), read(state.operand), environment),
    );
}

/** ST(destination) = ST(destination) op ST(source). */
export function arithmeticRegister(
  operation: BinaryOperation,
  destination: number,
  source: number,
  pops: boolean,
): X87Execute {
  return (state) =>
    into(state, destination, !state.isEmpty(destination) && !state.isEmpty(source), pops, (environment) =>
      operation(float80.unpack(state.read(destination)), float80.unpack(state.read(source)), environment),
    );
}

/** ST(0) = f(ST(0)). */
export function unary(operation: (a: Unpacked, environment: FloatEnvironment) => Float80): X87Execute {
  return (state) =>
    into(state, 0, !state.isEmpty(0), false, (environment) => operation(float80.unpack(state.read(0)), environment));
}

export const fsqrt = unary((a, environment) => squareRoot(float80, a, environment));
export const frndint = unary((a, environment) => roundToIntegral(float80, a, { reportDenormal: true }, environment));

/** FCHS and FABS change the sign bit of whatever is there. */
function changeSign(change: (signExponent: number) => number): X87Execute {
  return (state) =>
    into(state, 0, !state.isEmpty(0), false, () => {
      const { signExponent, significand } = state.read(0);
      return { signExponent: change(signExponent), significand };
    });
}

export const fchs = changeSign((signExponent) => signExponent ^ 0x8000);
export const fabs = changeSign((signExponent) => signExponent & 0x7fff);

/** Beyond this any scaling of any value over- or underflows, the bias-adjusted result included. */
const SCALE_LIMIT = 0x10000;

/** ST(0) * 2^trunc(ST(1)). SDM vol. 2, FSCALE, table "FSCALE Results". */
function scale(a: Unpacked, b: Unpacked, environment: FloatEnvironment): Float80 {
  if (isNotANumber(a) || isNotANumber(b)) return propagateNan(float80, [a, b], environment);
  if (b.kind === 'infinity') {
    if (b.sign === 0 ? a.kind === 'zero' : a.kind === 'infinity') return invalid(float80, environment);
    if (denormalOperands(environment, a)) return float80.indefinite;
    return b.sign === 0 ? float80.infinity(a.sign) : float80.zero(a.sign);
  }
  if (denormalOperands(environment, a, b)) return float80.indefinite;
  if (a.kind === 'infinity') return float80.infinity(a.sign);
  if (a.kind === 'zero') return float80.zero(a.sign);
  const integer = roundToBigInt(b, RC_ZERO)?.value ?? (b.sign === 1 ? -1n << 64n : 1n << 64n);
  const limit = BigInt(SCALE_LIMIT);
  const by = Number(integer > limit ? limit : integer < -limit ? -limit : integer);
  // Out of range even for the adjusted bias of the unmasked responses: "massive" overflow and underflow, SDM vol. 1,
  // 8.5.4 and 8.5.5.
  const leading = a.exponent + bitLength(a.significand) - 1 + by;
  if ((environment.masks & OE) === 0 && leading - float80.biasAdjustment > float80.maxExponent) {
    environment.flags |= OE | PE;
    environment.roundedUp = true;
    return float80.infinity(a.sign);
  }
  if ((environment.masks & UE) === 0 && leading + float80.biasAdjustment < float80.minExponent) {
    environment.flags |= UE | PE;
    return float80.zero(a.sign);
  }
  return exactly(float80, a.sign, a.exponent + by, a.significand, environment);
}

export const fscale: X87Execute = (state) =>
  into(state, 0, !state.isEmpty(0) && !state.isEmpty(1), false, (environment) =>
    scale(float80.unpack(state.read(0)), float80.unpack(state.read(1)), environment),
  );

/** Exponent into ST(0), then the significand pushed. */
export const fxtract: X87Execute = (state) => {
  if (state.isEmpty(0) || pushOverflows(state)) {
    const masked = state.isEmpty(0) ? stackUnderflow(state) : stackOverflow(state);
    if (masked) {
      state.write(0, float80.indefinite);
      push(state, float80.indefinite);
    }
    return X87_DONE;
  }
  const environment = x87Environment(state.control);
  const { exponent, significand } = extract(float80.unpack(state.read(0)), environment);
  if (report(state, environment)) {
    state.write(0, exponent);
    push(state, significand);
  }
  return X87_DONE;
};

function extract(a: Unpacked, environment: FloatEnvironment): { exponent: Float80; significand: Float80 } {
  if (isNotANumber(a)) {
    const nan = propagateNan(float80, [a], environment);
    return { exponent: nan, significand: nan };
  }
  if (a.kind === 'infinity') return { exponent: float80.infinity(0), significand: float80.infinity(a.sign) };
  if (a.kind === 'zero') {
    environment.flags |= ZE;
    return { exponent: float80.infinity(1), significand: float80.zero(a.sign) };
  }
  denormalOperands(environment, a);
  const length = bitLength(a.significand);
  const exponent = a.exponent + length - 1;
  return {
    exponent:
      exponent === 0
        ? float80.zero(0)
        : exactly(float80, exponent < 0 ? 1 : 0, 0, BigInt(Math.abs(exponent)), environment),
    significand: float80.finite(a.sign, 0, a.significand << BigInt(64 - length)),
  };
}

/**
 * FPREM (truncating) and FPREM1 (to nearest): C2 says that it must be repeated, else C0, C3, C1 are the quotient's bits
 * 2, 1, 0.
 */
export function fprem(nearest: boolean): X87Execute {
  return (state) => {
    if (state.isEmpty(0) || state.isEmpty(1)) {
      setConditions(state, SW_C2, 0);
      if (stackUnderflow(state)) state.write(0, float80.indefinite);
      return X87_DONE;
    }
    const environment = x87Environment(state.control);
    const { result, incomplete, quotient } = remainderStep(
      float80.unpack(state.read(0)),
      float80.unpack(state.read(1)),
      nearest,
      environment,
    );
    setConditions(state, SW_C2, 0);
    if (!report(state, environment)) return X87_DONE;
    state.write(0, result);
    if (isNotANumber(float80.unpack(result))) return X87_DONE; // C0 and C3 stay
    const conditions = incomplete
      ? SW_C2
      : (quotient & 4 ? SW_C0 : 0) | (quotient & 2 ? SW_C3 : 0) | (quotient & 1 ? SW_C1 : 0);
    setConditions(state, SW_C0 | SW_C1 | SW_C2 | SW_C3, conditions);
    return X87_DONE;
  };
}
