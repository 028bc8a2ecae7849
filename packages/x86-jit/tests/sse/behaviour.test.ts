/** What golden vectors can't hold: availability, alignment, faults, and when WebAssembly alone does the work. */
import { decode, Instruction, OperandKind } from '@pckit/x86-decoder';
import { describe, expect, it } from 'vitest';
import { approximateLane } from '../../src/softfloat/sse-lanes.js';
import { Cr0, Cr4, State } from '../../src/state-layout.js';
import { X86Vcpu } from '../../src/vcpu.js';
import { hexBytes, Layout, TestMachine, type TakenException } from '../machine/test-machine.js';
import { sseVariants, type Variant } from './variants.js';

const UD = { vector: 6, code: undefined };
const NM = { vector: 7, code: undefined };
const GP = { vector: 13, code: 0 };
const XM = { vector: 19, code: undefined };

const MOVAPS_LOAD = '0f280e'; // movaps xmm1, [rsi]
const MOVUPS_STORE = '0f110e'; // movups [rsi], xmm1

function setXmm(m: TestMachine, number: number, low: bigint, high = 0n): void {
  m.cpu.setU64(State.ymm + 32 * number, low);
  m.cpu.setU64(State.ymm + 32 * number + 8, high);
}
function xmm(m: TestMachine, number: number): [low: bigint, high: bigint] {
  return [m.cpu.u64(State.ymm + 32 * number), m.cpu.u64(State.ymm + 32 * number + 8)];
}
function doubleBits(value: number): bigint {
  return new BigUint64Array(Float64Array.of(value).buffer)[0]!;
}
function setDoubles(m: TestMachine, number: number, low: number, high = low): void {
  setXmm(m, number, doubleBits(low), doubleBits(high));
}
function withImmediate({ code, hasImmediate }: Variant, immediate = 0): Uint8Array {
  return hasImmediate ? Uint8Array.of(...code, immediate) : code;
}

/** Executes it with all floating-point exceptions masked. */
function one(m: TestMachine, variant: Variant): TakenException | undefined {
  m.cpu.setU32(State.mxcsr, 0x1f80);
  return m.execute(withImmediate(variant));
}

function withControl(change: (m: TestMachine) => void): TestMachine {
  const m = new TestMachine();
  change(m);
  m.cpu.updateMode();
  m.cpu.setGpr(6, BigInt(Layout.data));
  m.cpu.setGpr(7, BigInt(Layout.data));
  return m;
}

/** SDM vol. 3, 13.1.2: MOVNTI is no SSE instruction in this respect. */
const ALWAYS: ReadonlySet<string> = new Set(['Movnti']);

describe('every instruction', () => {
  const variants = sseVariants().filter(({ operands }) => operands !== 'same register');
  const failures = (m: TestMachine, expected: unknown): string[] =>
    variants.filter((variant) => {
      const taken = one(m, variant);
      return JSON.stringify(taken) !== JSON.stringify(ALWAYS.has(variant.mnemonic) ? undefined : expected);
    }).map(({ key }) => key);

  it('is undefined with CR0.EM', () => {
    expect(failures(withControl(({ cpu }) => cpu.setU64(State.cr0, cpu.u64(State.cr0) | BigInt(Cr0.EM | Cr0.TS))), UD)).toEqual([]);
  });
  it('is undefined without CR4.OSFXSR', () => {
    expect(failures(withControl(({ cpu }) => cpu.setU64(State.cr4, cpu.u64(State.cr4) & ~BigInt(Cr4.OSFXSR))), UD)).toEqual([]);
  });
  it('is not available with CR0.TS', () => {
    expect(failures(withControl(({ cpu }) => cpu.setU64(State.cr0, cpu.u64(State.cr0) | BigInt(Cr0.TS))), NM)).toEqual([]);
  });
  it('executes otherwise', () => {
    expect(failures(withControl(() => undefined), undefined)).toEqual([]);
  });
  it('faults on a page that is not there, with memory', () => {
    const m = withControl(() => undefined);
    m.protect(Layout.data, 0);
    const missing = variants.filter(({ operands }) => operands === 'memory').filter((variant) => one(m, variant)?.vector !== 14);
    expect(missing.map(({ key }) => key)).toEqual([]);
  });
  it('stores nothing where it may only read', () => {
    const m = withControl(() => undefined);
    m.protect(Layout.data, 1);
    const faulting = variants.filter(({ operands }) => operands === 'memory').filter((variant) => one(m, variant) !== undefined);
    const stores = /^(np|66|F2|F3) 0F (11|13|17|29|2B|7E|7F|D6|E7|C3|AE \/3|3A 1[4-7]) /;
    expect(faulting.filter(({ key }) => !stores.test(key) || key.startsWith('F3 0F 7E')).map(({ key }) => key)).toEqual([]);
    expect(faulting.length).toBeGreaterThan(20);
  });
});

