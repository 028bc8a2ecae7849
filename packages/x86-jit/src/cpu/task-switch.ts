import { Attribute, Cr0, Eflags, SegmentIndex, State, Vector } from '../state-layout.js';
import { writeCr3 } from './control-registers.js';
import { GuestFault, type CpuState } from './cpu-state.js';
import {
  isCode,
  isConforming,
  loadLdt,
  markAccessed,
  readDescriptor,
  realModeSegment,
  toRegister,
  withinLimit,
  type Descriptor,
} from './segmentation.js';

// Hardware task switching, in protected mode alone. SDM vol. 3, chapter 7.

/** What switches: it decides on the busy bits, the link and NT. SDM vol. 3, table 7-2. */
export type TaskSwitchCause = 'jump' | 'call' | 'interrupt' | 'return';

/** A fault of the new task before its first instruction: the switch has happened, and the registers are the new task's. */
export class TaskFault extends GuestFault {}

/** Offsets within a TSS, and how wide its fields are. SDM vol. 3, figures 7-2 and 7-10. */
interface TssLayout {
  readonly width: 2 | 4;
  readonly limit: number;
  readonly ip: number;
  readonly flags: number;
  readonly general: number;
  readonly segments: number;
  /** Segment registers that it has, from ES on. */
  readonly segmentCount: number;
  readonly ldt: number;
}
const TSS32: TssLayout = { width: 4, limit: 0x67, ip: 0x20, flags: 0x24, general: 0x28, segments: 0x48, segmentCount: 6, ldt: 0x60 };
const TSS16: TssLayout = { width: 2, limit: 0x2b, ip: 0x0e, flags: 0x10, general: 0x12, segments: 0x22, segmentCount: 4, ldt: 0x2a };
const TSS_CR3 = 0x1c;
const TSS_TRAP = 0x64;

/** Bits of a TSS descriptor's type. */
const TYPE_32 = 8;
const TYPE_BUSY = 2;
/** L0 to L3: local breakpoints belong to the task. */
const DR7_LOCAL = 0x55n;
const DR6_BT = 0x8000n;

const isTss = (d: Descriptor): boolean => !d.application && (d.type & 5) === 1;

/**
 * The TSS that a task gate names, or that a far JMP or CALL names itself, checked up to its presence.
 *
 * @param external EXT of the error code, for gates in the IDT
 */
export function availableTask(cpu: CpuState, selector: number, external = 0): Descriptor {
  const code = (selector & 0xfffc) + external;
  if (selector & 4 || (selector & 0xfffc) === 0) throw new GuestFault(Vector.GP, code);
  let d: Descriptor;
  try {
    d = readDescriptor(cpu, selector);
  } catch (fault) {
    throw fault instanceof GuestFault && fault.vector === Vector.GP ? new GuestFault(Vector.GP, code) : fault;
  }
  if (!isTss(d) || d.type & TYPE_BUSY) throw new GuestFault(Vector.GP, code);
  if (!d.present) throw new GuestFault(Vector.NP, code);
  return d;
}

/** IRET with NT: back to the task that the link names. */
export function returnToLinkedTask(cpu: CpuState): void {
  const tr = cpu.segment(SegmentIndex.TR);
  const selector = Number(cpu.loadSystem(tr.base, 2));
  const code = selector & 0xfffc;
  if (selector & 4 || code === 0) throw new GuestFault(Vector.TS, code);
  const d = readDescriptor(cpu, selector, Vector.TS);
  if (!isTss(d) || !(d.type & TYPE_BUSY)) throw new GuestFault(Vector.TS, code);
  if (!d.present) throw new GuestFault(Vector.NP, code);
  switchTask(cpu, selector, d, 'return');
}

function setBusy(cpu: CpuState, address: bigint, busy: boolean): void {
  const type = cpu.loadSystem(address + 5n, 1);
  cpu.storeSystem(address + 5n, 1, busy ? type | BigInt(TYPE_BUSY) : type & ~BigInt(TYPE_BUSY));
}

/**
 * Leaves the present task, whose next instruction is at the state's RIP, for another. SDM vol. 3, 7.3.
 *
 * @param code pushed on the new task's stack, for exceptions with an error code
 * @throws GuestFault while nothing of the new task is loaded; TaskFault afterwards
 */
