/**
 * FNSTENV, FLDENV, FNSAVE, FRSTOR: the environment in its four layouts and the full tag word. SDM vol. 1, 8.1.7 "x87
 * FPU Tag Word", 8.1.10, figures 8-9 to 8-12.
 */
import type { Float80 } from '../softfloat/float-format.js';
import type { X87Context } from './x87-instruction.js';
import { readFloat80, writeFloat80 } from './x87-load-store.js';
import type { X87State } from './x87-state.js';

export const TAG_VALID = 0;
export const TAG_ZERO = 1;
export const TAG_SPECIAL = 2;
export const TAG_EMPTY = 3;

function tagOf({ signExponent, significand }: Float80): number {
  const exponent = signExponent & 0x7fff;
  if (exponent === 0 && significand === 0n) return TAG_ZERO;
  return exponent === 0 || exponent === 0x7fff || significand >> 63n === 0n ? TAG_SPECIAL : TAG_VALID;
}

/** The 16-bit tag word, made from what the registers hold. */
export function fullTagWord(state: X87State): number {
  let word = 0;
  for (let register = 0; register < 8; register++) {
    const tag = (state.tag >> register) & 1 ? tagOf(state.readPhysical(register)) : TAG_EMPTY;
    word |= tag << (2 * register);
  }
  return word;
}

/** Of a loaded tag word only "empty" matters. */
export function abridgedTag(word: number): number {
  let tag = 0;
  for (let register = 0; register < 8; register++) {
    if (((word >> (2 * register)) & 3) !== TAG_EMPTY) tag |= 1 << register;
  }
  return tag;
}

export function environmentSize({ operandSize16 }: X87Context): 14 | 28 {
  return operandSize16 ? 14 : 28;
}

/** Real-address mode has one 20- or 32-bit linear address where protected mode has selector and offset. */
function linear(selector: number, offset: bigint): number {
  return Number(BigInt.asUintN(32, BigInt(selector << 4) + offset));
}

/** Bits in registers that the layout leaves out read as ones, as processors store them. */
const RESERVED = 0xffff0000;

export function storeEnvironment(state: X87State, operand: DataView, context: X87Context): void {
  const { operandSize16, realAddressMode } = context;
  const step = operandSize16 ? 2 : 4;
  const put = (index: number, value: number): void => {
    if (operandSize16) operand.setUint16(step * index, value & 0xffff, true);
    else operand.setUint32(step * index, value >>> 0, true);
  };
  put(0, RESERVED | state.control);
  put(1, RESERVED | state.status);
  put(2, RESERVED | fullTagWord(state));
  if (!realAddressMode) {
    put(3, Number(BigInt.asUintN(32, state.fip)));
    put(4, operandSize16 ? state.fcs : state.fcs | (state.fop << 16));
    put(5, Number(BigInt.asUintN(32, state.fdp)));
    put(6, operandSize16 ? state.fds : RESERVED | state.fds);
    return;
  }
  const instruction = linear(state.fcs, state.fip);
  const data = linear(state.fds, state.fdp);
  if (operandSize16) {
    put(3, instruction);
    put(4, ((instruction >>> 4) & 0xf000) | state.fop);
    put(5, data);
    put(6, (data >>> 4) & 0xf000);
  } else {
    put(3, RESERVED | (instruction & 0xffff));
    put(4, ((instruction >>> 4) & 0x0ffff000) | state.fop);
    put(5, RESERVED | (data & 0xffff));
    put(6, (data >>> 4) & 0x0ffff000);
  }
}

export function loadEnvironment(state: X87State, operand: DataView, context: X87Context): void {
  const { operandSize16, realAddressMode } = context;
  const get = (index: number): number =>
    operandSize16 ? operand.getUint16(2 * index, true) : operand.getUint32(4 * index, true);
  state.tag = abridgedTag(get(2));
  state.control = get(0);
  state.status = get(1) & 0xffff;
  if (!realAddressMode) {
    state.fip = BigInt(get(3));
    state.fcs = get(4) & 0xffff;
    // The 16-bit protected-mode layout has no opcode.
    state.fop = operandSize16 ? 0 : (get(4) >>> 16) & 0x7ff;
    state.fdp = BigInt(get(5));
    state.fds = get(6) & 0xffff;
    return;
  }
  const high = operandSize16 ? 0xf000 : 0x0ffff000;
  state.fip = BigInt(((get(3) & 0xffff) | ((get(4) & high) << 4)) >>> 0);
  state.fcs = 0;
  state.fop = get(4) & 0x7ff;
  state.fdp = BigInt(((get(5) & 0xffff) | ((get(6) & high) << 4)) >>> 0);
  state.fds = 0;
}

/** The registers follow the environment in stack order, 10 bytes each. */
export function storeRegisters(state: X87State, operand: DataView, context: X87Context): void {
  for (let i = 0; i < 8; i++) writeFloat80(operand, state.read(i), environmentSize(context) + 10 * i);
}

export function loadRegisters(state: X87State, operand: DataView, context: X87Context): void {
  for (let i = 0; i < 8; i++) {
    state.writePhysical(state.top + i, readFloat80(operand, environmentSize(context) + 10 * i));
  }
}
