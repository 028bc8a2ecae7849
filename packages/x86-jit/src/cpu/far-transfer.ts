import { isNonCanonicalNumber } from '../mmu/page-walk.js';
import { Attribute, SegmentIndex, State, Vector } from '../state-layout.js';
import { GuestFault, type CpuState } from './cpu-state.js';
import { prepareStack } from './interrupts.js';
import { prepareBytes } from './memory-block.js';
import { dropInnerSegments, isCode, isConforming, markAccessed, readDescriptor, realModeSegment, toRegister, type Descriptor } from './segmentation.js';
import { availableTask, switchTask, type TaskSwitchCause } from './task-switch.js';

// Far JMP, CALL and RET. SDM vol. 2, JMP, CALL, RET; vol. 3, 5.8.

function checkCode(cpu: CpuState, d: Descriptor, selector: number): void {
  const code = selector & 0xfffc;
  if (!isCode(d)) throw new GuestFault(Vector.GP, code);
  if (isConforming(d) ? d.dpl > cpu.cpl : d.dpl !== cpu.cpl || (selector & 3) > cpu.cpl) throw new GuestFault(Vector.GP, code);
  if (cpu.longMode && d.attributes & Attribute.long && d.attributes & Attribute.big) throw new GuestFault(Vector.GP, code);
  if (!d.present) throw new GuestFault(Vector.NP, code);
}

/** The target must lie within the segment, or be canonical: the transfer's own fault, before anything is pushed. */
function checkTarget(cpu: CpuState, d: Descriptor, offset: bigint): void {
  const to64 = cpu.longMode && (d.attributes & Attribute.long) !== 0;
  if (!to64 && offset > BigInt(d.limit)) throw new GuestFault(Vector.GP, 0);
  if (to64 && isNonCanonicalNumber(offset)) throw new GuestFault(Vector.GP, 0);
}

function enter(cpu: CpuState, selector: number, d: Descriptor, offset: bigint, cpl: number): void {
  checkTarget(cpu, d, offset);
  const to64 = cpu.longMode && (d.attributes & Attribute.long) !== 0;
  markAccessed(cpu, d);
  cpu.setSegment(SegmentIndex.CS, toRegister((selector & 0xfffc) | cpl, d));
  cpu.setCpl(cpl);
  cpu.updateMode();
  cpu.setU64(State.rip, to64 ? BigInt.asUintN(64, offset) : (d.base + offset) & 0xffffffffn);
}

interface Stack {
  /** Reads so many bytes above the stack pointer. */
  load(delta: number, size: number): bigint;
  /** Writes the first and then the second word below the stack pointer, or faults and writes neither. */
  pushTwo(first: bigint, second: bigint, size: number): void;
  move(delta: number): void;
}

/** The current stack; only `move` changes the pointer. */
function stack(cpu: CpuState): Stack {
  const ss = cpu.segment(SegmentIndex.SS);
  const mask = cpu.code64 ? 0xffffffffffffffffn : ss.attributes & Attribute.big ? 0xffffffffn : 0xffffn;
  const at = (delta: number, size: number, write: boolean): bigint => cpu.linear(SegmentIndex.SS, (cpu.gpr(4) + BigInt(delta)) & mask, size, write);
  return {
    load: (delta, size) => cpu.load(at(delta, size, false), size),
    pushTwo: (first, second, size) => {
      const [upper, lower] = [at(-size, size, true), at(-2 * size, size, true)];
      prepareBytes(cpu, upper, size);
      prepareBytes(cpu, lower, size);
      cpu.store(upper, size, first);
      cpu.store(lower, size, second);
    },
    move: (delta) => cpu.setGprSized(4, cpu.gpr(4) + BigInt(delta), mask === 0xffffn ? 2 : mask === 0xffffffffn ? 4 : 8),
  };
}

export function farJump(cpu: CpuState, selector: number, offset: bigint): void {
  if (!cpu.protectedMode || cpu.v86) {
    enterReal(cpu, selector, offset);
    return;
  }
  if ((selector & 0xfffc) === 0) throw new GuestFault(Vector.GP, 0);
  const d = readDescriptor(cpu, selector);
  if (!d.application) {
    if (toTask(cpu, d, selector, 'jump')) return;
    const gate = callGate(cpu, d, selector);
    checkCode(cpu, gate.descriptor, gate.selector & ~3);
    enter(cpu, gate.selector, gate.descriptor, gate.offset, cpu.cpl);
    return;
  }
  checkCode(cpu, d, selector);
  enter(cpu, selector, d, offset, cpu.cpl);
}

