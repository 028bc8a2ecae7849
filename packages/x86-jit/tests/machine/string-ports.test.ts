import { describe, expect, it } from 'vitest';
import { State } from '../../src/state-layout.js';
import { Layout, TestMachine } from './test-machine.js';

const [RCX, RDX, RSI, RDI] = [1, 2, 6, 7];

describe('INS and OUTS', () => {
  it('move one element and step by DF', () => {
    for (const [code, size] of [['6c', 1], ['666d', 2], ['6d', 4]] as const) {
      const m = new TestMachine();
      m.toRead.push(0x81828384, 0x11121314);
      m.cpu.setGpr(RDX, 0x1f0n);
      m.cpu.setGpr(RDI, BigInt(Layout.data + 8));
      expect(m.execute(code)).toBeUndefined();
      expect(m.cpu.gpr(RDI)).toBe(BigInt(Layout.data + 8 + size));
      m.cpu.eflags = 0x402;
      expect(m.execute(code)).toBeUndefined();
      expect(m.cpu.gpr(RDI)).toBe(BigInt(Layout.data + 8));
      const bytes = [0x84, 0x83, 0x82, 0x81].slice(0, size);
      expect([...m.ram.subarray(Layout.data + 8, Layout.data + 8 + size)]).toEqual(bytes);
    }
  });

  it('repeat by RCX, one instruction counted an iteration', () => {
    const m = new TestMachine();
    m.ram.set([1, 2, 3, 4, 5, 6], Layout.data);
    m.cpu.setGpr(RDX, 0x80n);
    m.cpu.setGpr(RCX, 3n);
    m.cpu.setGpr(RSI, BigInt(Layout.data));
    m.load('f3666f 90'); // rep outsw; nop
    expect(m.run(2)).toBeUndefined();
    expect([m.rip, m.cpu.gpr(RCX), m.cpu.gpr(RSI)]).toEqual([m.codeAddress, 1n, BigInt(Layout.data + 4)]);
    expect(m.run(2)).toBeUndefined();
    expect([m.rip, m.cpu.gpr(RCX)]).toEqual([m.codeAddress + 4, 0n]);
    expect(m.written).toEqual([[0x80, 0x0201, 2], [0x80, 0x0403, 2], [0x80, 0x0605, 2]]);
    // Nothing at all for a count of zero.
    expect(m.execute('f36e')).toBeUndefined();
    expect(m.written.length).toBe(3);
  });

  it('takes an interrupt between iterations', () => {
    const m = new TestMachine();
    m.cpu.setGpr(RCX, 5n);
    m.cpu.setGpr(RDX, 0x80n);
    m.cpu.setGpr(RSI, BigInt(Layout.data));
    m.load('f36e');
    m.run(2);
    m.protect(Layout.data, 0);
    expect(m.run(1)).toEqual({ vector: 14, code: 0 });
    expect([m.rip, m.cpu.gpr(RCX), m.cpu.gpr(RSI)]).toEqual([m.codeAddress, 3n, BigInt(Layout.data + 2)]);
  });

  it('count and step with the address size', () => {
    const m = new TestMachine();
    m.ram.set([7, 8], Layout.data);
    m.cpu.setGpr(RCX, 0xffff_0000_0000_0001n);
    m.cpu.setGpr(RDX, 0x80n);
    m.cpu.setGpr(RSI, 0xffff_0000_0000_0000n + BigInt(Layout.data));
    expect(m.execute('67f36e')).toBeUndefined(); // rep outsb with ESI and ECX
    expect([m.cpu.gpr(RCX), m.cpu.gpr(RSI)]).toEqual([0n, BigInt(Layout.data + 1)]);
    expect(m.written).toEqual([[0x80, 7, 1]]);
  });

  it('reads no port when the store would fault', () => {
    const m = new TestMachine();
    m.toRead.push(1);
    m.cpu.setGpr(RDI, BigInt(Layout.data));
    m.protect(Layout.data, 1);
    expect(m.execute('6c')).toEqual({ vector: 14, code: 3 });
    expect(m.toRead).toEqual([1]);
  });

  it('take the segment of OUTS from a prefix, that of INS never', () => {
    const m = new TestMachine({ mode: 'protected32' });
    m.cpu.setSegment(4, { ...m.cpu.segment(4), base: 0x100n });
    m.cpu.setSegment(0, { ...m.cpu.segment(0), base: 0x200n });
    m.cpu.setGpr(RSI, BigInt(Layout.data));
    m.cpu.setGpr(RDI, BigInt(Layout.data));
    m.ram[Layout.data + 0x100] = 0x77;
    m.toRead.push(0x66);
    expect(m.execute('646e 646c', 2)).toBeUndefined();
    expect(m.written).toEqual([[0, 0x77, 1]]);
    expect(m.ram[Layout.data + 0x200]).toBe(0x66);
  });

  it('ask the I/O permission map at CPL 3', () => {
    const m = new TestMachine({ mode: 'long', cpl: 3 });
    m.cpu.setGpr(RDX, 0x3f8n);
    m.cpu.setGpr(RSI, BigInt(Layout.data));
    expect(m.execute('6e')).toEqual({ vector: 13, code: 0 });
    m.ram[Layout.tss + 104 + (0x3f8 >> 3)] = 0xfe;
    expect(m.execute('6e')).toBeUndefined();
    expect(m.execute('6f')).toEqual({ vector: 13, code: 0 }); // four ports
    m.cpu.setU32(State.eflags, 0x3000);
    expect(m.execute('6f')).toBeUndefined();
  });
});
