import { Mnemonic, OperandKind, registerClass, RegisterClass, registerNumber, Prefix } from '@pckit/x86-decoder';
import type { AccessSize } from '@pckit/interfaces';
import { isNonCanonicalNumber } from '../mmu/page-walk.js';
import { Attribute, Cr0, Eflags, SegmentIndex, State, Vector } from '../state-layout.js';
import { GuestFault, type CpuState } from './cpu-state.js';
import type { Execution, Implementations } from './execution.js';
import { advance, prepareBytes } from './memory-block.js';
import type { ProcessorSystem } from './processor-system.js';
import { isConforming, loadLdt, loadSegment, loadTaskRegister, readDescriptor, type Descriptor } from './segmentation.js';
import { writeCr0 } from './control-registers.js';
import { checkPortPermission } from './system-instructions.js';

// Segment registers, descriptor tables, ENTER, BOUND, INS and OUTS, random numbers. SDM vol. 2, one section each.

type X = Execution<ProcessorSystem>;

const gp = (code = 0): GuestFault => new GuestFault(Vector.GP, code);
const ud = (): GuestFault => new GuestFault(Vector.UD);

function privileged(cpu: CpuState): void {
  if (cpu.cpl !== 0) throw gp();
}
/** Instructions that real and virtual-8086 mode don't recognize. */
function protectedOnly(cpu: CpuState): void {
  if (!cpu.protectedMode || cpu.v86) throw ud();
}

// --- segment registers ----------------------------------------------------------------------------------------------------------

/** Loads a segment register; SS keeps interrupts away until the next instruction is over. SDM vol. 3, 6.8.3. */
function loadFrom(cpu: CpuState, index: number, selector: bigint): void {
  loadSegment(cpu, index, Number(selector & 0xffffn));
  if (index === SegmentIndex.SS) cpu.setI32(State.shadow, cpu.i32(State.budget) + cpu.i32(State.stash));
}

function isSegmentOperand(x: X, index: number): boolean {
  const { operandKind, operandRegister } = x.instruction;
  return operandKind[index] === OperandKind.Register && registerClass(operandRegister[index] as number) === RegisterClass.Segment;
}

function moveSegment(x: X): void {
  if (isSegmentOperand(x, 0)) loadFrom(x.cpu, x.registerNumber(0), x.read(1));
  else x.write(0, x.read(1));
}

/** LDS, LES, LFS, LGS, LSS. */
function loadFarPointer(segment: number): (x: X) => void {
  return (x) => {
    const { cpu, instruction } = x;
    const size = instruction.operandSizes[0] as number;
    const linear = x.address(size + 2, false);
    const offset = cpu.load(linear, size);
    // Not like MOV and POP: LSS does not hold off interrupts.
    loadSegment(cpu, segment, Number(cpu.load(advance(cpu, linear, size), 2)));
    x.write(0, offset);
  };
}

// --- the stack ------------------------------------------------------------------------------------------------------------------

const RSP = 4;
const RBP = 5;

/** Bytes of the stack pointer: SS.B decides outside 64-bit mode. */
function stackSize(cpu: CpuState): number {
  if (cpu.code64) return 8;
  return cpu.segment(SegmentIndex.SS).attributes & Attribute.big ? 4 : 2;
}

function popSegment(x: X): void {
  const { cpu } = x;
  const size = x.instruction.operandSize;
  const width = stackSize(cpu);
  const sp = BigInt.asUintN(width * 8, cpu.gpr(RSP));
  const selector = cpu.load(cpu.linear(SegmentIndex.SS, sp, size, false), size);
  loadFrom(cpu, x.registerNumber(0), selector);
  cpu.setGprSized(RSP, sp + BigInt(size), width);
}

