import { Emitter, type I32, type I64, type Label, type V128 } from '../emit/emitter.js';
import { Type } from '../emit/opcodes.js';
import type { HostMemory } from '../host-memory.js';
import type { Handler } from '../interpreter/handlers.js';
import type { Runtime } from '../mmu/memory-access.js';
import type { Context, Operand, Size, VectorHalves } from '../semantics/context.js';
import type { Flags } from '../semantics/flags.js';
import { tlbFor } from '../semantics/system.js';
import { KeptPage, Record, RegionExit, REGISTER_FIELDS, Segment, State, Tlb } from '../state-layout.js';
import type { AccessGroup, GroupedAccess } from './access-groups.js';
import { FactCollector, FactFlags, Unsupported, type Facts } from './facts.js';
import { RegionFlags, type FlagUse } from './region-flags.js';

/** Instructions that access the stack beside or without a memory operand. */
const ON_STACK = new Set(['Push', 'Pop', 'Call', 'Ret', 'Leave']);
const RSP = State.gpr + 4 * 8;
const GPR_END = State.gpr + 16 * 8;

/** An instruction of a region: a predecoded record, and where it lies relative to the page of the region's first instruction. */
export interface RegionInstruction {
  readonly record: number;
  readonly at: number;
  readonly next: number;
  readonly handler: Handler;
  readonly facts: Facts;
  /** Of a relative branch. */
  readonly target: number | undefined;
  /** Its last bytes are in the next page. */
  readonly crosses: boolean;
}

/** How control leaves an instruction, for the compiler that knows the region's shape. */
export interface Transfers {
  /** To a place of the region or outside, known while code is made. */
  direct(target: number): void;
  /** To a linear address. */
  indirect(linear: I64): void;
}

const NO_TRANSFERS: Transfers = { direct: () => undefined, indirect: () => undefined };

/**
 * Binds definitions to the locals of a region: registers are locals, what a record holds are constants, and whatever isn't the common case leaves
 * the region before the instruction has changed anything: the interpreter executes it.
 */
export class RegionContext implements Context {
  readonly e = new Emitter([Type.i32, Type.i32]);
  readonly state = this.e.paramI32(0);
  readonly #regionFlags = new RegionFlags(this.e, this.state);
  readonly #factFlags = new FactFlags(this.e, this.state);
  flags: Flags = this.#regionFlags;

  /** Linear address of the page of the region's first instruction. */
  readonly pageBase = this.e.reserve(Type.i64);
  readonly budgetLocal = this.e.reserve(Type.i32);
  readonly tlbLocal = this.e.reserve(Type.i32);
  readonly #gprs: (number | undefined)[] = new Array<undefined>(16).fill(undefined);
  /** See `I64.bits`, of each register. */
  readonly #bits = new Array<number>(16).fill(64);
  readonly #xmms: (number | undefined)[] = new Array<undefined>(16).fill(undefined);
  /** Registers that are written somewhere, as bits. */
  gprsWritten = 0;
  xmmsWritten = 0;

  /** Where leaving in the middle goes: a block that takes an `ExitCode`. */
  sideLabel: Label = 0;

  size: Size = 8;
  shape = '';
  readonly long = true;
  #record = 0;
  #instruction: RegionInstruction | undefined;
  /** Instructions of the block that a way out from here leaves undone, this one included. */
  #undone = 0;
  #transfers = NO_TRANSFERS;
  #doneLabel: Label | undefined;
  #repeatLabel: Label | undefined;
  #depth = 0;
  /** In a trial run. */
  #collector: FactCollector | undefined;

  constructor(readonly host: HostMemory) {}

  get regionFlags(): RegionFlags {
    return this.#regionFlags;
  }
  get runtime(): Runtime {
    throw new Unsupported();
  }

  // --- instructions -------------------------------------------------------------------------------------------------------------

