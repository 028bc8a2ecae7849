import { describe, expect, it } from 'vitest';
import { SegmentIndex, State } from '../../src/state-layout.js';
import { descriptor, Layout, Selector, TestMachine, type TestMode } from './test-machine.js';

const [RAX, RBX] = [0, 3];
const { ES, SS, DS, FS, GS } = SegmentIndex;
const GP = 13;

/** A machine with further descriptors from `Selector.free` on. */
function machine(descriptors: readonly Uint8Array[], mode: TestMode = 'protected32', cpl: 0 | 3 = 0): TestMachine {
  const m = new TestMachine({ mode, cpl });
  descriptors.forEach((bytes, k) => m.write(Layout.gdt + Selector.free + 8 * k, bytes));
  return m;
}
const F = Selector.free;

describe('MOV to a segment register', () => {
  it('takes base, limit and rights from the descriptor and marks it accessed', () => {
    const m = machine([descriptor(0x12345678, 0xabc, 0x92, 4)]);
    m.cpu.setGpr(RAX, BigInt(F));
    expect(m.execute('8ed8')).toBeUndefined(); // mov ds, ax
    expect(m.cpu.segment(DS)).toEqual({ selector: F, base: 0x12345678n, limit: 0xabc, attributes: 0x4093 });
    expect(m.ram[Layout.gdt + F + 5]).toBe(0x93);
  });

  it('gives memory accesses the new base and limit', () => {
    const m = machine([descriptor(Layout.data, 0xff, 0x93, 4)]);
    m.ram[Layout.data + 0xff] = 0x5a;
    m.cpu.setGpr(RAX, BigInt(F));
    m.cpu.setGpr(RBX, 0xffn);
    expect(m.execute('8ee0 648a0b', 2)).toBeUndefined(); // mov fs, ax; mov cl, fs:[ebx]
    expect(m.cpu.gpr(1)).toBe(0x5an);
    m.cpu.setGpr(RBX, 0x100n);
    expect(m.execute('648a0b')).toEqual({ vector: GP, code: 0 });
  });

  it('refuses what the segment register may not hold, with the selector as error code', () => {
    const m = machine([
      descriptor(0, 0xfff, 0x98, 4), // execute-only code
      descriptor(0, 0xfff, 0x12, 4), // data, not present
      descriptor(0, 0xfff, 0x90, 4), // read-only data
      descriptor(0, 0x67, 0x89, 0), // TSS
      descriptor(0, 0xfff, 0xf2, 4), // data of CPL 3
    ]);
    const load = (register: number, selector: number): unknown => {
      m.cpu.setGpr(RAX, BigInt(selector));
      return m.execute(Uint8Array.of(0x8e, 0xc0 | (register << 3)));
    };
    expect(load(DS, F)).toEqual({ vector: GP, code: F });
    expect(load(DS, F + 8)).toEqual({ vector: 11, code: F + 8 });
    expect(load(SS, F + 8)).toEqual({ vector: 12, code: F + 8 });
    expect(load(SS, F + 16)).toEqual({ vector: GP, code: F + 16 });
    expect(load(ES, F + 24)).toEqual({ vector: GP, code: F + 24 });
    expect(load(SS, F + 32)).toEqual({ vector: GP, code: F + 32 });
    expect(load(SS, 0)).toEqual({ vector: GP, code: 0 });
    expect(load(DS, 0x400)).toEqual({ vector: GP, code: 0x400 });
    expect(load(GS, 4)).toEqual({ vector: GP, code: 4 }); // no LDT
    expect(load(DS, F + 16 + 3)).toEqual({ vector: GP, code: F + 16 }); // RPL above DPL
    expect(load(DS, F + 16)).toBeUndefined();
  });

  it('lets a null selector into data segments, whose use then faults', () => {
    const m = machine([]);
    m.cpu.setGpr(RAX, 0n);
    expect(m.execute('8ec0')).toBeUndefined(); // mov es, ax
    expect(m.execute('268a0d00000200')).toEqual({ vector: GP, code: 0 }); // mov cl, es:[20000h]
  });

  it('lets a null SS into 64-bit mode only, below CPL 3', () => {
    const m = machine([], 'long');
    expect(m.execute('8ed0')).toBeUndefined();
    expect(m.execute('50')).toBeUndefined(); // push rax: there is no stack segment to miss
    const user = machine([], 'long', 3);
    user.cpu.setGpr(RAX, 3n);
    expect(user.execute('8ed0')).toEqual({ vector: GP, code: 0 });
  });

  it('shifts the selector by four in real mode', () => {
    const m = new TestMachine({ mode: 'real' });
    m.cpu.setGpr(RAX, 0x1234n);
    expect(m.execute('8ec0')).toBeUndefined();
    expect(m.cpu.segment(ES)).toMatchObject({ selector: 0x1234, base: 0x12340n, limit: 0xffff });
  });

  it('keeps interrupts away after SS has been loaded', () => {
    const m = new TestMachine({ mode: 'protected32' });
    // The interrupt comes after the first instruction; without an interrupt controller its vector is 0.
    const interrupted = (code: string): number => {
      m.cpu.eflags = 0x202;
      m.cpu.setGpr(RAX, BigInt(Selector.data));
      m.load(code);
      m.run(1);
      m.vcpu.pins.intr.set(true);
      expect(m.run(2)).toEqual({ vector: 0, code: undefined });
      m.vcpu.pins.intr.set(false);
      return m.rip - m.codeAddress;
    };
    expect(interrupted('8ed8 90')).toBe(2); // mov ds, ax
    expect(interrupted('8ed0 90')).toBe(3); // mov ss, ax
  });

  it('stores selectors: 16 bits to memory, zero-extended to a register', () => {
    const m = new TestMachine({ mode: 'long' });
    m.cpu.setGpr(RAX, 0xffff_ffff_ffff_ffffn);
    m.cpu.setGpr(RBX, BigInt(Layout.data));
    m.view.setUint32(Layout.data, 0xffffffff, true);
    m.execute('8cd8 8c1b 668cd9', 2); // mov eax, ds; mov [rbx], ds
    expect(m.cpu.gpr(RAX)).toBe(BigInt(Selector.data));
    expect(m.view.getUint32(Layout.data, true)).toBe(0xffff0000 + Selector.data);
    m.cpu.setGpr(RAX, 0xffff_ffff_ffff_ffffn);
    m.execute('668cd8'); // mov ax, ds
    expect(m.cpu.gpr(RAX)).toBe(0xffff_ffff_ffff_0000n + BigInt(Selector.data));
    m.execute('488cd8');
    expect(m.cpu.gpr(RAX)).toBe(BigInt(Selector.data));
  });
});