export function switchTask(
  cpu: CpuState,
  selector: number,
  d: Descriptor,
  cause: TaskSwitchCause,
  external = 0,
  code?: number,
): void {
  const layout = d.type & TYPE_32 ? TSS32 : TSS16;
  if (d.limit < layout.limit) throw new GuestFault(Vector.TS, (selector & 0xfffc) + external);

  // All of the new state is read before anything changes.
  const at = (offset: number): bigint => (d.base + BigInt(offset)) & 0xffffffffn;
  const word = (offset: number): number => Number(cpu.loadSystem(at(offset), layout.width));
  const ip = word(layout.ip);
  const image = word(layout.flags);
  // A 16-bit TSS says nothing of the upper halves; processors leave ones there.
  const general = Array.from({ length: 8 }, (_, n) => word(layout.general + n * layout.width) + (layout.width === 2 ? 0xffff0000 : 0));
  const selectors = Array.from({ length: 6 }, (_, n) => (n < layout.segmentCount ? word(layout.segments + n * layout.width) & 0xffff : 0));
  const ldt = word(layout.ldt) & 0xffff;
  const cr3 = layout.width === 4 ? Number(cpu.loadSystem(at(TSS_CR3), 4)) : 0;
  const trap = layout.width === 4 && (Number(cpu.loadSystem(at(TSS_TRAP), 2)) & 1) !== 0;

  const old = cpu.segment(SegmentIndex.TR);
  saveTask(cpu, old, cause);
  const oldDescriptor = cpu.u64(State.gdtBase) + BigInt(old.selector & 0xfff8);
  if (cause === 'jump' || cause === 'return') setBusy(cpu, oldDescriptor, false);
  if (cause !== 'return') setBusy(cpu, d.address, true);
  const nested = cause === 'call' || cause === 'interrupt';
  if (nested) cpu.storeSystem(at(0), 2, BigInt(old.selector));

  // From here on it is the new task.
  cpu.setSegment(SegmentIndex.TR, { selector, base: d.base, limit: d.limit, attributes: d.attributes | TYPE_BUSY });
  cpu.setU64(State.cr0, BigInt((cpu.cr0 | Cr0.TS) >>> 0));
  cpu.setU64(State.dr + 56, cpu.u64(State.dr + 56) & ~DR7_LOCAL);
  const v86 = layout.width === 4 && (image & Eflags.VM) !== 0;
  cpu.eflags = ((image & KNOWN_FLAGS) | 2 | (nested ? Eflags.NT : 0)) >>> 0;
  general.forEach((value, n) => cpu.setGpr32(n, value));
  const cpl = v86 ? 3 : (selectors[SegmentIndex.CS] as number) & 3;
  const privilege = BigInt(Attribute.unusable | (cpl << Attribute.dplShift));
  selectors.forEach((s, n) => cpu.setSegment(n, { selector: s, base: 0n, limit: 0, attributes: Number(privilege) }));
  cpu.setSegment(SegmentIndex.LDTR, { selector: ldt, base: 0n, limit: 0, attributes: Attribute.unusable });
  cpu.setCpl(cpl);
  cpu.updateMode();
  cpu.setU64(State.rip, BigInt(ip));
  try {
    if (layout.width === 4 && cpu.cr0 & Cr0.PG) writeCr3(cpu, BigInt(cr3));
    loadSegments(cpu, selectors, ldt, v86, external);
    const cs = cpu.segment(SegmentIndex.CS);
    cpu.setU64(State.rip, (cs.base + BigInt(ip)) & 0xffffffffn);
    if (ip > cs.limit) throw new GuestFault(Vector.GP, external);
    if (code !== undefined) pushCode(cpu, layout.width, code, external);
    if (trap) {
      cpu.setU64(State.dr + 48, cpu.u64(State.dr + 48) | DR6_BT);
      throw new GuestFault(Vector.DB);
    }
  } catch (fault) {
    if (!(fault instanceof GuestFault)) throw fault;
    throw new TaskFault(fault.vector, fault.code);
  }
}

/** What EFLAGS a TSS can give: RF holds off nothing here. */
const KNOWN_FLAGS =
  Eflags.arithmetic | Eflags.TF | Eflags.IF | Eflags.DF | Eflags.IOPL | Eflags.NT | Eflags.VM | Eflags.AC | Eflags.VIF | Eflags.VIP | Eflags.ID;