/** Nothing is committed but what lies below the stack pointer until every access has succeeded. */
function enter(x: X): void {
  const { cpu, instruction } = x;
  const size = instruction.operandSize;
  const width = stackSize(cpu);
  const allocate = BigInt(instruction.immediateLow & 0xffff);
  const level = instruction.immediate2 & 31;
  let sp = BigInt.asUintN(width * 8, cpu.gpr(RSP));
  const push = (value: bigint): void => {
    sp = BigInt.asUintN(width * 8, sp - BigInt(size));
    cpu.store(cpu.linear(SegmentIndex.SS, sp, size, true), size, BigInt.asUintN(size * 8, value));
  };
  push(cpu.gpr(RBP));
  // The whole of RSP: with a 16-bit stack and a 32-bit operand, its upper half goes to EBP too.
  const above = cpu.gpr(RSP) - BigInt.asUintN(width * 8, cpu.gpr(RSP));
  const frame = above + sp;
  if (level > 0) {
    let display = cpu.gpr(RBP);
    for (let k = 1; k < level; k++) {
      display = BigInt.asUintN(width * 8, display - BigInt(size));
      push(cpu.load(cpu.linear(SegmentIndex.SS, display, size, false), size));
    }
    push(frame);
  }
  sp = BigInt.asUintN(width * 8, sp - allocate);
  // The new top of the stack must be writable, although nothing is written there.
  prepareBytes(cpu, cpu.linear(SegmentIndex.SS, sp, size, true), size);
  cpu.setGprSized(RBP, frame, size);
  cpu.setGprSized(RSP, sp, width);
}

// --- descriptor tables ----------------------------------------------------------------------------------------------------------

/** SGDT, SIDT: the base has 8 bytes in 64-bit mode, else 4. */
function storeTable(limitField: number, baseField: number): (x: X) => void {
  return (x) => {
    const { cpu } = x;
    const size = cpu.code64 ? 8 : 4;
    const linear = x.address(size + 2, true);
    prepareBytes(cpu, linear, size + 2);
    cpu.store(linear, 2, BigInt(cpu.u32(limitField) & 0xffff));
    cpu.store(advance(cpu, linear, 2), size, cpu.u64(baseField));
  };
}

/** LGDT, LIDT: 16-bit operand size loads 24 bits of base. */
function loadTable(limitField: number, baseField: number): (x: X) => void {
  return (x) => {
    const { cpu, instruction } = x;
    privileged(cpu);
    const size = cpu.code64 ? 8 : 4;
    const linear = x.address(size + 2, false);
    const limit = Number(cpu.load(linear, 2));
    let base = cpu.load(advance(cpu, linear, 2), size);
    if (size === 8 && isNonCanonicalNumber(base)) throw gp();
    if (instruction.operandSize === 2) base &= 0xffffffn;
    cpu.setU32(limitField, limit);
    cpu.setU64(baseField, base);
  };
}

/** SLDT, STR, SMSW: memory gets 16 bits, a register its whole width. */
function storeWord(x: X, value: bigint): void {
  if (x.isMemory(0)) x.cpu.store(x.address(2, true), 2, value);
  else x.cpu.setGprSized(x.registerNumber(0), value, x.instruction.operandSize);
}

/** LMSW changes PE, MP, EM and TS, and can't clear PE. */
function lmsw(x: X): void {
  const { cpu } = x;
  privileged(cpu);
  const mask = Cr0.PE | Cr0.MP | Cr0.EM | Cr0.TS;
  const value = Number(x.read(0)) & mask;
  writeCr0(cpu, BigInt(((cpu.cr0 & ~mask) | value | (cpu.cr0 & Cr0.PE)) >>> 0));
}

// --- what a selector names ------------------------------------------------------------------------------------------------------

function setZero(cpu: CpuState, zero: boolean): void {
  cpu.eflags = zero ? cpu.eflags | Eflags.ZF : cpu.eflags & ~Eflags.ZF;
}

/** The descriptor, or nothing for a null selector and one beyond its table. */
function findDescriptor(cpu: CpuState, selector: number): Descriptor | undefined {
  const code = selector & 0xfffc;
  if (code === 0) return undefined;
  try {
    return readDescriptor(cpu, selector);
  } catch (fault) {
    if (fault instanceof GuestFault && fault.vector === Vector.GP && fault.code === code) return undefined;
    throw fault;
  }
}

/** Whether CPL and RPL reach the segment; conforming code is open to all. */
function reaches(cpu: CpuState, d: Descriptor, selector: number): boolean {
  return isConforming(d) || (cpu.cpl <= d.dpl && (selector & 3) <= d.dpl);
}

/** System descriptor types that LAR and LSL accept, as bit masks. SDM vol. 2, tables 3-53 and 3-61. */
const LAR_TYPES = { legacy: 0b0001_1010_0011_1110, long: 0b0001_1010_0000_0100 } as const;
const LSL_TYPES = { legacy: 0b0000_1010_0000_1110, long: 0b0000_1010_0000_0100 } as const;

