import { createProcessor, processorMemoryBytes, type CpuModel, type Processor, type ProcessorOptions, type X86Vcpu } from '../../src/index.js';
import type { ProcessorBus } from '@pckit/interfaces';
import type { CpuState } from '../../src/cpu/cpu-state.js';
import { Cr0, Cr4, Efer, SegmentIndex, State } from '../../src/state-layout.js';

// A processor with RAM and nothing else, for tests that run real instruction bytes: descriptor tables and page tables stand ready for
// every mode, every exception ends in a loop of its own, and ports are a list of what was written and what is to be read.

export type TestMode = 'real' | 'protected16' | 'protected32' | 'compatibility' | 'long';

export interface TestMachineOptions {
  readonly mode?: TestMode;
  readonly cpl?: 0 | 3;
  readonly model?: CpuModel;
  /** Other options of the processor: its tiers. */
  readonly processor?: Partial<ProcessorOptions>;
}

export interface TakenException {
  readonly vector: number;
  /** As pushed; undefined for vectors that have none. */
  readonly code: number | undefined;
}

/** Guest-physical, and with paging also linear, addresses. */
export const Layout = {
  gdt: 0x1000, idt: 0x2000, tss: 0x3000, pml4: 0x4000, pdpt: 0x5000, directory: 0x6000, pageTable: 0x7000, handlers: 0x8000, ldt: 0x9000,
  /** Page tables for `map`. */
  moreTables: 0xa000,
  code: 0x10000, data: 0x20000, stack: 0x38000, kernelStack: 0x3c000, size: 0x200000,
} as const;

export const Selector = {
  code64: 0x08, data: 0x10, code32: 0x18, userCode32: 0x23, userData: 0x2b, userCode64: 0x33, tss: 0x38, ldt: 0x48, code16: 0x58, data16: 0x60, userCode16: 0x6b, userData16: 0x73,
  /** From here on the table is free for tests, up to its limit of 0x3ff. */
  free: 0x80,
} as const;

/** A descriptor of 8 bytes. @param access byte 5 @param flags the high nibble of byte 6: G, D/B, L, AVL */
export function descriptor(base: number, limit: number, access: number, flags: number): Uint8Array {
  return Uint8Array.of(
    limit, limit >> 8, base, base >> 8, base >> 16, access, ((limit >> 16) & 15) | (flags << 4), base >>> 24,
  );
}

export function hexBytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.replace(/\s/g, '').match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

const CODES = new Set([8, 10, 11, 12, 13, 14, 17]);

export class TestMachine {
  readonly processor: Processor;
  readonly vcpu: X86Vcpu;
  readonly cpu: CpuState;
  readonly ram: Uint8Array;
  readonly view: DataView;
  readonly mode: TestMode;
  readonly cpl: number;
  /** Every OUT: port, value, size. */
  readonly written: [number, number, number][] = [];
  /** What INs give, first to last; then all ones. */
  readonly toRead: number[] = [];
  #random = 1;
  #tablesUsed = 0;

