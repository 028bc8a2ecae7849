/** Loads, stores, constants, exchange and conditional moves. SDM vol. 1, 8.3.3 and 8.3.4; vol. 2. */
import { packBcd, unpackBcd } from '../softfloat/bcd.js';
import { convert, toInteger } from '../softfloat/conversion.js';
import type { FloatEnvironment } from '../softfloat/float-environment.js';
import { DE, PE, RC_ZERO, x87Environment } from '../softfloat/float-environment.js';
import type { Float80, FloatFormat, Unpacked } from '../softfloat/float-format.js';
import { float32, float64, float80 } from '../softfloat/float-format.js';
import { exactly, fromInteger } from '../softfloat/conversion.js';
import { roundToFormat } from '../softfloat/rounding.js';
import { LN2, LOG10_2, LOG2_10, LOG2_E, PI, WORKING_BITS } from './elementary-constants.js';
import type { X87Execute } from './x87-instruction.js';
import {
  push,
  pushOverflows,
  pushResult,
  raise,
  reportStore,
  setConditions,
  stackOverflow,
  stackUnderflow,
  X87_DONE,
  X87_STORE,
} from './x87-instruction.js';
import { SW_C1 } from './x87-state.js';

/** The memory operand as a value of its format. */
export type OperandReader = (operand: DataView) => Unpacked;

export const readFloat32: OperandReader = (operand) => float32.unpack(operand.getUint32(0, true));
export const readFloat64: OperandReader = (operand) => float64.unpack(operand.getBigUint64(0, true));

export type IntegerSize = 16 | 32 | 64;

export function readInteger(operand: DataView, bits: IntegerSize): bigint {
  if (bits === 16) return BigInt(operand.getInt16(0, true));
  return bits === 32 ? BigInt(operand.getInt32(0, true)) : operand.getBigInt64(0, true);
}

function writeInteger(operand: DataView, bits: IntegerSize, value: bigint): void {
  if (bits === 16) operand.setInt16(0, Number(value), true);
  else if (bits === 32) operand.setInt32(0, Number(value), true);
  else operand.setBigInt64(0, value, true);
}

export function readFloat80(operand: DataView, at = 0): Float80 {
  return { significand: operand.getBigUint64(at, true), signExponent: operand.getUint16(at + 8, true) };
}

export function writeFloat80(operand: DataView, value: Float80, at = 0): void {
  operand.setBigUint64(at, value.significand, true);
  operand.setUint16(at + 8, value.signExponent, true);
}

/** A load's precision is the register's, whatever the control word says. */
function fullPrecision(environment: FloatEnvironment): FloatEnvironment {
  environment.precision = 64;
  return environment;
}

/** FLD m32fp, FLD m64fp. A denormal is pushed even where DE is unmasked. */
export function fldMemory(read: OperandReader): X87Execute {
  return (state) =>
    pushResult(state, (environment) => {
      const value = read(state.operand);
      const result = convert(float80, value, { reportDenormal: false }, fullPrecision(environment));
      if (value.denormal) raise(state, DE);
      return result;
    });
}

/** FLD m80fp: bits, whatever they mean. */
export const fldExtended: X87Execute = (state) => pushResult(state, () => readFloat80(state.operand));

/** FLD ST(i). */
export function fldRegister(i: number): X87Execute {
  return (state) => {
    if (state.isEmpty(i)) {
      if (stackUnderflow(state)) push(state, float80.indefinite);
    } else if (pushOverflows(state)) {
      if (stackOverflow(state)) push(state, float80.indefinite);
    } else {
      const value = state.read(i);
      setConditions(state, SW_C1, 0);
      push(state, value);
    }
    return X87_DONE;
  };
}

export function fild(bits: IntegerSize): X87Execute {
  return (state) =>
    pushResult(state, (environment) =>
      fromInteger(float80, readInteger(state.operand, bits), fullPrecision(environment)),
    );
}

export const fbld: X87Execute = (state) =>
  pushResult(state, (environment) => {
    const { sign, magnitude } = unpackBcd(state.operand);
    return magnitude === 0n ? float80.zero(sign) : exactly(float80, sign, 0, magnitude, environment);
  });

type FloatWriter = (operand: DataView, environment: FloatEnvironment, value: Unpacked) => void;

function floatWriter<Bits>(format: FloatFormat<Bits>, write: (operand: DataView, bits: Bits) => void): FloatWriter {
  return (operand, environment, value) =>
    write(operand, convert(format, value, { reportDenormal: false }, environment));
}

export const writeFloat32 = floatWriter(float32, (operand, bits) => operand.setUint32(0, bits, true));
export const writeFloat64 = floatWriter(float64, (operand, bits) => operand.setBigUint64(0, bits, true));

/** The x87's default NaN, as an operand. */
const INDEFINITE = float80.unpack(float80.indefinite);

/** FST m32fp, m64fp and their popping forms. */
export function fstMemory(write: FloatWriter, pops: boolean): X87Execute {
  return (state) => {
    const environment = x87Environment(state.control);
    if (state.isEmpty(0)) {
      if (!stackUnderflow(state)) return X87_DONE;
      write(state.operand, environment, INDEFINITE);
    } else {
      write(state.operand, environment, float80.unpack(state.read(0)));
      if (!reportStore(state, environment)) return X87_DONE;
    }
    if (pops) state.pop();
    return X87_STORE;
  };
}

/** FSTP m80fp: bits, whatever they mean. */
export const fstpExtended: X87Execute = (state) => {
  if (state.isEmpty(0)) {
    if (!stackUnderflow(state)) return X87_DONE;
    writeFloat80(state.operand, float80.indefinite);
  } else {
    writeFloat80(state.operand, state.read(0));
    setConditions(state, SW_C1, 0);
  }
  state.pop();
  return X87_STORE;
};

