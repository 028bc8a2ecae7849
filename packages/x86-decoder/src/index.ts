export { Mnemonic, mnemonicName } from './mnemonic.js';
export { Register, RegisterClass, registerClass, registerName, registerNumber, registerSize } from './register.js';
export {
  DecodeError,
  Instruction,
  MAX_INSTRUCTION_LENGTH,
  MAX_OPERANDS,
  OperandKind,
  Prefix,
  type Mode,
} from './instruction.js';
export { decode } from './decode.js';
export { format } from './format/format.js';
export type { FormatOptions } from './format/text.js';
export { Access, Flag, FlowControl } from './facts.js';
export { formFeature, formFlags, formFlow, formOperandAccess, forms, operandAccess, type Form } from './forms.js';
export type { FormFlags } from './layout.js';
