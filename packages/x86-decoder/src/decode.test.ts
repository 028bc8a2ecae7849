import fc from 'fast-check';
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
    expect(add).toMatchObject({
      mnemonic: Mnemonic.Add,
      length: 12,
      operandSize: 8,
      base: Register.RBX,
      index: Register.RCX,
    });
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
    expect(decoded('8b42fe', 16)).toMatchObject({
      base: Register.BP,
      index: Register.SI,
      displacement: -2,
      segment: Register.SS,
    });
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

describe('decode of anything', () => {
  const instruction = fc.uint8Array({ minLength: 16, maxLength: 16 });
  const modes = fc.constantFrom<Mode[]>(16, 32, 64);
  // Escapes and prefixes come more often than in uniform bytes.
  const likely = fc
    .tuple(
      fc.array(fc.constantFrom(0x66, 0xf2, 0xf3, 0x67, 0x48, 0x0f, 0xc4, 0xc5, 0x38, 0x3a, 0x65), { maxLength: 5 }),
      instruction,
    )
    .map(([head, tail]) => Uint8Array.from([...head, ...tail]).slice(0, 16));

  it('never reads past the end, and says that more is needed for every truncation of a valid instruction', () => {
    fc.assert(
      fc.property(fc.oneof(instruction, likely), modes, (bytes, mode) => {
        const whole = new Instruction();
        const cut = new Instruction();
        const length = decode(bytes, 0, bytes.length, mode, whole);
        expect(length).toBe(whole.length);
        if (length === 0) {
          expect([DecodeError.InvalidOpcode, DecodeError.TooLong]).toContain(whole.error);
          return;
        }
        expect(length).toBeLessThanOrEqual(15);
        for (let end = 0; end < length; end++) {
          // What lies behind the end must not matter.
          const poisoned = bytes.slice().fill(0xa5, end);
          expect(decode(poisoned, 0, end, mode, cut)).toBe(0);
          expect(cut).toMatchObject({ error: DecodeError.Truncated, mnemonic: 0, form: 0, operandCount: 0 });
        }
        const exact = new Instruction();
        expect(decode(bytes, 0, length, mode, exact)).toBe(length);
        expect(exact).toEqual(whole);
      }),
      { seed: 20, numRuns: 3000 },
    );
  });

  it('does not depend on where the instruction lies', () => {
    const here = new Instruction();
    const there = new Instruction();
    fc.assert(
      fc.property(likely, fc.nat(40), modes, (bytes, offset, mode) => {
        const moved = new Uint8Array(offset + bytes.length);
        moved.set(bytes, offset);
        expect(decode(moved, offset, moved.length, mode, there)).toBe(decode(bytes, 0, bytes.length, mode, here));
        expect([there.mnemonic, there.form, there.error]).toEqual([here.mnemonic, here.form, here.error]);
      }),
      { seed: 21, numRuns: 1000 },
    );
  });
});
