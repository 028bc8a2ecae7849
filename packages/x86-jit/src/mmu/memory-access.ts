import { Emitter, type I32, type I64 } from '../emit/emitter.js';
import { Type } from '../emit/opcodes.js';
import type { ModuleWriter } from '../emit/module-writer.js';
import { NotFound, Attribute, BlockTable, DebugHook, Fault, ModeKey, Record, Segment, SegmentIndex, State, Tlb, Vector } from '../state-layout.js';
import { Access, isNonCanonical } from './page-walk.js';

/** Indexes of the support functions that every instruction may use. */
export interface Runtime {
  // Imports.
  /** (state, physical: f64, size) -> i64 */
  readonly mmioRead: number;
  /** (state, physical: f64, size, value: i64) */
  readonly mmioWrite: number;
  /** (state, host address, length): decoded code is about to be overwritten. */
  readonly codeWritten: number;
  /** (state, port, size) -> i32 */
  readonly portIn: number;
  /** (state, port, size, value) */
  readonly portOut: number;
  /** (state, record) -> i32 Completion: an instruction implemented in TypeScript */
  readonly execute: number;
  /** (state) -> i64 */
  readonly rdtsc: number;
  /** (state, linear: i64, host page) -> i32 `Withheld`: a TLB entry is about to be made. Only with `DebugHook.fills`. */
  readonly filled: number;
  /** (state, linear, size, write). Only with `DebugHook.accesses`. */
  readonly accessed: number;
  // Defined here.
  readonly hostOf: number;
  readonly translate: number;
  /** (state, linear, size) -> i64, zero-extended */
  readonly slowLoad: number;
  /** (state, linear, size, value) */
  readonly slowStore: number;
  /** (state, linear, size): faults where a store would */
  readonly prepareWrite: number;
  /** (state, segment, offset: i64, size | write << 8) -> linear */
  readonly segmentAddress: number;
  /** (state, record, size | write << 8) -> linear: an effective address in all generality */
  readonly effectiveAddress: number;
  /** See `emitFlushNonGlobal`. */
  readonly flushNonGlobal: number;
  /** See `emitDeliverLong`. */
  readonly deliverLong: number;
  /** See `emitRaise`. */
  readonly raise: number;
}

/** That the last byte's address isn't canonical is found before the page of the first one is looked at. */
function canonicalFirst(linear: I64, last: I64): I64 {
  return isNonCanonical(last).select(last, linear);
}

/** Tells a debugger that watches. */
function emitAccessed(e: Emitter, runtime: Runtime, state: I32, linear: I64, size: I32, write: 0 | 1): void {
  e.if(e.loadI32(state, State.debugHooks).and(DebugHook.accesses), () => e.call(runtime.accessed, state, linear, size, e.i32(write)));
}

