import { describe, expect, it } from 'vitest';
import { TestMachine } from './test-machine.js';

const UD = 6;

describe('code outside RAM', () => {
  it('reads as all ones, which is no instruction, whatever executed before', () => {
    const m = new TestMachine({ mode: 'long' });
    const linear = 0x3000_0000;
    m.map(linear, 0xf000_0000);
    // JMP RAX to the same offset of the page outside as this code's, where there would be NOPs.
    const target = linear + 8;
    m.cpu.setGpr(0, BigInt(target));
    expect(m.execute('ffe0', 2)).toEqual({ vector: UD, code: undefined });
    expect(m.rip).toBe(target);
  });
});
