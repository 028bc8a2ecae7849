import { describe, expect, it } from 'vitest';
import { Register, registerClass, RegisterClass, registerName, registerNumber, registerSize } from './index.js';

describe('registers', () => {
  it('carry class, number and size', () => {
    expect(registerClass(Register.R9)).toBe(RegisterClass.R64);
    expect(registerNumber(Register.R9)).toBe(9);
    expect(registerSize(Register.R9)).toBe(8);
    expect([registerClass(Register.AH), registerNumber(Register.CH), registerSize(Register.DH)]).toEqual([
      RegisterClass.R8High,
      1,
      1,
    ]);
    expect([
      registerSize(Register.YMM3),
      registerSize(Register.ST2),
      registerSize(Register.FS),
      registerSize(Register.EIP),
    ]).toEqual([32, 10, 2, 4]);
    expect([registerSize(Register.None), registerSize(Register.RIP)]).toEqual([0, 8]);
  });

  it('have the names that assemblers write', () => {
    expect([Register.R8L, Register.R10W, Register.XMM15, Register.CR8, Register.GS].map(registerName)).toEqual([
      'r8b',
      'r10w',
      'xmm15',
      'cr8',
      'gs',
    ]);
    expect(registerName(0xff)).toBe('');
  });
});