describe('POP to a segment register', () => {
  it('moves the stack pointer by the operand size, and not on a fault', () => {
    for (const [mode, code, size] of [['long', '0fa9', 8], ['long', '660fa9', 2], ['protected32', '0fa9', 4], ['protected16', '0fa9', 2], ['real', '0fa9', 2]] as const) {
      const m = new TestMachine({ mode });
      const sp = Number(m.cpu.gpr(4));
      m.view.setBigUint64(sp, 0xdeadbeefdead0000n + BigInt(Selector.data), true);
      expect(m.execute(code), mode).toBeUndefined(); // pop gs
      expect(m.cpu.selector(GS)).toBe(Selector.data);
      expect(m.cpu.gpr(4)).toBe(BigInt(sp + size));
      if (mode === 'real') continue;
      m.view.setUint16(sp + size, 0x3f8, true); // an empty descriptor
      expect(m.execute(code)).toEqual({ vector: GP, code: 0x3f8 });
      expect(m.cpu.gpr(4)).toBe(BigInt(sp + size));
    }
  });

  it('uses the new stack segment after POP SS only', () => {
    const m = machine([descriptor(0x1000, 0xfffff, 0x93, 0xc)]);
    m.view.setUint32(Layout.stack, F, true);
    m.execute('17 6a42', 2); // pop ss; push 42h
    expect(m.cpu.gpr(4)).toBe(BigInt(Layout.stack));
    expect(m.view.getUint32(Layout.stack + 0x1000, true)).toBe(0x42);
  });
});

