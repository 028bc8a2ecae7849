import { Attribute, Eflags, SegmentIndex, State, Vector, VECTORS_WITH_CODE } from '../state-layout.js';
import { Delivery } from '../interpreter/deliver.js';
import { isNonCanonicalNumber } from '../mmu/page-walk.js';
import { GuestFault, type CpuState } from './cpu-state.js';
import { dropInnerSegments, isCode, isConforming, markAccessed, nullSegment, parseDescriptor, readDescriptor, realModeSegment, toRegister, withinLimit, type Descriptor } from './segmentation.js';
import { availableTask, returnToLinkedTask, switchTask } from './task-switch.js';

// Interrupt and exception delivery, and IRET. SDM vol. 3, chapter 6 and 7.4; vol. 2, INT and IRET.

/** Where an event comes from: it decides on privilege checks, the pushed RIP and the error code's EXT bit. */
export type EventSource = 'external' | 'exception' | 'software' | 'trap';

interface Frame {
  push(value: bigint): void;
  /** Commits the stack pointer. */
  readonly pointer: bigint;
}

interface StackSegment {
  readonly base: bigint;
  readonly limit: number;
  readonly attributes: number;
}

/** Pushes of one width at a stack that isn't the current one yet. Beyond its limit: #SS with `code`. */
function frameAt(cpu: CpuState, { base, ...segment }: StackSegment, pointer: bigint, width: number, mask: bigint, code?: number): Frame {
  let at = pointer;
  return {
    push(value) {
      at = (at - BigInt(width)) & mask;
      if (code !== undefined && !withinLimit(segment, at, width)) throw new GuestFault(Vector.SS, code);
      cpu.store(base + at, width, value);
    },
    get pointer() {
      return at;
    },
  };
}

/** EFLAGS as it is pushed: RF is set for a fault. SDM vol. 3, 17.3.1.1. */
function imageFor(cpu: CpuState, vector: number, source: EventSource): number {
  return source === 'exception' && vector !== Vector.DB ? cpu.eflags | Eflags.RF : cpu.eflags;
}

function clearForHandler(cpu: CpuState, interruptGate: boolean): void {
  let flags = cpu.systemFlags & ~(Eflags.TF | Eflags.NT | Eflags.RF | Eflags.VM);
  if (interruptGate) flags &= ~Eflags.IF;
  cpu.setU32(State.eflags, flags);
}

/** The stack pointer (and SS) for a privilege level, from the TSS. */
function stackFromTss(cpu: CpuState, level: number, external: number): { sp: bigint; ss: number } {
  const tr = cpu.segment(SegmentIndex.TR);
  const wide = (tr.attributes & 8) !== 0;
  const offset = wide ? 4 + level * 8 : 2 + level * 4;
  if (offset + (wide ? 5 : 3) > tr.limit) throw new GuestFault(Vector.TS, (tr.selector & 0xfffc) + external);
  if (wide) return { sp: cpu.loadSystem(tr.base + BigInt(offset), 4), ss: Number(cpu.loadSystem(tr.base + BigInt(offset + 4), 2)) };
  return { sp: cpu.loadSystem(tr.base + BigInt(offset), 2), ss: Number(cpu.loadSystem(tr.base + BigInt(offset + 2), 2)) };
}

/**
 * Enters the handler of a vector. The state's RIP is where the event's frame points (the faulting instruction, or the next one).
 * @throws GuestFault when delivery itself faults; nothing was committed then
 */
export function deliver(cpu: CpuState, vector: number, source: EventSource, code: number | undefined): void {
  const errorCode = source !== 'external' && source !== 'software' && VECTORS_WITH_CODE.includes(vector) ? (code ?? 0) : undefined;
  if (!cpu.protectedMode) deliverReal(cpu, vector);
  else if (cpu.longMode) deliverLong(cpu, vector, source, errorCode);
  else deliverProtected(cpu, vector, source, errorCode);
}

function deliverReal(cpu: CpuState, vector: number): void {
  const idtBase = cpu.u64(State.idtBase);
  if (vector * 4 + 3 > cpu.u32(State.idtLimit)) throw new GuestFault(Vector.GP, 0);
  const entry = Number(cpu.load(idtBase + BigInt(vector * 4), 4));
  const ss = cpu.segment(SegmentIndex.SS);
  const ip = (cpu.u64(State.rip) - cpu.segmentBase(SegmentIndex.CS)) & 0xffffn;
  const frame = frameAt(cpu, ss, cpu.gpr(4) & 0xffffn, 2, 0xffffn);
  frame.push(BigInt(cpu.eflags & 0xffff));
  frame.push(BigInt(cpu.selector(SegmentIndex.CS)));
  frame.push(ip);
  cpu.setGprSized(4, frame.pointer, 2);
  cpu.setU32(State.eflags, cpu.systemFlags & ~(Eflags.IF | Eflags.TF | Eflags.AC));
  const cs = realModeSegment(cpu, SegmentIndex.CS, entry >>> 16);
  cpu.setSegment(SegmentIndex.CS, cs);
  cpu.updateMode();
  cpu.setU64(State.rip, cs.base + BigInt(entry & 0xffff));
}