/** FST ST(i), FSTP ST(i). */
export function fstRegister(i: number, pops: boolean): X87Execute {
  return (state) => {
    if (state.isEmpty(0)) {
      if (!stackUnderflow(state)) return X87_DONE;
      state.write(i, float80.indefinite);
    } else {
      state.write(i, state.read(0));
      setConditions(state, SW_C1, 0);
    }
    if (pops) state.pop();
    return X87_DONE;
  };
}

/** D9 D8+i, the alias of FSTP that reports no stack underflow: an empty ST(0) is popped and nothing else happens. */
export function fstpUnreported(i: number): X87Execute {
  return (state) => {
    if (!state.isEmpty(0)) state.write(i, state.read(0));
    setConditions(state, SW_C1, 0);
    state.pop();
    return X87_DONE;
  };
}

/** FIST, FISTP, FISTTP. */
export function fist(bits: IntegerSize, pops: boolean, truncate = false): X87Execute {
  return (state) => {
    const smallest = -(1n << BigInt(bits - 1)); // "integer indefinite"
    if (state.isEmpty(0)) {
      if (!stackUnderflow(state)) return X87_DONE;
      writeInteger(state.operand, bits, smallest);
    } else {
      const environment = x87Environment(state.control);
      const rounding = truncate ? RC_ZERO : environment.rounding;
      const value = toInteger(float80.unpack(state.read(0)), { bits, signed: true, rounding }, environment);
      if (!reportStore(state, environment)) return X87_DONE;
      writeInteger(state.operand, bits, value);
    }
    if (pops) state.pop();
    return X87_STORE;
  };
}

export const fbstp: X87Execute = (state) => {
  const environment = x87Environment(state.control);
  if (state.isEmpty(0)) {
    if (!stackUnderflow(state)) return X87_DONE;
    packBcd(INDEFINITE, state.operand, environment);
  } else {
    packBcd(float80.unpack(state.read(0)), state.operand, environment);
    if (!reportStore(state, environment)) return X87_DONE;
  }
  state.pop();
  return X87_STORE;
};

/**
 * FLD1, FLDZ, and the irrational ones, which are rounded as RC says but never reported as inexact. SDM vol. 1, 8.3.5
 * "Load Constant".
 */
function constant(value: (environment: FloatEnvironment) => Float80): X87Execute {
  return (state) =>
    pushResult(state, (environment) => {
      const result = value(fullPrecision(environment));
      environment.flags &= ~PE;
      environment.roundedUp = false;
      return result;
    });
}

function irrational(scaled: bigint): X87Execute {
  return constant((environment) => roundToFormat(float80, 0, -WORKING_BITS, scaled, true, environment));
}

export const fld1 = constant(() => float80.finite(0, 0, 1n << 63n));
export const fldz = constant(() => float80.zero(0));
export const fldl2t = irrational(LOG2_10);
export const fldl2e = irrational(LOG2_E);
export const fldpi = irrational(PI);
export const fldlg2 = irrational(LOG10_2);
export const fldln2 = irrational(LN2);

/** Empty registers are filled with indefinites first. */
export function fxch(i: number): X87Execute {
  return (state) => {
    if (state.isEmpty(0) || state.isEmpty(i)) {
      if (!stackUnderflow(state)) return X87_DONE;
      if (state.isEmpty(0)) state.write(0, float80.indefinite);
      if (state.isEmpty(i)) state.write(i, float80.indefinite);
    } else {
      setConditions(state, SW_C1, 0);
    }
    const top = state.read(0);
    state.write(0, state.read(i));
    state.write(i, top);
    return X87_DONE;
  };
}

const EFLAGS_CF = 0x01;
const EFLAGS_PF = 0x04;
const EFLAGS_ZF = 0x40;

export type MoveCondition = 'b' | 'e' | 'be' | 'u' | 'nb' | 'ne' | 'nbe' | 'nu';

const CONDITION_FLAGS: Record<MoveCondition, readonly [flags: number, whenSet: boolean]> = {
  b: [EFLAGS_CF, true],
  e: [EFLAGS_ZF, true],
  be: [EFLAGS_CF | EFLAGS_ZF, true],
  u: [EFLAGS_PF, true],
  nb: [EFLAGS_CF, false],
  ne: [EFLAGS_ZF, false],
  nbe: [EFLAGS_CF | EFLAGS_ZF, false],
  nu: [EFLAGS_PF, false],
};

export function fcmov(condition: MoveCondition, i: number): X87Execute {
  const [flags, whenSet] = CONDITION_FLAGS[condition];
  return (state, { eflags }) => {
    const moves = ((eflags & flags) !== 0) === whenSet;
    if (state.isEmpty(0) || state.isEmpty(i)) {
      // Whether the condition holds or not.
      if (stackUnderflow(state)) state.write(0, float80.indefinite);
      return X87_DONE;
    }
    if (moves) state.write(0, state.read(i));
    return X87_DONE;
  };
}

/** FFREE, and the undocumented FFREEP (DF C0+i) that pops as well. */
export function ffree(i: number, pops: boolean): X87Execute {
  return (state) => {
    state.free(i);
    setConditions(state, SW_C1, 0);
    if (pops) state.pop();
    return X87_DONE;
  };
}

export function rotateStack(by: 1 | -1): X87Execute {
  return (state) => {
    state.top = state.top + by;
    setConditions(state, SW_C1, 0);
    return X87_DONE;
  };
}

export const fnop: X87Execute = () => X87_DONE;