describe('alignment', () => {
  const UNALIGNED = /^(Movups|Movupd|Movdqu|Lddqu|Pcmp[ei]str.*)$/;

  it('16 bytes of memory must be aligned, but for the instructions that say otherwise', () => {
    const m = withControl(() => undefined);
    m.cpu.setGpr(6, BigInt(Layout.data + 8));
    const wrong: string[] = [];
    for (const variant of sseVariants()) {
      if (variant.operands !== 'memory') continue;
      const { mnemonic, key } = variant;
      const wide = memoryBytes(variant) === 16;
      const taken = one(m, variant);
      const expected = wide && !UNALIGNED.test(mnemonic) ? GP : undefined;
      if (JSON.stringify(taken) !== JSON.stringify(expected)) wrong.push(key);
    }
    expect(wrong).toEqual([]);
  });

  it('is looked at before the page', () => {
    const m = withControl(() => undefined);
    m.protect(Layout.data, 0);
    m.cpu.setGpr(6, BigInt(Layout.data + 1));
    expect(m.execute(MOVAPS_LOAD)).toEqual(GP);
  });

  it('holds in TypeScript too', () => {
    const m = withControl(() => undefined);
    m.cpu.setGpr(6, BigInt(Layout.data + 4));
    expect(m.execute('660f3a400eff')).toEqual(GP); // dpps xmm1, [rsi], 0xff
  });
});

function memoryBytes(variant: Variant): number {
  const instruction = new Instruction();
  const code = withImmediate(variant);
  decode(code, 0, code.length, 64, instruction);
  return instruction.operandSizes[instruction.operandKind.indexOf(OperandKind.Memory)]!;
}

describe('floating-point exceptions', () => {
  const unmask = (m: TestMachine, mask: number): void => m.cpu.setU32(State.mxcsr, 0x1f80 & ~mask);

  it('an unmasked one is #XM, with MXCSR written and the destination not', () => {
    const m = new TestMachine();
    unmask(m, 0x200); // zero divide
    setDoubles(m, 1, 1);
    setDoubles(m, 2, 0);
    expect(m.execute('f20f5eca')).toEqual(XM); // divsd xmm1, xmm2
    expect(m.cpu.u32(State.mxcsr)).toBe(0x1d84);
    expect(xmm(m, 1)).toEqual([doubleBits(1), doubleBits(1)]);
  });

  it('is #UD without CR4.OSXMMEXCPT', () => {
    const m = withControl(({ cpu }) => cpu.setU64(State.cr4, cpu.u64(State.cr4) & ~BigInt(Cr4.OSXMMEXCPT)));
    unmask(m, 0x200);
    setDoubles(m, 1, 1);
    setDoubles(m, 2, 0);
    expect(m.execute('f20f5eca')).toEqual(UD);
  });
});

