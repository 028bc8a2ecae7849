export type { FxsaveOptions } from './fxsave.js';
export { isX87Initial, loadFxsaveX87, resetX87ToInitial, storeFxsaveX87 } from './fxsave.js';
export { emms, enterMmx, readMmx, writeMmx } from './mmx.js';
export { abridgedTag, fullTagWord } from './x87-environment.js';
export type { X87Context, X87Outcome } from './x87-instruction.js';
export { X87_DONE, X87_PENDING, X87_STORE, X87_STORE_AX, X87_STORE_FLAGS, X87_UNDEFINED } from './x87-instruction.js';
export type { X87MemoryUse, X87OperandSize, X87Operation } from './x87-operation.js';
export { executeFwait, executeX87, x87OperandSize, x87Operation } from './x87-operation.js';
export {
  X87_CONTROL,
  X87_FCS,
  X87_FDP,
  X87_FDS,
  X87_FIP,
  X87_FOP,
  X87_OPERAND,
  X87_OPERAND_SIZE,
  X87_REGISTER_STRIDE,
  X87_REGISTERS,
  X87_STATE_SIZE,
  X87_STATUS,
  X87_TAG,
  X87_TOP,
  X87State,
} from './x87-state.js';
