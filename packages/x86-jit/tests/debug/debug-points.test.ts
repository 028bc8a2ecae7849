import { describe, expect, it } from 'vitest';
import { hexBytes, Layout, TestMachine } from '../machine/test-machine.js';
import { X86_64_V2, X86_64_V3 } from '../../src/cpu/cpuid.js';
import { State } from '../../src/state-layout.js';
import type { CodeBreakpoint, DataWatchpoint, WatchKind } from '../../src/index.js';

const always = (): boolean => true;
const at = (address: number | bigint, stops = always, space: CodeBreakpoint['space'] = 'linear'): CodeBreakpoint => ({ space, address: BigInt(address), stops });
const watch = (address: number, length: number, kind: WatchKind, stops = always): DataWatchpoint => ({ address: BigInt(address), length, kind, stops });

// again: inc eax; dec ecx; jnz again; jmp $
const LOOP = 'ffc0 ffc9 75fa ebfe';

describe('breakpoints', () => {
  it('stop before the instruction, exactly counted, every time', () => {
    const m = new TestMachine();
    m.load(LOOP);
    m.cpu.setGpr(1, 5n);
    const point = at(Layout.code + 2);
    m.processor.debug.insert(point);
    expect(m.vcpu.run(1000)).toBe('breakpoint');
    expect([m.rip, m.vcpu.executed, m.cpu.gpr(0)]).toEqual([Layout.code + 2, 1, 1n]);
    // It still stands there, and stops again.
    expect([m.vcpu.run(1000), m.vcpu.executed]).toEqual(['breakpoint', 0]);
    m.processor.debug.passBreakpoint(0);
    expect([m.vcpu.run(1000), m.vcpu.executed, m.cpu.gpr(0)]).toEqual(['breakpoint', 3, 2n]);
    m.processor.debug.remove(point);
    expect([m.vcpu.run(1000), m.cpu.gpr(0)]).toEqual(['budget', 5n]);
  });

  it('in code that was decoded before, and in code that is written over them', () => {
    const m = new TestMachine();
    m.load(LOOP);
    m.cpu.setGpr(1, 1000n);
    expect(m.vcpu.run(30)).toBe('budget');
    m.processor.debug.insert(at(Layout.code + 4));
    expect([m.vcpu.run(1000), m.rip]).toEqual(['breakpoint', Layout.code + 4]);
    m.load('90 90 90 90 ffc3 ebfe');
    expect([m.vcpu.run(1000), m.rip, m.cpu.gpr(3)]).toEqual(['breakpoint', Layout.code + 4, 0n]);
  });

  it('ask their condition at each pass, and go on when it is false', () => {
    const m = new TestMachine();
    m.load(LOOP);
    m.cpu.setGpr(1, 100_000n);
    let asked = 0;
    m.processor.debug.insert(at(Layout.code, () => ++asked > 0 && m.cpu.gpr(0) === 77_777n));
    expect(m.vcpu.run(1_000_000)).toBe('breakpoint');
    expect([asked, m.vcpu.executed]).toEqual([77_778, 77_777 * 3]);
  });

  it('do not change how many instructions are executed', () => {
    const state = (points: readonly CodeBreakpoint[]): unknown => {
      const m = new TestMachine();
      m.load(LOOP);
      m.cpu.setGpr(1, 300n);
      for (const point of points) m.processor.debug.insert(point);
      for (let k = 0; k < 100; k++) expect([m.vcpu.run(7), m.vcpu.executed]).toEqual(['budget', 7]);
      return m.vcpu.save();
    };
    expect(state([at(Layout.code, () => false), at(Layout.code + 4, () => false)])).toEqual(state([]));
  });

  it('are found by linear address through every mapping, and not through others', () => {
    const m = new TestMachine();
    m.map(0x400000, Layout.code);
    m.map(0x401000, Layout.code);
    m.load(LOOP);
    m.cpu.setGpr(1, 10n);
    m.processor.debug.insert(at(0x401002));
    expect(m.vcpu.run(15)).toBe('budget');
    m.rip = 0x400000;
    m.cpu.setGpr(1, 5n);
    expect(m.vcpu.run(6)).toBe('budget');
    m.rip = 0x401000;
    expect([m.vcpu.run(100), m.rip]).toEqual(['breakpoint', 0x401002]);
  });

  it('wait for a page that is mapped later', () => {
    const m = new TestMachine();
    m.processor.debug.insert(at(0x500002));
    m.load('41ffe7'); // jmp r15
    m.cpu.setGpr(15, 0x500000n);
    m.map(0x500000, 0x30000);
    m.write(0x30000, hexBytes(LOOP));
    m.cpu.setGpr(1, 5n);
    expect([m.vcpu.run(100), m.rip]).toEqual(['breakpoint', 0x500002]);
  });

  it('by physical address stop in every mapping', () => {
    const m = new TestMachine();
    m.map(0x400000, Layout.code);
    m.load(LOOP);
    m.cpu.setGpr(1, 100n);
    m.processor.debug.insert(at(Layout.code + 2, always, 'physical'));
    expect([m.vcpu.run(100), m.rip]).toEqual(['breakpoint', Layout.code + 2]);
    m.rip = 0x400000;
    expect([m.vcpu.run(100), m.rip]).toEqual(['breakpoint', 0x400002]);
  });

  it('on an instruction that reaches into the next page, and in real mode', () => {
    const m = new TestMachine();
    m.write(Layout.code + 0xffe, hexBytes('b8 78563412 ebfe'));
    m.rip = Layout.code + 0xffe;
    m.processor.debug.insert(at(Layout.code + 0xffe));
    expect([m.vcpu.run(10), m.vcpu.executed]).toEqual(['breakpoint', 0]);
    m.processor.debug.step(0, { holdInterrupts: true });
    expect([m.vcpu.run(1), m.cpu.gpr(0)]).toEqual(['budget', 0x12345678n]);

    const real = new TestMachine({ mode: 'real' });
    real.load('40 40 40 ebfe');
    real.processor.debug.insert(at(real.codeAddress + 2));
    expect([real.vcpu.run(10), real.rip, real.vcpu.executed]).toEqual(['breakpoint', real.codeAddress + 2, 2]);
  });
});

