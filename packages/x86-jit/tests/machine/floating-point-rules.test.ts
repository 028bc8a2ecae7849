import { describe, expect, it } from 'vitest';
import { X86_64_V2 } from '../../src/cpu/cpuid.js';
import { Cr0, Cr4, SegmentIndex, State } from '../../src/state-layout.js';
import { X87State } from '../../src/x87/x87-state.js';
import { descriptor, Layout, Selector, TestMachine, type TestMode } from './test-machine.js';

const UD = { vector: 6, code: undefined };
const NM = { vector: 7, code: undefined };
const MF = { vector: 16, code: undefined };
const GP = { vector: 13, code: 0 };
const [RAX, RCX, RDX, RBX, RSI] = [0, 1, 2, 3, 6];

function machine(mode: TestMode = 'long', cpl: 0 | 3 = 0): TestMachine {
  const m = new TestMachine({ mode, cpl });
  m.cpu.setGpr(RBX, BigInt(Layout.data));
  m.execute('dbe3'); // fninit
  return m;
}
const x87 = (m: TestMachine): X87State => new X87State(m.cpu.host.view, m.cpu.base + State.x87);
function setCr0(m: TestMachine, bits: number, clear = 0): void {
  m.cpu.setU64(State.cr0, BigInt(((m.cpu.cr0 & ~clear) | bits) >>> 0));
  m.cpu.updateMode();
}

describe('CR0 and the floating-point instructions', () => {
  const x87Codes = ['d9e8', 'dbe3', 'd93b', 'dd33', 'd9d0'];
  const mmxCodes = ['0fefc0', '0f6f03', '0f77', '0f70c000'];
  const fxCodes = ['0fae03', '0fae0b'];

  it('TS: #NM from x87, MMX, FXSAVE; from WAIT with MP', () => {
    const m = machine();
    setCr0(m, Cr0.TS, Cr0.MP);
    for (const code of [...x87Codes, ...mmxCodes, ...fxCodes, '0fae23']) expect(m.execute(code), code).toEqual(NM);
    expect(m.execute('9b')).toBeUndefined();
    setCr0(m, Cr0.MP);
    expect(m.execute('9b')).toEqual(NM);
    setCr0(m, 0, Cr0.TS);
    expect(m.execute('9b')).toBeUndefined();
  });

  it('EM: #NM from x87 and FXSAVE, #UD from MMX', () => {
    const m = machine();
    setCr0(m, Cr0.EM);
    for (const code of [...x87Codes, ...fxCodes]) expect(m.execute(code), code).toEqual(NM);
    for (const code of [...mmxCodes, '0f2ac1']) expect(m.execute(code), code).toEqual(UD);
    expect(m.execute('9b')).toBeUndefined();
  });

  it('CR4.OSFXSR clear: #UD from MMX instructions with an XMM register only', () => {
    const m = machine();
    m.cpu.setU64(State.cr4, BigInt(m.cpu.cr4 & ~Cr4.OSFXSR));
    m.cpu.updateMode();
    for (const code of ['f30fd6c1', 'f20fd6c1', '0f2ac1', '660f2dc1']) expect(m.execute(code), code).toEqual(UD);
    for (const code of ['0fe0c1', '0f38 00c1', '0fae03']) expect(m.execute(code), code).toBeUndefined();
  });
});

describe('a pending x87 exception', () => {
  const pend = (m: TestMachine): void => {
    // Divide by zero, unmasked: fld1; fldz; fdivp with control 033BH.
    m.view.setUint16(Layout.data, 0x033b, true);
    expect(m.execute('d92b d9e8 d9ee def9', 4)).toBeUndefined();
    expect(x87(m).pending).toBe(true);
  };

  it('is #MF at the next waiting x87 instruction, WAIT, MMX, but not FXSAVE and FN...', () => {
    const m = machine();
    pend(m);
    for (const code of ['d9e8', '9b', '0fefc0', '0f77', 'dd03', '0f2ac1']) expect(m.execute(code), code).toEqual(MF);
    for (const code of ['dfe0', 'd93b', '0fae03', '0f2a03']) expect(m.execute(code), code).toBeUndefined();
    expect(m.execute('dbe2 d9e8', 2)).toBeUndefined(); // fnclex; fld1
  });

  it('comes before a fault of the memory operand', () => {
    const m = machine();
    pend(m);
    m.protect(Layout.data, 0);
    expect(m.execute('dd03')).toEqual(MF);
    expect(m.execute('0f6f03')).toEqual(MF);
  });

  it('is no #MF with CR0.NE clear: the instruction executes', () => {
    const m = machine();
    pend(m);
    setCr0(m, 0, Cr0.NE);
    expect(m.execute('9b d9e8', 2)).toBeUndefined();
  });
});

