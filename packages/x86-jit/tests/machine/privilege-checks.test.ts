import { describe, expect, it } from 'vitest';
import { Cr0, State } from '../../src/state-layout.js';
import { descriptor, Layout, Selector, TestMachine, type TestMode } from './test-machine.js';

const F = Selector.free;
const ZF = 0x40;

function machine(descriptors: readonly Uint8Array[], mode: TestMode, cpl: 0 | 3): TestMachine {
  const m = new TestMachine({ mode, cpl });
  descriptors.forEach((bytes, k) => m.write(Layout.gdt + F + 8 * k, bytes));
  return m;
}
/** EAX afterwards, or undefined where ZF says that there is no answer. */
function ask(m: TestMachine, code: string, selector: number): number | undefined {
  m.cpu.eflags ^= ZF;
  m.cpu.setGpr(0, 0xaaaa5555n);
  m.cpu.setGpr(1, BigInt(selector));
  expect(m.execute(code)).toBeUndefined();
  if (m.cpu.eflags & ZF) return m.cpu.gpr32(0);
  expect(m.cpu.gpr32(0)).toBe(0xaaaa5555);
  return undefined;
}
const LAR = '0f02c1';
const LSL = '0f03c1';

describe('LAR and LSL', () => {
  it('answer as 64-bit Linux on a processor does', () => {
    // Recorded with `lar eax, cx` and `lsl eax, cx` under Linux: 23 and 33 are code, 2B data, 7B a per-CPU segment of limit 1.
    const m = new TestMachine({ mode: 'long', cpl: 3 });
    m.write(Layout.gdt + 0x78, descriptor(0, 1, 0xf5, 4));
    expect([0x23, 0x2b, 0x33, 0x7b].map((s) => ask(m, LAR, s))).toEqual([0xcffb00, 0xcff300, 0xaffb00, 0x40f500]);
    expect([0x23, 0x2b, 0x33, 0x7b].map((s) => ask(m, LSL, s))).toEqual([0xffffffff, 0xffffffff, 0xffffffff, 1]);
    for (const selector of [3, 0x0b, 0x13, 0x1b, 0x3b, 0x43]) for (const code of [LAR, LSL]) expect(ask(m, code, selector)).toBeUndefined();
    expect(ask(m, '660f02c1', 0x33)).toBe(0xaaaafb00);
    expect(ask(m, '660f03c1', 0x33)).toBe(0xaaaaffff);
  });

  it('accept system descriptors by type and mode', () => {
    const types = Array.from({ length: 16 }, (_, type) => type);
    const accepted = (mode: TestMode, code: string): number[] => {
      const m = machine(types.map((type) => descriptor(0x1000, 0x67, 0x80 | type, 0)), mode, 0);
      return types.filter((type) => ask(m, code, F + 8 * type) !== undefined);
    };
    expect(accepted('protected32', LAR)).toEqual([1, 2, 3, 4, 5, 9, 11, 12]);
    expect(accepted('protected32', LSL)).toEqual([1, 2, 3, 9, 11]);
    expect(accepted('compatibility', LAR)).toEqual([2, 9, 11, 12]);
    expect(accepted('compatibility', LSL)).toEqual([2, 9, 11]);
  });

  it('ask CPL and RPL, but not of conforming code', () => {
    const m = machine([descriptor(0, 0xfff, 0x93, 4), descriptor(0, 0xfff, 0x9f, 4), descriptor(0, 0xfff, 0xf3, 4)], 'protected32', 0);
    expect(ask(m, LAR, F)).toBe(0x409300);
    expect(ask(m, LAR, F + 3)).toBeUndefined();
    expect(ask(m, LAR, F + 8 + 3)).toBe(0x409f00);
    expect(ask(m, LAR, F + 16 + 3)).toBe(0x40f300);
    expect(ask(m, LAR, 0)).toBeUndefined();
    expect(ask(m, LAR, 0xfff8)).toBeUndefined();
  });

  it('fault where the table does', () => {
    const m = new TestMachine({ mode: 'long' });
    m.protect(Layout.gdt, 0);
    m.cpu.setU64(State.gdtBase, BigInt(Layout.data));
    m.protect(Layout.data, 0);
    m.cpu.setGpr(1, 0x10n);
    m.load(LAR);
    // The handler's own code segment is in the missing table too.
    expect(m.vcpu.run(1)).toBe('shutdown');
  });
});

describe('VERR and VERW', () => {
  it('say whether the segment can be read or written', () => {
    const m = machine([
      descriptor(0, 0xfff, 0xf0, 4), descriptor(0, 0xfff, 0xf2, 4), descriptor(0, 0xfff, 0xf8, 4), descriptor(0, 0xfff, 0xfa, 4),
      descriptor(0, 0xfff, 0x9e, 4), descriptor(0, 0xfff, 0x92, 4), descriptor(0, 0x67, 0xe9, 0),
    ], 'protected32', 3);
    const all = Array.from({ length: 7 }, (_, k) => F + 8 * k + 3);
    expect(all.map((s) => ask(m, '0f00e1', s) !== undefined)).toEqual([true, true, false, true, true, false, false]); // verr cx
    expect(all.map((s) => ask(m, '0f00e9', s) !== undefined)).toEqual([false, true, false, false, false, false, false]); // verw cx
  });
});