/** Accesses that a TLB entry can't serve: a miss, a page crossing, a device, a page that holds decoded code, a fault. */
export function emitSlowAccess(module: ModuleWriter, runtime: Runtime): void {
  const wrapped = (e: Emitter, state: I32, linear: I64): I64 =>
    e.loadI32(state, State.modeKey).and(ModeKey.codeMask).eq(ModeKey.code64).select(linear, linear.and(0xffffffff));

  {
    const e = new Emitter([Type.i32, Type.i64, Type.i32]);
    const [state, linear, size] = [e.paramI32(0), e.paramI64(1), e.paramI32(2)];
    const offset = linear.wrap().and(0xfff);
    e.if(offset.gtU(e.i32(4096).sub(size)), () => {
      // Both pages are checked first, so that a device on the first isn't read before a fault on the second.
      const last = wrapped(e, state, linear.add(size.sub(1).toI64U()));
      e.call(runtime.translate, state, canonicalFirst(linear, last), e.i32(Access.read));
      e.drop();
      e.if(e.loadI32(state, State.fault), () => e.return(e.i64(0)));
      e.call(runtime.translate, state, last.and(~0xfffn), e.i32(Access.read));
      e.drop();
      e.if(e.loadI32(state, State.fault), () => e.return(e.i64(0)));
      const value = e.variable(e.i64(0));
      const k = e.variable(size);
      e.loop((next) => {
        k.set(k.get().sub(1));
        const byte = e.callI64(runtime.slowLoad, state, wrapped(e, state, linear.add(k.get().toI64U())), e.i32(1));
        value.set(value.get().shl(8).or(byte));
        e.brIf(next, k.get());
      });
      e.return(value.get());
    });
    const host = e.callI32(runtime.translate, state, linear, e.i32(Access.read));
    e.if(e.loadI32(state, State.fault).eqz(), () => emitAccessed(e, runtime, state, linear, size, 0));
    e.if(host.eqz(), () => {
      e.if(e.loadI32(state, State.fault), () => e.return(e.i64(0)));
      state.push();
      e.loadI64(state, State.physical).add(offset.toI64U()).toF64().push();
      size.push();
      e.call(runtime.mmioRead);
      e.op(0x0f);
    });
    const at = host.add(offset);
    e.if(size.eq(8), () => e.return(e.loadI64(at)));
    e.if(size.eq(4), () => e.return(e.loadUnsigned(at, 0, 4)));
    e.if(size.eq(2), () => e.return(e.loadUnsigned(at, 0, 2)));
    e.loadUnsigned(at, 0, 1).push();
    module.defineFunction(runtime.slowLoad, e.locals(), e.code.finish());
  }

  {
    const e = new Emitter([Type.i32, Type.i64, Type.i32]);
    const [state, linear, size] = [e.paramI32(0), e.paramI64(1), e.paramI32(2)];
    const offset = linear.wrap().and(0xfff);
    const end = wrapped(e, state, linear.add(size.sub(1).toI64U()));
    e.call(runtime.translate, state, canonicalFirst(linear, end), e.i32(Access.write));
    e.drop();
    e.if(offset.gtU(e.i32(4096).sub(size)).and(e.loadI32(state, State.fault).eqz()), () => {
      e.call(runtime.translate, state, wrapped(e, state, linear.add(size.sub(1).toI64U())).and(~0xfffn), e.i32(Access.write));
      e.drop();
    });
    module.defineFunction(runtime.prepareWrite, e.locals(), e.code.finish());
  }

  {
    const e = new Emitter([Type.i32, Type.i64, Type.i32, Type.i64]);
    const [state, linear, size, value] = [e.paramI32(0), e.paramI64(1), e.paramI32(2), e.paramI64(3)];
    const offset = linear.wrap().and(0xfff);
    e.if(offset.gtU(e.i32(4096).sub(size)), () => {
      e.call(runtime.prepareWrite, state, linear, size);
      e.if(e.loadI32(state, State.fault), () => e.return());
      const k = e.variable(e.i32(0));
      e.loop((next) => {
        const byte = value.shrU(k.get().shl(3).toI64U()).and(0xff);
        e.call(runtime.slowStore, state, wrapped(e, state, linear.add(k.get().toI64U())), e.i32(1), byte);
        k.set(k.get().add(1));
        e.brIf(next, k.get().ltU(size));
      });
      e.return();
    });
    const host = e.callI32(runtime.translate, state, linear, e.i32(Access.write));
    e.if(e.loadI32(state, State.fault).eqz(), () => emitAccessed(e, runtime, state, linear, size, 1));
    e.if(host.eqz(), () => {
      e.if(e.loadI32(state, State.fault), () => e.return());
      state.push();
      e.loadI64(state, State.physical).add(offset.toI64U()).toF64().push();
      size.push();
      value.push();
      e.call(runtime.mmioWrite);
      e.return();
    });
    const at = host.add(offset);
    // The page has decoded code: does the store touch one of its 64-byte pieces that hold some?
    const code = e.loadI64(e.loadI32(state, State.codeBits).add(host.shrU(12).shl(3)));
    const first = e.i64(1).shl(offset.shrU(6).toI64U());
    const last = e.i64(1).shl(offset.add(size).sub(1).shrU(6).toI64U());
    e.if(code.and(first.or(last)).ne(0), () => e.call(runtime.codeWritten, state, at, size));
    e.if(size.eq(8), () => {
      e.storeI64(at, 0, value);
      e.return();
    });
    e.if(size.eq(4), () => {
      e.storeI64(at, 0, value, 4);
      e.return();
    });
    e.if(size.eq(2), () => {
      e.storeI64(at, 0, value, 2);
      e.return();
    });
    e.storeI64(at, 0, value, 1);
    module.defineFunction(runtime.slowStore, e.locals(), e.code.finish());
  }
}

/** The set of the table of blocks that code at a host address belongs to. */
function emitBlockSet(e: Emitter, state: I32, host: I32): I32 {
  return e.loadI32(state, State.blockTable).add(host.mul(0x9e3779b1 | 0).shrU(32 - BlockTable.setBits).mul(BlockTable.setSize));
}

