import { Emitter, type I32, type I64 } from '../emit/emitter.js';
import type { ModuleWriter } from '../emit/module-writer.js';
import { Type } from '../emit/opcodes.js';
import type { Runtime } from '../mmu/memory-access.js';
import { isNonCanonical } from '../mmu/page-walk.js';
import { type EmittedDescriptor, loadNullStack, readEmittedDescriptor } from '../semantics/descriptor.js';
import { setPrivilege } from '../semantics/system.js';
import { Attribute, Eflags, Fault, ModeKey, NO_ADDRESS, NON_CANONICAL, Paging, Segment, SegmentIndex, State, Vector, VECTORS_WITH_CODE } from '../state-layout.js';
import { InterpreterContext, type Exits } from './context.js';

// Interrupts and exceptions in long mode: page faults are among the things that Linux does a million times. SDM vol. 3, 6.14; vol. 2, INT.

/** Bits of `deliverLong`'s third argument. */
export const Delivery = {
  /** INT n: the gate's privilege counts, and error codes have no EXT bit. */
  software: 1,
  /** There is an error code. */
  hasCode: 2,
  /** EFLAGS.RF is set in what is pushed. SDM vol. 3, 17.3.1.1. */
  resume: 4,
} as const;

/** `VECTORS_WITH_CODE` as bits. */
const HAS_CODE = VECTORS_WITH_CODE.reduce((bits, vector) => bits | (1 << vector), 0);

const Gate = { type: 0x1e, interruptOrTrap: 0xe, trap: 1, dpl: 5, present: 0x80 } as const;

const field = (segment: number, offset: number): number => State.segments + segment * Segment.size + offset;

/**
 * Emits `deliverLong(state, vector, how, code) -> i32`: enters the handler of a vector, in long mode. `State.rip` is where the frame points. 0: delivery
 * faulted, which is recorded, and nothing was committed.
 */
export function emitDeliverLong(module: ModuleWriter, runtime: Runtime, index: number): void {
  const e = new Emitter([Type.i32, Type.i32, Type.i32, Type.i32]);
  const [state, vector, how, code] = [e.paramI32(0), e.paramI32(1), e.paramI32(2), e.paramI32(3)];
  const exits = {
    spill: () => undefined,
    reload: () => undefined,
    fault: () => {
      setPrivilege(x, old.cpl, old.system);
      e.return(e.i32(0));
    },
  } as unknown as Exits;
  const x = new InterpreterContext(e, state, { get: () => e.i32(0) }, runtime, exits, 8, '', true);
  const refuse = (condition: I32, exception: number, errorCode: I32): void => e.if(condition, () => x.exception(exception, errorCode));

  const old = { cpl: x.field32(State.cpl), system: x.flags.system() };
  const software = how.and(Delivery.software);
  const external = software.xor(1);

  // Tables are read as supervisor, whatever EFLAGS.AC says.
  setPrivilege(x, e.i32(0), old.system.and(~Eflags.AC));
  const fail = vector.shl(3).add(external.add(2));
  refuse(vector.shl(4).add(15).gtU(x.field32(State.idtLimit)), Vector.GP, fail);
  const gate = x.field(State.idtBase).add(vector.shl(4).toI64U());
  const low = x.load(gate, 8);
  const high = x.load(gate.add(8), 8);
  const rights = low.shrU(40).wrap().and(0xff);
  refuse(rights.and(Gate.type).ne(Gate.interruptOrTrap), Vector.GP, fail);
  refuse(software.and(rights.shrU(Gate.dpl).and(3).ltU(old.cpl)), Vector.GP, fail);
  refuse(rights.and(Gate.present).eqz(), Vector.NP, fail);
  const selector = low.shrU(16).wrap().and(0xffff);
  const selectorCode = selector.and(0xfffc).or(external);
  refuse(selector.and(0xfffc).eqz(), Vector.GP, external);
  const target = readEmittedDescriptor(x, selector, () => x.exception(Vector.GP, selectorCode));
  const isCode64 = target.is(Attribute.system | Attribute.code | Attribute.long | Attribute.big, Attribute.system | Attribute.code | Attribute.long);
  refuse(isCode64.eqz().or(target.dpl().gtU(old.cpl)), Vector.GP, selectorCode);
  refuse(target.has(Attribute.present).eqz(), Vector.NP, selectorCode);
  const cpl = target.has(Attribute.conforming).select(old.cpl, target.dpl());

  const rsp = e.variable(x.gpr(4));
  const stackTable = low.shrU(32).wrap().and(7);
  e.if(stackTable.or(cpl.ltU(old.cpl)), () => {
    const at = stackTable.select(stackTable.shl(3).add(28), cpl.shl(3).add(4));
    refuse(at.add(7).gtU(x.field32(field(SegmentIndex.TR, Segment.limit))), Vector.TS, x.field32(field(SegmentIndex.TR, Segment.selector)).and(0xfffc).or(external));
    rsp.set(x.load(x.field(field(SegmentIndex.TR, Segment.base)).add(at.toI64U()), 8));
  });
  rsp.set(rsp.get().and(~0xfn));
  const offset = low.and(0xffff).or(low.shrU(32).and(0xffff0000)).or(high.shl(32));
  // The target and the stack are checked before anything is pushed.
  refuse(isNonCanonical(offset), Vector.GP, external);
  refuse(isNonCanonical(rsp.get().sub(48)), Vector.SS, external);
  markAccessed(x, target);

  // The frame is written with the new privilege.
  setPrivilege(x, cpl, old.system);
  const push = (value: I64): void => {
    rsp.set(rsp.get().sub(8));
    x.store(rsp.get(), 8, value);
  };
  const rip = x.field(State.rip);
  const in64 = x.field32(State.modeKey).and(ModeKey.codeMask).eq(ModeKey.code64);
  push(x.field32(field(SegmentIndex.SS, Segment.selector)).toI64U());
  push(x.gpr(4));
  push(x.flags.image().or(how.and(Delivery.resume).ne(0).mul(Eflags.RF)).toI64U());
  push(x.field32(field(SegmentIndex.CS, Segment.selector)).toI64U());
  push(in64.select(rip, rip.sub(x.field(field(SegmentIndex.CS, Segment.base))).and(0xffffffff)));
  e.if(how.and(Delivery.hasCode), () => push(code.toI64U()));

  x.setGpr(4, rsp.get());
  e.if(cpl.ne(old.cpl), () => loadNullStack(x, cpl, cpl));
  target.loadInto(SegmentIndex.CS, selector.and(0xfffc).or(cpl));
  const kept = old.system.and(~(Eflags.TF | Eflags.NT | Eflags.RF | Eflags.VM));
  setPrivilege(x, cpl, rights.and(Gate.trap).select(kept, kept.and(~Eflags.IF)));
  x.setField32(State.modeKey, e.i32(ModeKey.code64));
  x.setRip(offset);
  e.i32(1).push();
  module.defineFunction(index, e.locals(), e.code.finish());
}

