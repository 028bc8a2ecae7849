/** What golden vectors can't hold: when AVX is available, what VEX refuses, XSAVE's third component, the other modes. */
import { describe, expect, it } from 'vitest';
import { Cr0, Cr4, State } from '../../src/state-layout.js';
import { X86_64_V3 } from '../../src/cpu/cpuid.js';
import { hexBytes, Layout, TestMachine, type TestMode } from '../machine/test-machine.js';
import { avxMachine } from './emulator.js';
import { avxVariants } from './variants.js';

const UD = { vector: 6, code: undefined };
const NM = { vector: 7, code: undefined };

function ymm(m: TestMachine, number: number): bigint[] {
  return [0, 8, 16, 24].map((at) => m.cpu.u64(State.ymm + 32 * number + at));
}
function setYmm(m: TestMachine, number: number, value: bigint): void {
  for (const at of [0, 8, 16, 24]) m.cpu.setU64(State.ymm + 32 * number + at, value + BigInt(at));
}

function withControl(change: (m: TestMachine) => void): TestMachine {
  const m = avxMachine();
  change(m);
  m.cpu.updateMode();
  m.cpu.setGpr(6, BigInt(Layout.data));
  m.cpu.setGpr(7, BigInt(Layout.data));
  return m;
}

describe('every instruction', () => {
  const variants = avxVariants().filter(({ operands, key }) => operands !== 'same register' && !/scale [248]/.test(key));
  const failures = (m: TestMachine, expected: unknown): string[] =>
    variants.filter(({ code, hasImmediate }) => {
      m.cpu.setU32(State.mxcsr, 0x1f80);
      setYmm(m, 3, 0n);
      const taken = m.execute(hasImmediate ? Uint8Array.of(...code, 0) : code);
      return JSON.stringify(taken) !== JSON.stringify(expected);
    }).map(({ key }) => key);

  it('executes with AVX enabled, whatever CR0.EM and CR4.OSFXSR', () => {
    expect(failures(withControl(() => undefined), undefined)).toEqual([]);
    expect(failures(withControl(({ cpu }) => {
      cpu.setU64(State.cr0, cpu.u64(State.cr0) | BigInt(Cr0.EM));
      cpu.setU64(State.cr4, cpu.u64(State.cr4) & ~BigInt(Cr4.OSFXSR));
    }), undefined)).toEqual([]);
  });
  it('is undefined without CR4.OSXSAVE, also with CR0.TS', () => {
    expect(failures(withControl(({ cpu }) => {
      cpu.setU64(State.cr4, cpu.u64(State.cr4) & ~BigInt(Cr4.OSXSAVE));
      cpu.setU64(State.cr0, cpu.u64(State.cr0) | BigInt(Cr0.TS));
    }), UD)).toEqual([]);
  });
  it('is undefined without XCR0.AVX', () => {
    expect(failures(withControl(({ cpu }) => cpu.setU64(State.xcr0, 3n)), UD)).toEqual([]);
  });
  it('is not available with CR0.TS', () => {
    expect(failures(withControl(({ cpu }) => cpu.setU64(State.cr0, cpu.u64(State.cr0) | BigInt(Cr0.TS))), NM)).toEqual([]);
  });
});

describe('VEX', () => {
  // vpaddd xmm1, xmm2, xmm3
  const VPADDD = 'c4e169fecb';

  it.each([['LOCK', 'f0'], ['66', '66'], ['F2', 'f2'], ['F3', 'f3'], ['REX', '40']])('is undefined behind %s', (_, prefix) => {
    expect(avxMachine().execute(prefix + VPADDD)).toEqual(UD);
  });
  it('is undefined with a register in vvvv that the instruction has no use for', () => {
    expect(avxMachine().execute('c4e171100e')).toEqual(UD); // vmovupd xmm1, [rsi] with vvvv 1110b
  });
  it('is undefined for AVX-512 mask forms, VAES and VPCLMULQDQ on 256 bits', () => {
    for (const code of ['c4e26ddccb', 'c4e36d44cb00']) expect(avxMachine().execute(code)).toEqual(UD);
  });
  it('is undefined when a gather has a register twice', () => {
    for (const code of ['c4e269900c0e', 'c4e271900c1e', 'c4e261900c1e']) expect(avxMachine().execute(code)).toEqual(UD);
  });

  it.each<[TestMode]>([['protected32'], ['compatibility']])('executes in %s with eight registers', (mode) => {
    const m = new TestMachine({ mode, model: X86_64_V3 });
    m.cpu.setU64(State.xcr0, 7n);
    m.cpu.updateMode();
    for (let n = 0; n < 16; n++) setYmm(m, n, BigInt(n + 1));
    expect(m.execute('c5edfecb')).toBeUndefined(); // vpaddd ymm1, ymm2, ymm3
    expect(ymm(m, 1)).toEqual([7n, 23n, 39n, 55n]);
    expect(m.execute('c5f877')).toBeUndefined(); // vzeroupper
    expect(ymm(m, 7)).toEqual([8n, 16n, 0n, 0n]);
    expect(ymm(m, 8)).toEqual([9n, 17n, 25n, 33n]);
    expect(m.execute('c5fc77')).toBeUndefined(); // vzeroall
    expect(ymm(m, 7)).toEqual([0n, 0n, 0n, 0n]);
    expect(ymm(m, 8)).toEqual([9n, 17n, 25n, 33n]);
  });
  it('is undefined in real mode', () => {
    const m = new TestMachine({ mode: 'real', model: X86_64_V3 });
    m.cpu.setU64(State.xcr0, 7n);
    m.cpu.updateMode();
    expect(m.execute('c5edfecb')?.vector).toBe(6);
  });
  it('reaches all sixteen registers in 64-bit mode', () => {
    const m = avxMachine();
    for (let n = 0; n < 16; n++) setYmm(m, n, BigInt(n + 1));
    expect(m.execute('c4413dfeda')).toBeUndefined(); // vpaddd ymm11, ymm8, ymm10
    expect(ymm(m, 11)).toEqual([20n, 36n, 52n, 68n]);
    expect(m.execute('c5fc77')).toBeUndefined();
    for (let n = 0; n < 16; n++) expect(ymm(m, n)).toEqual([0n, 0n, 0n, 0n]);
  });
});