describe('x87 memory operands', () => {
  it('reach into a second page, and change nothing when it is missing', () => {
    const m = machine();
    const at = Layout.data + 0x1000 - 4;
    m.cpu.setGpr(RBX, BigInt(at));
    expect(m.execute('d9eb db3b', 2)).toBeUndefined(); // fldpi; fstp tbyte [rbx]
    expect(m.view.getBigUint64(at, true)).toBe(0xc90fdaa22168c235n);
    expect(m.view.getUint16(at + 8, true)).toBe(0x4000);
    expect(m.execute('db2b')).toBeUndefined(); // fld tbyte [rbx]
    m.protect(Layout.data + 0x1000, 0);
    const { top } = x87(m);
    m.ram.fill(0, at, at + 4);
    expect(m.execute('db3b')).toEqual({ vector: 14, code: 2 });
    expect(m.cpu.u64(State.cr2)).toBe(BigInt(Layout.data + 0x1000));
    expect(m.execute('db2b')).toEqual({ vector: 14, code: 0 });
    expect(x87(m).top).toBe(top);
    expect(m.view.getUint32(at, true)).toBe(0);
  });

  it('obey segment limits', () => {
    const m = machine('protected32');
    m.write(Layout.gdt + Selector.free, descriptor(Layout.data, 0xff, 0x93, 4));
    m.cpu.setGpr(RAX, BigInt(Selector.free));
    m.execute('8ed8'); // mov ds, ax
    m.cpu.setGpr(RBX, 0xf6n);
    expect(m.execute('d9e8 db3b', 2)).toBeUndefined();
    m.cpu.setGpr(RBX, 0xf7n);
    expect(m.execute('d9e8 db3b', 2)).toEqual(GP);
  });

  it('are recorded with the instruction, prefixes included', () => {
    const m = machine('protected32');
    m.cpu.setSegment(SegmentIndex.FS, { ...m.cpu.segment(SegmentIndex.FS), base: 0x100n });
    expect(m.execute('90 64d903', 2)).toBeUndefined(); // nop; fld dword fs:[ebx]
    const state = x87(m);
    expect([state.fip, state.fcs, state.fdp, state.fds, state.fop]).toEqual([BigInt(Layout.code + 1), Selector.code32, BigInt(Layout.data), Selector.data, 0x103]);
    expect(m.execute('d9e8')).toBeUndefined(); // fld1 keeps the data pointer
    expect([x87(m).fip, x87(m).fdp]).toEqual([BigInt(Layout.code), BigInt(Layout.data)]);
  });

  it('have the real-mode environment in real mode', () => {
    const m = new TestMachine({ mode: 'real' });
    m.cpu.setGpr(RBX, 0x4000n);
    m.cpu.setSegment(SegmentIndex.CS, { ...m.cpu.segment(SegmentIndex.CS), selector: 0x800, base: 0x8000n });
    m.write(0xc000, Uint8Array.of(0xdb, 0xe3, 0xd9, 0x07, 0xd9, 0x77, 0x10)); // fninit; fld [bx]; fnstenv [bx+16]
    m.rip = 0xc000;
    expect(m.run(3)).toBeUndefined();
    const words = Array.from({ length: 7 }, (_, k) => m.view.getUint16(0x4010 + 2 * k, true));
    expect(words.slice(3)).toEqual([0xc002, 0x107, 0x4000, 0]);
  });
});