export function farCall(cpu: CpuState, selector: number, offset: bigint, size: number, nextIp: bigint): void {
  const s = stack(cpu);
  const oldCs = BigInt(cpu.selector(SegmentIndex.CS));
  if (!cpu.protectedMode || cpu.v86) {
    checkReal(cpu, offset);
    s.pushTwo(oldCs, nextIp, size);
    s.move(-2 * size);
    enterReal(cpu, selector, offset);
    return;
  }
  if ((selector & 0xfffc) === 0) throw new GuestFault(Vector.GP, 0);
  const d = readDescriptor(cpu, selector);
  if (!d.application) {
    if (!toTask(cpu, d, selector, 'call')) callThroughGate(cpu, d, selector, nextIp);
    return;
  }
  checkCode(cpu, d, selector);
  checkTarget(cpu, d, offset);
  s.pushTwo(oldCs, nextIp, size);
  enter(cpu, selector, d, offset, cpu.cpl);
  s.move(-2 * size);
}

/** CS's limit stays as it is in real mode. */
function checkReal(cpu: CpuState, offset: bigint): void {
  if (offset > BigInt(realModeSegment(cpu, SegmentIndex.CS, 0).limit)) throw new GuestFault(Vector.GP, 0);
}

function enterReal(cpu: CpuState, selector: number, offset: bigint): void {
  checkReal(cpu, offset);
  const cs = realModeSegment(cpu, SegmentIndex.CS, selector);
  cpu.setSegment(SegmentIndex.CS, cs);
  cpu.updateMode();
  cpu.setU64(State.rip, cs.base + offset);
}

/** A far JMP or CALL to a TSS or through a task gate. @returns false when the descriptor is neither */
function toTask(cpu: CpuState, d: Descriptor, selector: number, cause: TaskSwitchCause): boolean {
  const gate = d.type === 5;
  if (cpu.longMode || (!gate && d.type !== 1 && d.type !== 9)) return false;
  if (d.dpl < cpu.cpl || d.dpl < (selector & 3)) throw new GuestFault(Vector.GP, selector & 0xfffc);
  if (gate && !d.present) throw new GuestFault(Vector.NP, selector & 0xfffc);
  const tss = gate ? d.low >>> 16 : selector;
  switchTask(cpu, tss, availableTask(cpu, tss), cause);
  return true;
}

interface Gate {
  readonly selector: number;
  readonly offset: bigint;
  readonly descriptor: Descriptor;
  readonly size: number;
  readonly words: number;
}

function callGate(cpu: CpuState, d: Descriptor, selector: number): Gate {
  const code = selector & 0xfffc;
  // Call gates: type 4 (16-bit), 12 (32-bit, or 64-bit in long mode).
  if (cpu.longMode ? d.type !== 12 : d.type !== 4 && d.type !== 12) throw new GuestFault(Vector.GP, code);
  if (d.dpl < cpu.cpl || d.dpl < (selector & 3)) throw new GuestFault(Vector.GP, code);
  if (!d.present) throw new GuestFault(Vector.NP, code);
  const target = d.low >>> 16;
  let offset = BigInt(d.type === 4 ? d.low & 0xffff : ((d.low & 0xffff) | (d.high & 0xffff0000)) >>> 0);
  if (cpu.longMode) {
    const upper = cpu.loadSystem(d.address + 8n, 8);
    // SDM vol. 3, 5.8.3.1: the type field of the upper half must be 0, so that it isn't taken for a descriptor.
    if ((upper >> 40n) & 0x1fn) throw new GuestFault(Vector.GP, code);
    offset |= (upper & 0xffffffffn) << 32n;
  }
  if ((target & 0xfffc) === 0) throw new GuestFault(Vector.GP, 0);
  const descriptor = readDescriptor(cpu, target);
  if (!isCode(descriptor) || descriptor.dpl > cpu.cpl || (cpu.longMode && !(descriptor.attributes & Attribute.long))) throw new GuestFault(Vector.GP, target & 0xfffc);
  if (!descriptor.present) throw new GuestFault(Vector.NP, target & 0xfffc);
  return { selector: target, offset, descriptor, size: cpu.longMode ? 8 : d.type === 4 ? 2 : 4, words: d.high & 0x1f };
}

