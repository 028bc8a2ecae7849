import { describe, expect, it } from 'vitest';
import { State } from '../../src/state-layout.js';
import { Layout, TestMachine, type TestMode } from './test-machine.js';

describe('the test machine', () => {
  const modes: readonly (readonly [TestMode, 0 | 3])[] = [
    ['real', 0], ['protected16', 0], ['protected16', 3], ['protected32', 0], ['protected32', 3], ['compatibility', 0], ['compatibility', 3], ['long', 0], ['long', 3],
  ];
  for (const [mode, cpl] of modes) {
    it(`runs code in ${mode} mode at CPL ${cpl}, and comes back from an exception`, () => {
      const m = new TestMachine({ mode, cpl });
      expect(m.cpu.cpl).toBe(cpl);
      expect(m.execute('b83412')).toBeUndefined(); // mov ax/eax, ...
      expect(m.cpu.gpr32(0) & 0xffff).toBe(0x1234);
      const stack = m.cpu.gpr(4);
      expect(m.execute('90 0f0b', 2)).toEqual({ vector: 6, code: undefined }); // nop; ud2
      expect(m.rip).toBe(m.codeAddress + 1);
      expect(m.cpu.cpl).toBe(cpl);
      expect(m.cpu.gpr(4)).toBe(stack);
      // Not in user mode.
      if (cpl === 3) expect(m.execute('f4')).toEqual({ vector: 13, code: 0 });
    });
  }

  it('maps and unmaps pages', () => {
    const m = new TestMachine();
    m.map(0x20000000, Layout.data);
    m.view.setUint32(Layout.data + 8, 0xcafe, true);
    m.cpu.setGpr(6, 0x20000008n);
    expect(m.execute('8b06')).toBeUndefined(); // mov eax, [rsi]
    expect(m.cpu.gpr(0)).toBe(0xcafen);
    m.protect(Layout.data, 0);
    m.cpu.setGpr(6, BigInt(Layout.data));
    expect(m.execute('8b06')).toEqual({ vector: 14, code: 0 });
    expect(m.cpu.u64(State.cr2)).toBe(BigInt(Layout.data));
  });
});
