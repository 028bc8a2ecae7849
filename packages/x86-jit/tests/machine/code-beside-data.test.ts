import { afterEach, describe, expect, it, vi } from 'vitest';
import { Predecoder } from '../../src/interpreter/predecoder.js';
import { BlockTable } from '../../src/state-layout.js';
import { Layout, TestMachine } from './test-machine.js';

// A page may hold code and data that is written all the time: a boot loader's, a real-mode program's, static data of position-independent code.

afterEach(() => void vi.restoreAllMocks());

const spies = (): { invalidated: ReturnType<typeof vi.spyOn>; decoded: ReturnType<typeof vi.spyOn> } => ({
  invalidated: vi.spyOn(Predecoder.prototype, 'invalidate'), decoded: vi.spyOn(Predecoder.prototype, 'decodeBlock'),
});

/** A loop of ECX turns around one instruction of two bytes with [rbx] as operand. What is decoded ends behind it. */
const LOOP = (instruction: string): string => `${instruction} ffc9 75fa ebfe`; // again: ...; dec ecx; jnz again; jmp $

describe.each([
  ['a store', '8903'], // mov [rbx], eax
  ['a read-modify-write', '0103'], // add [rbx], eax
  ['a read-modify-write of a byte', 'fe03'], // inc byte [rbx]
])('%s beside code', (_, instruction) => {
  const run = (m: TestMachine, at: number, turns: number): void => {
    m.cpu.setGpr(0, 3n);
    m.cpu.setGpr(1, BigInt(turns));
    m.cpu.setGpr(3, BigInt(at));
    expect(m.execute(LOOP(instruction), 3 * turns)).toBeUndefined();
  };

  it('in the same page, in a piece of its own, does not leave WebAssembly', () => {
    const m = new TestMachine();
    run(m, Layout.code + 0x800, 1);
    const { invalidated, decoded } = spies();
    run(m, Layout.code + 0x800, 1000);
    // The one is that of loading the code.
    expect(invalidated).toHaveBeenCalledTimes(1);
    expect(decoded.mock.calls.length).toBeLessThan(4);
    expect(m.view.getUint32(Layout.code + 0x800, true)).toBe(instruction === '8903' ? 3 : instruction === '0103' ? 3 * 1001 : 1001 % 256);
  });

  it('in the same piece of 64 bytes leaves it decoded', () => {
    const m = new TestMachine();
    const { decoded } = spies();
    run(m, Layout.code + 0x30, 1000);
    expect(decoded.mock.calls.length).toBeLessThan(4);
  });
});

describe('a page that held code', () => {
  it('is written without a look once no code is left in it', () => {
    const m = new TestMachine();
    const page = 0x30000;
    m.write(page, Uint8Array.of(0x90, 0xc3)); // nop; ret
    m.cpu.setGpr(3, BigInt(page));
    m.cpu.setGpr(0, 0xc3c3c3c3n);
    expect(m.execute('ffd3 8903 8903 8903', 6)).toBeUndefined(); // call rbx; mov [rbx], eax: forgets the code
    const { invalidated } = spies();
    m.rip = Layout.code + 2;
    expect(m.run(3)).toBeUndefined();
    expect(invalidated).not.toHaveBeenCalled();
  });

  it('is decoded again where it was written, many times over', () => {
    const m = new TestMachine();
    // again: mov [there + 1], ecx; there: mov eax, imm32; add edx, eax; dec ecx; jnz again
    m.load('890d01000000 b800000000 01c2 ffc9 75ef');
    m.cpu.setGpr(1, 3000n);
    expect(m.run(3000 * 5)).toBeUndefined();
    expect(m.cpu.gpr(2)).toBe(BigInt((3000 * 3001) / 2));
  });
});

describe('decoded blocks', () => {
  it('stay when a neighbour in their piece is written, and go when they are', () => {
    const m = new TestMachine();
    const { decoded } = spies();
    const [one, two] = [Layout.code + 0x400, Layout.code + 0x410];
    m.write(one, Uint8Array.of(0xff, 0xc0, 0xc3)); // inc eax; ret
    m.write(two, Uint8Array.of(0xff, 0xc2, 0xc3)); // inc edx; ret
    m.cpu.setGpr(6, BigInt(one));
    m.cpu.setGpr(7, BigInt(two));
    const both = (): void => {
      m.rip = Layout.code;
      expect(m.run(6)).toBeUndefined();
    };
    m.load('ffd6 ffd7'); // call rsi; call rdi
    both();
    const before = decoded.mock.calls.length;
    both();
    expect(decoded).toHaveBeenCalledTimes(before);
    m.write(two, Uint8Array.of(0xff, 0xca)); // dec edx
    both();
    expect(decoded).toHaveBeenCalledTimes(before + 1);
    expect([m.cpu.gpr(0), m.cpu.gpr(2)]).toEqual([3n, 1n]);
  });

  it('are found again after others took their place in the table, with an instruction that reaches into the next page too', () => {
    const m = new TestMachine();
    const { decoded } = spies();
    const setOf = (at: number): number => Math.imul(m.ram.byteOffset + at, 0x9e3779b1) >>> (32 - BlockTable.setBits);
    const across = 0x42ffe;
    const rivals: number[] = [];
    for (let at = 0x50000; rivals.length < 2; at++) if (setOf(at) === setOf(across) && at % 4096 < 4000) rivals.push(at);
    for (const at of [across, ...rivals]) m.write(at, Uint8Array.of(0x83, 0xc0, 0x01, 0xeb, 0xfe)); // add eax, 1; jmp $
    const all = (count = 3): void => {
      for (const at of [across, ...rivals].slice(0, count)) {
        m.rip = at;
        expect(m.run(1)).toBeUndefined();
      }
    };
    all();
    const predecoder = decoded.mock.contexts[0] as Predecoder;
    const used = predecoder.poolUsed;
    const calls = decoded.mock.calls.length;
    // Two have room.
    for (let k = 0; k < 5; k++) all(2);
    expect(decoded.mock.calls.length).toBeLessThan(calls + 3);
    for (let k = 0; k < 5; k++) all();
    expect(decoded.mock.calls.length).toBeGreaterThan(calls + 5);
    expect(predecoder.poolUsed).toBe(used);
    expect(m.cpu.gpr(0)).toBe(28n);
  });

  it('go when the bytes that reach into the next page are written', () => {
    const m = new TestMachine();
    const at = Layout.code + 0xffe;
    m.write(at, Uint8Array.of(0xb8, 1, 0, 0, 0)); // mov eax, 1
    m.rip = at;
    expect(m.run(1)).toBeUndefined();
    expect(m.cpu.gpr(0)).toBe(1n);
    m.write(Layout.code + 0x1000, Uint8Array.of(0x55));
    m.rip = at;
    expect(m.run(1)).toBeUndefined();
    expect(m.cpu.gpr(0)).toBe(0x5501n);
  });
});
