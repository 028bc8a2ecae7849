import type { ProcessorBus } from '@pckit/interfaces';
import type { CpuState } from '../../src/cpu/cpu-state.js';
import { createProcessor, processorMemoryBytes, type Processor, type X86Vcpu } from '../../src/index.js';
import { Attribute, Cr0, Cr4, Efer, Segment, SegmentIndex, State } from '../../src/state-layout.js';
import { RECORDED_MODEL } from './forms.js';
import { FS_BASE, GDT, GS_BASE, initialMemory, LDT, ldtDescriptor, type Mode, PAGE, REGIONS, SEGMENT_SETS } from './layout.js';
import { locate, type Case, type Outcome } from './vector.js';

/** Guest-physical addresses; with `KERNEL` added, linear ones that only the supervisor may use. */
const Physical = { gdt: 0x1000, ldt: 0x1800, idt: 0x2000, tss: 0x3000, handlers: 0x4000, stack: 0x6000, tables: 0x8000, regions: 0x20000, size: 0x100000 } as const;
const KERNEL = 0xffff_ffff_8000_0000n;
const HANDLER_BYTES = 16;

const Pte = { present: 1n, write: 2n, user: 4n, accessed: 0x20n, dirty: 0x40n, noExecute: 1n << 63n } as const;
const Tss = { selector: 0x40, limit: 103 } as const;

/** What fills code pages: HLT ends the decoder's block. */
const HALTS = new Uint8Array(64).fill(0xf4);

/** Vectors that push an error code. */
const CODES = new Set([8, 10, 11, 12, 13, 14, 17]);

/**
 * The real vCPU in the surroundings that the recording program has: the same user pages, descriptor tables like Linux's, CPL 3, and a
 * handler of a few NOPs for each exception, so that where the instruction pointer ends up says which one came.
 */
export class GoldenMachine {
  readonly #processor: Processor;
  readonly #vcpu: X86Vcpu;
  readonly #cpu: CpuState;
  readonly #ram: Uint8Array;
  readonly #view: DataView;
  /** Physical address, of each region. */
  readonly #at: number[] = [];
  readonly #pristine: readonly Uint8Array[] = initialMemory();
  readonly #before: Uint8Array[];
  /** The segment registers' bytes, by mode and set. */
  readonly #segments = new Map<Mode, Uint8Array[]>();
  #tables: number = Physical.tables;