describe('a 32-byte store across two pages', () => {
  it('writes nothing when the second is read-only', () => {
    const m = avxMachine();
    m.cpu.setGpr(6, BigInt(Layout.data + 4096 - 16));
    m.protect(Layout.data + 4096, 1);
    setYmm(m, 1, 0x1111_1111_1111_1111n);
    expect(m.execute('c5fe7f0e')).toEqual({ vector: 14, code: 3 }); // vmovdqu [rsi], ymm1
    expect(m.cpu.u64(State.cr2)).toBe(BigInt(Layout.data + 4096));
    expect(m.ram.subarray(Layout.data + 4080, Layout.data + 4112).every((byte) => byte === 0)).toBe(true);
  });
  it('takes effect on code that is executed next', () => {
    const m = avxMachine();
    // vmovdqu [rsi], ymm1; then what it wrote: hlt is written over by nops and mov eax, 5
    m.load('c5fe7f0ef4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4');
    m.cpu.setGpr(6, BigInt(m.codeAddress + 4));
    m.cpu.host.u8.set(hexBytes(`${'90'.repeat(16)}b805000000${'90'.repeat(11)}`), m.cpu.base + State.ymm + 32);
    expect(m.run(1)).toBeUndefined();
    expect(m.run(17)).toBeUndefined();
    expect(m.cpu.gpr(0)).toBe(5n);
  });
});

describe('XSAVE with YMM registers', () => {
  const area = Layout.data;
  const prepared = (mask: number): TestMachine => {
    const m = avxMachine();
    m.cpu.setGpr(6, BigInt(area));
    m.cpu.setGpr(0, BigInt(mask));
    m.cpu.setGpr(2, 0n);
    return m;
  };

  it('is 832 bytes, as CPUID leaf DH says', () => {
    const m = avxMachine();
    const leaf = (subleaf: bigint): bigint[] => {
      m.cpu.setGpr(0, 13n);
      m.cpu.setGpr(1, subleaf);
      expect(m.execute('0fa2')).toBeUndefined();
      return [0, 3, 1, 2].map((n) => m.cpu.gpr(n));
    };
    expect(leaf(0n)).toEqual([7n, 832n, 832n, 0n]);
    expect(leaf(2n)).toEqual([256n, 576n, 0n, 0n]);
    m.cpu.setU64(State.xcr0, 3n);
    expect(leaf(0n)).toEqual([7n, 576n, 832n, 0n]);
  });
  it('keeps the upper halves at offset 576 and brings them back', () => {
    const m = prepared(7);
    for (let n = 0; n < 16; n++) setYmm(m, n, BigInt(100 * n + 1));
    const before = Array.from({ length: 16 }, (_, n) => ymm(m, n));
    expect(m.execute('0fae26')).toBeUndefined(); // xsave [rsi]
    expect(m.view.getBigUint64(area + 512, true) & 6n).toBe(6n);
    expect(m.view.getBigUint64(area + 576 + 16 * 5, true)).toBe(517n);
    expect(m.execute('c5fc77')).toBeUndefined(); // vzeroall
    expect(m.execute('0fae2e')).toBeUndefined(); // xrstor [rsi]
    expect(Array.from({ length: 16 }, (_, n) => ymm(m, n))).toEqual(before);
  });
  it('sets upper halves to zero where XSTATE_BV has no AVX', () => {
    const m = prepared(4);
    setYmm(m, 3, 5n);
    expect(m.execute('0fae2e')).toBeUndefined();
    expect(ymm(m, 3)).toEqual([5n, 13n, 0n, 0n]);
  });
  it('XSETBV takes AVX with SSE only, and what follows is as it says', () => {
    const m = prepared(5);
    m.cpu.setGpr(1, 0n);
    expect(m.execute('0f01d1')).toEqual({ vector: 13, code: 0 });
    m.cpu.setGpr(0, 3n);
    expect(m.execute('0f01d1')).toBeUndefined();
    expect(m.execute('c5edfecb')).toEqual(UD);
    m.cpu.setGpr(0, 7n);
    expect(m.execute('0f01d1')).toBeUndefined();
    expect(m.execute('c5edfecb')).toBeUndefined();
    expect(m.execute('0f01d0')).toBeUndefined(); // xgetbv
    expect(m.cpu.gpr(0)).toBe(7n);
  });
  it('a model without AVX refuses XCR0.AVX', () => {
    const m = new TestMachine();
    m.cpu.setGpr(0, 7n);
    expect(m.execute('0f01d1')).toEqual({ vector: 13, code: 0 });
  });
});

describe('legacy SSE instructions', () => {
  it('keep the upper halves', () => {
    const m = avxMachine();
    setYmm(m, 1, 1n);
    setYmm(m, 2, 2n);
    expect(m.execute('660ffeca')).toBeUndefined(); // paddd xmm1, xmm2
    expect(ymm(m, 1)).toEqual([3n, 19n, 17n, 25n]);
  });
});
