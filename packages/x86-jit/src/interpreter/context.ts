import type { Emitter, I32, I64, V128, Variable } from '../emit/emitter.js';
import { emitOffset, type Runtime } from '../mmu/memory-access.js';
import { isNonCanonical } from '../mmu/page-walk.js';
import type { Context, Half, Operand, Size, VectorHalves } from '../semantics/context.js';
import { Flags } from '../semantics/flags.js';
import { tlbFor } from '../semantics/system.js';
import { Fault, ModeKey, Record, RecordFlag, REGISTER_FIELDS, Segment, SegmentIndex, SseBlocked, State, Tlb, Vector } from '../state-layout.js';
import { StateFlagWords } from './state-flag-words.js';

/** How a handler leaves: inline ones branch inside the loop, out-of-line ones return a `Completion`. */
export interface Exits {
  /** Before a support function is called: what it may look at is in the state block. */
  spill(): void;
  /** After one was called. */
  reload(): void;
  fault(): void;
  next(): void;
  /** Continue at a linear address. */
  jump(linear: I64): void;
  /** Continue at the record's relative target. */
  jumpRelative(): void;
  repeat(): void;
  exit(code: number): void;
  exitAtRip(code: number): void;
  budget(): I32;
  takeBudget(iterations: I64): void;
  /** Leaves as the `Completion` on the operand stack says. */
  completion(): void;
}

/** Binds a definition to a predecoded record: register numbers, displacements and immediates are loaded from it. */
export class InterpreterContext implements Context {
  readonly flags: Flags;

  constructor(
    readonly e: Emitter,
    readonly state: I32,
    private readonly record: Variable<I32> | { get(): I32 },
    readonly runtime: Runtime,
    private readonly exits: Exits,
    readonly size: Size,
    readonly shape: string,
    readonly long: boolean,
    /** The function that `emitVectorOperand` defines. */
    private readonly vectorOperand = 0,
  ) {
    this.flags = new Flags(e, new StateFlagWords(e, state));
  }

  // --- operands ---------------------------------------------------------------------------------------------------------------

