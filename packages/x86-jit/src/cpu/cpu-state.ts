import type { HostMemory } from '../host-memory.js';
import { Attribute, Cr0, Cr4, Efer, Eflags, ModeKey, Paging, Segment, SegmentIndex, SseBlocked, State, Tlb, TlbFlag, Xcr0 } from '../state-layout.js';

/** An exception raised by an instruction's TypeScript implementation; nothing of the instruction was committed. */
export class GuestFault {
  constructor(
    readonly vector: number,
    /** Error code, for the vectors that push one. */
    readonly code = 0,
  ) {}
}

/** The functions of the interpreter's module that TypeScript calls. */
export interface InterpreterExports {
  run(state: number): number;
  translate(state: number, linear: bigint, access: number): number;
  slowLoad(state: number, linear: bigint, size: number): bigint;
  slowStore(state: number, linear: bigint, size: number, value: bigint): void;
  prepareWrite(state: number, linear: bigint, size: number): void;
  segmentAddress(state: number, segment: number, offset: bigint, access: number): bigint;
  effectiveAddress(state: number, record: number, access: number): bigint;
  hostOf(state: number, physical: bigint): number;
  flushNonGlobal(state: number): void;
  deliverLong(state: number, vector: number, how: number, code: number): number;
  getFlags(state: number): number;
  setFlags(state: number, image: number): void;
  readonly regions: WebAssembly.Table;
}

export interface SegmentRegister {
  selector: number;
  base: bigint;
  limit: number;
  attributes: number;
}

const MASK64 = 0xffffffffffffffffn;

/** Named access to one vCPU's state block, for everything that isn't WebAssembly. */
export class CpuState {
  constructor(
    readonly host: HostMemory,
    /** Host address of the state block. */
    readonly base: number,
    readonly code: InterpreterExports,
  ) {}

  u32(field: number): number {
    return this.host.u32[(this.base + field) >> 2] as number;
  }
  setU32(field: number, value: number): void {
    this.host.u32[(this.base + field) >> 2] = value;
  }
  i32(field: number): number {
    return this.host.i32[(this.base + field) >> 2] as number;
  }
  setI32(field: number, value: number): void {
    this.host.i32[(this.base + field) >> 2] = value;
  }
  u64(field: number): bigint {
    return this.host.u64[(this.base + field) >> 3] as bigint;
  }
  setU64(field: number, value: bigint): void {
    this.host.u64[(this.base + field) >> 3] = value;
  }

  // --- general registers and flags ----------------------------------------------------------------------------------------------

  gpr(number: number): bigint {
    return this.u64(State.gpr + number * 8);
  }
  setGpr(number: number, value: bigint): void {
    this.setU64(State.gpr + number * 8, value);
  }
  gpr32(number: number): number {
    return this.u32(State.gpr + number * 8);
  }
  /** Zero-extends, as a 32-bit register write does. */
  setGpr32(number: number, value: number): void {
    this.setU32(State.gpr + number * 8, value);
    this.setU32(State.gpr + number * 8 + 4, 0);
  }
  /** Writes with the merge rules of the operand size. */
  setGprSized(number: number, value: bigint, size: number): void {
    if (size === 8) this.setGpr(number, BigInt.asUintN(64, value));
    else if (size === 4) this.setGpr(number, BigInt.asUintN(32, value));
    else if (size === 2) this.setGpr(number, (this.gpr(number) & ~0xffffn) | BigInt.asUintN(16, value));
    else this.setGpr(number, (this.gpr(number) & ~0xffn) | BigInt.asUintN(8, value));
  }

  get eflags(): number {
    return this.code.getFlags(this.base) >>> 0;
  }
  set eflags(image: number) {
    this.code.setFlags(this.base, image | 0);
  }
  /** EFLAGS without the arithmetic flags. */
  get systemFlags(): number {
    return this.u32(State.eflags);
  }

  get cpl(): number {
    return this.u32(State.cpl);
  }
  /** Changes the privilege level, and with it the TLB in use. */
  setCpl(cpl: number): void {
    this.setU32(State.cpl, cpl);
    this.selectTlb();
  }
  selectTlb(): void {
    const context = this.cpl === 3 ? Tlb.user : this.systemFlags & Eflags.AC ? Tlb.supervisorAc : Tlb.supervisor;
    this.setU32(State.tlb, this.base + State.size + context * Tlb.bytes);
  }

  // --- segments -----------------------------------------------------------------------------------------------------------------

  segment(index: number): SegmentRegister {
    const at = State.segments + index * Segment.size;
    return { selector: this.u32(at + Segment.selector), base: this.u64(at + Segment.base), limit: this.u32(at + Segment.limit), attributes: this.u32(at + Segment.attributes) };
  }
  setSegment(index: number, value: SegmentRegister): void {
    const at = State.segments + index * Segment.size;
    this.setU32(at + Segment.selector, value.selector);
    this.setU64(at + Segment.base, value.base);
    this.setU32(at + Segment.limit, value.limit);
    this.setU32(at + Segment.attributes, value.attributes);
  }
  selector(index: number): number {
    return this.u32(State.segments + index * Segment.size + Segment.selector);
  }
  segmentBase(index: number): bigint {
    return this.u64(State.segments + index * Segment.size + Segment.base);
  }