describe('FXSAVE and FXRSTOR', () => {
  it('want 16-byte alignment', () => {
    const m = machine();
    m.cpu.setGpr(RBX, BigInt(Layout.data + 8));
    for (const code of ['0fae03', '0fae0b', '480fae03']) expect(m.execute(code)).toEqual(GP);
  });

  it('save eight XMM registers outside 64-bit mode, and pointers with selectors', () => {
    const m = machine('protected32');
    m.ram.fill(0xa5, Layout.data, Layout.data + 512);
    for (let n = 0; n < 16; n++) m.cpu.setU64(State.ymm + 32 * n, BigInt(n + 1));
    expect(m.execute('d903 0fae03', 2)).toBeUndefined();
    expect(m.view.getBigUint64(Layout.data + 160 + 7 * 16, true)).toBe(8n);
    expect(m.view.getUint8(Layout.data + 160 + 8 * 16)).toBe(0xa5);
    expect([m.view.getUint32(Layout.data + 8, true), m.view.getUint32(Layout.data + 12, true)]).toEqual([Layout.code, Selector.code32]);
    expect([m.view.getUint32(Layout.data + 16, true), m.view.getUint32(Layout.data + 20, true)]).toEqual([Layout.data, Selector.data]);
    m.cpu.setU64(State.ymm + 32 * 9, 77n);
    expect(m.execute('0fae0b')).toBeUndefined();
    expect(m.cpu.u64(State.ymm + 32 * 9)).toBe(77n);
  });

  it('obey a segment limit at the far end of the area', () => {
    const m = machine('protected32');
    m.write(Layout.gdt + Selector.free, descriptor(Layout.data, 0x1ff, 0x93, 4));
    m.cpu.setGpr(RAX, BigInt(Selector.free));
    m.execute('8ed8');
    m.cpu.setGpr(RBX, 0n);
    expect(m.execute('0fae03')).toBeUndefined();
    m.cpu.setGpr(RBX, 0x10n);
    expect(m.execute('0fae03')).toEqual(GP);
    expect(m.execute('0fae0b')).toEqual(GP);
  });

  it('write nothing when the second page is missing', () => {
    const m = machine();
    const at = Layout.data + 0x1000 - 256;
    m.cpu.setGpr(RBX, BigInt(at));
    m.protect(Layout.data + 0x1000, 1);
    expect(m.execute('0fae03')).toEqual({ vector: 14, code: 3 });
    expect(m.view.getUint16(at, true)).toBe(0);
    m.protect(Layout.data + 0x1000, 0);
    expect(m.execute('0fae0b')).toEqual({ vector: 14, code: 0 });
  });
});

describe('XSAVE', () => {
  it('does not exist without CR4.OSXSAVE', () => {
    const m = machine();
    m.cpu.setU64(State.cr4, BigInt(m.cpu.cr4 & ~Cr4.OSXSAVE));
    m.cpu.updateMode();
    for (const code of ['0fae23', '0fae2b', '0fae33', '0f01d0', '0f01d1']) expect(m.execute(code), code).toEqual(UD);
  });

  it('wants 64-byte alignment', () => {
    const m = machine();
    m.cpu.setGpr(RBX, BigInt(Layout.data + 32));
    for (const code of ['0fae23', '0fae2b', '0fae33']) expect(m.execute(code), code).toEqual(GP);
  });

  it('has the forms that the model advertises', () => {
    const m = machine();
    expect(m.execute('0fae33')).toBeUndefined(); // xsaveopt
    expect(m.execute('0fc723')).toEqual(UD); // xsavec
    const all = new TestMachine({ model: { ...X86_64_V2, xsaveFeatures: 7 } });
    all.cpu.setGpr(RBX, BigInt(Layout.data));
    all.cpu.setGpr(RAX, 3n);
    expect(all.execute('0fc723')).toBeUndefined();
    expect(all.view.getBigUint64(Layout.data + 520, true)).toBe((1n << 63n) | 3n);
    expect(all.execute('0fae2b')).toBeUndefined();
    // A default machine refuses the compacted format.
    m.view.setBigUint64(Layout.data + 520, 1n << 63n, true);
    expect(m.execute('0fae2b')).toEqual(GP);
  });

  it('writes only the components that are asked for and enabled', () => {
    const m = machine();
    m.ram.fill(0xa5, Layout.data, Layout.data + 832);
    m.view.setBigUint64(Layout.data + 512, 0n, true);
    m.cpu.setU64(State.ymm, 1n);
    m.cpu.setGpr(RAX, 6n);
    m.cpu.setGpr(RDX, 0xffffffffn);
    expect(m.execute('0fae23')).toBeUndefined();
    expect(m.ram[Layout.data]).toBe(0xa5);
    expect(m.view.getBigUint64(Layout.data + 160, true)).toBe(1n);
    expect(m.view.getBigUint64(Layout.data + 512, true)).toBe(2n);
    expect(m.ram[Layout.data + 576]).toBe(0xa5);
  });
});