  /** Runs a definition on a record to see what it does, and forgets the code. */
  examine(record: number, handler: Handler): Facts {
    const { e } = this;
    const [length, depth, mark] = [e.code.length, e.depth, e.mark()];
    const collector = new FactCollector();
    this.#collector = collector;
    this.#factFlags.collector = collector;
    this.#factFlags.depth = depth;
    this.flags = this.#factFlags;
    const written = [this.gprsWritten, this.xmmsWritten] as const;
    this.#begin(record, handler);
    this.#doneLabel = this.#repeatLabel = depth;
    this.#transfers = NO_TRANSFERS;
    let supported = true;
    try {
      handler.definition.emit(this, handler.mnemonic);
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error;
      supported = false;
    }
    this.flags = this.#regionFlags;
    this.#collector = undefined;
    [this.gprsWritten, this.xmmsWritten] = written;
    e.rewind(length, depth);
    e.release(mark);
    return collector.facts(supported);
  }

  /** @param undone how many instructions of the block, from this one on, a way out takes back from the count */
  emit(instruction: RegionInstruction, use: FlagUse, undone: number, transfers: Transfers): void {
    const { e } = this;
    const mark = e.mark();
    this.#instruction = instruction;
    this.#undone = undone;
    this.#transfers = transfers;
    this.#begin(instruction.record, instruction.handler);
    this.#regionFlags.begin(use, this.size);
    const emit = (): void => instruction.handler.definition.emit(this, instruction.handler.mnemonic);
    if (instruction.facts.loops) {
      this.forgetBits();
      this.#repeatLabel = e.openLoop();
      this.#doneLabel = e.openBlock();
      this.#depth = e.depth;
      this.requireBudget(1, instruction.at);
      this.countDown(1);
      emit();
      e.closeBlock();
      e.closeBlock();
      this.#repeatLabel = this.#doneLabel = undefined;
      this.forgetBits();
      // Whether it came to set them is known to the locals.
      if (instruction.facts.conditional) this.#regionFlags.forget();
    } else emit();
    e.release(mark);
  }

