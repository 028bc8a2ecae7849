import type { FlowControl } from './facts.js';

/**
 * What the decoder runs on. `table/build.ts` makes it from the text table, which takes too long to do at every start,
 * so `npm run generate` writes the result to `packed-tables.ts`; a test compares the two.
 *
 * For every opcode of every map there is a decision tree: a positive entry is a form, 0 is an invalid opcode, and ~n is
 * a node at n in `nodes`, which names a dimension and has one entry for each of its values. One set of trees is for
 * 64-bit mode, one for the others.
 */
export interface DecoderTables {
  /** By root index: bit 11 is 64-bit mode, bit 10 VEX, bits 9:8 the map, bits 7:0 the opcode. */
  readonly roots: Int16Array;
  readonly nodes: Int16Array;
  /** By root index: 1 when a ModRM byte follows. */
  readonly modrm: Uint8Array;
  /** By form, as all that follow; form 0 is the invalid one. */
  readonly formMnemonic: Uint16Array;
  readonly formBits: Uint16Array;
  /** Index into `facts`. */
  readonly formFacts: Uint16Array;
  /** By form * MAX_OPERANDS + operand: the `OPERAND_` fields. */
  readonly formOperands: Int32Array;
  readonly facts: readonly FormFacts[];
}

/** Flags an instruction form touches, as masks of `Flag`. */
export interface FormFlags {
  readonly read: number;
  readonly written: number;
  readonly undefined: number;
  readonly cleared: number;
  readonly set: number;
}

export interface FormFacts {
  readonly flags: FormFlags;
  readonly feature: string;
  readonly flow: FlowControl;
}

export const ROOT_MODE64 = 1 << 11;
export const ROOT_VEX = 1 << 10;
export const ROOTS = 1 << 12;

// Fields of `formOperands`; the memory size code is in the low byte.
export const OPERAND_SIZE_SHIFT = 8;
export const OPERAND_METHOD_SHIFT = 16;
export const OPERAND_ACCESS_SHIFT = 24;
/** Beside the `Access` in the high byte. */
export const OPERAND_ZERO_EXTENDS = 8;

// Bits of `formBits`.
export const FORM_SIZING_MASK = 7;
export const FORM_COUNT_SHIFT = 3;
export const FORM_COUNT_MASK = 7 << FORM_COUNT_SHIFT;
export const FORM_LOCKABLE = 1 << 6;
export const FORM_MANDATORY = 1 << 7;
/** An operand is ModRM.rm as a register or memory, so that mod < 3 means memory. */
export const FORM_MEMORY = 1 << 8;
/** VEX.vvvv is an operand; otherwise it must be 1111. */
export const FORM_VVVV = 1 << 9;
export const FORM_UNIQUE = 1 << 10;
export const FORM_VSIB = 1 << 11;
/** A near branch, which BND may precede. */
export const FORM_NEAR_BRANCH = 1 << 12;
export const FORM_NO66 = 1 << 13;
