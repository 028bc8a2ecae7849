import { describe, expect, it } from 'vitest';
import { Layout, TestMachine, type TestMode } from './test-machine.js';

const RSP = 4;
const RBP = 5;

/** Fills the display that RBP points at, runs ENTER, and reads the stack from its new top to the old one. */
function enter(m: TestMachine, code: string, bp: number, sp: number): number[] {
  for (let at = bp - 256; at < bp; at++) m.ram[at] = at & 0xff;
  m.cpu.setGpr(RBP, BigInt(bp));
  m.cpu.setGpr(RSP, BigInt(sp));
  expect(m.execute(code)).toBeUndefined();
  return [...m.ram.subarray(sp - 32, sp)];
}
const little = (value: number, size: number): number[] => Array.from({ length: size }, (_, k) => Math.floor(value / 2 ** (8 * k)) % 256);
const displayed = (at: number, size: number): number[] => Array.from({ length: size }, (_, k) => (at + k) & 0xff);

describe('ENTER', () => {
  const bp = 0x8f00;
  const sp = 0x9f00;
  // Stack image from the top up, for an operand of each size. It was compared with a processor's, in 64-bit mode at 8 and 2 bytes.
  for (const [mode, prefix, size] of [
    ['long', '', 8], ['long', '66', 2], ['compatibility', '', 4], ['compatibility', '66', 2], ['protected32', '', 4], ['protected32', '66', 2],
    ['protected16', '', 2], ['protected16', '66', 4], ['real', '', 2], ['real', '66', 4],
  ] as readonly (readonly [TestMode, string, number])[]) {
    it(`builds frames of every nesting level, ${mode} mode, operands of ${size} bytes`, () => {
      const m = new TestMachine({ mode });
      // Level 0: the old RBP, and room for 20h bytes.
      let stack = enter(m, `${prefix}c8200000`, bp, sp);
      expect(stack.slice(32 - size)).toEqual(little(bp, size));
      expect(m.cpu.gpr(RBP)).toBe(BigInt(sp - size));
      expect(m.cpu.gpr(RSP)).toBe(BigInt(sp - size - 0x20));
      // Level 1: and the new frame's address.
      stack = enter(m, `${prefix}c8000001`, bp, sp);
      expect(stack.slice(32 - 2 * size)).toEqual([...little(sp - size, size), ...little(bp, size)]);
      expect(m.cpu.gpr(RSP)).toBe(BigInt(sp - 2 * size));
      // Level 3: and two entries of the old display. 35 is 3: the level counts modulo 32.
      for (const level of ['03', '23']) {
        stack = enter(m, `${prefix}c80001${level}`, bp, sp);
        expect(stack.slice(32 - 4 * size)).toEqual([...little(sp - size, size), ...displayed(bp - 2 * size, size), ...displayed(bp - size, size), ...little(bp, size)]);
        expect(m.cpu.gpr(RBP)).toBe(BigInt(sp - size));
        expect(m.cpu.gpr(RSP)).toBe(BigInt(sp - 4 * size - 0x100));
      }
    });
  }

  it('writes only BP with a 16-bit operand', () => {
    const m = new TestMachine();
    m.cpu.setGpr(RBP, 0x1122334455667788n);
    m.execute('66c8000000');
    expect(m.cpu.gpr(RBP)).toBe(0x1122334455660000n + BigInt((Layout.stack - 2) & 0xffff));
  });

  it('changes no register when a page of the stack, old or new, is missing', () => {
    const m = new TestMachine({ cpl: 3 });
    const [before, frame] = [m.cpu.gpr(RSP), m.cpu.gpr(RBP)];
    m.protect(Layout.stack - 0x1000, 0);
    expect(m.execute('c8200000')).toEqual({ vector: 14, code: 6 });
    m.protect(Layout.stack - 0x1000, 7);
    m.protect(Layout.stack - 0x2000, 5);
    // Nothing is stored below the page, but the new top must be writable.
    expect(m.execute('c8001000')).toEqual({ vector: 14, code: 7 });
    expect([m.cpu.gpr(RSP), m.cpu.gpr(RBP)]).toEqual([before, frame]);
  });
});