describe('watchpoints', () => {
  // mov [rbx],eax; mov edx,[rbx]; add [rbx],al; push rax; jmp $
  const ACCESSES = '8903 8b13 0003 50 ebfe';
  const run = (point: DataWatchpoint): { exit: string; executed: number; address: bigint | undefined } => {
    const m = new TestMachine();
    m.load(ACCESSES);
    m.cpu.setGpr(3, BigInt(Layout.data));
    m.cpu.setGpr(0, 7n);
    m.processor.debug.insert(point);
    const exit = m.vcpu.run(100);
    return { exit, executed: m.vcpu.executed, address: m.processor.debug.watchHit(0)?.address };
  };

  it.each<[string, DataWatchpoint, number, number]>([
    ['a write', watch(Layout.data, 4, 'write'), 1, Layout.data],
    ['a write of a byte within', watch(Layout.data + 2, 1, 'write'), 1, Layout.data + 2],
    ['a read', watch(Layout.data, 4, 'read'), 2, Layout.data],
    ['either', watch(Layout.data, 1, 'access'), 1, Layout.data],
    ['a push', watch(Layout.stack - 1, 1, 'write'), 4, Layout.stack - 1],
  ])('stop after %s', (_, point, executed, address) => {
    expect(run(point)).toEqual({ exit: 'watchpoint', executed, address: BigInt(address) });
  });

  it('let what lies beside go by', () => {
    expect(run(watch(Layout.data + 4, 8, 'access')).exit).toBe('budget');
  });

  it('are asked whether to stop', () => {
    const m = new TestMachine();
    m.load('890b ffc9 75fa ebfe'); // again: mov [rbx],ecx; dec ecx; jnz again
    m.cpu.setGpr(1, 100n);
    m.cpu.setGpr(3, BigInt(Layout.data));
    m.processor.debug.insert(watch(Layout.data, 4, 'write', () => m.view.getUint32(Layout.data, true) === 42));
    expect([m.vcpu.run(1000), m.cpu.gpr(1)]).toEqual(['watchpoint', 42n]);
  });

  it('see wide, repeated and locked accesses', () => {
    const m = new TestMachine();
    m.cpu.setU64(State.xcr0, 7n);
    m.cpu.updateMode();
    m.processor.debug.insert(watch(Layout.data + 8, 2, 'write'));
    m.processor.debug.insert(watch(Layout.data, 2, 'write'));
    // rep stosb; movups; fxsave; fninit, fld1, fstp tbyte; vmovups; cmpxchg; lock inc
    for (const code of ['f3aa', '0f1107', '0fae07', 'dbe3d9e8db3f', 'c5f81107', '0fb00f', 'f0fe07']) {
      m.load(`${code} ebfe`);
      m.cpu.setGpr(7, BigInt(Layout.data));
      m.cpu.setGpr(1, 32n);
      expect(m.vcpu.run(100), code).toBe('watchpoint');
    }
  });
});

