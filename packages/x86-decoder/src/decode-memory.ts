import type { Instruction } from './instruction.js';
import { Register } from './register.js';

/** What `decodeMemory` and `decodeEncodedOperand` return instead of a position. */
export const OUT_OF_BYTES = -1;
export const NOT_VALID = -2;

// 16-bit addressing, SDM vol. 2 table 2-1, by ModRM.rm.
const base16 = Uint8Array.of(
  Register.BX,
  Register.BX,
  Register.BP,
  Register.BP,
  Register.SI,
  Register.DI,
  Register.BP,
  Register.BX,
);
const index16 = Uint8Array.of(Register.SI, Register.DI, Register.SI, Register.DI, 0, 0, 0, 0);

/** Register 0 of the address size's class, by its log2 - 1. */
const firstRegister = Uint8Array.of(Register.AX, Register.EAX, Register.RAX);

/**
 * Decodes SIB and displacement after a ModRM byte with mod < 3 (SDM vol. 2, tables 2-1 to 2-3) and sets the memory
 * fields and the default segment. `rexX` and `rexB` are 8 or 0. With `vsib` there must be a SIB byte, and `index`
 * becomes its bare number. Returns the position behind, or `OUT_OF_BYTES` or `NOT_VALID`.
 */
export function decodeMemory(
  bytes: Uint8Array,
  pos: number,
  limit: number,
  modrm: number,
  rexX: number,
  rexB: number,
  addressIndex: number,
  mode64: boolean,
  vsib: boolean,
  into: Instruction,
): number {
  const mod = modrm >> 6;
  const rm = modrm & 7;
  let base = 0;
  let index = 0;
  let scale = 0;
  let displacementSize = mod === 1 ? 1 : 0;
  if (addressIndex === 0) {
    if (vsib) return NOT_VALID;
    if (mod === 2) displacementSize = 2;
    if (mod === 0 && rm === 6) displacementSize = 2;
    else {
      base = base16[rm]!;
      index = index16[rm]!;
      if (base === Register.BP) into.segment = Register.SS;
    }
  } else {
    const registers = firstRegister[addressIndex]!;
    if (mod === 2) displacementSize = 4;
    if (rm === 4) {
      if (pos >= limit) return OUT_OF_BYTES;
      const sib = bytes[pos++]!;
      scale = sib >> 6;
      const indexNumber = ((sib >> 3) & 7) | rexX;
      if (vsib) index = indexNumber;
      else if (indexNumber !== 4) index = registers + indexNumber;
      const baseNumber = sib & 7;
      if (baseNumber === 5 && mod === 0) displacementSize = 4;
      else {
        base = registers + (baseNumber | rexB);
        // A stack base means SS: rSP and rBP, but not R12 and R13.
        if (base === registers + 4 || base === registers + 5) into.segment = Register.SS;
      }
    } else {
      if (vsib) return NOT_VALID;
      if (rm === 5 && mod === 0) {
        displacementSize = 4;
        if (mode64) base = addressIndex === 2 ? Register.RIP : Register.EIP;
      } else {
        base = registers + (rm | rexB);
        if (base === registers + 5) into.segment = Register.SS;
      }
    }
  }
  let displacement = 0;
  if (displacementSize !== 0) {
    if (pos + displacementSize > limit) return OUT_OF_BYTES;
    if (displacementSize === 1) displacement = (bytes[pos]! << 24) >> 24;
    else if (displacementSize === 4) {
      displacement = bytes[pos]! | (bytes[pos + 1]! << 8) | (bytes[pos + 2]! << 16) | (bytes[pos + 3]! << 24);
    } else displacement = ((bytes[pos]! | (bytes[pos + 1]! << 8)) << 16) >> 16;
    pos += displacementSize;
  }
  into.base = base;
  into.index = index;
  into.scale = scale;
  into.displacement = displacement;
  into.displacementHigh = displacement >> 31;
  into.displacementSize = displacementSize;
  return pos;
}

/** rBX+AL, or rDI: memory that no byte encodes. */
export function impliedMemory(into: Instruction, addressIndex: number, baseNumber: number, index: number): void {
  into.base = firstRegister[addressIndex]! + baseNumber;
  into.index = index;
  into.scale = 0;
  into.displacement = 0;
  into.displacementHigh = 0;
  into.displacementSize = 0;
}