/** Error code that names an IDT entry: the IDT bit, and EXT when the event isn't the program's own doing. */
function idtError(vector: number, source: EventSource): number {
  return vector * 8 + 2 + (source === 'software' ? 0 : 1);
}

/** A descriptor that delivery needs: EXT stands in the error code when there is none. */
function descriptorOf(cpu: CpuState, selector: number, vector: number, external: number): Descriptor {
  try {
    return readDescriptor(cpu, selector, vector);
  } catch (fault) {
    if (fault instanceof GuestFault && fault.vector === vector) throw new GuestFault(vector, (selector & 0xfffc) + external);
    throw fault;
  }
}

function deliverLong(cpu: CpuState, vector: number, source: EventSource, errorCode: number | undefined): void {
  const resume = source === 'exception' && vector !== Vector.DB;
  const how = (source === 'software' ? Delivery.software : 0) | (errorCode === undefined ? 0 : Delivery.hasCode) | (resume ? Delivery.resume : 0);
  if (!cpu.code.deliverLong(cpu.base, vector, how, errorCode ?? 0)) cpu.checkFault();
}

function deliverProtected(cpu: CpuState, vector: number, source: EventSource, errorCode: number | undefined): void {
  const external = source === 'software' ? 0 : 1;
  const fail = idtError(vector, source);
  if (vector * 8 + 7 > cpu.u32(State.idtLimit)) throw new GuestFault(Vector.GP, fail);
  const raw = cpu.loadSystem(cpu.u64(State.idtBase) + BigInt(vector * 8), 8);
  const low = Number(raw & 0xffffffffn);
  const high = Number(raw >> 32n);
  const gate = parseDescriptor(low, high, 0n);
  if (gate.application || ![5, 6, 7, 14, 15].includes(gate.type)) throw new GuestFault(Vector.GP, fail);
  if (source === 'software' && gate.dpl < cpu.cpl) throw new GuestFault(Vector.GP, fail);
  if (!gate.present) throw new GuestFault(Vector.NP, fail);
  const selector = low >>> 16;
  if (gate.type === 5) {
    switchTask(cpu, selector, availableTask(cpu, selector, external), 'interrupt', external, errorCode);
    return;
  }
  const wide = gate.type >= 14;
  const width = wide ? 4 : 2;
  const offset = BigInt(wide ? ((low & 0xffff) | (high & 0xffff0000)) >>> 0 : low & 0xffff);
  if ((selector & 0xfffc) === 0) throw new GuestFault(Vector.GP, external);
  const d = descriptorOf(cpu, selector, Vector.GP, external);
  if (!isCode(d) || d.dpl > cpu.cpl) throw new GuestFault(Vector.GP, (selector & 0xfffc) + external);
  if (!d.present) throw new GuestFault(Vector.NP, (selector & 0xfffc) + external);
  const checkTarget = (): void => {
    if (offset > BigInt(d.limit)) throw new GuestFault(Vector.GP, external);
  };

  const oldCpl = cpu.cpl;
  const { v86 } = cpu;
  const image = imageFor(cpu, vector, source);
  const cs = cpu.selector(SegmentIndex.CS);
  const eip = (cpu.u64(State.rip) - cpu.segmentBase(SegmentIndex.CS)) & 0xffffffffn;
  const oldSs = cpu.selector(SegmentIndex.SS);
  const oldSp = cpu.gpr(4) & 0xffffffffn;
  const newCpl = isConforming(d) ? oldCpl : d.dpl;
  if (v86 && newCpl !== 0) throw new GuestFault(Vector.GP, selector & 0xfffc);

  if (newCpl < oldCpl) {
    const stack = stackFromTss(cpu, newCpl, external);
    const ssCode = (stack.ss & 0xfffc) + external;
    if ((stack.ss & 0xfffc) === 0 || (stack.ss & 3) !== newCpl) throw new GuestFault(Vector.TS, ssCode);
    const ssd = descriptorOf(cpu, stack.ss, Vector.TS, external);
    if (!ssd.application || ssd.type & Attribute.code || !(ssd.type & Attribute.writable) || ssd.dpl !== newCpl) throw new GuestFault(Vector.TS, ssCode);
    if (!ssd.present) throw new GuestFault(Vector.SS, ssCode);
    const mask = ssd.attributes & Attribute.big ? 0xffffffffn : 0xffffn;
    checkTarget();
    const savedFlags = cpu.systemFlags;
    if (v86) cpu.setU32(State.eflags, savedFlags & ~Eflags.VM);
    cpu.setCpl(newCpl);
    let pointer: bigint;
    try {
      const frame = frameAt(cpu, ssd, stack.sp & mask, width, mask, ssCode);
      if (v86) for (const s of [SegmentIndex.GS, SegmentIndex.FS, SegmentIndex.DS, SegmentIndex.ES]) frame.push(BigInt(cpu.selector(s)));
      frame.push(BigInt(oldSs));
      frame.push(oldSp);
      frame.push(BigInt(image));
      frame.push(BigInt(cs));
      frame.push(eip);
      if (errorCode !== undefined) frame.push(BigInt(errorCode >>> 0));
      ({ pointer } = frame);
    } catch (fault) {
      cpu.setU32(State.eflags, savedFlags);
      cpu.setCpl(oldCpl);
      throw fault;
    }
    markAccessed(cpu, ssd);
    cpu.setSegment(SegmentIndex.SS, toRegister(stack.ss, ssd));
    cpu.setGprSized(4, pointer, mask === 0xffffn ? 2 : 4);
    if (v86) {
      for (const s of [SegmentIndex.GS, SegmentIndex.FS, SegmentIndex.DS, SegmentIndex.ES]) cpu.setSegment(s, { selector: 0, base: 0n, limit: 0, attributes: Attribute.unusable });
    }
  } else {
    const ss = cpu.segment(SegmentIndex.SS);
    const mask = ss.attributes & Attribute.big ? 0xffffffffn : 0xffffn;
    checkTarget();
    const frame = frameAt(cpu, ss, cpu.gpr(4) & mask, width, mask, external);
    frame.push(BigInt(image));
    frame.push(BigInt(cs));
    frame.push(eip);
    if (errorCode !== undefined) frame.push(BigInt(errorCode >>> 0));
    cpu.setGprSized(4, frame.pointer, mask === 0xffffn ? 2 : 4);
  }
  markAccessed(cpu, d);
  cpu.setSegment(SegmentIndex.CS, toRegister((selector & 0xfffc) | newCpl, d));
  clearForHandler(cpu, gate.type === 6 || gate.type === 14);
  cpu.updateMode();
  cpu.setU64(State.rip, (d.base + offset) & 0xffffffffn);
}