describe('memory', () => {
  it('an operand across two pages is read and written whole', () => {
    const m = new TestMachine();
    m.map(0x20000000, Layout.data);
    m.map(0x20001000, Layout.data + 0x4000);
    m.cpu.setGpr(6, 0x20000ff9n);
    setXmm(m, 1, 0x0807060504030201n, 0x100f0e0d0c0b0a09n);
    expect(m.execute(MOVUPS_STORE)).toBeUndefined();
    expect(m.ram.subarray(Layout.data + 0xff9, Layout.data + 0x1000)).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6, 7));
    expect(m.ram.subarray(Layout.data + 0x4000, Layout.data + 0x4009)).toEqual(Uint8Array.of(8, 9, 10, 11, 12, 13, 14, 15, 16));
    expect(m.execute('0f1016')).toBeUndefined(); // movups xmm2, [rsi]
    expect(xmm(m, 2)).toEqual(xmm(m, 1));
  });

  it('a store that faults on its second page leaves the first as it was', () => {
    const m = new TestMachine();
    m.map(0x20000000, Layout.data);
    m.cpu.setGpr(6, 0x20000ff8n);
    setXmm(m, 1, ~0n & 0xffffffffffffffffn, 0n);
    expect(m.execute(MOVUPS_STORE)).toEqual({ vector: 14, code: 2 });
    expect(m.cpu.u64(State.cr2)).toBe(0x20001000n);
    expect(m.view.getBigUint64(Layout.data + 0xff8, true)).toBe(0n);
  });

  it('MASKMOVDQU touches no byte that its mask leaves out', () => {
    const m = new TestMachine();
    m.map(0x20000000, Layout.data);
    m.cpu.setGpr(7, 0x20000ff8n);
    setXmm(m, 1, 0x1122334455667788n, 0x99n);
    setXmm(m, 2, 0x8000000000000080n, 0n);
    expect(m.execute('660ff7ca')).toBeUndefined();
    expect(m.view.getBigUint64(Layout.data + 0xff8, true)).toBe(0x1100000000000088n);
    setXmm(m, 2, 0x0000000000000080n, 0x80n);
    setXmm(m, 1, 0n, 0n);
    expect(m.execute('660ff7ca')).toEqual({ vector: 14, code: 2 });
    expect(m.view.getBigUint64(Layout.data + 0xff8, true)).toBe(0x1100000000000088n);
    setXmm(m, 2, 0n, 0n);
    expect(m.execute('660ff7ca')).toBeUndefined();
  });

  it('LDMXCSR refuses reserved bits', () => {
    const m = new TestMachine();
    m.cpu.setGpr(6, BigInt(Layout.data));
    m.view.setUint32(Layout.data, 0x11f80, true);
    expect(m.execute('0fae16')).toEqual(GP);
    expect(m.cpu.u32(State.mxcsr)).toBe(0x1f80);
  });

  it('code that a vector store overwrites is decoded again', () => {
    const m = new TestMachine();
    m.cpu.setGpr(6, BigInt(m.codeAddress + 3));
    // movups [rsi], xmm1; then what it wrote: mov eax, 2
    const code = hexBytes(`${MOVUPS_STORE} b801000000`);
    setXmm(m, 1, 0x02b8n);
    expect(m.execute(code, 2)).toBeUndefined();
    expect(m.cpu.gpr(0)).toBe(2n);
    expect(m.execute(code, 2)).toBeUndefined();
    expect(m.cpu.gpr(0)).toBe(2n);
  });

  for (const mode of ['real', 'protected16', 'protected32', 'compatibility'] as const) {
    it(`is addressed by the segment's rules in ${mode} mode`, () => {
      const m = new TestMachine({ mode });
      m.cpu.setGpr(6, 0x4000n);
      m.view.setBigUint64(0x4010, 0x1234n, true);
      expect(m.execute(mode === 'real' || mode === 'protected16' ? '0f284c10' : '0f284e10')).toBeUndefined(); // movaps xmm1, [si or esi + 0x10]
      expect(xmm(m, 1)).toEqual([0x1234n, m.view.getBigUint64(0x4018, true)]);
    });
  }
});

describe('registers', () => {
  it('XMM8 to XMM15 take part, and upper halves of YMM registers stay', () => {
    const m = new TestMachine();
    setXmm(m, 9, 5n, 6n);
    setXmm(m, 14, 10n, 20n);
    m.cpu.setU64(State.ymm + 9 * 32 + 16, 0xabcdn);
    expect(m.execute('66450fd4ce')).toBeUndefined(); // paddq xmm9, xmm14
    expect(xmm(m, 9)).toEqual([15n, 26n]);
    expect(m.cpu.u64(State.ymm + 9 * 32 + 16)).toBe(0xabcdn);
  });
});

