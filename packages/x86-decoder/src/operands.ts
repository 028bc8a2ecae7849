import { OperandKind } from './instruction.js';

/**
 * The codes in which the decoder's tables describe an operand: a method (where it is encoded, what it is) and size
 * codes that become bytes once operand size, address size, W, L and mode are known.
 */

/** How an operand is found. The letters are those of the SDM's appendix A, as `table/rows.ts` describes. */
export const Method = {
  None: 0,
  /** E, R, M: ModRM.rm, a general register or memory. */
  RmGeneral: 1,
  /** G: ModRM.reg, a general register. */
  RegGeneral: 2,
  /** Z: the opcode's low three bits, a general register. */
  OpcodeGeneral: 3,
  /** B: VEX.vvvv, a general register. */
  VexGeneral: 4,
  /** W, U: ModRM.rm, a vector register or memory. */
  RmVector: 5,
  /** V: ModRM.reg, a vector register. */
  RegVector: 6,
  /** H: VEX.vvvv, a vector register. */
  VexVector: 7,
  /** L: bits 7:4 of an immediate, a vector register. */
  Is4Vector: 8,
  /** Q, N: ModRM.rm, an MMX register or memory. */
  RmMmx: 9,
  /** P: ModRM.reg, an MMX register. */
  RegMmx: 10,
  /** S: ModRM.reg, a segment register. */
  RegSegment: 11,
  /** S as a destination: CS is invalid. */
  RegSegmentWritten: 12,
  /** C: ModRM.reg, a control register. */
  RegControl: 13,
  /** D: ModRM.reg, a debug register. */
  RegDebug: 14,
  /** ModRM.rm as a general register whatever ModRM.mod says (MOV to and from control registers). */
  RmForcedGeneral: 15,
  /** STi: ModRM.rm, an x87 register. */
  RmSt: 16,
  /** A register that the opcode implies; it stands in the table. */
  Fixed: 17,
  /** rAX and so on: a general register that the opcode implies, of the operand's size. */
  FixedGeneral: 18,
  /** I: an immediate, zero-extended. */
  Immediate: 19,
  /** I: an immediate, sign-extended from its encoded size. */
  ImmediateSigned: 20,
  /** Is: an immediate byte, sign-extended to the operand size. */
  ImmediateByteSigned: 21,
  /** Ib2: the second immediate byte. */
  Immediate2: 22,
  /** 1: no byte is encoded. */
  ImmediateOne: 23,
  /** J: a relative branch. */
  Branch: 24,
  /** A: offset and selector in the instruction. */
  FarPointer: 25,
  /** O: an absolute address of the address size. */
  Offset: 26,
  /** X: DS:rSI. */
  StringSource: 27,
  /** Y: ES:rDI. */
  StringDestination: 28,
  /** Xlat: DS:rBX+AL. */
  Xlat: 29,
  /** DI: DS:rDI, without being a string operand (MASKMOVQ). */
  MemoryDi: 30,
  /** Tx, Ty: memory with a vector of indices (gathers). */
  Vsib: 31,
} as const;

/** `OperandKind` by method, for those that are neither a register nor ModRM memory. */
export const encodedKinds: Uint8Array = (() => {
  const kinds = new Uint8Array(32);
  kinds.fill(OperandKind.Immediate, Method.Immediate, Method.ImmediateOne + 1);
  kinds[Method.Immediate2] = OperandKind.Immediate2;
  kinds[Method.Branch] = OperandKind.Branch;
  kinds[Method.FarPointer] = OperandKind.FarPointer;
  kinds[Method.Offset] = kinds[Method.Xlat] = kinds[Method.MemoryDi] = OperandKind.Memory;
  kinds[Method.StringSource] = OperandKind.StringSource;
  kinds[Method.StringDestination] = OperandKind.StringDestination;
  return kinds;
})();

/** Size codes, in the order of `sizeBytes`. */
export const sizeNames = [
  'b', // 1
  'w', // 2
  'd', // 4
  'q', // 8
  't', // 10, an x87 extended real
  'dq', // 16
  'qq', // 32
  '64', // 64
  'fx', // 512, FXSAVE's area
  'n', // no fixed size, or only an address
  'v', // the operand size
  'z', // the operand size, but at most 4
  'y', // 8 with W, else 4
  'x', // 16, or 32 with VEX.L
  'x2', // half of that
  'x4', // a quarter
  'x8', // an eighth
  'm', // 8 in 64-bit mode, else 4
  'as', // the address size
  'p', // a far pointer: the operand size and 2
  's', // a pseudo-descriptor: 10 in 64-bit mode, else 6
  'vv', // a pair of operand size (BOUND)
  'env', // the x87 environment: 14 or 28
  'save', // the x87 state: 94 or 108
] as const;
export type SizeName = (typeof sizeNames)[number];

/** Index bits of `sizeTable` below the size code. */
export const SIZE_STATE_BITS = 7;
export const SIZE_W_SHIFT = 2;
export const SIZE_L_SHIFT = 3;
export const SIZE_ADDRESS_SHIFT = 4;
export const SIZE_MODE64_SHIFT = 6;

function sizeBytes(
  name: SizeName,
  operandSize: number,
  w: boolean,
  l: boolean,
  addressSize: number,
  mode64: boolean,
): number {
  const vector = l ? 32 : 16;
  switch (name) {
    case 'b':
      return 1;
    case 'w':
      return 2;
    case 'd':
      return 4;
    case 'q':
      return 8;
    case 't':
      return 10;
    case 'dq':
      return 16;
    case 'qq':
      return 32;
    case '64':
      return 64;
    case 'fx':
      return 512;
    case 'n':
      return 0;
    case 'v':
      return operandSize;
    case 'z':
      return Math.min(operandSize, 4);
    case 'y':
      return w ? 8 : 4;
    case 'x':
      return vector;
    case 'x2':
      return vector / 2;
    case 'x4':
      return vector / 4;
    case 'x8':
      return vector / 8;
    case 'm':
      return mode64 ? 8 : 4;
    case 'as':
      return addressSize;
    case 'p':
      return operandSize + 2;
    case 's':
      return mode64 ? 10 : 6;
    case 'vv':
      return operandSize * 2;
    case 'env':
      return operandSize === 2 ? 14 : 28;
    case 'save':
      return operandSize === 2 ? 94 : 108;
  }
}

/** Bytes by size code and state: `code << SIZE_STATE_BITS | mode64 | address size | L | W | operand size`. */
export function makeSizeTable(): Uint16Array {
  const table = new Uint16Array(sizeNames.length << SIZE_STATE_BITS);
  sizeNames.forEach((name, code) => {
    for (let state = 0; state < 1 << SIZE_STATE_BITS; state++) {
      const operand = state & 3;
      const address = (state >> SIZE_ADDRESS_SHIFT) & 3;
      const w = ((state >> SIZE_W_SHIFT) & 1) !== 0;
      const l = ((state >> SIZE_L_SHIFT) & 1) !== 0;
      const mode64 = ((state >> SIZE_MODE64_SHIFT) & 1) !== 0;
      table[(code << SIZE_STATE_BITS) | state] = sizeBytes(name, 2 << operand, w, l, 2 << address, mode64);
    }
  });
  return table;
}
