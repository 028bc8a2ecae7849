import { describe, expect, it } from 'vitest';
import { decode, DecodeError, Instruction, Mnemonic, OperandKind, Prefix, Register, type Mode } from './index.js';

function decoded(hex: string, mode: Mode = 64): Instruction {
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const into = new Instruction();
  decode(bytes, 0, bytes.length, mode, into);
  return into;
}

describe('decode', () => {
  it('fills registers, memory and immediates', () => {
    const add = decoded('488184cb78563412ffffff7f'); // add qword [rbx+rcx*8+0x12345678], 0x7fffffff
    expect(add).toMatchObject({ mnemonic: Mnemonic.Add, length: 12, operandSize: 8, base: Register.RBX, index: Register.RCX });
    expect(add).toMatchObject({ scale: 3, displacement: 0x12345678, displacementSize: 4, immediateLow: 0x7fffffff });
    expect([...add.operandKind]).toEqual([OperandKind.Memory, OperandKind.Immediate, 0, 0, 0]);
  });

  it('ignores a REX that another prefix follows', () => {
    expect(decoded('486689d8')).toMatchObject({ operandSize: 2, mnemonic: Mnemonic.Mov });
    expect(decoded('664889d8')).toMatchObject({ operandSize: 8 });
  });

  it('lets the last of F2 and F3 win', () => {
    expect(decoded('f2f30fb8c1')).toMatchObject({ mnemonic: Mnemonic.Popcnt });
    expect(decoded('f3f290').prefixes & (Prefix.Rep | Prefix.Repne)).toBe(Prefix.Repne);
  });

  it('keeps FS and GS in 64-bit mode when an ignored segment prefix follows', () => {
    expect(decoded('642e8b00')).toMatchObject({ segment: Register.FS, segmentOverridden: true });
    expect(decoded('268b00')).toMatchObject({ segment: Register.DS, segmentOverridden: false });
    expect(decoded('268b00', 32)).toMatchObject({ segment: Register.ES, segmentOverridden: true });
  });

  it('takes LOCK only on a lockable instruction with memory', () => {
    expect(decoded('f0010a').mnemonic).toBe(Mnemonic.Add);
    expect(decoded('f001ca').error).toBe(DecodeError.InvalidOpcode);
    expect(decoded('f08b0a').error).toBe(DecodeError.InvalidOpcode);
  });

  it('tells 15 bytes from 16, and too long from truncated', () => {
    expect(decoded('66'.repeat(13) + '89d8').length).toBe(15);
    expect(decoded('66'.repeat(14) + '89d8')).toMatchObject({ length: 0, error: DecodeError.TooLong });
    expect(decoded('66'.repeat(13))).toMatchObject({ length: 0, error: DecodeError.Truncated });
    expect(decoded('')).toMatchObject({ length: 0, error: DecodeError.Truncated });
  });

  it('addresses with 16 bits', () => {
    expect(decoded('8b42fe', 16)).toMatchObject({ base: Register.BP, index: Register.SI, displacement: -2, segment: Register.SS });
    expect(decoded('8b0e3412', 16)).toMatchObject({ base: 0, index: 0, displacement: 0x1234, segment: Register.DS });
    expect(decoded('678b4304', 16)).toMatchObject({ base: Register.EBX, addressSize: 4, operandSize: 2 });
  });

  it('keeps 64-bit immediates and absolute addresses in two halves', () => {
    expect(decoded('48b8efcdab8967452301')).toMatchObject({ immediateLow: 0x89abcdef | 0, immediateHigh: 0x01234567 });
    expect(decoded('a1efcdab8967452301')).toMatchObject({ displacement: 0x89abcdef | 0, displacementHigh: 0x01234567 });
  });

  it('ignores 66 on a near branch in 64-bit mode, as Intel does', () => {
    expect(decoded('66e801000000')).toMatchObject({ length: 6, operandSize: 8, displacement: 1 });
    expect(decoded('66e80100', 32)).toMatchObject({ length: 4, operandSize: 2 });
  });
});