  constructor({ mode = 'long', cpl = 0, model, processor = {} }: TestMachineOptions = {}) {
    this.mode = mode;
    this.cpl = cpl;
    const offset = processorMemoryBytes(1);
    const memory = new WebAssembly.Memory({ initial: (offset + Layout.size) / 65536, maximum: (offset + Layout.size) / 65536 });
    const bus: ProcessorBus = {
      readMemory: (_, size) => (size === 4 ? 0xffffffff : 2 ** (8 * size) - 1),
      writeMemory: () => undefined,
      readMemory64: () => 0xffff_ffff_ffff_ffffn,
      writeMemory64: () => undefined,
      readPort: (_, size) => (this.toRead.shift() ?? 0xffffffff) % 2 ** (8 * size),
      writePort: (port, value, size) => void this.written.push([port, value, size]),
    };
    const entropy = { fill: (into: Uint8Array) => into.forEach((_, k) => (into[k] = this.#random = (this.#random * 5 + 1) & 0xff)) };
    this.processor = createProcessor({
      memory, ranges: [{ start: 0, length: Layout.size, offset }], ports: [{ bus }], clock: { now: () => 0 }, tscHz: 1e9, entropy, ...(model === undefined ? {} : { model }), ...processor,
    });
    this.vcpu = this.processor.vcpus[0]!;
    this.cpu = this.vcpu.cpu;
    this.ram = new Uint8Array(memory.buffer, offset, Layout.size);
    this.view = new DataView(memory.buffer, offset, Layout.size);
    this.#buildTables();
    this.reset();
  }

  write(address: number, bytes: Uint8Array): void {
    this.ram.set(bytes, address);
    this.processor.invalidate(address, bytes.length);
  }

  // --- tables ---------------------------------------------------------------------------------------------------------------------

  #buildTables(): void {
    const long = this.mode === 'long' || this.mode === 'compatibility';
    const put = (selector: number, bytes: Uint8Array): void => this.write(Layout.gdt + (selector & ~7), bytes);
    put(Selector.code64, descriptor(0, 0xfffff, 0x9b, 0xa));
    put(Selector.data, descriptor(0, 0xfffff, 0x93, 0xc));
    put(Selector.code32, descriptor(0, 0xfffff, 0x9b, 0xc));
    put(Selector.userCode32, descriptor(0, 0xfffff, 0xfb, 0xc));
    put(Selector.userData, descriptor(0, 0xfffff, 0xf3, 0xc));
    put(Selector.userCode64, descriptor(0, 0xfffff, 0xfb, 0xa));
    put(Selector.tss, descriptor(Layout.tss, 0x3ff, 0x89, 0));
    put(Selector.ldt, descriptor(Layout.ldt, 0xff, 0x82, 0));
    put(Selector.code16, descriptor(0, 0xffff, 0x9b, 0x8));
    put(Selector.data16, descriptor(0, 0xffff, 0x93, 0x8));
    put(Selector.userCode16, descriptor(0, 0xffff, 0xfb, 0x8));
    put(Selector.userData16, descriptor(0, 0xffff, 0xf3, 0x8));
    for (let vector = 0; vector < 32; vector++) {
      const handler = Layout.handlers + vector * 16;
      this.write(handler, Uint8Array.of(0xeb, 0xfe)); // jmp to itself
      if (long) this.write(Layout.idt + vector * 16, Uint8Array.of(handler, handler >> 8, Selector.code64, 0, 0, 0x8e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
      else if (this.mode === 'real') this.write(vector * 4, Uint8Array.of(handler, handler >> 8, 0, 0));
      else this.write(Layout.idt + vector * 8, Uint8Array.of(handler, handler >> 8, Selector.code32, 0, 0, 0x8e, 0, 0));
    }
    // The stack of CPL 0, in both formats of the TSS, and an I/O map that allows nothing.
    if (long) this.view.setUint32(Layout.tss + 4, Layout.kernelStack, true);
    else {
      this.view.setUint32(Layout.tss + 4, Layout.kernelStack, true);
      this.view.setUint32(Layout.tss + 8, Selector.data, true);
    }
    this.view.setUint16(Layout.tss + 102, 104, true);
    this.ram.fill(0xff, Layout.tss + 104, Layout.tss + 0x400);
    // The first 2 MiB are mapped onto themselves.
    this.view.setUint32(Layout.pml4, Layout.pdpt | 7, true);
    this.view.setUint32(Layout.pdpt, Layout.directory | 7, true);
    this.view.setUint32(Layout.directory, Layout.pageTable | 7, true);
    for (let page = 0; page < 512; page++) this.view.setUint32(Layout.pageTable + 8 * page, (page << 12) | 7, true);
  }

  /** Maps another page below 1 GiB (long and compatibility mode). */
  map(linear: number, physical: number): void {
    const entry = Layout.directory + 8 * (linear >> 21);
    let table = this.view.getUint32(entry, true) & ~0xfff;
    if (table === 0) {
      table = Layout.moreTables + 4096 * this.#tablesUsed++;
      this.view.setUint32(entry, table | 7, true);
    }
    this.view.setUint32(table + 8 * ((linear >> 12) & 511), physical | 7, true);
    this.cpu.flushTlb();
  }

  /** Changes the rights of a page below 2 MiB: bit 0 present, 1 writable, 2 user. */
  protect(linear: number, rights: number): void {
    this.view.setUint32(Layout.pageTable + 8 * (linear >> 12), (linear & ~0xfff) | rights, true);
    this.cpu.flushTlb();
  }

  // --- running --------------------------------------------------------------------------------------------------------------------

  /** Registers as at the start: flat segments, RIP at `Layout.code`, RSP at `Layout.stack`, floating point enabled. */
  reset(): void {
    const { mode, cpl } = this;
    const [code, data] = {
      real: [0, 0],
      protected16: cpl ? [Selector.userCode16, Selector.userData16] : [Selector.code16, Selector.data16],
      protected32: cpl ? [Selector.userCode32, Selector.userData] : [Selector.code32, Selector.data],
      compatibility: cpl ? [Selector.userCode32, Selector.userData] : [Selector.code32, Selector.data],
      long: cpl ? [Selector.userCode64, Selector.userData] : [Selector.code64, Selector.data],
    }[mode] as [number, number];
    const segment = (selector: number, realAttributes: number): { selector: number; base: number; limit: number; attributes: number } => {
      if (mode === 'real') return { selector: 0, base: 0, limit: 0xffff, attributes: realAttributes };
      const at = Layout.gdt + (selector & ~7);
      const high = this.view.getUint32(at + 4, true);
      const granular = (high & 0x800000) !== 0;
      return { selector, base: 0, limit: granular ? 0xffffffff : 0xffff, attributes: (high >>> 8) & 0xf0ff };
    };
    const cs = segment(code, 0x9b);
    const ds = segment(data, 0x93);
    const long = mode === 'long' || mode === 'compatibility';
    const general = { rax: 0, rcx: 0, rdx: 0, rbx: 0, rsp: this.#small ? 0xf000 : Layout.stack, rbp: 0, rsi: 0, rdi: 0, r8: 0, r9: 0, r10: 0, r11: 0, r12: 0, r13: 0, r14: 0, r15: 0 };
    this.vcpu.setRegisters({
      rip: this.#small ? 0xc000 : Layout.code, rflags: 2, general,
      segments: { cs, ss: ds, ds, es: ds, fs: ds, gs: ds },
      ldtr: { selector: 0, base: 0, limit: 0, attributes: 0x10000 },
      tr: { selector: Selector.tss, base: Layout.tss, limit: 0x3ff, attributes: 0x8b },
      gdt: { base: Layout.gdt, limit: 0x3ff },
      idt: { base: mode === 'real' ? 0 : Layout.idt, limit: 0x3ff },
      cr0: mode === 'real' ? Cr0.ET | Cr0.NE : (Cr0.ET | Cr0.NE | Cr0.MP | Cr0.PE | Cr0.WP | (long ? Cr0.PG : 0)) >>> 0,
      cr3: long ? Layout.pml4 : 0,
      cr4: Cr4.OSFXSR | Cr4.OSXMMEXCPT | Cr4.OSXSAVE | (long ? Cr4.PAE : 0),
      efer: long ? Efer.LME | Efer.LMA | Efer.SCE : 0,
    });
    this.cpu.setU64(State.xcr0, 3n);
  }

  /** Modes whose segments end at 64 KiB keep code and stack below. */
  get #small(): boolean {
    return this.mode === 'real' || this.mode === 'protected16';
  }
  get codeAddress(): number {
    return this.#small ? 0xc000 : Layout.code;
  }

  get rip(): number {
    return Number(this.cpu.u64(State.rip));
  }
  set rip(linear: number) {
    this.cpu.setU64(State.rip, BigInt(linear));
  }

  /** Runs so many instructions, or fewer up to an exception, whose frame is then taken back: registers are as the handler found them, RIP that of the fault. */
  run(count: number): TakenException | undefined {
    const exit = this.vcpu.run(count);
    if (exit !== 'budget') throw new Error(`run ended with ${exit}`);
    const vector = (this.rip - Layout.handlers) / 16;
    return Number.isInteger(vector) && vector >= 0 && vector < 32 ? this.#takeBack(vector) : undefined;
  }

  #takeBack(vector: number): TakenException {
    const { cpu, view } = this;
    const real = this.mode === 'real';
    const width = real ? 2 : this.mode === 'long' || this.mode === 'compatibility' ? 8 : 4;
    let at = real ? Number(cpu.gpr(4) & 0xffffn) : Number(cpu.gpr(4) & 0xffffffffn);
    const pop = (): number => {
      const value = width === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
      at += width;
      return value;
    };
    const code = !real && CODES.has(vector) ? pop() : undefined;
    const [ip, cs, flags] = [pop(), pop(), pop()];
    const outer = !real && (width === 8 || (cs & 3) !== 0);
    const sp = outer ? pop() : at;
    const ss = outer ? pop() : cpu.selector(SegmentIndex.SS);
    const general = Array.from({ length: 16 }, (_, n) => cpu.gpr(n));
    general[4] = BigInt(sp);
    const segments = [0, 1, 2, 3, 4, 5].map((index) => cpu.segment(index));
    const [cr0, cr4, xcr0] = [cpu.u64(State.cr0), cpu.u64(State.cr4), cpu.u64(State.xcr0)];
    const [gdtBase, gdtLimit, ldtr] = [cpu.u64(State.gdtBase), cpu.u32(State.gdtLimit), cpu.segment(SegmentIndex.LDTR)];
    this.reset();
    general.forEach((value, n) => cpu.setGpr(n, value));
    segments.forEach((value, index) => index !== SegmentIndex.CS && index !== SegmentIndex.SS && cpu.setSegment(index, value));
    if ((ss & ~3) !== (cpu.selector(SegmentIndex.SS) & ~3)) throw new Error(`the handler found SS ${ss.toString(16)}`);
    cpu.setU64(State.cr0, cr0);
    cpu.setU64(State.cr4, cr4);
    cpu.setU64(State.xcr0, xcr0);
    cpu.setU64(State.gdtBase, gdtBase);
    cpu.setU32(State.gdtLimit, gdtLimit);
    cpu.setSegment(SegmentIndex.LDTR, ldtr);
    cpu.eflags = flags;
    cpu.updateMode();
    this.rip = ip;
    return { vector, code };
  }

  /** Puts code at the start, and NOPs behind it. */
  load(code: string | Uint8Array): void {
    const bytes = typeof code === 'string' ? hexBytes(code) : code;
    this.write(this.codeAddress, Uint8Array.of(...bytes, ...new Uint8Array(16).fill(0x90)));
    this.rip = this.codeAddress;
  }
  /** Loads code and runs it: `count` instructions, by default 1. */
  execute(code: string | Uint8Array, count = 1): TakenException | undefined {
    this.load(code);
    return this.run(count);
  }
}