/** Looks up the decoded code at `rip`: its record, or `NotFound`. It counts, and says so when the count is over: `Predecoder.lookups`. */
export function emitLookup(e: Emitter, runtime: Runtime, state: I32, rip: I64): I32 {
  const found = e.variable(e.i32(NotFound.notDecoded));
  const slot = e.loadI32(state, State.tlb).add(rip.shrU(12).wrap().and(Tlb.indexMask).shl(Tlb.entryShift));
  const host = e.variableI32();
  e.if(rip.xor(e.loadI64(slot, Tlb.executeTag)).ltU(4096), () => host.set(e.loadI32(slot, Tlb.host)), () => {
    host.set(e.callI32(runtime.translate, state, rip, e.i32(Access.execute)));
    e.if(e.loadI32(state, State.fault), () => found.set(e.i32(NotFound.fault)));
  });
  e.storeI32(state, State.hostPage, host.get());
  e.if(host.get(), () => {
    const at = host.get().add(rip.wrap().and(0xfff));
    const key = at.toI64U().or(e.loadI32(state, State.modeKey).toI64U().shl(32));
    const entry = e.variable(emitBlockSet(e, state, at));
    e.if(e.loadI64(entry.get()).ne(key), () => entry.set(entry.get().add(BlockTable.entrySize)));
    e.if(e.loadI64(entry.get()).eq(key), () => {
      const left = e.loadI32(entry.get(), 12).sub(1);
      e.storeI32(entry.get(), 12, left);
      found.set(left.select(e.loadI32(entry.get(), 8), e.i32(NotFound.hot)));
    });
  });
  return found.get();
}

/** Emits `segmentAddress` and `effectiveAddress`: segmentation in every mode, with its checks. SDM vol. 3, 5.3 to 5.7. */
export function emitSegmentation(module: ModuleWriter, runtime: Runtime): void {
  {
    const e = new Emitter([Type.i32, Type.i32, Type.i64, Type.i32]);
    const [state, segment, offset, access] = [e.paramI32(0), e.paramI32(1), e.paramI64(2), e.paramI32(3)];
    const descriptor = state.add(State.segments).add(segment.mul(Segment.size));
    const base = e.loadI64(descriptor, Segment.base);
    e.if(e.loadI32(state, State.modeKey).and(ModeKey.codeMask).eq(ModeKey.code64), () => {
      e.if(segment.geU(SegmentIndex.FS), () => e.return(base.add(offset)));
      e.return(offset);
    });
    const attributes = e.loadI32(descriptor, Segment.attributes);
    const size = access.and(0xff);
    const write = access.and(0x100).ne(0);
    const limit = e.loadUnsigned(descriptor, Segment.limit, 4);
    const last = offset.add(size.sub(1).toI64U());
    const isCode = attributes.and(Attribute.code).ne(0);
    const expandDown = isCode.eqz().and(attributes.and(Attribute.expandDown).ne(0));
    const upper = attributes.and(Attribute.big).ne(0).select(e.i64(0xffffffff), e.i64(0xffff));
    const outside = expandDown.select(offset.leU(limit).or(last.gtU(upper)), last.gtU(limit));
    const denied = write.select(isCode.or(attributes.and(Attribute.writable).eqz()), isCode.and(attributes.and(Attribute.readable).eqz()));
    const v86 = e.loadI32(state, State.modeKey).and(ModeKey.v86).ne(0);
    e.if(outside.or(denied.and(v86.eqz())).or(attributes.and(Attribute.unusable).ne(0)), () => {
      e.storeI32(state, State.fault, e.i32(Fault.exception));
      e.storeI32(state, State.faultVector, segment.eq(SegmentIndex.SS).select(e.i32(Vector.SS), e.i32(Vector.GP)));
      e.storeI32(state, State.faultCode, e.i32(0));
      e.return(e.i64(0));
    });
    base.add(offset).and(0xffffffff).push();
    module.defineFunction(runtime.segmentAddress, e.locals(), e.code.finish());
  }
  {
    const e = new Emitter([Type.i32, Type.i32, Type.i32]);
    const [state, record, access] = [e.paramI32(0), e.paramI32(1), e.paramI32(2)];
    const offset = emitOffset(e, state, record);
    state.push();
    e.loadI32U16(record, Record.segment).push();
    offset.push();
    access.push();
    e.call(runtime.segmentAddress);
    module.defineFunction(runtime.effectiveAddress, e.locals(), e.code.finish());
  }
}

/** base + index * 2^scale + displacement, cut to the address size: the value of LEA. */
export function emitOffset(e: Emitter, state: I32, record: I32): I64 {
  const base = e.loadI64(state.add(e.loadI32U16(record, Record.base)));
  const index = e.loadI64(state.add(e.loadI32U16(record, Record.index)));
  const sum = base.add(index.shl(e.loadUnsigned(record, Record.scale, 1))).add(e.loadI64(record, Record.displacement));
  const addressSize = e.loadI32U8(record, Record.extra);
  return sum.and(addressSize.eq(8).select(e.i64(-1), addressSize.eq(4).select(e.i64(0xffffffff), e.i64(0xffff))));
}