  #registerAt(index: number): I32 {
    const field = REGISTER_FIELDS[index];
    if (field === undefined) throw new Error(`operand ${index} of ${this.shape} has no register field`);
    return this.state.add(this.e.loadI32U16(this.record.get(), field));
  }

  #write(at: I32, value: I64, size: Size): void {
    if (size === 4) this.e.storeI64(at, 0, value.unsigned(4));
    else this.e.storeI64(at, 0, value, size);
  }

  operand(index: number): Operand {
    const { e } = this;
    const kind = this.shape[index];
    if (kind === 'i') {
      const read = (size = this.size): I64 => (size === 8 || size === 0 ? this.immediate() : this.immediate().signed(size));
      const refuse = (): never => {
        throw new Error('an immediate operand is not written');
      };
      return { read, readUnsigned: (size = this.size) => this.immediate().unsigned(size || 8), readModify: refuse, write: refuse };
    }
    if (kind === 'm') return this.#memoryOperand();
    const at = this.#registerAt(index);
    return {
      read: (size = this.size) => e.loadSigned(at, 0, size),
      readUnsigned: (size = this.size) => e.loadUnsigned(at, 0, size),
      readModify: () => e.loadSigned(at, 0, this.size),
      write: (value) => this.#write(at, value, this.size),
    };
  }

  #modify: { host: I32; linear: I64 } | undefined;

  #memoryOperand(): Operand {
    const { e } = this;
    return {
      read: (size = this.size) => this.loadSigned(this.linear(size, false), size),
      readUnsigned: (size = this.size) => this.load(this.linear(size, false), size),
      readModify: () => {
        const linear = this.linear(this.size, true);
        const { slot, offset } = this.#probe(linear, Tlb.writeTag);
        const host = e.variableI32();
        const value = e.variableI64();
        e.if(offset.leU(4096 - this.size), () => {
          host.set(offset.wrap().add(e.loadI32(slot, Tlb.host)));
          value.set(e.loadSigned(host.get(), 0, this.size));
        }, () => {
          host.set(e.i32(0));
          this.exits.spill();
          e.call(this.runtime.prepareWrite, this.state, linear, e.i32(this.size));
          this.checkFault();
          value.set(e.callI64(this.runtime.slowLoad, this.state, linear, e.i32(this.size)).signed(this.size));
          this.exits.reload();
          this.checkFault();
        });
        this.#modify = { host: host.get(), linear };
        return value.get();
      },
      write: (value) => {
        const modify = this.#modify;
        if (!modify) {
          this.store(this.linear(this.size, true), this.size, value);
          return;
        }
        e.if(modify.host, () => e.storeI64(modify.host, 0, value, this.size), () => {
          this.exits.spill();
          e.call(this.runtime.slowStore, this.state, modify.linear, e.i32(this.size), value);
          this.exits.reload();
          this.checkFault();
        });
      },
    };
  }

  setOperandSized(index: number, value: I64, size: Size): void {
    this.#write(this.#registerAt(index), value, size);
  }

  segmentSelector(index: number): I64 {
    return this.e.loadUnsigned(this.#registerAt(index), Segment.selector, 4);
  }

  controlField(index: number): I32 {
    return this.e.loadI32U16(this.record.get(), REGISTER_FIELDS[index] as number);
  }
  changesTranslations(): void {
    return undefined;
  }

  immediate(): I64 {
    return this.e.loadI64(this.record.get(), Record.immediate);
  }

  gpr(number: number, size: Size = 8): I64 {
    return this.e.loadSigned(this.state, State.gpr + number * 8, size);
  }
  gprUnsigned(number: number, size: Size = 8): I64 {
    return this.e.loadUnsigned(this.state, State.gpr + number * 8, size);
  }
  setGpr(number: number, value: I64, size: Size = 8): void {
    this.e.storeI64(this.state, State.gpr + number * 8, size === 4 ? value.unsigned(4) : value, size === 4 ? 8 : size);
  }

  // --- memory -----------------------------------------------------------------------------------------------------------------

  offset(): I64 {
    return emitOffset(this.e, this.state, this.record.get());
  }

  linear(size: Size, write: boolean): I64 {
    const { e, state } = this;
    const record = this.record.get();
    const result = e.variableI64();
    const flags = this.recordFlags();
    // Most operands are base + displacement: three loads instead of nine.
    e.if(flags.and(RecordFlag.fullAddress).eqz(), () => {
      const base = e.loadI64(state.add(e.loadI32U16(record, Record.base)));
      result.set(base.add(e.loadI64(record, Record.displacement)));
    }, () => {
      e.if(flags.and(RecordFlag.slowAddress), () => {
        result.set(e.callI64(this.runtime.effectiveAddress, state, record, e.i32(size | (write ? 0x100 : 0))));
        this.checkFault();
      }, () => {
        const base = e.loadI64(state.add(e.loadI32U16(record, Record.base)));
        const index = e.loadI64(state.add(e.loadI32U16(record, Record.index)));
        const segment = e.loadI64(state.add(e.loadI32U16(record, Record.segmentBase)));
        result.set(base.add(index.shl(e.loadUnsigned(record, Record.scale, 1))).add(e.loadI64(record, Record.displacement)).add(segment));
      });
    });
    return result.get();
  }

  linearOf(offset: I64, size: Size, write: boolean): I64 {
    return this.linearIn(this.segmentIndex(), offset, size, write);
  }

  linearIn(segment: I32, offset: I64, size: Size, write: boolean): I64 {
    const linear = this.e.callI64(this.runtime.segmentAddress, this.state, segment, offset, this.e.i32(size | (write ? 0x100 : 0)));
    this.checkFault();
    return linear;
  }

  #probe(linear: I64, tag: number): { slot: I32; offset: I64 } {
    const { e } = this;
    const slot = e.loadI32(this.state, State.tlb).add(linear.shrU(12).wrap().and(Tlb.indexMask).shl(Tlb.entryShift));
    return { slot, offset: linear.xor(e.loadI64(slot, tag)) };
  }

  #load(linear: I64, size: Size, signed: boolean): I64 {
    const { e } = this;
    const { slot, offset } = this.#probe(linear, Tlb.readTag);
    const value = e.variableI64();
    e.if(offset.leU(4096 - size), () => {
      const at = offset.wrap().add(e.loadI32(slot, Tlb.host));
      value.set(signed ? e.loadSigned(at, 0, size) : e.loadUnsigned(at, 0, size));
    }, () => {
      this.exits.spill();
      const slow = e.callI64(this.runtime.slowLoad, this.state, linear, e.i32(size));
      value.set(signed ? slow.signed(size) : slow);
      this.exits.reload();
      this.checkFault();
    });
    return value.get();
  }
  load(linear: I64, size: Size): I64 {
    return this.#load(linear, size, false);
  }
  loadSigned(linear: I64, size: Size): I64 {
    return this.#load(linear, size, true);
  }

  store(linear: I64, size: Size, value: I64): void {
    const { e } = this;
    const { slot, offset } = this.#probe(linear, Tlb.writeTag);
    e.if(offset.leU(4096 - size), () => e.storeI64(offset.wrap().add(e.loadI32(slot, Tlb.host)), 0, value, size), () => {
      this.exits.spill();
      e.call(this.runtime.slowStore, this.state, linear, e.i32(size), value);
      this.exits.reload();
      this.checkFault();
    });
  }

  loadV128(linear: I64): V128 {
    const { e } = this;
    const { slot, offset } = this.#probe(linear, Tlb.readTag);
    const value = e.variableV128();
    e.if(offset.leU(4096 - 16), () => value.set(e.loadV128(offset.wrap().add(e.loadI32(slot, Tlb.host)))), () => {
      this.exits.spill();
      const low = e.callI64(this.runtime.slowLoad, this.state, linear, e.i32(8));
      this.exits.reload();
      this.checkFault();
      const high = e.callI64(this.runtime.slowLoad, this.state, this.linearAfter(linear, 8), e.i32(8));
      this.exits.reload();
      this.checkFault();
      value.set(low.splat().replace(30, 1, high));
    });
    return value.get();
  }

  storeV128(linear: I64, value: V128): void {
    const { e } = this;
    const { slot, offset } = this.#probe(linear, Tlb.writeTag);
    e.if(offset.leU(4096 - 16), () => e.storeV128(offset.wrap().add(e.loadI32(slot, Tlb.host)), 0, value), () => {
      this.exits.spill();
      e.call(this.runtime.prepareWrite, this.state, linear, e.i32(16));
      this.checkFault();
      e.call(this.runtime.slowStore, this.state, linear, e.i32(8), value.lane64(0));
      e.call(this.runtime.slowStore, this.state, this.linearAfter(linear, 8), e.i32(8), value.lane64(1));
      this.exits.reload();
      this.checkFault();
    });
  }

  linearAfter(linear: I64, bytes: number): I64 {
    const next = linear.add(bytes);
    return this.field32(State.modeKey).and(ModeKey.codeMask).eq(ModeKey.code64).select(next, next.and(0xffffffff));
  }

  prepareWrite(linear: I64, size: Size): void {
    const { offset } = this.#probe(linear, Tlb.writeTag);
    this.e.if(offset.gtU(4096 - size), () => {
      this.exits.spill();
      this.e.call(this.runtime.prepareWrite, this.state, linear, this.e.i32(size));
      this.exits.reload();
      this.checkFault();
    });
  }

  // --- state block --------------------------------------------------------------------------------------------------------------

  field(offset: number): I64 {
    return this.e.loadI64(this.state, offset);
  }
  setField(offset: number, value: I64): void {
    this.e.storeI64(this.state, offset, value);
  }
  field32(offset: number): I32 {
    return this.e.loadI32(this.state, offset);
  }
  setField32(offset: number, value: I32): void {
    this.e.storeI32(this.state, offset, value);
  }
  xmm(number: number): V128 {
    return this.e.loadV128(this.state, State.ymm + number * 32);
  }
  setXmm(number: number, value: V128): void {
    this.e.storeV128(this.state, State.ymm + number * 32, value);
  }
  xmmOperand(index: number): V128 {
    return this.e.loadV128(this.#registerAt(index));
  }
  setXmmOperand(index: number, value: V128): void {
    this.e.storeV128(this.#registerAt(index), 0, value);
  }
  xmmLow(index: number, size: Size): I64 {
    return this.e.loadUnsigned(this.#registerAt(index), 0, size);
  }
  requireSse(): void {
    this.#refuse(this.field32(State.sseBlocked));
  }
  /** @param blocked bits of `SseBlocked` */
  #refuse(blocked: I32): void {
    this.e.if(blocked, () => {
      this.e.if(blocked.and(SseBlocked.undefined), () => this.exception(Vector.UD));
      this.exception(Vector.NM);
    });
  }

  // --- VEX ------------------------------------------------------------------------------------------------------------------------

  requireAvx(): void {
    this.#refuse(this.field32(State.avxBlocked));
  }
  wide(): I32 {
    return this.recordFlags().and(RecordFlag.wide);
  }
  ymm(number: number, half: Half): V128 {
    return this.e.loadV128(this.state, State.ymm + number * 32 + half * 16);
  }
  setYmm(number: number, half: Half, value: V128): void {
    this.e.storeV128(this.state, State.ymm + number * 32 + half * 16, value);
  }
  ymmOperand(index: number, half: Half): V128 {
    return this.e.loadV128(this.#registerAt(index), half * 16);
  }
  setYmmOperand(index: number, half: Half, value: V128): void {
    this.e.storeV128(this.#registerAt(index), half * 16, value);
  }

  /** Where the bytes of a source are: in the state block, in RAM, or copied to `State.vectorScratch`. */
  #vexSource(index: number, bytes: I32): I32 {
    const field = REGISTER_FIELDS[index] as number;
    this.exits.spill();
    const at = this.e.callI32(this.vectorOperand, this.state, this.record.get(), this.e.i32(field), bytes);
    this.exits.reload();
    this.checkFault();
    return at;
  }
  vexLow(index: number, size: Size): I64 {
    return this.e.loadUnsigned(this.#vexSource(index, this.e.i32(size)), 0, size);
  }
  vexVector(index: number): V128 {
    return this.e.loadV128(this.#vexSource(index, this.e.i32(16)));
  }
  vexVectors(index: number): VectorHalves {
    const { e } = this;
    const wide = this.wide();
    const at = this.#vexSource(index, wide.select(e.i32(32), e.i32(16)));
    const high = e.variableV128();
    e.if(wide, () => high.set(e.loadV128(at, 16)));
    return { low: e.loadV128(at), high: high.get() };
  }

  setAlignmentCheck(system: I32, cpl: I32 = this.field32(State.cpl)): void {
    this.setField32(State.tlb, tlbFor(this.e, this.state, cpl, system));
  }

  // --- control ------------------------------------------------------------------------------------------------------------------

  #pageBase(): I64 {
    return this.e.loadI64(this.state, State.pageBase);
  }
  #nextLinear(): I64 {
    return this.#pageBase().add(this.e.loadI32U16(this.record.get(), Record.next).toI64U());
  }
  #csBase(): I64 {
    return this.field(State.segments + SegmentIndex.CS * Segment.size + Segment.base);
  }

  nextIp(): I64 {
    return this.long ? this.#nextLinear() : this.#nextLinear().sub(this.#csBase()).and(0xffffffff);
  }

  /** Linear address of a legacy instruction pointer, cut to the operand size and checked against CS's limit. */
  #legacyTarget(ip: I64): I64 {
    const { e } = this;
    const limit = e.loadUnsigned(this.state, State.segments + SegmentIndex.CS * Segment.size + Segment.limit, 4);
    e.if(ip.gtU(limit), () => this.exception(13, e.i32(0)));
    return this.#csBase().add(ip).and(0xffffffff);
  }

  jump(ip: I64): void {
    this.exits.jump(this.long ? ip : this.#legacyTarget(this.size === 2 ? ip.and(0xffff) : ip.and(0xffffffff)));
  }

  jumpRelative(): void {
    if (this.long) this.exits.jumpRelative();
    else this.exits.jump(this.#relativeTarget());
  }
  checkRelative(): void {
    if (this.long) this.requireCanonical(this.#nextLinear().add(this.immediate()));
    else this.#relativeTarget();
  }

  #relativeTarget(): I64 {
    const { e } = this;
    // `extra16` is the operand size of a legacy branch.
    const mask = e.loadI32U16(this.record.get(), Record.extra16).eq(2).select(e.i64(0xffff), e.i64(0xffffffff));
    return this.#legacyTarget(this.nextIp().add(this.immediate()).and(mask));
  }
  requireCanonical(linear: I64): void {
    const { e } = this;
    e.if(isNonCanonical(linear), () => this.exception(Vector.GP, e.i32(0)));
  }

  setRip(ip: I64): void {
    this.setField(State.rip, ip);
  }
  exitAtRip(code: number): void {
    this.exits.exitAtRip(code);
  }

  exception(vector: number, code?: I32): void {
    this.setField32(State.fault, this.e.i32(Fault.exception));
    this.setField32(State.faultVector, this.e.i32(vector));
    this.setField32(State.faultCode, code ?? this.e.i32(0));
    this.exits.fault();
  }
  checkFault(): void {
    this.e.if(this.field32(State.fault), () => this.exits.fault());
  }
  mayExit(): void {
    return undefined;
  }
  exit(code: number): void {
    this.exits.exit(code);
  }
  repeatIf(condition: I32): void {
    this.e.if(condition, () => this.exits.repeat());
  }
  done(): void {
    this.exits.next();
  }
  takeBudget(iterations: I64): void {
    this.exits.takeBudget(iterations);
  }
  budget(): I32 {
    return this.exits.budget();
  }
  recordFlags(): I32 {
    return this.e.loadI32U8(this.record.get(), Record.flags);
  }
  addressSize(): I32 {
    return this.e.loadI32U8(this.record.get(), Record.extra);
  }
  segmentIndex(): I32 {
    return this.e.loadI32U16(this.record.get(), Record.segment);
  }
  escapeOpcode(): I32 {
    return this.e.loadI32U16(this.record.get(), Record.extra16);
  }
  instructionLength(): I64 {
    return this.e.loadI32U8(this.record.get(), Record.length).toI64U();
  }
  executeElsewhere(): void {
    this.exits.spill();
    this.e.callI32(this.runtime.execute, this.state, this.record.get()).push();
    this.exits.completion();
  }
}