describe('ARPL', () => {
  it('raises RPL and says so in ZF', () => {
    const m = new TestMachine({ mode: 'protected32', cpl: 3 });
    m.cpu.setGpr(0, 0x12340011n);
    m.cpu.setGpr(1, 0x3n);
    expect(m.execute('63c8')).toBeUndefined(); // arpl ax, cx
    expect([m.cpu.gpr(0), m.cpu.eflags & ZF]).toEqual([0x12340013n, ZF]);
    m.cpu.setGpr(1, 0x2n);
    expect(m.execute('63c8')).toBeUndefined();
    expect([m.cpu.gpr(0), m.cpu.eflags & ZF]).toEqual([0x12340013n, 0]);
    m.cpu.setGpr(3, BigInt(Layout.data));
    m.view.setUint32(Layout.data, 0xdddd0010, true);
    expect(m.execute('630b')).toBeUndefined(); // arpl [ebx], cx
    expect(m.view.getUint32(Layout.data, true)).toBe(0xdddd0012);
  });
});

describe('BOUND', () => {
  it('faults outside two signed bounds', () => {
    for (const [mode, code, size] of [['protected32', '6203', 4], ['protected32', '666203', 2], ['protected16', '6207', 2]] as const) {
      const m = new TestMachine({ mode });
      m.cpu.setGpr(3, 0x4000n);
      m.view.setInt32(0x4000, -5, true);
      if (size === 4) m.view.setInt32(0x4004, 7, true);
      else m.view.setInt16(0x4002, 7, true);
      for (const [index, inside] of [[-5, true], [0, true], [7, true], [-6, false], [8, false]] as const) {
        m.cpu.setGpr(0, BigInt.asUintN(32, BigInt(index)));
        expect(m.execute(code), `${index}`).toEqual(inside ? undefined : { vector: 5, code: undefined });
      }
    }
  });
});

describe('SMSW and LMSW', () => {
  it('show CR0 and change its low four bits, but cannot clear PE', () => {
    const m = new TestMachine({ mode: 'protected32' });
    m.cpu.setGpr(0, 0n);
    expect(m.execute('0f01e0')).toBeUndefined(); // smsw eax
    expect(m.cpu.gpr32(0)).toBe(m.cpu.cr0);
    const before = m.cpu.cr0;
    m.cpu.setGpr(0, 0xfffen);
    expect(m.execute('0f01f0')).toBeUndefined(); // lmsw ax
    expect(m.cpu.cr0).toBe((before | Cr0.MP | Cr0.EM | Cr0.TS) >>> 0);
    m.cpu.setGpr(0, 0n);
    expect(m.execute('0f01f0')).toBeUndefined();
    expect(m.cpu.cr0).toBe((before & ~(Cr0.MP | Cr0.EM | Cr0.TS)) >>> 0);
    const user = new TestMachine({ mode: 'long', cpl: 3 });
    expect(user.execute('0f01f0')).toEqual({ vector: 13, code: 0 });
    user.cpu.setGpr(3, BigInt(Layout.data));
    user.view.setUint32(Layout.data, 0xffffffff, true);
    expect(user.execute('0f0123')).toBeUndefined(); // smsw [rbx]: no UMIP
    expect(user.view.getUint32(Layout.data, true)).toBe((0xffff0000 | (user.cpu.cr0 & 0xffff)) >>> 0);
  });

  it('enters protected mode', () => {
    const m = new TestMachine({ mode: 'real' });
    m.cpu.setGpr(0, 1n);
    expect(m.execute('0f01f0')).toBeUndefined();
    expect(m.cpu.protectedMode).toBe(true);
  });
});

describe('random numbers and counters', () => {
  it('come from the entropy source in every size, with CF alone', () => {
    const m = new TestMachine();
    m.cpu.eflags = 0x8d7;
    m.cpu.setGpr(0, 0xffff_ffff_ffff_ffffn);
    expect(m.execute('660fc7f0')).toBeUndefined(); // rdrand ax
    expect(m.cpu.eflags).toBe(3);
    expect(m.cpu.gpr(0) >> 16n).toBe(0xffff_ffff_ffffn);
    expect(m.execute('0fc7f8')).toBeUndefined(); // rdseed eax
    expect(m.cpu.gpr(0) >> 32n).toBe(0n);
    const first = m.cpu.gpr(0);
    expect(m.execute('480fc7f0')).toBeUndefined();
    expect(m.cpu.gpr(0)).not.toBe(first);
  });

  it('has no performance counters, and no RDPID unless the model says so', () => {
    const m = new TestMachine();
    expect(m.execute('0f33')).toEqual({ vector: 13, code: 0 });
    expect(m.execute('f30fc7f8')).toEqual({ vector: 6, code: undefined });
  });
});
