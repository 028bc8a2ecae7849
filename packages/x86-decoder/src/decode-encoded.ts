import { impliedMemory, OUT_OF_BYTES } from './decode-memory.js';
import type { Instruction } from './instruction.js';
import { Method } from './operands.js';
import { Register } from './register.js';

function read16(bytes: Uint8Array, pos: number): number {
  return bytes[pos]! | (bytes[pos + 1]! << 8);
}

function read32(bytes: Uint8Array, pos: number): number {
  return bytes[pos]! | (bytes[pos + 1]! << 8) | (bytes[pos + 2]! << 16) | (bytes[pos + 3]! << 24);
}

/** 1, 2 or 4 bytes, sign-extended. */
function readSigned(bytes: Uint8Array, pos: number, size: number): number {
  if (size === 1) return (bytes[pos]! << 24) >> 24;
  return size === 2 ? (read16(bytes, pos) << 16) >> 16 : read32(bytes, pos);
}

/**
 * Decodes the operands that are not a register or ModRM memory: immediates, branches, far pointers, absolute addresses,
 * and those of string instructions. `size` is the encoded size. Returns the position behind, or `OUT_OF_BYTES`.
 */
export function decodeEncodedOperand(
  method: number,
  bytes: Uint8Array,
  pos: number,
  limit: number,
  size: number,
  addressIndex: number,
  into: Instruction,
): number {
  switch (method) {
    case Method.Immediate:
      if (pos + size > limit) return OUT_OF_BYTES;
      into.immediateLow = size === 1 ? bytes[pos]! : read16(bytes, pos);
      into.immediateHigh = 0;
      return pos + size;
    case Method.ImmediateSigned:
      if (pos + size > limit) return OUT_OF_BYTES;
      into.immediateLow = size === 2 ? readSigned(bytes, pos, 2) : read32(bytes, pos);
      into.immediateHigh = size === 8 ? read32(bytes, pos + 4) : into.immediateLow >> 31;
      return pos + size;
    case Method.ImmediateByteSigned:
      if (pos >= limit) return OUT_OF_BYTES;
      into.immediateLow = readSigned(bytes, pos, 1);
      into.immediateHigh = into.immediateLow >> 31;
      return pos + 1;
    case Method.Immediate2:
      if (pos >= limit) return OUT_OF_BYTES;
      into.immediate2 = bytes[pos]!;
      return pos + 1;
    case Method.ImmediateOne:
      into.immediateLow = 1;
      into.immediateHigh = 0;
      return pos;
    case Method.Branch: {
      if (pos + size > limit) return OUT_OF_BYTES;
      const displacement = readSigned(bytes, pos, size);
      into.displacement = displacement;
      into.displacementHigh = displacement >> 31;
      into.displacementSize = size;
      return pos + size;
    }
    case Method.FarPointer:
      if (pos + size + 2 > limit) return OUT_OF_BYTES;
      into.immediateLow = size === 2 ? read16(bytes, pos) : read32(bytes, pos);
      into.immediateHigh = 0;
      into.immediate2 = read16(bytes, pos + size);
      return pos + size + 2;
    case Method.Offset: {
      const length = 2 << addressIndex;
      if (pos + length > limit) return OUT_OF_BYTES;
      into.base = 0;
      into.index = 0;
      into.scale = 0;
      into.displacement = addressIndex === 0 ? read16(bytes, pos) : read32(bytes, pos);
      into.displacementHigh = addressIndex === 2 ? read32(bytes, pos + 4) : 0;
      into.displacementSize = length;
      return pos + length;
    }
    case Method.Xlat:
      impliedMemory(into, addressIndex, 3, Register.AL);
      return pos;
    case Method.MemoryDi:
      impliedMemory(into, addressIndex, 7, 0);
      return pos;
    default: // string operands: rSI and rDI of the address size
      return pos;
  }
}
