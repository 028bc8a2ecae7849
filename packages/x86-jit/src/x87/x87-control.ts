/** Control instructions. SDM vol. 1, 8.3.11 - 8.3.13; vol. 2. */
import { loadEnvironment, loadRegisters, storeEnvironment, storeRegisters } from './x87-environment.js';
import type { X87Execute } from './x87-instruction.js';
import { X87_DONE, X87_STORE, X87_STORE_AX } from './x87-instruction.js';
import { SW_C0, SW_C1, SW_C2, SW_C3 } from './x87-state.js';

export const fldcw: X87Execute = (state) => {
  state.control = state.operand.getUint16(0, true);
  return X87_DONE;
};

export const fnstcw: X87Execute = (state) => {
  state.operand.setUint16(0, state.control, true);
  return X87_STORE;
};

export const fnstswMemory: X87Execute = (state) => {
  state.operand.setUint16(0, state.status, true);
  return X87_STORE;
};

export const fnstswAx: X87Execute = (state) => {
  state.operand.setUint16(0, state.status, true);
  return X87_STORE_AX;
};

/** Exception flags, SF, ES and B; the condition codes stay. */
export const fnclex: X87Execute = (state) => {
  state.statusFlags &= SW_C0 | SW_C1 | SW_C2 | SW_C3;
  return X87_DONE;
};

export const fninit: X87Execute = (state) => {
  state.initialize();
  return X87_DONE;
};

/** All exceptions are masked afterwards. */
export const fnstenv: X87Execute = (state, context) => {
  storeEnvironment(state, state.operand, context);
  state.control |= 0x3f;
  return X87_STORE;
};

export const fldenv: X87Execute = (state, context) => {
  loadEnvironment(state, state.operand, context);
  return X87_DONE;
};

export const fnsave: X87Execute = (state, context) => {
  storeEnvironment(state, state.operand, context);
  storeRegisters(state, state.operand, context);
  state.initialize();
  return X87_STORE;
};

export const frstor: X87Execute = (state, context) => {
  loadEnvironment(state, state.operand, context);
  loadRegisters(state, state.operand, context);
  return X87_DONE;
};

/** FENI, FDISI, FSETPM: the 8087's and 80287's; later processors do nothing. */
export const obsolete: X87Execute = () => X87_DONE;