  // --- modes --------------------------------------------------------------------------------------------------------------------

  get cr0(): number {
    return this.u32(State.cr0);
  }
  get cr4(): number {
    return this.u32(State.cr4);
  }
  get efer(): number {
    return this.u32(State.efer);
  }
  get protectedMode(): boolean {
    return (this.cr0 & Cr0.PE) !== 0;
  }
  get longMode(): boolean {
    return (this.efer & Efer.LMA) !== 0;
  }
  get v86(): boolean {
    return (this.systemFlags & Eflags.VM) !== 0;
  }
  /** In 64-bit mode proper, not in the compatibility sub-mode. */
  get code64(): boolean {
    return (this.u32(State.modeKey) & ModeKey.codeMask) === ModeKey.code64;
  }
  get codeSize(): number {
    const mode = this.u32(State.modeKey) & ModeKey.codeMask;
    return mode === ModeKey.code64 ? 8 : mode === ModeKey.code32 ? 4 : 2;
  }

  /** Derives what the hot paths look at from the control registers, CS and SS. Call it after any of them changed. */
  updateMode(): void {
    const cs = this.u32(State.segments + SegmentIndex.CS * Segment.size + Segment.attributes);
    const ss = this.u32(State.segments + SegmentIndex.SS * Segment.size + Segment.attributes);
    let key: number;
    if (!this.protectedMode || this.v86) key = this.v86 ? ModeKey.v86 : 0;
    else key = this.longMode && cs & Attribute.long ? ModeKey.code64 : cs & Attribute.big ? ModeKey.code32 : ModeKey.code16;
    if (!this.protectedMode && cs & Attribute.big) key = ModeKey.code32;
    if (ss & Attribute.big && key !== ModeKey.code64) key |= ModeKey.stack32;
    if ((key & ModeKey.codeMask) !== ModeKey.code64 && this.u32(State.segments + SegmentIndex.CS * Segment.size + Segment.limit) !== 0xffffffff) key |= ModeKey.limited;
    this.setU32(State.modeKey, key);

    const { cr0, cr4, efer } = this;
    let paging = 0;
    if (cr0 & Cr0.PG) paging |= Paging.enabled;
    if (cr4 & Cr4.PAE) paging |= Paging.pae;
    if (efer & Efer.LMA) paging |= Paging.long;
    if (cr4 & Cr4.PSE) paging |= Paging.pse;
    if (efer & Efer.NXE) paging |= Paging.nxe;
    if (cr0 & Cr0.WP) paging |= Paging.wp;
    if (cr4 & Cr4.SMEP) paging |= Paging.smep;
    if (cr4 & Cr4.SMAP) paging |= Paging.smap;
    if (cr4 & Cr4.PGE) paging |= Paging.pge;
    if (cr4 & Cr4.PCIDE) paging |= Paging.pcide;
    this.setU32(State.paging, paging);
    this.setU32(State.sseBlocked, (cr0 & Cr0.EM || !(cr4 & Cr4.OSFXSR) ? SseBlocked.undefined : 0) | (cr0 & Cr0.TS ? SseBlocked.taskSwitched : 0));
    // SDM vol. 2, 2.4 "AVX and SSE Instruction Exception Classification": no VEX in real and virtual-8086 mode.
    const avx = this.protectedMode && !this.v86 && cr4 & Cr4.OSXSAVE && (this.u32(State.xcr0) & (Xcr0.sse | Xcr0.avx)) === (Xcr0.sse | Xcr0.avx);
    this.setU32(State.avxBlocked, (avx ? 0 : SseBlocked.undefined) | (cr0 & Cr0.TS ? SseBlocked.taskSwitched : 0));
    this.selectTlb();
  }

  // --- TLB ----------------------------------------------------------------------------------------------------------------------