/** Flags that a return may change, by privilege. */
function returnFlags(cpu: CpuState, image: number, size: number): number {
  const old = cpu.eflags;
  const { cpl } = cpu;
  let mask = Eflags.arithmetic | Eflags.TF | Eflags.DF | Eflags.NT;
  // RF would hold off an instruction breakpoint for one instruction, which there are none of.
  if (size >= 4) mask |= Eflags.AC | Eflags.ID;
  if (cpl <= ((old >> 12) & 3)) mask |= Eflags.IF;
  if (cpl === 0) mask |= Eflags.IOPL | (size >= 4 ? Eflags.VIF | Eflags.VIP : 0);
  return (old & ~mask) | (image & mask);
}

/** IRET, IRETD, IRETQ. @param size operand size in bytes */
export function interruptReturn(cpu: CpuState, size: number): void {
  if (!cpu.protectedMode || cpu.v86) {
    if (cpu.v86 && ((cpu.systemFlags >> 12) & 3) !== 3) throw new GuestFault(Vector.GP, 0);
    const sp = cpu.gpr(4) & 0xffffn;
    const pop = (k: number): bigint => cpu.load(cpu.linear(SegmentIndex.SS, (sp + BigInt(k * size)) & 0xffffn, size, false), size);
    const [ip, cs, image] = [pop(0), Number(pop(1)) & 0xffff, Number(pop(2))];
    cpu.setGprSized(4, sp + BigInt(3 * size), 2);
    const register = realModeSegment(cpu, SegmentIndex.CS, cs);
    const flags = returnFlags(cpu, image, size);
    cpu.setSegment(SegmentIndex.CS, register);
    cpu.eflags = cpu.v86 ? (flags & ~Eflags.IOPL) | (cpu.eflags & Eflags.IOPL) : flags;
    cpu.updateMode();
    cpu.setU64(State.rip, register.base + (ip & 0xffffn));
    return;
  }
  if (cpu.systemFlags & Eflags.NT) {
    if (cpu.longMode) throw new GuestFault(Vector.GP, 0);
    returnToLinkedTask(cpu);
    return;
  }
  const ssOld = cpu.segment(SegmentIndex.SS);
  const mask = cpu.code64 ? 0xffffffffffffffffn : ssOld.attributes & Attribute.big ? 0xffffffffn : 0xffffn;
  const sp = cpu.gpr(4) & mask;
  const pop = (k: number): bigint => cpu.load(cpu.linear(SegmentIndex.SS, (sp + BigInt(k * size)) & mask, size, false), size);
  const ip = pop(0);
  // Only 16 bits count, whatever stands above.
  const selector = Number(pop(1) & 0xffffn);
  const image = Number(pop(2) & 0xffffffffn) >>> 0;

  if (!cpu.longMode && size === 4 && image & Eflags.VM && cpu.cpl === 0) {
    const words = [3, 4, 5, 6, 7, 8].map((k) => pop(k));
    cpu.eflags = image & ~Eflags.RF;
    cpu.setCpl(3);
    const segments = [SegmentIndex.SS, SegmentIndex.ES, SegmentIndex.DS, SegmentIndex.FS, SegmentIndex.GS];
    const values = [words[1], words[2], words[3], words[4], words[5]].map((w) => Number(w) & 0xffff);
    segments.forEach((s, k) => cpu.setSegment(s, realModeSegment(cpu, s, values[k] as number)));
    const cs = realModeSegment(cpu, SegmentIndex.CS, selector);
    cpu.setSegment(SegmentIndex.CS, cs);
    cpu.setGpr(4, (words[0] as bigint) & 0xffffffffn);
    cpu.updateMode();
    cpu.setU64(State.rip, cs.base + (ip & 0xffffn));
    return;
  }

  const code = selector & 0xfffc;
  const rpl = selector & 3;
  if (code === 0) throw new GuestFault(Vector.GP, 0);
  const d = readDescriptor(cpu, selector);
  if (!isCode(d) || rpl < cpu.cpl) throw new GuestFault(Vector.GP, code);
  if (isConforming(d) ? d.dpl > rpl : d.dpl !== rpl) throw new GuestFault(Vector.GP, code);
  if (cpu.longMode && d.attributes & Attribute.long && d.attributes & Attribute.big) throw new GuestFault(Vector.GP, code);
  if (!d.present) throw new GuestFault(Vector.NP, code);
  const to64 = cpu.longMode && (d.attributes & Attribute.long) !== 0;
  const target = to64 ? ip : (d.base + (ip & (size === 2 ? 0xffffn : 0xffffffffn))) & 0xffffffffn;
  if (to64 && isNonCanonicalNumber(ip)) throw new GuestFault(Vector.GP, 0);
  if (!to64 && ip > BigInt(d.limit)) throw new GuestFault(Vector.GP, 0);

  const outer = rpl > cpu.cpl;
  // 64-bit mode always returns to the stack in the frame.
  if (outer || cpu.code64) {
    const newSp = pop(3);
    const ss = Number(pop(4) & 0xffffn);
    const flags = returnFlags(cpu, image, size);
    const stack = prepareStack(cpu, ss, rpl, to64);
    markAccessed(cpu, d);
    cpu.setSegment(SegmentIndex.CS, toRegister(selector, d));
    cpu.setSegment(SegmentIndex.SS, stack);
    // What was popped is zero-extended; to a 16-bit stack only SP is loaded (Linux's "espfix" is there for that).
    if (to64) cpu.setGpr(4, newSp);
    else cpu.setGprSized(4, newSp, stack.attributes & Attribute.big ? 8 : 2);
    cpu.eflags = flags;
    cpu.setCpl(rpl);
    if (outer) dropInnerSegments(cpu);
  } else {
    const flags = returnFlags(cpu, image, size);
    markAccessed(cpu, d);
    cpu.setSegment(SegmentIndex.CS, toRegister(selector, d));
    cpu.setGprSized(4, sp + BigInt(3 * size), mask === 0xffffn ? 2 : mask === 0xffffffffn ? 4 : 8);
    cpu.eflags = flags;
  }
  cpu.updateMode();
  cpu.setU64(State.rip, BigInt.asUintN(64, target));
}

/** SS for a return to privilege `rpl`. */
export function prepareStack(cpu: CpuState, ss: number, rpl: number, to64: boolean): ReturnType<typeof toRegister> {
  const code = ss & 0xfffc;
  if (code === 0) {
    if (!to64 || rpl === 3) throw new GuestFault(Vector.GP, 0);
    return nullSegment(ss, rpl);
  }
  const d = readDescriptor(cpu, ss);
  if ((ss & 3) !== rpl || !d.application || d.type & Attribute.code || !(d.type & Attribute.writable) || d.dpl !== rpl) throw new GuestFault(Vector.GP, code);
  if (!d.present) throw new GuestFault(Vector.SS, code);
  markAccessed(cpu, d);
  return toRegister(ss, d);
}

