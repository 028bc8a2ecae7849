import { describe, expect, it } from 'vitest';
import { Layout, TestMachine } from './test-machine.js';

const PF = 14;
const STACK_TABLE_1 = 1;

describe('a page fault whose handler lies in a missing page, on a stack of its own', () => {
  it('ends in a shutdown, and does not keep the host from going on', () => {
    const m = new TestMachine({ mode: 'long' });
    const missing = 0x3000_0000;
    const gate = Layout.idt + 16 * PF;
    m.view.setUint16(gate, missing & 0xffff, true);
    m.view.setUint16(gate + 6, missing >>> 16, true);
    m.view.setUint8(gate + 4, STACK_TABLE_1);
    m.view.setBigUint64(Layout.tss + 36, BigInt(Layout.kernelStack), true);
    // mov eax,[30000000h]
    m.load('a10000003000000000');
    expect(m.vcpu.run(1000)).toBe('shutdown');
    expect(m.vcpu.executed).toBe(0);
  });
});