describe('steps', () => {
  it('hold interrupts back, and end at an exception’s handler', () => {
    const m = new TestMachine();
    m.load('90 90 0f0b'); // nop; nop; ud2
    m.cpu.eflags = 0x202;
    m.vcpu.pins.nmi.set(true);
    m.processor.debug.step(0, { holdInterrupts: true });
    expect([m.vcpu.run(1), m.rip]).toEqual(['budget', Layout.code + 1]);
    expect([m.vcpu.run(1), m.rip]).toEqual(['budget', Layout.code + 2]);
    expect([m.vcpu.run(1), m.vcpu.executed, m.rip]).toEqual(['preempted', 0, Layout.handlers + 6 * 16]);
    m.processor.debug.step(0, undefined);
    m.vcpu.run(1);
    expect(m.rip).toBe(Layout.handlers + 2 * 16);
  });
});

describe('registers', () => {
  it('are read and written by their names', () => {
    const m = new TestMachine({ model: X86_64_V3 });
    const { debug } = m.processor;
    const names = ['rax', 'r15', 'rip', 'eflags', 'fs_base', 'gs_base', 'k_gs_base', 'cr2', 'cr3', 'st0', 'st7', 'xmm0', 'xmm15', 'ymm3h', 'mxcsr', 'fctrl', 'lstar'];
    const values = names.map((name, n) => (name === 'cr3' ? BigInt(Layout.pml4) : name === 'eflags' ? 0x246n : name === 'fctrl' ? 0x37fn : name === 'mxcsr' ? 0x1f80n : BigInt(n + 1) << (name.startsWith('xmm') || name.startsWith('ymm') ? 100n : 8n)));
    names.forEach((name, n) => expect(debug.writeRegister(0, name, values[n] as bigint), name).toBe(true));
    expect(names.map((name) => debug.readRegister(0, name))).toEqual(values);
    expect(debug.readRegister(0, 'cs')).toBe(8n);
    expect(debug.readRegister(0, 'nothing')).toBeUndefined();
    expect(new TestMachine({ model: X86_64_V2 }).processor.debug.readRegister(0, 'ymm3h')).toBeUndefined();
  });
  it('refuse what the processor would', () => {
    const { debug } = new TestMachine().processor;
    expect(debug.writeRegister(0, 'cs', 0x18n)).toBe(false);
    expect(debug.writeRegister(0, 'cr0', 0x80000000n)).toBe(false);
    expect(debug.writeRegister(0, 'cr4', 1n << 40n)).toBe(false);
    expect(debug.writeRegister(0, 'cs_base', 1n)).toBe(false);
    expect(debug.writeRegister(0, 'mxcsr', 1n << 20n)).toBe(false);
  });
});

describe('translation', () => {
  it('walks the page tables without a trace', () => {
    const m = new TestMachine();
    m.map(0x400000, 0x30000);
    const before = m.ram.slice();
    expect(m.processor.debug.translate(0, 0x400123n)).toEqual({ physical: 0x30123n, pageBytes: 4096n, writable: true, user: true, executable: true });
    expect(m.processor.debug.translate(0, 0x401000n)).toEqual({ unmappedBytes: 4096n });
    expect(m.processor.debug.translate(0, 0xffff800000000000n)).toEqual({ unmappedBytes: 1n << 39n });
    expect(m.processor.debug.translate(0, 0x8000000000000000n)).toEqual({ unmappedBytes: 1n << 47n });
    expect(m.ram).toEqual(before);
    expect(new TestMachine({ mode: 'protected32' }).processor.debug.translate(0, 0x1234n)).toMatchObject({ physical: 0x1234n });
  });
});