function describe(types: { readonly legacy: number; readonly long: number }, result: (d: Descriptor) => number): (x: X) => void {
  return (x) => {
    const { cpu } = x;
    protectedOnly(cpu);
    const selector = Number(x.read(1) & 0xffffn);
    const d = findDescriptor(cpu, selector);
    const accepted = d !== undefined && (d.application || ((cpu.longMode ? types.long : types.legacy) >> d.type) & 1) && reaches(cpu, d, selector);
    if (accepted) x.write(0, BigInt(result(d) >>> 0));
    setZero(cpu, accepted ? true : false);
  };
}

/** VERR, VERW. */
function verify(allowed: (type: number) => boolean): (x: X) => void {
  return (x) => {
    const { cpu } = x;
    protectedOnly(cpu);
    const selector = Number(x.read(0) & 0xffffn);
    const d = findDescriptor(cpu, selector);
    setZero(cpu, d !== undefined && d.application && allowed(d.type) && reaches(cpu, d, selector));
  };
}
const isReadable = (type: number): boolean => (type & Attribute.code) === 0 || (type & Attribute.readable) !== 0;
const isWritable = (type: number): boolean => (type & Attribute.code) === 0 && (type & Attribute.writable) !== 0;

function arpl(x: X): void {
  const { cpu } = x;
  protectedOnly(cpu);
  const selector = x.read(0) & 0xffffn;
  const rpl = x.read(1) & 3n;
  const raises = (selector & 3n) < rpl;
  if (raises) {
    const adjusted = (selector & ~3n) | rpl;
    if (x.isMemory(0)) cpu.store(x.address(2, true), 2, adjusted);
    else cpu.setGprSized(x.registerNumber(0), adjusted, 2);
  }
  setZero(cpu, raises);
}

/** The bounds are two signed integers in memory. */
function bound(x: X): void {
  const { cpu, instruction } = x;
  const size = instruction.operandSizes[0] as number;
  const signed = (value: bigint): bigint => BigInt.asIntN(size * 8, value);
  const linear = x.address(2 * size, false);
  const index = signed(x.read(0));
  const lower = signed(cpu.load(linear, size));
  const upper = signed(cpu.load(advance(cpu, linear, size), size));
  if (index < lower || index > upper) throw new GuestFault(Vector.BR);
}

// --- INS, OUTS ------------------------------------------------------------------------------------------------------------------

const RCX = 1;
const RDX = 2;
const RSI = 6;
const RDI = 7;

/** One iteration; under REP the instruction is executed again while the count is not zero. */
function stringPort(size: AccessSize, pointer: typeof RSI | typeof RDI, transfer: (x: X, offset: bigint, port: number) => void): (x: X) => void {
  return (x) => {
    const { cpu, instruction } = x;
    const { addressSize } = instruction;
    const bits = addressSize * 8;
    const repeats = (instruction.prefixes & (Prefix.Rep | Prefix.Repne)) !== 0;
    const count = BigInt.asUintN(bits, cpu.gpr(RCX));
    const port = cpu.gpr32(RDX) & 0xffff;
    // Even for a count of zero.
    checkPortPermission(cpu, port, size);
    if (repeats && count === 0n) return;
    transfer(x, BigInt.asUintN(bits, cpu.gpr(pointer)), port);
    const step = cpu.systemFlags & Eflags.DF ? -size : size;
    cpu.setGprSized(pointer, cpu.gpr(pointer) + BigInt(step), addressSize);
    if (!repeats) return;
    cpu.setGprSized(RCX, count - 1n, addressSize);
    if (count > 1n) cpu.setU64(State.rip, BigInt.asUintN(cpu.code64 ? 64 : 32, cpu.u64(State.rip) - BigInt(instruction.length)));
  };
}

const ins = (size: AccessSize): ((x: X) => void) =>
  stringPort(size, RDI, ({ cpu, system }, offset, port) => {
    const linear = cpu.linear(SegmentIndex.ES, offset, size, true);
    // Reading a port may have side effects, so the store must not fault after it.
    prepareBytes(cpu, linear, size);
    cpu.store(linear, size, BigInt(system.bus.readPort(port, size) >>> 0));
  });
const outs = (size: AccessSize): ((x: X) => void) =>
  stringPort(size, RSI, ({ cpu, system, instruction }, offset, port) => {
    const linear = cpu.linear(registerNumber(instruction.segment), offset, size, false);
    system.bus.writePort(port, Number(cpu.load(linear, size)), size);
  });

// --- random numbers -------------------------------------------------------------------------------------------------------------

/** CPUID leaf 7, ECX. */
const RDPID = 1 << 22;

