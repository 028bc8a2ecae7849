/**
 * MMX registers are the significands of the x87's physical registers. SDM vol. 1, 9.6.1 "Effect of MMX Instructions on
 * the x87 FPU Tag Word"; vol. 3, 12.2.
 */
import type { X87State } from './x87-state.js';

/** Before any MMX instruction but EMMS, after the check for pending exceptions: TOP is 0 and no register is empty. */
export function enterMmx(state: X87State): void {
  state.top = 0;
  state.tag = 0xff;
}

export function readMmx(state: X87State, register: number): bigint {
  return state.readPhysical(register).significand;
}

/** Sign and exponent become all ones. */
export function writeMmx(state: X87State, register: number, significand: bigint): void {
  state.writePhysical(register, { signExponent: 0xffff, significand });
}

/** EMMS: all registers are empty. TOP becomes 0, as with every MMX instruction. */
export function emms(state: X87State): void {
  state.top = 0;
  state.tag = 0;
}