/** Sets the accessed bit in the table. */
function markAccessed(x: InterpreterContext, descriptor: EmittedDescriptor): void {
  x.e.if(descriptor.has(Attribute.accessed).eqz(), () => {
    const at = descriptor.address.add(5);
    x.store(at, 1, x.load(at, 1).or(Attribute.accessed));
  });
}

/**
 * Emits `raise(state) -> i32`: delivers the recorded exception of the instruction at `State.rip`. 0: that is left to TypeScript, because delivery
 * faults, or something else waits for this boundary, or the one before was delivered here too.
 */
export function emitRaise(module: ModuleWriter, runtime: Runtime, index: number): void {
  const e = new Emitter([Type.i32]);
  const state = e.paramI32(0);
  const vector = e.loadI32(state, State.faultVector);
  const code = e.loadI32(state, State.faultCode);
  const address = e.loadI64(state, State.faultAddress);
  const budget = e.loadI32(state, State.budget);
  const long = e.loadI32(state, State.paging).and(Paging.long);
  const waits = e.loadI32(state, State.pending).or(e.loadI32(state, State.debugHooks)).or(e.loadI32(state, State.eflags).and(Eflags.TF));
  // A handler whose first fetch faults would be entered again and again here, without an instruction in between.
  const again = budget.eq(e.loadI32(state, State.raisedAt));
  e.if(waits.or(long.eqz()).or(vector.eq(NON_CANONICAL)).or(again), () => e.return(e.i32(0)));

  e.storeI32(state, State.fault, e.i32(Fault.none));
  e.if(vector.eq(Vector.PF), () => e.storeI64(state, State.cr2, address));
  e.storeI64(state, State.passBreakpoint, e.i64(NO_ADDRESS));
  const hasCode = e.i32(HAS_CODE).shrU(vector).and(1).mul(Delivery.hasCode);
  const resume = vector.ne(Vector.DB).mul(Delivery.resume);
  e.if(e.callI32(runtime.deliverLong, state, vector, hasCode.or(resume), code), () => {
    e.storeI32(state, State.raisedAt, budget);
    e.return(e.i32(1));
  });
  e.storeI32(state, State.fault, e.i32(Fault.exception));
  e.storeI32(state, State.faultVector, vector);
  e.storeI32(state, State.faultCode, code);
  e.storeI64(state, State.faultAddress, address);
  e.i32(0).push();
  module.defineFunction(index, e.locals(), e.code.finish());
}
