import { describe, expect, it } from 'vitest';
import { X86_64_V2 } from '../../src/cpu/cpuid.js';
import { TestMachine } from './test-machine.js';

// SDM vol. 2, TZCNT: "this instruction is executed as BSF on processors that don't support it". Compilers emit `rep bsf` for both.

describe('TZCNT and LZCNT', () => {
  const run = (code: string, source: bigint, model = X86_64_V2): { readonly result: bigint; readonly zero: boolean } => {
    const m = new TestMachine({ mode: 'long', cpl: 3, model });
    m.cpu.setGpr(0, 0x1234n);
    m.cpu.setGpr(1, source);
    expect(m.execute(code)).toBeUndefined();
    return { result: m.cpu.gpr(0), zero: (m.cpu.eflags & 0x40) !== 0 };
  };

  it('are BSF and BSR to a processor without BMI1 and LZCNT', () => {
    expect(run('f3480fbcc1', 0x80n)).toEqual({ result: 7n, zero: false }); // tzcnt rax, rcx
    expect(run('f3480fbcc1', 0n)).toEqual({ result: 0x1234n, zero: true });
    expect(run('f3480fbdc1', 0x80n)).toEqual({ result: 7n, zero: false }); // lzcnt rax, rcx
  });

  it('count with them', () => {
    const model = { ...X86_64_V2, leaf7Ebx: X86_64_V2.leaf7Ebx | 8, extendedEcx: X86_64_V2.extendedEcx | 0x20 };
    expect(run('f3480fbcc1', 0n, model)).toEqual({ result: 64n, zero: false });
    expect(run('f3480fbdc1', 0x80n, model)).toEqual({ result: 56n, zero: false });
  });
});
