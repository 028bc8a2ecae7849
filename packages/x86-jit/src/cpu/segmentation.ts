import { Attribute, SegmentIndex, State, Vector } from '../state-layout.js';
import { GuestFault, type CpuState, type SegmentRegister } from './cpu-state.js';

/** A descriptor as it stands in a table. SDM vol. 3, 3.4.5. */
export interface Descriptor {
  readonly low: number;
  readonly high: number;
  readonly attributes: number;
  readonly base: bigint;
  readonly limit: number;
  readonly type: number;
  readonly dpl: number;
  readonly present: boolean;
  /** Code or data, as opposed to a gate or system segment. */
  readonly application: boolean;
  /** Linear address of the descriptor. */
  readonly address: bigint;
}

export function parseDescriptor(low: number, high: number, address: bigint): Descriptor {
  const attributes = (high >>> 8) & 0xf0ff;
  const raw = ((low & 0xffff) | (high & 0xf0000)) >>> 0;
  const limit = attributes & Attribute.granular ? ((raw << 12) | 0xfff) >>> 0 : raw;
  const base = BigInt(((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff000000)) >>> 0);
  return {
    low, high, attributes, base, limit, address,
    type: attributes & Attribute.typeMask,
    dpl: (attributes >> Attribute.dplShift) & 3,
    present: (attributes & Attribute.present) !== 0,
    application: (attributes & Attribute.system) !== 0,
  };
}

export function isCode(d: Descriptor): boolean {
  return d.application && (d.type & Attribute.code) !== 0;
}
export function isConforming(d: Descriptor): boolean {
  return isCode(d) && (d.type & Attribute.conforming) !== 0;
}
function isWritableData(d: Descriptor): boolean {
  return d.application && (d.type & Attribute.code) === 0 && (d.type & Attribute.writable) !== 0;
}

/** Whether `size` bytes at an offset lie within a segment. SDM vol. 3, 5.3. */
export function withinLimit(segment: { readonly attributes: number; readonly limit: number }, offset: bigint, size: number): boolean {
  const last = offset + BigInt(size - 1);
  const expandDown = (segment.attributes & (Attribute.code | Attribute.expandDown)) === Attribute.expandDown;
  if (!expandDown) return last <= BigInt(segment.limit);
  return offset > BigInt(segment.limit) && last <= (segment.attributes & Attribute.big ? 0xffffffffn : 0xffffn);
}

/** Reads a selector's descriptor from the GDT or LDT. Beyond the table: `vector` with the selector as error code. */
export function readDescriptor(cpu: CpuState, selector: number, vector: number = Vector.GP): Descriptor {
  const index = selector & 0xfff8;
  const code = selector & 0xfffc;
  let base: bigint;
  let limit: number;
  if (selector & 4) {
    const ldt = cpu.segment(SegmentIndex.LDTR);
    if (ldt.attributes & Attribute.unusable || !(ldt.attributes & Attribute.present)) throw new GuestFault(vector, code);
    ({ base, limit } = ldt);
  } else {
    base = cpu.u64(State.gdtBase);
    limit = cpu.u32(State.gdtLimit);
  }
  if (index + 7 > limit) throw new GuestFault(vector, code);
  const address = base + BigInt(index);
  const raw = cpu.loadSystem(address, 8);
  return parseDescriptor(Number(raw & 0xffffffffn), Number(raw >> 32n), address);
}

/** Upper half of a 16-byte system descriptor's base. */
export function readUpperBase(cpu: CpuState, descriptor: Descriptor): bigint {
  return descriptor.base | ((cpu.loadSystem(descriptor.address + 8n, 8) & 0xffffffffn) << 32n);
}

/** Sets the accessed bit in the table. */
export function markAccessed(cpu: CpuState, descriptor: Descriptor): void {
  if (descriptor.application && (descriptor.type & Attribute.accessed) === 0) {
    const byte = cpu.loadSystem(descriptor.address + 5n, 1);
    cpu.storeSystem(descriptor.address + 5n, 1, byte | 1n);
  }
}

export function toRegister(selector: number, d: Descriptor): SegmentRegister {
  return { selector, base: d.base, limit: d.limit, attributes: d.application ? d.attributes | Attribute.accessed : d.attributes };
}

/** In real mode the code segment is written like any other, whatever descriptor was in it, as after a reset (SDM vol. 3, table 9-1: "Present, R/W, Accessed"). */
export function realModeCode(attributes: number): number {
  return (attributes & ~Attribute.typeMask) | Attribute.writable | Attribute.accessed;
}

