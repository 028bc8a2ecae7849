import { describe, expect, it } from 'vitest';
import { Layout, TestMachine } from './test-machine.js';

describe('a run of so many instructions', () => {
  it('ends before an invalid instruction that is not due yet', () => {
    const m = new TestMachine();
    expect(m.execute('eb00 0f0b')).toBeUndefined(); // jmp $+2; ud2
    expect(m.rip).toBe(m.codeAddress + 2);
    expect(m.run(1)).toEqual({ vector: 6, code: undefined });
    expect(m.vcpu.executed).toBe(1);
  });

  it('ends before an instruction that cannot be fetched', () => {
    const m = new TestMachine();
    m.cpu.setGpr(0, BigInt(Layout.size)); // beyond what is mapped
    expect(m.execute('ffe0')).toBeUndefined(); // jmp rax
    expect(m.rip).toBe(Layout.size);
    expect(m.run(1)).toEqual({ vector: 14, code: 0 });
  });
});