function callThroughGate(cpu: CpuState, d: Descriptor, selector: number, nextIp: bigint): void {
  const gate = callGate(cpu, d, selector);
  const inner = !isConforming(gate.descriptor) && gate.descriptor.dpl < cpu.cpl;
  const oldCs = BigInt(cpu.selector(SegmentIndex.CS));
  const { size } = gate;
  if (!inner) {
    const s = stack(cpu);
    checkTarget(cpu, gate.descriptor, gate.offset);
    s.pushTwo(oldCs, nextIp, size);
    enter(cpu, gate.selector, gate.descriptor, gate.offset, cpu.cpl);
    s.move(-2 * size);
    return;
  }
  const level = gate.descriptor.dpl;
  const tr = cpu.segment(SegmentIndex.TR);
  const oldSs = cpu.selector(SegmentIndex.SS);
  const oldSp = cpu.gpr(4);
  const outer = stack(cpu);
  const parameters = cpu.longMode ? [] : Array.from({ length: gate.words }, (_, k) => outer.load(k * size, size)).reverse();
  let pointer: bigint;
  let register: ReturnType<typeof toRegister>;
  if (cpu.longMode) {
    pointer = cpu.loadSystem(tr.base + BigInt(4 + level * 8), 8);
    register = { selector: level, base: 0n, limit: 0, attributes: Attribute.unusable | (level << Attribute.dplShift) };
  } else {
    const wide = (tr.attributes & 8) !== 0;
    const at = wide ? 4 + level * 8 : 2 + level * 4;
    pointer = cpu.loadSystem(tr.base + BigInt(at), wide ? 4 : 2);
    const ss = Number(cpu.loadSystem(tr.base + BigInt(at + (wide ? 4 : 2)), 2));
    register = prepareStack(cpu, ss, level, false);
  }
  const mask = cpu.longMode ? 0xffffffffffffffffn : register.attributes & Attribute.big ? 0xffffffffn : 0xffffn;
  const oldCpl = cpu.cpl;
  cpu.setCpl(level);
  try {
    for (const word of [BigInt(oldSs), oldSp, ...parameters, oldCs, nextIp]) {
      pointer = (pointer - BigInt(size)) & mask;
      cpu.store((cpu.longMode ? 0n : register.base) + pointer, size, word);
    }
  } finally {
    cpu.setCpl(oldCpl);
  }
  cpu.setSegment(SegmentIndex.SS, register);
  cpu.setGprSized(4, pointer, cpu.longMode ? 8 : mask === 0xffffn ? 2 : 4);
  enter(cpu, gate.selector, gate.descriptor, gate.offset, level);
}

export function farReturn(cpu: CpuState, size: number, release: number): void {
  const s = stack(cpu);
  const offset = s.load(0, size);
  const selector = Number(s.load(size, size) & 0xffffn);
  if (!cpu.protectedMode || cpu.v86) {
    enterReal(cpu, selector, offset);
    s.move(2 * size + release);
    return;
  }
  const code = selector & 0xfffc;
  const rpl = selector & 3;
  if (code === 0) throw new GuestFault(Vector.GP, 0);
  const d = readDescriptor(cpu, selector);
  if (!isCode(d) || rpl < cpu.cpl) throw new GuestFault(Vector.GP, code);
  if (isConforming(d) ? d.dpl > rpl : d.dpl !== rpl) throw new GuestFault(Vector.GP, code);
  if (!d.present) throw new GuestFault(Vector.NP, code);
  if (rpl === cpu.cpl) {
    enter(cpu, selector, d, offset, rpl);
    s.move(2 * size + release);
    return;
  }
  const sp = s.load(2 * size + release, size);
  const ss = Number(s.load(3 * size + release, size) & 0xffffn);
  const to64 = cpu.longMode && (d.attributes & Attribute.long) !== 0;
  const register = prepareStack(cpu, ss, rpl, to64);
  enter(cpu, selector, d, offset, rpl);
  cpu.setSegment(SegmentIndex.SS, register);
  cpu.setGprSized(4, sp, size);
  const next = stack(cpu);
  next.move(release);
  dropInnerSegments(cpu);
  cpu.updateMode();
}
