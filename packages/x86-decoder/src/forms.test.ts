import { describe, expect, it } from 'vitest';
import {
  Access,
  decode,
  Flag,
  FlowControl,
  formFeature,
  formFlags,
  formFlow,
  formOperandAccess,
  forms,
  Instruction,
  Mnemonic,
  mnemonicName,
  operandAccess,
} from './index.js';

function decoded(...bytes: number[]): Instruction {
  const into = new Instruction();
  decode(Uint8Array.from(bytes), 0, bytes.length, 64, into);
  return into;
}

describe('facts of a form', () => {
  it('say which flags ADC and SHL touch', () => {
    const status = Flag.CF | Flag.PF | Flag.AF | Flag.ZF | Flag.SF | Flag.OF;
    expect(formFlags(decoded(0x11, 0xd8).form)).toEqual({
      read: Flag.CF,
      written: status,
      undefined: 0,
      cleared: 0,
      set: 0,
    });
    expect(formFlags(decoded(0xd3, 0xe0).form)).toMatchObject({ undefined: Flag.OF | Flag.AF });
  });

  it('say feature and control flow', () => {
    expect(formFeature(decoded(0x66, 0x0f, 0x6f, 0xc1).form)).toBe('sse2');
    expect(formFlow(decoded(0x74, 0).form)).toBe(FlowControl.ConditionalBranch);
    expect(formFlow(decoded(0xff, 0xd0).form)).toBe(FlowControl.IndirectCall);
    expect(formFlow(decoded(0x0f, 0x05).form)).toBe(FlowControl.Call);
    expect(formFlow(decoded(0xc3).form)).toBe(FlowControl.Return);
  });

  it('say nothing for the invalid form and for numbers that are none', () => {
    for (const form of [0, -1, 1e6]) {
      expect(formFlags(form)).toEqual({ read: 0, written: 0, undefined: 0, cleared: 0, set: 0 });
      expect(formFeature(form)).toBe('');
      expect(formFlow(form)).toBe(FlowControl.Next);
      expect(formOperandAccess(form, 0)).toBe(Access.None);
    }
  });

  it('list every row with its number, encoding and modes', () => {
    const list = forms();
    const add = list.find(({ mnemonic, encoding }) => mnemonic === Mnemonic.Add && encoding === '01 /r')!;
    expect(add).toMatchObject({
      operands: ['Ev', 'Gv'],
      access: [Access.ReadWrite, Access.Read],
      lockable: true,
      modes: [16, 32, 64],
    });
    expect(decoded(0x01, 0xd8).form).toBe(add.form);
    expect(list.find(({ mnemonic }) => mnemonic === Mnemonic.Daa)!.modes).toEqual([16, 32]);
    expect(list.find(({ mnemonic }) => mnemonic === Mnemonic.Swapgs)!.modes).toEqual([64]);
    expect(list.every(({ form }, i) => form === i + 1)).toBe(true);
  });

  it('make accesses conditional under REP, and CMOVcc of 32 bits a write', () => {
    expect(operandAccess(decoded(0xaa), 0)).toBe(Access.Write);
    expect(operandAccess(decoded(0xf3, 0xaa), 0)).toBe(Access.ConditionalWrite);
    expect(operandAccess(decoded(0x0f, 0x44, 0xc1), 0)).toBe(Access.ReadWrite);
    expect(operandAccess(decoded(0x48, 0x0f, 0x44, 0xc1), 0)).toBe(Access.ConditionalWrite);
  });

  it('name mnemonics', () => {
    expect(mnemonicName(Mnemonic.Pclmulqdq)).toBe('Pclmulqdq');
    expect(mnemonicName(0)).toBe('INVALID');
    expect(mnemonicName(100_000)).toBe('');
  });
});