describe('approximations', () => {
  it('RCPSS and RSQRTSS give what softfloat gives', () => {
    const m = new TestMachine();
    const values = [0, 0x80000000, 1, 0x80000001, 0x7fffff, 0x800000, 0x3f800000, 0xbf800000, 0x7f000000, 0x7e800001, 0xff7fffff, 0x7f800000, 0xff800000, 0x7f800001, 0xffc00000, 0x7fffffff, 0x40490fdb];
    for (let k = 0; k < 200; k++) values.push(Math.imul(k + 1, 0x9e3779b1) >>> 0);
    for (const [code, kind] of [['f30f53ca', 'reciprocal'], ['f30f52ca', 'reciprocalSquareRoot']] as const) {
      for (const value of values) {
        setXmm(m, 2, BigInt(value));
        expect(m.execute(code)).toBeUndefined();
        expect(xmm(m, 1)[0]).toBe(approximateLane(kind, BigInt(value)));
      }
    }
  });
});

describe('the fast path', () => {
  /** How often an instruction was handed to TypeScript. */
  function handedOver(m: TestMachine, run: () => void): number {
    const original = X86Vcpu.prototype.execute;
    let count = 0;
    m.vcpu.execute = function (record) {
      count++;
      return original.call(this, record);
    };
    run();
    return count;
  }
  const FLOAT = /^(Add|Sub|Mul|Div|Sqrt|Min|Max|Cmp|Comi|Ucomi|Cvt|Round|Hadd|Hsub|Rcp|Rsqrt)/;
  const floats = sseVariants().filter(({ mnemonic, operands }) => FLOAT.test(mnemonic) && operands === 'registers');
  const isSingle = ({ mnemonic }: Variant): boolean => /^(Cvtt?(ps|ss)|.*(ps|ss)$)/.test(mnemonic) && !/^Cvtt?(pd|sd)/.test(mnemonic);

  const set = (m: TestMachine, variant: Variant, number: number, values: readonly number[]): void => {
    const bytes = isSingle(variant) ? new Uint8Array(Float32Array.from([...values, ...values]).buffer) : new Uint8Array(Float64Array.from(values).buffer);
    const view = new DataView(bytes.buffer);
    setXmm(m, number, view.getBigUint64(0, true), view.getBigUint64(8, true));
  };
  const through = (mxcsr: number, a: readonly number[], b: readonly number[], list: readonly Variant[]): string[] =>
    list.filter((variant) => {
      const m = new TestMachine();
      m.cpu.setGpr(2, 1234567n);
      m.cpu.setU32(State.mxcsr, mxcsr);
      set(m, variant, 1, a);
      set(m, variant, 2, b);
      if (/^Cvt(dq|si)/.test(variant.mnemonic)) setXmm(m, 2, 0x0000000500000007n, 0x0000000700000003n);
      return handedOver(m, () => expect(m.execute(withImmediate(variant, 4))).toBeUndefined()) > 0;
    }).map(({ key }) => key);

  it('takes ordinary numbers once PE is set', () => {
    expect(floats.length).toBeGreaterThan(60);
    expect(through(0x1fa0, [1.1, -2.3], [3.7, 4.9], floats)).toEqual([]);
  });

  it('takes them with FTZ and DAZ, and zeros', () => {
    const noZeroDivide = floats.filter(({ mnemonic }) => !mnemonic.startsWith('Div'));
    expect(through(0x9fe0, [1.1, 0], [0, 4.9], noZeroDivide)).toEqual([]);
  });

  it('takes whole numbers while PE is clear', () => {
    // Quotients and roots of packed numbers, and packed products, wait for PE.
    const some = floats.filter(({ mnemonic }) => !/^(Mul|Div|Sqrt)p/.test(mnemonic));
    expect(through(0x1f80, [12, 100], [4, 25], some)).toEqual([]);
  });

  it('leaves to TypeScript what may leave a trace', () => {
    const arithmetic = floats.filter(({ mnemonic }) => /^(Add|Sub|Mul|Div|Sqrt|Min|Max|Cmp|Comi)/.test(mnemonic));
    for (const b of [NaN, 1e-310]) {
      const singles = b === 1e-310 ? 1e-40 : b;
      const escaped = arithmetic.filter((variant) => {
        const value = isSingle(variant) ? singles : b;
        return through(0x1fa0, [1, 1], [value, value], [variant]).length === 0;
      });
      expect(escaped.map(({ key }) => key)).toEqual([]);
    }
  });
});