  #clearEntry(at: number): void {
    const { u32 } = this.host;
    const first = this.base + State.size;
    const index = ((at - first) >> Tlb.entryShift) & Tlb.indexMask;
    const never = (index ^ 1) << 12;
    const word = at >> 2;
    u32[word] = never;
    u32[word + 1] = 0;
    u32[word + 2] = never;
    u32[word + 3] = 0;
    u32[word + 4] = never;
    u32[word + 5] = 0;
    u32[word + 7] = 0;
  }

  flushTlb(): void {
    const first = this.base + State.size;
    for (let at = first; at < first + Tlb.contexts * Tlb.bytes; at += 1 << Tlb.entryShift) this.#clearEntry(at);
    this.setU32(State.tlbFillCount, 0);
    for (let at = State.largePages; at < State.hugePages; at += 8) this.setU64(at, 0n);
    this.setU64(State.hugePages, 0n);
  }

  /** Forgets translations of pages that aren't global. */
  flushNonGlobal(): void {
    this.code.flushNonGlobal(this.base);
  }

  flushPage(linear: bigint): void {
    const index = Number((linear >> 12n) & BigInt(Tlb.indexMask));
    for (let context = 0; context < Tlb.contexts; context++) this.#clearEntry(this.base + State.size + context * Tlb.bytes + (index << Tlb.entryShift));
    // SDM vol. 3, 4.10.4.1: of a large page all pieces go. More than needed may.
    const bit = Number(((linear >> 21n) ^ (linear >> 31n) ^ (linear >> 41n)) & 1023n);
    if ((this.u64(State.hugePages) >> ((linear >> 30n) & 63n)) & 1n) this.#flushLarge(0, Tlb.indexMask);
    else if (this.u32(State.largePages + (bit >> 5) * 4) & (1 << (bit & 31))) this.#flushLarge(index & ~511, index | 511);
  }

  #flushLarge(first: number, last: number): void {
    for (let context = 0; context < Tlb.contexts; context++) {
      const entries = this.base + State.size + context * Tlb.bytes;
      for (let index = first; index <= last; index++) {
        const at = entries + (index << Tlb.entryShift);
        if ((this.host.u32[(at + Tlb.flags) >> 2] as number) & TlbFlag.large) this.#clearEntry(at);
      }
    }
  }

  /** Takes the write tag from every translation of a host page. */
  protectHostPage(hostPage: number): void {
    const { u32 } = this.host;
    const first = this.base + State.size;
    for (let at = first; at < first + Tlb.contexts * Tlb.bytes; at += 1 << Tlb.entryShift) {
      if (u32[(at + Tlb.host) >> 2] !== hostPage) continue;
      const index = ((at - first) >> Tlb.entryShift) & Tlb.indexMask;
      const never = (index ^ 1) << 12;
      const tag = (at + Tlb.writeTag) >> 2;
      if (u32[tag] === never && u32[tag + 1] === 0) continue;
      u32[tag] = never;
      u32[tag + 1] = 0;
      u32[(at + Tlb.flags) >> 2] = (u32[(at + Tlb.flags) >> 2] as number) | TlbFlag.code;
    }
  }

  // --- linear memory -----------------------------------------------------------------------------------------------------------

  /** Throws a recorded fault. */
  checkFault(): void {
    if (this.i32(State.fault) === 0) return;
    this.setI32(State.fault, 0);
    throw new GuestFault(this.u32(State.faultVector), this.u32(State.faultCode));
  }
  /** Host address of the page of a linear address, 0 for one that is not RAM or faults (the fault stays recorded). @param access `Access` */
  translate(linear: bigint, access: number): number {
    // Host addresses from 2 GiB on come out of WebAssembly as negative numbers.
    return this.code.translate(this.base, BigInt.asIntN(64, linear), access) >>> 0;
  }
  /** Reads at the present privilege. @param size 1, 2, 4 or 8 */
  load(linear: bigint, size: number): bigint {
    const value = this.code.slowLoad(this.base, BigInt.asIntN(64, linear), size);
    this.checkFault();
    return value & MASK64;
  }
  store(linear: bigint, size: number, value: bigint): void {
    this.code.slowStore(this.base, BigInt.asIntN(64, linear), size, BigInt.asIntN(64, value));
    this.checkFault();
  }
  /** Reads and writes as the processor itself does for descriptor tables and the TSS: with supervisor rights. */
  loadSystem(linear: bigint, size: number): bigint {
    return this.#asSupervisor(() => this.load(linear, size));
  }
  storeSystem(linear: bigint, size: number, value: bigint): void {
    this.#asSupervisor(() => this.store(linear, size, value));
  }
  #asSupervisor<T>(body: () => T): T {
    const { cpl, systemFlags } = this;
    // SDM vol. 3, 4.6.1: EFLAGS.AC doesn't matter for these; under SMAP none may touch a user page.
    if (cpl !== 3 && (systemFlags & Eflags.AC) === 0) return body();
    this.setU32(State.eflags, systemFlags & ~Eflags.AC);
    this.setCpl(cpl === 3 ? 0 : cpl);
    try {
      return body();
    } finally {
      this.setU32(State.eflags, systemFlags);
      this.setCpl(cpl);
    }
  }

  /** An effective address in a segment, with its checks. */
  linear(segment: number, offset: bigint, size: number, write: boolean): bigint {
    const value = this.code.segmentAddress(this.base, segment, BigInt.asIntN(64, offset), size | (write ? 0x100 : 0));
    this.checkFault();
    return BigInt.asUintN(64, value);
  }
  /** The linear address of the memory operand of the record that executes. */
  operandAddress(record: number, size: number, write: boolean): bigint {
    const value = this.code.effectiveAddress(this.base, record, size | (write ? 0x100 : 0));
    this.checkFault();
    return BigInt.asUintN(64, value);
  }
}