/** The segment that real and virtual-8086 mode make of a selector. */
export function realModeSegment(cpu: CpuState, index: number, selector: number): SegmentRegister {
  const old = cpu.segment(index);
  if (cpu.v86) {
    return { selector, base: BigInt(selector << 4), limit: 0xffff, attributes: Attribute.present | Attribute.system | Attribute.writable | Attribute.accessed | (3 << Attribute.dplShift) };
  }
  // Real mode keeps limit and rights: "unreal" mode relies on it.
  let { attributes } = old;
  if (attributes & Attribute.unusable) attributes = Attribute.present | Attribute.system | Attribute.writable | Attribute.accessed;
  if (index === SegmentIndex.CS) attributes = realModeCode(attributes);
  return { selector, base: BigInt(selector << 4), limit: old.attributes & Attribute.unusable ? 0xffff : old.limit, attributes };
}

export const nullSegment = (selector: number, dpl: number): SegmentRegister => ({ selector, base: 0n, limit: 0, attributes: Attribute.unusable | (dpl << Attribute.dplShift) });

/** MOV/POP to ES SS DS FS GS, and the loads of LDS and its like. SDM vol. 2, MOV. */
export function loadSegment(cpu: CpuState, index: number, selector: number): void {
  if (!cpu.protectedMode || cpu.v86) {
    cpu.setSegment(index, realModeSegment(cpu, index, selector));
    if (index === SegmentIndex.SS) cpu.updateMode();
    return;
  }
  const { cpl } = cpu;
  const code = selector & 0xfffc;
  const rpl = selector & 3;
  if (code === 0) {
    if (index === SegmentIndex.SS) {
      // A null SS is allowed in 64-bit mode below CPL 3, with RPL = CPL.
      if (!cpu.code64 || cpl === 3 || rpl !== cpl) throw new GuestFault(Vector.GP, 0);
      cpu.setSegment(index, nullSegment(selector, cpl));
      cpu.updateMode();
      return;
    }
    // Intel processors clear the base of a null FS or GS in 64-bit mode.
    cpu.setSegment(index, nullSegment(selector, 0));
    return;
  }
  const d = readDescriptor(cpu, selector);
  if (index === SegmentIndex.SS) {
    if (rpl !== cpl || !isWritableData(d) || d.dpl !== cpl) throw new GuestFault(Vector.GP, code);
    if (!d.present) throw new GuestFault(Vector.SS, code);
  } else {
    const readable = d.application && ((d.type & Attribute.code) === 0 || (d.type & Attribute.readable) !== 0);
    if (!readable) throw new GuestFault(Vector.GP, code);
    if (!isConforming(d) && (rpl > d.dpl || cpl > d.dpl)) throw new GuestFault(Vector.GP, code);
    if (!d.present) throw new GuestFault(Vector.NP, code);
  }
  markAccessed(cpu, d);
  cpu.setSegment(index, toRegister(selector, d));
  if (index === SegmentIndex.SS) cpu.updateMode();
}

export function loadLdt(cpu: CpuState, selector: number): void {
  const code = selector & 0xfffc;
  if (code === 0) {
    cpu.setSegment(SegmentIndex.LDTR, nullSegment(selector, 0));
    return;
  }
  if (selector & 4) throw new GuestFault(Vector.GP, code);
  const d = readDescriptor(cpu, selector);
  if (d.application || d.type !== 2) throw new GuestFault(Vector.GP, code);
  if (!d.present) throw new GuestFault(Vector.NP, code);
  const register = toRegister(selector, d);
  if (cpu.longMode) register.base = readUpperBase(cpu, d);
  cpu.setSegment(SegmentIndex.LDTR, register);
}

export function loadTaskRegister(cpu: CpuState, selector: number): void {
  const code = selector & 0xfffc;
  if (code === 0 || selector & 4) throw new GuestFault(Vector.GP, code);
  const d = readDescriptor(cpu, selector);
  // Available 16- or 32/64-bit TSS.
  if (d.application || (d.type !== 1 && d.type !== 9) || (d.type === 1 && cpu.longMode)) throw new GuestFault(Vector.GP, code);
  if (!d.present) throw new GuestFault(Vector.NP, code);
  const register = toRegister(selector, d);
  if (cpu.longMode) register.base = readUpperBase(cpu, d);
  cpu.storeSystem(d.address + 4n, 4, BigInt((d.high | 0x200) >>> 0));
  register.attributes |= 2;
  cpu.setSegment(SegmentIndex.TR, register);
}

/** Data segments whose privilege the outer ring may not use become null when returning to it. SDM vol. 2, RET/IRET. */
export function dropInnerSegments(cpu: CpuState): void {
  for (const index of [SegmentIndex.ES, SegmentIndex.DS, SegmentIndex.FS, SegmentIndex.GS]) {
    const s = cpu.segment(index);
    if (s.attributes & Attribute.unusable) continue;
    const conforming = (s.attributes & (Attribute.code | Attribute.conforming)) === (Attribute.code | Attribute.conforming);
    if (!conforming && ((s.attributes >> Attribute.dplShift) & 3) < cpu.cpl) cpu.setSegment(index, nullSegment(0, 0));
  }
}