/** Writes the registers into the TSS of the task that is left. */
function saveTask(cpu: CpuState, tr: { selector: number; base: bigint; limit: number; attributes: number }, cause: TaskSwitchCause): void {
  const layout = tr.attributes & TYPE_32 ? TSS32 : TSS16;
  if (tr.limit < layout.limit) throw new GuestFault(Vector.TS, tr.selector & 0xfffc);
  const store = (offset: number, value: bigint, size: number = layout.width): void =>
    cpu.storeSystem((tr.base + BigInt(offset)) & 0xffffffffn, size, value);
  const flags = cause === 'return' ? cpu.eflags & ~Eflags.NT : cpu.eflags;
  store(layout.ip, (cpu.u64(State.rip) - cpu.segmentBase(SegmentIndex.CS)) & 0xffffffffn);
  store(layout.flags, BigInt(flags >>> 0));
  for (let n = 0; n < 8; n++) store(layout.general + n * layout.width, cpu.gpr(n) & 0xffffffffn);
  for (let n = 0; n < layout.segmentCount; n++) store(layout.segments + n * layout.width, BigInt(cpu.selector(n)), 2);
}

/** LDTR, CS, SS and the data segments, each with the checks of its own. SDM vol. 3, table 7-1. */
function loadSegments(cpu: CpuState, selectors: readonly number[], ldt: number, v86: boolean, external: number): void {
  try {
    loadLdt(cpu, ldt);
  } catch (fault) {
    if (fault instanceof GuestFault && fault.vector !== Vector.PF) throw new GuestFault(Vector.TS, (ldt & 0xfffc) + external);
    throw fault;
  }
  if (v86) {
    selectors.forEach((selector, n) => cpu.setSegment(n, realModeSegment(cpu, n, selector)));
    cpu.updateMode();
    return;
  }
  const fail = (vector: number, selector: number): GuestFault => new GuestFault(vector, (selector & 0xfffc) + external);
  const descriptor = (selector: number): Descriptor => {
    try {
      return readDescriptor(cpu, selector, Vector.TS);
    } catch (fault) {
      throw fault instanceof GuestFault && fault.vector === Vector.TS ? fail(Vector.TS, selector) : fault;
    }
  };
  const load = (n: number, selector: number, d: Descriptor): void => {
    markAccessed(cpu, d);
    cpu.setSegment(n, toRegister(selector, d));
    cpu.updateMode();
  };

  const cs = selectors[SegmentIndex.CS] as number;
  const cpl = cs & 3;
  if ((cs & 0xfffc) === 0) throw fail(Vector.TS, cs);
  const code = descriptor(cs);
  if (!isCode(code) || (isConforming(code) ? code.dpl > cpl : code.dpl !== cpl)) throw fail(Vector.TS, cs);
  if (!code.present) throw fail(Vector.NP, cs);
  load(SegmentIndex.CS, cs, code);

  const ss = selectors[SegmentIndex.SS] as number;
  if ((ss & 0xfffc) === 0) throw fail(Vector.TS, ss);
  const stack = descriptor(ss);
  const writable = stack.application && !(stack.type & Attribute.code) && (stack.type & Attribute.writable) !== 0;
  if (!writable || stack.dpl !== cpl || (ss & 3) !== cpl) throw fail(Vector.TS, ss);
  if (!stack.present) throw fail(Vector.SS, ss);
  load(SegmentIndex.SS, ss, stack);

  for (const n of [SegmentIndex.DS, SegmentIndex.ES, SegmentIndex.FS, SegmentIndex.GS]) {
    const selector = selectors[n] as number;
    if ((selector & 0xfffc) === 0) continue;
    const d = descriptor(selector);
    const readable = d.application && (!(d.type & Attribute.code) || (d.type & Attribute.readable) !== 0);
    if (!readable || (!isConforming(d) && (d.dpl < cpl || d.dpl < (selector & 3)))) throw fail(Vector.TS, selector);
    if (!d.present) throw fail(Vector.NP, selector);
    load(n, selector, d);
  }
}

function pushCode(cpu: CpuState, width: number, code: number, external: number): void {
  const ss = cpu.segment(SegmentIndex.SS);
  const big = (ss.attributes & Attribute.big) !== 0;
  const sp = (cpu.gpr(4) - BigInt(width)) & (big ? 0xffffffffn : 0xffffn);
  if (!withinLimit(ss, sp, width)) throw new GuestFault(Vector.SS, external);
  cpu.store((ss.base + sp) & 0xffffffffn, width, BigInt(code >>> 0));
  cpu.setGprSized(4, sp, big ? 4 : 2);
}