  constructor() {
    const offset = processorMemoryBytes(1);
    const pages = (offset + Physical.size) / 65536;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const bus: ProcessorBus = {
      readMemory: (_, size) => 2 ** (8 * size) - 1,
      writeMemory: () => undefined,
      readMemory64: () => 0xffff_ffff_ffff_ffffn,
      writeMemory64: () => undefined,
      readPort: (_, size) => 2 ** (8 * size) - 1,
      writePort: () => undefined,
    };
    this.#processor = createProcessor({
      memory, ranges: [{ start: 0, length: Physical.size, offset }], ports: [{ bus }],
      clock: { now: () => 1e9 }, tscHz: 1e9, entropy: { fill: (into) => into.fill(0x5a) }, model: RECORDED_MODEL,
    });
    this.#vcpu = this.#processor.vcpus[0]!;
    this.#cpu = this.#vcpu.cpu;
    this.#ram = new Uint8Array(memory.buffer, offset, Physical.size);
    this.#view = new DataView(memory.buffer, offset, Physical.size);
    this.#before = this.#pristine.map((bytes) => bytes.slice());
    this.#mapMemory();
    this.#writeTables();
    this.#startProtectedMode();
    for (const mode of [16, 32, 64] as const) this.#segments.set(mode, SEGMENT_SETS[mode].map((_, set) => this.#segmentBytes(mode, set)));
    this.#keepCodePages();
  }

  // --- construction ---------------------------------------------------------------------------------------------------------------

  #mapMemory(): void {
    this.#tables += PAGE; // the PML4
    for (let page = 0; page < Physical.tables; page += PAGE) this.#map(KERNEL + BigInt(page), page, Pte.write);
    let next: number = Physical.regions;
    REGIONS.forEach(({ base, pages, writable, executable }, region) => {
      this.#at.push(next);
      this.#ram.set(this.#pristine[region]!, next);
      const rights = Pte.user | (writable ? Pte.write : 0n) | (executable ? 0n : Pte.noExecute);
      for (let page = 0; page < pages; page++, next += PAGE) this.#map(base + BigInt(page * PAGE), next, rights);
    });
  }

  #map(linear: bigint, physical: number, rights: bigint): void {
    let table: number = Physical.tables;
    for (const shift of [39n, 30n, 21n]) {
      const at = table + Number((linear >> shift) & 511n) * 8;
      let entry = this.#view.getBigUint64(at, true);
      if (entry === 0n) {
        entry = BigInt(this.#tables) | Pte.present | Pte.write | Pte.user | Pte.accessed;
        this.#tables += PAGE;
        this.#view.setBigUint64(at, entry, true);
      }
      table = Number(entry & 0xffff_f000n);
    }
    this.#view.setBigUint64(table + Number((linear >> 12n) & 511n) * 8, BigInt(physical) | Pte.present | Pte.accessed | Pte.dirty | rights, true);
  }

  #writeTables(): void {
    const view = this.#view;
    GDT.forEach((descriptor, k) => view.setBigUint64(Physical.gdt + k * 8, descriptor, true));
    LDT.forEach((entry, k) => view.setBigUint64(Physical.ldt + k * 8, ldtDescriptor(entry), true));
    // A busy TSS at KERNEL + tss.
    const tss = KERNEL + BigInt(Physical.tss);
    view.setBigUint64(Physical.gdt + Tss.selector, BigInt(Tss.limit) | ((tss & 0xffffffn) << 16n) | (0x8bn << 40n) | (((tss >> 24n) & 0xffn) << 56n), true);
    view.setBigUint64(Physical.gdt + Tss.selector + 8, tss >> 32n, true);
    // Of the TSS only the stack for CPL 0 counts; no I/O permission map.
    view.setBigUint64(Physical.tss + 4, KERNEL + BigInt(Physical.stack + PAGE), true);
    view.setUint16(Physical.tss + 102, Tss.limit + 1, true);
    for (let vector = 0; vector < 256; vector++) {
      const handler = KERNEL + BigInt(Physical.handlers + vector * HANDLER_BYTES);
      // #BP and #OF may be raised by INT at CPL 3.
      const access = vector === 3 || vector === 4 ? 0xeen : 0x8en;
      view.setBigUint64(Physical.idt + vector * 16, (handler & 0xffffn) | (0x10n << 16n) | (access << 40n) | (((handler >> 16n) & 0xffffn) << 48n), true);
      view.setBigUint64(Physical.idt + vector * 16 + 8, handler >> 32n, true);
    }
    this.#ram.fill(0x90, Physical.handlers, Physical.handlers + 256 * HANDLER_BYTES);
  }

  #startProtectedMode(): void {
    const cpu = this.#cpu;
    cpu.setU64(State.gdtBase, KERNEL + BigInt(Physical.gdt));
    cpu.setU32(State.gdtLimit, 0x7f);
    cpu.setU64(State.idtBase, KERNEL + BigInt(Physical.idt));
    cpu.setU32(State.idtLimit, 0xfff);
    cpu.setU64(State.cr0, BigInt((Cr0.PE | Cr0.MP | Cr0.ET | Cr0.NE | Cr0.WP | Cr0.AM | Cr0.PG) >>> 0));
    cpu.setU64(State.cr3, BigInt(Physical.tables));
    cpu.setU64(State.cr4, BigInt(Cr4.PAE | Cr4.PGE | Cr4.OSFXSR | Cr4.OSXMMEXCPT | Cr4.FSGSBASE | Cr4.OSXSAVE | Cr4.SMEP | Cr4.SMAP));
    cpu.setU64(State.efer, BigInt(Efer.SCE | Efer.LME | Efer.LMA | Efer.NXE));
    cpu.setSegment(SegmentIndex.LDTR, { selector: 0x50, base: KERNEL + BigInt(Physical.ldt), limit: LDT.length * 8 - 1, attributes: Attribute.present | 2 });
    cpu.setSegment(SegmentIndex.TR, { selector: Tss.selector, base: KERNEL + BigInt(Physical.tss), limit: Tss.limit, attributes: Attribute.present | 0xb });
    cpu.flushTlb();
    cpu.updateMode();
  }

  #segmentBytes(mode: Mode, set: number): Uint8Array {
    const cpu = this.#cpu;
    const selectors = SEGMENT_SETS[mode][set]!;
    for (const [index, selector] of [
      [SegmentIndex.ES, selectors.es], [SegmentIndex.CS, selectors.cs], [SegmentIndex.SS, selectors.ss],
      [SegmentIndex.DS, selectors.ds], [SegmentIndex.FS, selectors.fs], [SegmentIndex.GS, selectors.gs],
    ] as const) {
      const raw = selector & 4 ? ldtDescriptor(LDT[selector >> 3]!) : (GDT[selector >> 3] ?? 0n);
      const attributes = Number((raw >> 40n) & 0xf0ffn);
      const units = Number(raw & 0xffffn) | (Number((raw >> 48n) & 15n) << 16);
      const limit = attributes & Attribute.granular ? ((units << 12) | 0xfff) >>> 0 : units;
      const base = ((raw >> 16n) & 0xffffffn) | ((raw >> 56n) << 24n);
      cpu.setSegment(index, raw === 0n ? { selector, base, limit: 0, attributes: Attribute.unusable } : { selector, base, limit, attributes });
    }
    if (mode === 64) {
      cpu.setU64(State.segments + SegmentIndex.FS * Segment.size + Segment.base, FS_BASE);
      cpu.setU64(State.segments + SegmentIndex.GS * Segment.size + Segment.base, GS_BASE);
    }
    return cpu.host.u8.slice(cpu.base + State.segments, cpu.base + State.segments + 6 * Segment.size);
  }

  /** Has a HLT decoded in every code page, for good: when a page gets its first decoded code, all TLBs are searched for it. */
  #keepCodePages(): void {
    const nothing = { mode: 64, segments: 0, code: new Uint8Array(0), seed: 0, registers: new Map(), flags: 0, memory: [], repeats: false, steps: 1, follow: 0 } as const;
    for (const { base, pages, executable } of REGIONS) {
      for (let page = 0; executable && page < pages; page++) this.execute({ ...nothing, at: base + BigInt(page * PAGE + 0xc00) }, new BigUint64Array(16), 1);
    }
  }

  // --- execution ------------------------------------------------------------------------------------------------------------------

  /**
   * @param start its registers, see `startRegisters`
   * @param steps how many instructions or iterations to run, an exception's handler counting as one
   * @param cut when not 0, as many of them are run in a slice of their own
   */
  execute(input: Case, start: BigUint64Array, steps: number, cut = 0): Outcome | string {
    const cpu = this.#cpu;
    cpu.host.u8.set(this.#segments.get(input.mode)![input.segments]!, cpu.base + State.segments);
    cpu.setU32(State.cpl, 3);
    cpu.eflags = input.flags | 0x202;
    cpu.updateMode();
    cpu.setU64(State.rip, input.at);
    const registers = start.slice();
    cpu.host.u64.set(registers, (cpu.base + State.gpr) >> 3);
    this.#setMemory(input);
    try {
      if (cut > 0) {
        const first = this.#vcpu.run(cut);
        if (first !== 'budget') return `run ended with ${first}`;
      }
      const exit = this.#vcpu.run(steps - cut);
      if (exit !== 'budget') return `run ended with ${exit}`;
      return this.#outcome(registers, steps);
    } finally {
      this.#restoreMemory(input);
    }
  }

  #setMemory(input: Case): void {
    for (const { at, value, size } of input.memory) {
      for (let k = 0; k < size; k++) this.#setByte(at + BigInt(k), Number((value >> BigInt(8 * k)) & 0xffn));
    }
    this.#setCode(input, input.code);
  }

  /** @param byte absent: what is always there */
  #setByte(at: bigint, byte?: number): void {
    const { region, offset } = locate(at)!;
    const value = byte ?? this.#pristine[region]![offset]!;
    this.#ram[this.#at[region]! + offset] = value;
    this.#before[region]![offset] = value;
  }

  /** Code lies within one region. */
  #setCode({ at }: Case, bytes: Uint8Array): void {
    const { region, offset } = locate(at)!;
    const physical = this.#at[region]! + offset;
    this.#processor.invalidate(physical, bytes.length);
    this.#ram.set(bytes, physical);
    this.#before[region]!.set(bytes, offset);
  }

  #restoreMemory(input: Case): void {
    for (const { at, size } of input.memory) {
      for (let k = 0; k < size; k++) this.#setByte(at + BigInt(k));
    }
    this.#setCode(input, HALTS.subarray(0, input.code.length));
  }

  #outcome(registers: BigUint64Array, completed: number): Outcome {
    const cpu = this.#cpu;
    const view = this.#view;
    const gpr = (cpu.base + State.gpr) >> 3;
    registers.set(cpu.host.u64.subarray(gpr, gpr + 16));
    const selectors = Uint16Array.of(
      cpu.selector(SegmentIndex.CS), cpu.selector(SegmentIndex.SS), cpu.selector(SegmentIndex.DS),
      cpu.selector(SegmentIndex.ES), cpu.selector(SegmentIndex.FS), cpu.selector(SegmentIndex.GS),
    );
    let ip = cpu.u64(State.rip) - (cpu.code64 ? 0n : cpu.segmentBase(SegmentIndex.CS));
    let flags = cpu.eflags;
    let vector = -1;
    let errorCode = 0;
    const handler = Number(BigInt.asIntN(64, ip - KERNEL)) - Physical.handlers;
    if (cpu.cpl === 0 && handler >= 0 && handler < 256 * HANDLER_BYTES) {
      vector = Math.floor(handler / HANDLER_BYTES);
      let at = Number(cpu.gpr(4) - KERNEL);
      if (CODES.has(vector)) {
        errorCode = view.getUint32(at, true);
        at += 8;
      }
      ip = view.getBigUint64(at, true);
      selectors[0] = view.getUint16(at + 8, true);
      flags = view.getUint32(at + 16, true);
      registers[4] = view.getBigUint64(at + 24, true);
      selectors[1] = view.getUint16(at + 32, true);
    }
    return {
      vector, errorCode, ip, flags, registers, selectors, completed,
      cr2: cpu.u64(State.cr2), fsBase: cpu.segmentBase(SegmentIndex.FS), gsBase: cpu.segmentBase(SegmentIndex.GS),
      changes: this.#changes(),
    };
  }

  /** Aligned 8 bytes that differ from the case's begin; puts them back. */
  #changes(): { at: bigint; value: bigint }[] {
    const found: { at: bigint; value: bigint }[] = [];
    REGIONS.forEach(({ base, pages, executable }, region) => {
      const physical = this.#at[region]!;
      const before = this.#before[region]!;
      const length = pages * PAGE;
      const now = this.#ram.subarray(physical, physical + length);
      if (Buffer.compare(now, before) === 0) return;
      for (let at = 0; at < length; at += 8) {
        let same = true;
        for (let k = 0; k < 8; k++) same &&= now[at + k] === before[at + k];
        if (!same) found.push({ at: base + BigInt(at), value: this.#view.getBigUint64(physical + at, true) });
      }
      if (executable) this.#processor.invalidate(physical, length);
      now.set(before);
    });
    return found;
  }
}