describe('LDS, LES, LFS, LGS, LSS', () => {
  it('load an offset and a selector of every size', () => {
    for (const [mode, code, size] of [
      ['protected32', 'c403', 4], ['protected32', '66c403', 2], ['protected32', 'c503', 4], ['protected32', '0fb203', 4], ['protected32', '0fb403', 4],
      ['long', '0fb503', 4], ['long', '480fb503', 8], ['long', '660fb403', 2],
    ] as const) {
      const m = new TestMachine({ mode });
      m.cpu.setGpr(RBX, BigInt(Layout.data));
      m.cpu.setGpr(RAX, 0xffff_ffff_ffff_ffffn);
      m.ram.set([1, 2, 3, 4, 5, 6, 7, 8], Layout.data);
      m.view.setUint16(Layout.data + size, Selector.data, true);
      expect(m.execute(code), code).toBeUndefined();
      const expected = size === 8 ? 0x0807060504030201n : size === 4 ? 0x04030201n : 0xffff_ffff_ffff_0201n;
      expect(m.cpu.gpr(RAX)).toBe(expected);
      const index = { c4: ES, c5: DS, b2: SS, b4: FS, b5: GS }[code.slice(-4, -2)]!;
      expect(m.cpu.selector(index)).toBe(Selector.data);
    }
  });

  it('change neither register when the selector is refused', () => {
    const m = new TestMachine({ mode: 'protected32' });
    m.cpu.setGpr(RBX, BigInt(Layout.data));
    m.view.setUint16(Layout.data + 4, 0x3f8, true);
    expect(m.execute('c403')).toEqual({ vector: GP, code: 0x3f8 });
    expect(m.cpu.gpr(RAX)).toBe(0n);
  });
});

describe('LDTR and TR', () => {
  it('are loaded from the GDT: an LDT, an available TSS that becomes busy', () => {
    for (const mode of ['protected32', 'long'] as const) {
      const m = new TestMachine({ mode });
      m.cpu.setGpr(RAX, BigInt(Selector.ldt));
      expect(m.execute('0f00d0')).toBeUndefined(); // lldt ax
      expect(m.cpu.segment(SegmentIndex.LDTR)).toMatchObject({ selector: Selector.ldt, base: BigInt(Layout.ldt), limit: 0xff });
      m.cpu.setGpr(RAX, BigInt(Selector.tss));
      m.ram[Layout.gdt + Selector.tss + 5] = 0x89;
      expect(m.execute('0f00d8')).toBeUndefined(); // ltr ax
      expect(m.cpu.segment(SegmentIndex.TR)).toMatchObject({ selector: Selector.tss, base: BigInt(Layout.tss), limit: 0x3ff });
      expect(m.ram[Layout.gdt + Selector.tss + 5]).toBe(0x8b);
      expect(m.execute('0f00d8')).toEqual({ vector: GP, code: Selector.tss }); // busy now
      expect(m.execute('0f00c8')).toBeUndefined(); // str eax
      expect(m.cpu.gpr(RAX)).toBe(BigInt(Selector.tss));
      m.cpu.setGpr(RAX, 0xffffffffn);
      expect(m.execute('0f00c0')).toBeUndefined(); // sldt eax
      expect(m.cpu.gpr(RAX)).toBe(BigInt(Selector.ldt));
    }
  });

  it('have bases of 64 bits in long mode', () => {
    const m = new TestMachine({ mode: 'long' });
    m.view.setUint32(Layout.gdt + Selector.ldt + 8, 0xffff8000, true);
    m.cpu.setGpr(RAX, BigInt(Selector.ldt));
    expect(m.execute('0f00d0')).toBeUndefined();
    expect(m.cpu.segment(SegmentIndex.LDTR).base).toBe(0xffff8000_00009000n);
  });

  it('serve selectors with bit 2 from the LDT', () => {
    const m = new TestMachine({ mode: 'protected32' });
    m.write(Layout.ldt + 8, descriptor(0x5000, 0xffff, 0x93, 4));
    m.cpu.setGpr(RAX, BigInt(Selector.ldt));
    m.execute('0f00d0');
    m.cpu.setGpr(RAX, 0xcn);
    expect(m.execute('8ed8')).toBeUndefined();
    expect(m.cpu.segment(DS).base).toBe(0x5000n);
    m.cpu.setGpr(RAX, 0x104n); // beyond its limit
    expect(m.execute('8ed8')).toEqual({ vector: GP, code: 0x104 });
  });

  it('are refused outside CPL 0, and unknown to real mode', () => {
    const user = new TestMachine({ mode: 'protected32', cpl: 3 });
    for (const code of ['0f00d0', '0f00d8']) expect(user.execute(code)).toEqual({ vector: GP, code: 0 });
    const real = new TestMachine({ mode: 'real' });
    for (const code of ['0f00c0', '0f00c8', '0f00d0', '0f00d8', '0f00e0', '0f00e8', '0f02c0', '0f03c0', '63c0']) expect(real.execute(code), code).toEqual({ vector: 6, code: undefined });
  });
});