describe('XGETBV and XSETBV', () => {
  const set = (m: TestMachine, index: number, value: bigint): unknown => {
    m.cpu.setGpr(RCX, BigInt(index));
    m.cpu.setGpr(RAX, value & 0xffffffffn);
    m.cpu.setGpr(RDX, value >> 32n);
    return m.execute('0f01d1');
  };

  it('take XCR0 values that make sense and the model has', () => {
    const m = new TestMachine({ model: { ...X86_64_V2, xcr0: 7 } });
    for (const value of [1n, 3n, 7n]) {
      expect(set(m, 0, value)).toBeUndefined();
      m.cpu.setGpr(RCX, 0n);
      expect(m.execute('0f01d0')).toBeUndefined();
      expect([m.cpu.gpr(RAX), m.cpu.gpr(RDX)]).toEqual([value, 0n]);
    }
    for (const value of [0n, 2n, 5n, 9n, 1n | (1n << 32n)]) expect(set(m, 0, value), `${value}`).toEqual(GP);
    expect(set(m, 1, 1n)).toEqual(GP);
    expect(set(new TestMachine(), 0, 7n)).toEqual(GP);
    const user = new TestMachine({ cpl: 3 });
    expect(set(user, 0, 3n)).toEqual(GP);
    user.cpu.setGpr(RCX, 0n);
    expect(user.execute('0f01d0')).toBeUndefined();
    user.cpu.setGpr(RCX, 1n);
    expect(user.execute('0f01d0')).toEqual(GP);
  });

  it('tell what is in use where the model has that', () => {
    const m = new TestMachine({ model: { ...X86_64_V2, xsaveFeatures: 7 } });
    m.execute('dbe3');
    m.cpu.setGpr(RCX, 1n);
    m.cpu.setU64(State.ymm + 32, 5n);
    expect(m.execute('0f01d0')).toBeUndefined();
    expect(m.cpu.gpr(RAX) & 2n).toBe(2n);
  });
});

describe('MMX', () => {
  it('stores only the selected bytes with MASKMOVQ, and needs only their pages', () => {
    const m = machine();
    m.view.setBigUint64(Layout.data + 0x100, 0x0807060504030201n, true);
    m.view.setBigUint64(Layout.data + 0x108, 0x0000_0000_8000_0080n, true);
    m.cpu.setGpr(RSI, BigInt(Layout.data + 0x100));
    m.cpu.setGpr(7, BigInt(Layout.data + 0x1000 - 4));
    m.protect(Layout.data + 0x1000, 0);
    expect(m.execute('0f6f06 0f6f4e08 0ff7c1', 3)).toBeUndefined();
    expect([...m.ram.subarray(Layout.data + 0xffc, Layout.data + 0x1000)]).toEqual([1, 0, 0, 4]);
    m.view.setBigUint64(Layout.data + 0x108, 0x8000_0000_0000_0080n, true);
    m.ram[Layout.data + 0xffc] = 0;
    expect(m.execute('0f6f06 0f6f4e08 0ff7c1', 3)).toEqual({ vector: 14, code: 2 });
    expect(m.ram[Layout.data + 0xffc]).toBe(0);
  });

  it('leaves the x87 stack alone when the operand faults', () => {
    const m = machine();
    m.execute('d9e8');
    const before = [x87(m).top, x87(m).tag];
    m.protect(Layout.data, 0);
    for (const code of ['0f6f03', '0f7f03', '0ffc03', '0fe703']) expect(m.execute(code), code).toMatchObject({ vector: 14 });
    expect([x87(m).top, x87(m).tag]).toEqual(before);
  });

  it('wants 16-byte alignment of CVTPD2PI', () => {
    const m = machine();
    m.cpu.setGpr(RBX, BigInt(Layout.data + 8));
    expect(m.execute('660f2d03')).toEqual(GP);
    expect(m.execute('0f2d03')).toBeUndefined(); // cvtps2pi: 8 bytes
  });
});