  #begin(record: number, handler: Handler): void {
    this.#record = record;
    this.size = handler.size;
    this.shape = handler.shape;
    this.#depth = this.e.depth;
    this.#mnemonic = handler.mnemonic;
    this.#addressed = undefined;
    this.#exitsBefore = false;
  }

  /** Leaves at an instruction when fewer than these are left of the budget. */
  requireBudget(instructions: number, at: number): void {
    const { e } = this;
    e.if(e.localI32(this.budgetLocal).ltS(instructions), () => this.wayOut(at, 0, RegionExit.budget));
  }
  /** Takes instructions out of the budget. */
  countDown(instructions: number): void {
    const { e } = this;
    e.localI32(this.budgetLocal).sub(instructions).push();
    e.setLocal(this.budgetLocal);
  }

  /** Pages that are left from, by their index in a way out. */
  readonly pages: number[] = [0];

  /** Leaves the region at an instruction that is the interpreter's to execute. */
  leaveAt(at: number, undone: number): void {
    this.wayOut(at, undone, RegionExit.interpret);
  }

  /** @param undone instructions to be put back into the budget @param exit `RegionExit` */
  wayOut(at: number, undone: number, exit: number): void {
    const { e } = this;
    let page = this.pages.indexOf(at >> 12);
    if (page < 0) page = this.pages.push(at >> 12) - 1;
    e.i32((at & 0xfff) | (page << 12) | (undone << 17) | (exit << 25)).push();
    e.br(this.sideLabel);
  }

  #sideExit(forAccess = false): void {
    if (this.#collector) {
      if (!forAccess) this.#collector.leavesOtherwise = true;
      // Always: there is nothing to compile.
      if (this.e.depth === this.#depth) throw new Unsupported();
      return;
    }
    this.leaveAt((this.#instruction as RegionInstruction).at, this.#undone);
  }

  // --- registers ----------------------------------------------------------------------------------------------------------------

  /** Locals in use, by register number. */
  get gprLocals(): readonly (number | undefined)[] {
    return this.#gprs;
  }
  get xmmLocals(): readonly (number | undefined)[] {
    return this.#xmms;
  }

  #gpr(number: number): number {
    return (this.#gprs[number] ??= this.e.reserve(Type.i64));
  }
  #xmm(number: number): number {
    return (this.#xmms[number] ??= this.e.reserve(Type.v128));
  }

  /** A copy: the register may be written before the value is used. */
  gpr(number: number, size: Size = 8): I64 {
    const whole = this.#whole(number);
    return this.#copied(whole, whole.signed(size));
  }
  gprUnsigned(number: number, size: Size = 8): I64 {
    const whole = this.#whole(number);
    return this.#copied(whole, whole.unsigned(size));
  }
  /** The register itself. */
  #whole(number: number): I64 {
    return this.e.localI64(this.#gpr(number), this.#collector ? 0 : (this.#bits[number] as number));
  }
  /** What was made of a register; a copy where that is the register itself. */
  #copied(whole: I64, value: I64): I64 {
    if (value !== whole) return value;
    whole.push();
    return this.e.popI64(whole.bits);
  }
  /** A block begins, or what is known of the registers holds no longer. */
  forgetBits(): void {
    this.#bits.fill(64);
  }
  #noteBits(number: number, bits: number): void {
    if (this.#collector) return;
    // On some paths only.
    this.#bits[number] = this.e.depth > this.#depth ? Math.max(bits, this.#bits[number] as number) : bits;
  }
  setGpr(number: number, value: I64, size: Size = 8): void {
    if (this.#collector) this.#collector.registerWrites |= 1 << number;
    this.#writeGpr(number, value, size);
  }
  #writeOperand(index: number, number: number, value: I64, size: Size): void {
    if (this.#collector) this.#collector.operandWrites |= 1 << index;
    this.#writeGpr(number, value, size);
  }
  #writeGpr(number: number, value: I64, size: Size): void {
    const { e } = this;
    const local = this.#gpr(number);
    this.gprsWritten |= 1 << number;
    if (size === 8 || size === 4) {
      const whole = value.unsigned(size);
      whole.push();
      e.setLocal(local);
      this.#noteBits(number, whole.bits);
    } else {
      const mask = size === 2 ? 0xffff : 0xff;
      e.localI64(local).and(~mask).or(value.and(mask)).push();
      e.setLocal(local);
      this.#noteBits(number, Math.max(this.#bits[number] as number, 8 * size));
    }
  }

  xmm(number: number): V128 {
    const { e } = this;
    e.localV128(this.#xmm(number)).push();
    return e.popV128();
  }
  setXmm(number: number, value: V128): void {
    value.push();
    this.xmmsWritten |= 1 << number;
    this.e.setLocal(this.#xmm(number));
  }

  // --- operands -----------------------------------------------------------------------------------------------------------------

  #u16(field: number): number {
    return this.host.u16[(this.#record + field) >> 1] as number;
  }
  #i32(field: number): number {
    return this.host.i32[(this.#record + field) >> 2] as number;
  }
  #u8(field: number): number {
    return this.host.u8[this.#record + field] as number;
  }
  #registerOffset(index: number): number {
    const field = REGISTER_FIELDS[index];
    if (field === undefined) throw new Unsupported();
    return this.#u16(field);
  }
  #xmmNumber(index: number): number {
    const offset = this.#registerOffset(index) - State.ymm;
    if (offset < 0 || offset >= 512 || offset % 32 !== 0) throw new Unsupported();
    return offset / 32;
  }

  operand(index: number): Operand {
    const kind = this.shape[index];
    if (kind === 'i') {
      const refuse = (): never => {
        throw new Error('an immediate operand is not written');
      };
      return {
        read: (size = this.size) => (size === 8 || size === 0 ? this.immediate() : this.immediate().signed(size)),
        readUnsigned: (size = this.size) => this.immediate().unsigned(size || 8),
        readModify: refuse,
        write: refuse,
      };
    }
    if (kind === 'm') return this.#memoryOperand();
    const offset = this.#registerOffset(index);
    if (offset >= GPR_END) throw new Unsupported();
    const number = offset >> 3;
    if (offset & 7) return this.#highByte(index, number);
    return {
      read: (size = this.size) => this.gpr(number, size),
      readUnsigned: (size = this.size) => this.gprUnsigned(number, size),
      readModify: () => this.gpr(number, this.size),
      write: (value) => this.#writeOperand(index, number, value, this.size),
    };
  }

  /** AH, CH, DH, BH. */
  #highByte(index: number, number: number): Operand {
    const { e } = this;
    const shifted = (): I64 => e.localI64(this.#gpr(number)).shrU(8);
    return {
      read: () => shifted().signed(1),
      readUnsigned: () => shifted().unsigned(1),
      readModify: () => shifted().signed(1),
      write: (value) => this.#writeOperand(index, number, e.localI64(this.#gpr(number)).and(~0xff00).or(value.and(0xff).shl(8)), 8),
    };
  }

  #modify: I32 | undefined;
  /** How the address was made last: of the memory operand, of that and something else, of something else, or not at all yet. */
  #addressed: 'operand' | 'around operand' | 'elsewhere' | undefined;
  #mnemonic = '';
  /** Where the instruction would exit the region has been left. */
  #exitsBefore = false;
  /** Code is made that may be executed many times in a region's run. */
  inLoop = false;
  /** The TLB stays as it is while the region runs, so that a page found in it may be kept. */
  keepsPages = true;
  /** Offsets in the state block. */
  readonly #keptPages = new Map<string, number>();
  /** Registers (state offsets) that are loaded from memory. */
  readonly #pointers = new Set<number>();

  #memoryOperand(): Operand {
    const { e } = this;
    return {
      read: (size = this.size) => this.loadSigned(this.linear(size, false), size),
      readUnsigned: (size = this.size) => this.load(this.linear(size, false), size),
      readModify: () => {
        this.#modify = this.#hostAddress(this.linear(this.size, true), Tlb.writeTag, this.size);
        return e.loadSigned(this.#modify, 0, this.size);
      },
      write: (value) => {
        if (this.#modify) e.storeI64(this.#modify, 0, value, this.size);
        else this.store(this.linear(this.size, true), this.size, value);
        this.#modify = undefined;
      },
    };
  }

  setOperandSized(index: number, value: I64, size: Size): void {
    const offset = this.#registerOffset(index);
    if (offset >= GPR_END || offset & 7) throw new Unsupported();
    this.#writeOperand(index, offset >> 3, value, size);
  }

  segmentSelector(index: number): I64 {
    return this.e.loadUnsigned(this.state, this.#registerOffset(index) + Segment.selector, 4);
  }

  controlField(index: number): I32 {
    return this.e.i32(this.#registerOffset(index));
  }
  changesTranslations(): void {
    throw new Unsupported();
  }

  immediate(): I64 {
    return this.e.i64Parts(this.#i32(Record.immediate), this.#i32(Record.immediate + 4));
  }

  // --- memory -------------------------------------------------------------------------------------------------------------------

  /** A register of an effective address, which isn't changed before the address is used. */
  #addressPart(field: number): I64 | undefined {
    const offset = this.#u16(field);
    if (offset === State.zero) return undefined;
    if (offset === State.pageBase) {
      // Relative to the page of the record, which need not be the region's first.
      const page = this.#instruction && !this.#collector ? this.#instruction.at & ~0xfff : 0;
      const base = this.e.localI64(this.pageBase);
      return page === 0 ? base : base.add(page);
    }
    if (offset >= GPR_END) throw new Unsupported();
    return this.e.localI64(this.#gpr(offset >> 3));
  }

  offset(): I64 {
    const { e } = this;
    const base = this.#addressPart(Record.base);
    const index = this.#addressPart(Record.index);
    const scale = this.#u8(Record.scale);
    const scaled = index && scale > 0 ? index.shl(scale) : index;
    const displacement = e.i64Parts(this.#i32(Record.displacement), this.#i32(Record.displacement + 4));
    const registers = base && scaled ? base.add(scaled) : (base ?? scaled);
    let sum: I64;
    if (!registers) sum = displacement;
    else if ((displacement.low | displacement.high) === 0) {
      if (base && index) sum = registers;
      else {
        registers.push();
        sum = e.popI64();
      }
    } else sum = registers.add(displacement);
    const addressSize = this.#u8(Record.extra);
    return addressSize === 8 ? sum : sum.and(addressSize === 4 ? 0xffffffff : 0xffff);
  }

  linear(_size: Size, _write: boolean): I64 {
    this.#addressed = 'operand';
    return this.#inSegment(this.#u16(Record.segment), this.offset());
  }
  linearOf(offset: I64, _size: Size, _write: boolean): I64 {
    this.#addressed = 'around operand';
    return this.#inSegment(this.#u16(Record.segment), offset);
  }
  linearIn(segment: I32, offset: I64, _size: Size, _write: boolean): I64 {
    if (!segment.isConstant) throw new Unsupported();
    this.#addressed = 'elsewhere';
    return this.#inSegment(segment.low, offset);
  }
  /** In 64-bit code only FS and GS have a base. */
  #inSegment(segment: number, offset: I64): I64 {
    return segment < 4 ? offset : offset.add(this.e.loadI64(this.state, State.segments + segment * Segment.size + Segment.base));
  }

  /** The host address of the TLB entry for a linear address. */
  tlbSlot(linear: I64): I32 {
    return linear.shrU(12 - Tlb.entryShift).wrap().and(Tlb.indexMask << Tlb.entryShift).add(this.e.localI32(this.tlbLocal));
  }

  /** The host address of a linear one, if the TLB has it for this kind of access; leaves otherwise. */
  #hostAddress(linear: I64, tag: number, size: Size): I32 {
    const { e } = this;
    if (this.#collector) this.#noteAccess(this.#collector, tag, size);
    const access = this.#groupedAccess();
    if (access) return this.#groupAddress(linear, access);
    const kept = this.#keptPage(tag);
    if (kept !== undefined) return linear.wrap().add(this.#requireKept(linear, tag, size, kept));
    const slot = this.#filledSlot(linear, tag, size);
    // Not from what was compared with the tag: that would put its load before the address.
    return linear.wrap().and(0xfff).add(e.loadI32(slot, Tlb.host));
  }
  /** Before any instruction is emitted: how the accesses of the region share looks into the TLB. */
  groups: ReadonlyMap<RegionInstruction, GroupedAccess> = new Map();
  /** Of groups that have been looked up: how far the host address is above the linear one, modulo 2^32. */
  readonly #distances = new Map<AccessGroup, number>();
  readonly #freeDistances: number[] = [];

  /** The instruction's access, if it shares its look with others. */
  #groupedAccess(): GroupedAccess | undefined {
    if (this.#collector) return undefined;
    const access = this.groups.get(this.#instruction as RegionInstruction);
    return access && (access.group.left > 1 || this.#distances.has(access.group)) ? access : undefined;
  }
  /** An instruction may leave the region in the middle of its block. */
  mayLeave(instruction: RegionInstruction): boolean {
    const { facts } = instruction;
    if (instruction.crosses) return true;
    const access = this.groups.get(instruction);
    return access && access.group.first !== instruction ? facts.leavesOtherwise : facts.mayLeave;
  }
  #groupAddress(linear: I64, { group, offset }: GroupedAccess): I32 {
    const { e } = this;
    let distance = this.#distances.get(group);
    if (distance === undefined) {
      distance = this.#freeDistances.pop() ?? e.reserve(Type.i32);
      this.#distances.set(group, distance);
      const lowest = group.low === offset ? linear : linear.sub(offset - group.low);
      this.#distanceOf(lowest, group.tag, group.end - group.low).push();
      e.setLocal(distance);
    }
    group.left--;
    if (group.left === 0) {
      this.#distances.delete(group);
      this.#freeDistances.push(distance);
    }
    return linear.wrap().add(e.localI32(distance));
  }
  /** How far the host address of these bytes is above the linear one; leaves unless they are in one page that the TLB has for this kind of access. */
  #distanceOf(linear: I64, tag: number, bytes: number): I32 {
    const { e } = this;
    const kept = this.#keptPage(tag);
    if (kept !== undefined) return this.#requireKept(linear, tag, bytes, kept);
    return e.loadI32(this.#filledSlot(linear, tag, bytes), Tlb.host).sub(linear.wrap().and(~0xfff));
  }

  #noteAccess(collector: FactCollector, tag: number, size: Size): void {
    const onStack = this.#addressed === undefined && ON_STACK.has(this.#mnemonic);
    const always = this.e.depth === this.#depth;
    collector.accesses.push(always && (onStack || this.#addressed === 'operand') ? { onStack, tag, size } : undefined);
  }
  /** The TLB entry for an access that it allows; leaves where it doesn't. */
  #filledSlot(linear: I64, tag: number, bytes: number): I32 {
    const { e } = this;
    const slot = this.tlbSlot(linear);
    e.if(linear.xor(e.loadI64(slot, tag)).gtU(4096 - bytes), () => this.#sideExit(true));
    return slot;
  }

  /**
   * Where the last page of accesses like the present one is kept, if that is worth it. Alike are accesses by the same registers, or near the same
   * fixed address.
   */
  #keptPage(tag: number): number | undefined {
    if (!this.inLoop || !this.keepsPages || this.#collector) return undefined;
    const byOperand = this.#addressed === 'operand' || this.#addressed === 'around operand';
    const likeness = byOperand ? this.#operandLikeness() : ON_STACK.has(this.#mnemonic) ? `${RSP} ${State.zero}` : undefined;
    if (likeness === undefined) return undefined;
    const key = `${tag} ${likeness}`;
    const known = this.#keptPages.get(key);
    if (known !== undefined || this.#keptPages.size >= KeptPage.most) return known;
    const kept = State.keptPages + this.#keptPages.size * KeptPage.size;
    this.#keptPages.set(key, kept);
    return kept;
  }
  #operandLikeness(): string | undefined {
    const [base, index] = [this.#u16(Record.base), this.#u16(Record.index)];
    // Where pointers are followed each access is to another page, and looking whether it is the last one a waste.
    if (this.#pointers.has(base)) return undefined;
    return base === State.zero || base === State.pageBase ? `${base} ${index} ${this.#i32(Record.displacement) >> 12}` : `${base} ${index}`;
  }
  /** Of all instructions of the region, before any is emitted. */
  notePointers(instruction: RegionInstruction): void {
    const { mnemonic, shape, size } = instruction.handler;
    if (mnemonic === 'Mov' && shape === 'rm' && size === 8) this.#pointers.add(this.host.u16[(instruction.record + Record.register0) >> 1] as number);
  }
  get keptPages(): readonly number[] {
    return [...this.#keptPages.values()];
  }

  /** Makes the kept page that of these bytes. @returns its distance */
  #requireKept(linear: I64, tag: number, bytes: number, kept: number): I32 {
    const { e, state } = this;
    const distance = e.variable(e.loadI32(state, kept + KeptPage.distance));
    e.if(linear.xor(e.loadI64(state, kept + KeptPage.page)).gtU(4096 - bytes), () => {
      const slot = this.#filledSlot(linear, tag, bytes);
      e.storeI64(state, kept + KeptPage.page, e.loadI64(slot, tag));
      distance.set(e.loadI32(slot, Tlb.host).sub(linear.wrap().and(~0xfff)));
      e.storeI32(state, kept + KeptPage.distance, distance.get());
    });
    return distance.get();
  }

  load(linear: I64, size: Size): I64 {
    return this.e.loadUnsigned(this.#hostAddress(linear, Tlb.readTag, size), 0, size);
  }
  loadSigned(linear: I64, size: Size): I64 {
    return this.e.loadSigned(this.#hostAddress(linear, Tlb.readTag, size), 0, size);
  }
  store(linear: I64, size: Size, value: I64): void {
    this.e.storeI64(this.#hostAddress(linear, Tlb.writeTag, size), 0, value, size);
  }
  loadV128(linear: I64): V128 {
    return this.e.loadV128(this.#hostAddress(linear, Tlb.readTag, 16));
  }
  storeV128(linear: I64, value: V128): void {
    this.e.storeV128(this.#hostAddress(linear, Tlb.writeTag, 16), 0, value);
  }
  prepareWrite(linear: I64, size: Size): void {
    this.#hostAddress(linear, Tlb.writeTag, size);
  }

  // --- state block --------------------------------------------------------------------------------------------------------------

  /** Fields that live in locals here, or whose change would not be noticed. */
  #checked(offset: number): number {
    if (offset < GPR_END || (offset >= State.pageBase && offset < State.eflags) || (offset >= State.ymm && offset < State.mxcsr)) throw new Unsupported();
    return offset;
  }
  field(offset: number): I64 {
    return this.e.loadI64(this.state, this.#checked(offset));
  }
  setField(offset: number, value: I64): void {
    this.e.storeI64(this.state, this.#checked(offset), value);
  }
  field32(offset: number): I32 {
    return offset === State.tlb ? this.e.localI32(this.tlbLocal) : this.e.loadI32(this.state, this.#checked(offset));
  }
  setField32(offset: number, value: I32): void {
    this.e.storeI32(this.state, this.#checked(offset), value);
  }
  xmmOperand(index: number): V128 {
    return this.xmm(this.#xmmNumber(index));
  }
  setXmmOperand(index: number, value: V128): void {
    this.setXmm(this.#xmmNumber(index), value);
  }
  xmmLow(index: number, size: Size): I64 {
    const low = this.e.localV128(this.#xmm(this.#xmmNumber(index))).lane64(0);
    return low.unsigned(size);
  }
  /** Checked where the region is entered. */
  requireSse(): void {
    if (this.#collector) this.#collector.usesSse = true;
  }
  linearAfter(linear: I64, bytes: number): I64 {
    return linear.add(bytes);
  }

  // VEX instructions are the interpreter's.
  requireAvx(): void {
    throw new Unsupported();
  }
  wide(): I32 {
    throw new Unsupported();
  }
  ymm(): V128 {
    throw new Unsupported();
  }
  setYmm(): void {
    throw new Unsupported();
  }
  ymmOperand(): V128 {
    throw new Unsupported();
  }
  setYmmOperand(): void {
    throw new Unsupported();
  }
  vexLow(): I64 {
    throw new Unsupported();
  }
  vexVector(): V128 {
    throw new Unsupported();
  }
  vexVectors(): VectorHalves {
    throw new Unsupported();
  }

  setAlignmentCheck(system: I32, cpl: I32 = this.field32(State.cpl)): void {
    const { e } = this;
    if (this.#collector) this.#collector.switchesTlb = true;
    const tlb = tlbFor(e, this.state, cpl, system);
    e.storeI32(this.state, State.tlb, tlb);
    tlb.push();
    e.setLocal(this.tlbLocal);
  }

  // --- control ------------------------------------------------------------------------------------------------------------------

  nextIp(): I64 {
    return this.e.localI64(this.pageBase).add(this.#instruction?.next ?? 0);
  }
  jump(ip: I64): void {
    this.#transfers.indirect(ip);
  }
  jumpRelative(): void {
    const target = this.#instruction?.target;
    if (target !== undefined) this.#transfers.direct(target);
  }
  /** Where relative targets may not be canonical regions aren't entered. */
  checkRelative(): void {
    return undefined;
  }

  exception(): void {
    this.#sideExit();
  }
  executeElsewhere(): void {
    this.#sideExit();
  }
  checkFault(): void {
    throw new Unsupported();
  }
  mayExit(condition: I32): void {
    this.#exitsBefore = true;
    this.e.if(condition, () => this.#sideExit());
  }
  exit(): void {
    if (!this.#exitsBefore) throw new Unsupported();
  }
  setRip(): void {
    throw new Unsupported();
  }
  exitAtRip(): void {
    throw new Unsupported();
  }
  repeatIf(condition: I32): void {
    if (this.#collector) this.#collector.loops = true;
    if (!condition.isConstant || condition.low !== 0) this.e.brIf(this.#repeatLabel as Label, condition);
  }
  done(): void {
    if (this.#collector) this.#collector.loops = true;
    this.e.br(this.#doneLabel as Label);
  }
  takeBudget(iterations: I64): void {
    const { e } = this;
    e.localI32(this.budgetLocal).sub(iterations.wrap()).push();
    e.setLocal(this.budgetLocal);
  }
  budget(): I32 {
    const { e } = this;
    // The block's instructions were taken together.
    return e.localI32(this.budgetLocal).add(this.#undone - 1);
  }
  recordFlags(): I32 {
    return this.e.i32(this.#u8(Record.flags));
  }
  addressSize(): I32 {
    return this.e.i32(this.#u8(Record.extra));
  }
  escapeOpcode(): I32 {
    return this.e.i32(this.#u16(Record.extra16));
  }
  instructionLength(): I64 {
    return this.e.i64(this.#u8(Record.length));
  }
  segmentIndex(): I32 {
    return this.e.i32(this.#u16(Record.segment));
  }
}
