import type { Mnemonic } from './mnemonic.js';

/** What an operand is; values of `Instruction.operandKind`. */
export const OperandKind = {
  None: 0,
  /** `operandRegister[i]`. */
  Register: 1,
  /** The memory fields of the record: `segment`, `base`, `index`, `scale`, `displacement`. */
  Memory: 2,
  /** `immediateLow`/`immediateHigh`, sign- or zero-extended as the instruction defines. */
  Immediate: 3,
  /** A second immediate byte: `immediate2` (ENTER's nesting level, EXTRQ/INSERTQ's index). */
  Immediate2: 4,
  /**
   * A relative branch: the target is the next instruction's address plus `displacement`, cut to `operandSizes[i]`
   * bytes.
   */
  Branch: 5,
  /** `immediate2` is the selector, `immediateLow` the offset of `operandSizes[i] - 2` bytes. */
  FarPointer: 6,
  /** `segment`:[rSI] with rSI of `addressSize`, stepped by DF. */
  StringSource: 7,
  /** ES:[rDI], never overridden, with rDI of `addressSize`, stepped by DF. */
  StringDestination: 8,
} as const;
export type OperandKind = (typeof OperandKind)[keyof typeof OperandKind];

/** Bits of `Instruction.prefixes`. A prefix that came but was overruled by a later one of its group is not set. */
export const Prefix = {
  Lock: 1 << 0,
  /** F3. Also set when it is a mandatory prefix, i.e. part of the opcode: then `Mandatory` is set too. */
  Rep: 1 << 1,
  /** F2. */
  Repne: 1 << 2,
  /** 66. */
  OperandSize: 1 << 3,
  /** 67. */
  AddressSize: 1 << 4,
  /** A REX prefix that counts, i.e. stands right before the opcode. */
  Rex: 1 << 5,
  /** REX.W or VEX.W. */
  W: 1 << 6,
  Vex: 1 << 7,
  /** VEX.L: 256 bits. */
  VexL: 1 << 8,
  /** A segment prefix that has an effect or is a branch hint; `segmentOverridden` says it too. */
  Segment: 1 << 9,
  /** The 66, F2 or F3 of this instruction selected the opcode and has no other meaning. */
  Mandatory: 1 << 10,
  /** BND (F2 before a near branch). */
  Bnd: 1 << 11,
  /** NOTRACK (3E before an indirect near branch). */
  Notrack: 1 << 12,
  /** XACQUIRE (F2 with LOCK, or XCHG). */
  Xacquire: 1 << 13,
  /** XRELEASE (F3 with LOCK, XCHG or MOV to memory). */
  Xrelease: 1 << 14,
} as const;

/** Why `decode` returned 0. */
export const DecodeError = {
  None: 0,
  /** #UD, whatever follows. */
  InvalidOpcode: 1,
  /** `end` came before the instruction's: fetch more bytes and decode again. */
  Truncated: 2,
  /** More than 15 bytes: #GP on a processor. */
  TooLong: 3,
} as const;
export type DecodeError = (typeof DecodeError)[keyof typeof DecodeError];

export const MAX_INSTRUCTION_LENGTH = 15;
export const MAX_OPERANDS = 5;

export type Mode = 16 | 32 | 64;

/**
 * The caller's record that `decode` fills. Made once and used again: decoding allocates nothing. Fields of an operand
 * kind that the instruction doesn't have hold whatever an earlier instruction left, except where a comment says
 * otherwise.
 */
export class Instruction {
  /** Bytes, prefixes included; 0 when invalid. */
  length = 0;
  mode: number = 64;
  error: number = DecodeError.None;
  /** `Mnemonic.INVALID` (0) when invalid. */
  mnemonic: Mnemonic = 0;
  /** Row of the table, from 1; 0 when invalid. */
  form = 0;
  /** Effective, in bytes: 2, 4 or 8, after the form's default (`d64`) or forced (`f64`) size. */
  operandSize = 0;
  /** Effective, in bytes: 2, 4 or 8. */
  addressSize = 0;
  /** `Prefix` bits. */
  prefixes = 0;

  operandCount = 0;
  /** `OperandKind` of each operand; `None` from `operandCount` on. */
  readonly operandKind: Uint8Array = new Uint8Array(MAX_OPERANDS);
  /**
   * Size of each operand in bytes; 0 for a memory operand that is only an address (LEA, INVLPG) or whose size is not
   * fixed (XSAVE).
   */
  readonly operandSizes: Uint16Array = new Uint16Array(MAX_OPERANDS);
  /** `Register` of each register operand. */
  readonly operandRegister: Uint8Array = new Uint8Array(MAX_OPERANDS);

  /** `Register`, or `None`. RIP/EIP for RIP-relative memory: then `displacement` counts from the next instruction. */
  base = 0;
  /** `Register`, or `None`; an XMM or YMM register for the gathers; AL for XLAT. */
  index = 0;
  /** Shift count 0..3. */
  scale = 0;
  /** Signed, sign-extended to 32 bits from its encoded size; the low half for a 64-bit absolute address (MOV moffs). */
  displacement = 0;
  /** High half of the displacement: its sign, or the upper half of a 64-bit absolute address. */
  displacementHigh = 0;
  /** Encoded bytes: 0, 1, 2, 4 or 8. */
  displacementSize = 0;
  /**
   * Effective segment of the memory or string source operand (`Register.ES`..`GS`), with its default (SS for a stack
   * base) applied. In 64-bit mode ES, CS, SS and DS have no base, and overrides to them are ignored.
   */
  segment = 0;
  /** True when a segment prefix that has an effect in this mode came. */
  segmentOverridden = false;
  /** The last segment prefix, or `None`: also one without effect (ES, CS, SS, DS in 64-bit mode, branch hints). */
  segmentPrefix = 0;
  /** How many 66 prefixes came; compilers pad with them. */
  operandSizePrefixes = 0;

  immediateLow = 0;
  immediateHigh = 0;
  immediate2 = 0;

  /** The last byte of the opcode, which the map (none, 0F, 0F 38, 0F 3A) or escape precedes. */
  opcode = 0;
  /** The ModRM byte; -1 without one. */
  modrm = -1;
}