/** CF says that a number was ready, which it always is. */
function random(): (x: X) => void {
  const bytes = new Uint8Array(8);
  const word = new DataView(bytes.buffer);
  return (x) => {
    const { cpu } = x;
    x.system.entropy.fill(bytes);
    x.write(0, BigInt.asUintN((x.instruction.operandSizes[0] as number) * 8, word.getBigUint64(0, true)));
    cpu.eflags = (cpu.eflags & ~Eflags.arithmetic) | Eflags.CF;
  };
}

/** @param otherwise serves the forms of MOV and POP that have no segment register */
export function miscImplementations(otherwise: Implementations<ProcessorSystem> = new Map()): Implementations<ProcessorSystem> {
  const map: Implementations<ProcessorSystem> = new Map();
  const on = (mnemonic: number, implementation: (x: X) => void): void => void map.set(mnemonic, implementation);
  const defer = (mnemonic: number): ((x: X) => void) => otherwise.get(mnemonic) ?? (() => { throw ud(); });

  const otherMove = defer(Mnemonic.Mov);
  on(Mnemonic.Mov, (x) => (isSegmentOperand(x, 0) || isSegmentOperand(x, 1) ? moveSegment(x) : otherMove(x)));
  const otherPop = defer(Mnemonic.Pop);
  on(Mnemonic.Pop, (x) => (isSegmentOperand(x, 0) ? popSegment(x) : otherPop(x)));
  on(Mnemonic.Lds, loadFarPointer(SegmentIndex.DS));
  on(Mnemonic.Les, loadFarPointer(SegmentIndex.ES));
  on(Mnemonic.Lfs, loadFarPointer(SegmentIndex.FS));
  on(Mnemonic.Lgs, loadFarPointer(SegmentIndex.GS));
  on(Mnemonic.Lss, loadFarPointer(SegmentIndex.SS));
  on(Mnemonic.Enter, enter);
  on(Mnemonic.Bound, bound);

  on(Mnemonic.Sgdt, storeTable(State.gdtLimit, State.gdtBase));
  on(Mnemonic.Sidt, storeTable(State.idtLimit, State.idtBase));
  on(Mnemonic.Lgdt, loadTable(State.gdtLimit, State.gdtBase));
  on(Mnemonic.Lidt, loadTable(State.idtLimit, State.idtBase));
  on(Mnemonic.Sldt, (x) => {
    protectedOnly(x.cpu);
    storeWord(x, BigInt(x.cpu.selector(SegmentIndex.LDTR)));
  });
  on(Mnemonic.Str, (x) => {
    protectedOnly(x.cpu);
    storeWord(x, BigInt(x.cpu.selector(SegmentIndex.TR)));
  });
  on(Mnemonic.Lldt, (x) => {
    protectedOnly(x.cpu);
    privileged(x.cpu);
    loadLdt(x.cpu, Number(x.read(0) & 0xffffn));
  });
  on(Mnemonic.Ltr, (x) => {
    protectedOnly(x.cpu);
    privileged(x.cpu);
    loadTaskRegister(x.cpu, Number(x.read(0) & 0xffffn));
  });
  on(Mnemonic.Smsw, (x) => storeWord(x, x.cpu.u64(State.cr0)));
  on(Mnemonic.Lmsw, lmsw);

  // Processors return the limit's bits 19:16, which the manual leaves undefined, as zero or as they are; here as they are.
  on(Mnemonic.Lar, describe(LAR_TYPES, (d) => d.high & 0x00ffff00));
  on(Mnemonic.Lsl, describe(LSL_TYPES, (d) => d.limit));
  on(Mnemonic.Verr, verify(isReadable));
  on(Mnemonic.Verw, verify(isWritable));
  on(Mnemonic.Arpl, arpl);

  on(Mnemonic.Insb, ins(1));
  on(Mnemonic.Insw, ins(2));
  on(Mnemonic.Insd, ins(4));
  on(Mnemonic.Outsb, outs(1));
  on(Mnemonic.Outsw, outs(2));
  on(Mnemonic.Outsd, outs(4));

  // There is no performance counter: every index is invalid.
  on(Mnemonic.Rdpmc, () => {
    throw gp();
  });
  on(Mnemonic.Rdpid, (x) => {
    if (!(x.system.model.leaf7Ecx & RDPID)) throw ud();
    x.cpu.setGpr(x.registerNumber(0), x.cpu.u64(State.tscAux) & 0xffffffffn);
  });
  on(Mnemonic.Rdrand, random());
  on(Mnemonic.Rdseed, random());
  return map;
}