describe('GDTR and IDTR', () => {
  it('are loaded and stored with bases of the mode', () => {
    for (const [mode, code, store, bytes] of [
      ['protected32', '0f0113', '0f010b', 4], ['long', '0f0113', '0f010b', 8], ['compatibility', '0f0113', '0f010b', 4],
    ] as const) {
      const m = new TestMachine({ mode });
      m.cpu.setGpr(RBX, BigInt(Layout.data));
      m.view.setUint16(Layout.data, 0x27f, true);
      m.view.setBigUint64(Layout.data + 2, 0xffff_8123_4567_0000n, true);
      if (bytes === 4) m.view.setUint32(Layout.data + 2, Layout.gdt, true);
      const handlers = m.cpu.u64(State.idtBase);
      expect(m.execute(code)).toBeUndefined(); // lgdt [ebx]
      expect(m.cpu.u32(State.gdtLimit)).toBe(0x27f);
      expect(m.cpu.u64(State.gdtBase)).toBe(bytes === 8 ? 0xffff_8123_4567_0000n : BigInt(Layout.gdt));
      expect(m.cpu.u64(State.idtBase)).toBe(handlers);
      m.ram.fill(0xee, Layout.data, Layout.data + 16);
      expect(m.execute(store)).toBeUndefined(); // sidt [ebx]
      expect(m.view.getUint16(Layout.data, true)).toBe(0x3ff);
      expect(m.view.getUint32(Layout.data + 2, true)).toBe(Layout.idt);
      expect(m.ram[Layout.data + 2 + bytes]).toBe(0xee);
    }
  });

  it('get 24 bits of base with a 16-bit operand', () => {
    const m = new TestMachine({ mode: 'real' });
    m.cpu.setGpr(RBX, 0x4000n);
    m.view.setUint32(0x4002, 0xfe123456, true);
    expect(m.execute('0f0117')).toBeUndefined(); // lgdt [bx]
    expect(m.cpu.u64(State.gdtBase)).toBe(0x123456n);
    expect(m.execute('660f0117')).toBeUndefined();
    expect(m.cpu.u64(State.gdtBase)).toBe(0xfe123456n);
  });

  it('are loaded at CPL 0 only, with a canonical base', () => {
    const m = new TestMachine({ mode: 'long' });
    m.cpu.setGpr(RBX, BigInt(Layout.data));
    m.view.setBigUint64(Layout.data + 2, 0x0000_8000_0000_0000n, true);
    expect(m.execute('0f0113')).toEqual({ vector: GP, code: 0 });
    const user = new TestMachine({ mode: 'long', cpl: 3 });
    user.cpu.setGpr(RBX, BigInt(Layout.data));
    for (const code of ['0f0113', '0f011b']) expect(user.execute(code)).toEqual({ vector: GP, code: 0 });
    expect(user.execute('0f0103')).toBeUndefined(); // sgdt: no UMIP
  });
});
