import { Mnemonic, OperandKind, Register, registerNumber } from '@pckit/x86-decoder';
import { isNonCanonicalNumber } from '../mmu/page-walk.js';
import { Attribute, Cr0, Cr4, Efer, Eflags, SegmentIndex, State, Vector } from '../state-layout.js';
import { writeCr0, writeCr3, writeCr4 } from './control-registers.js';
import { GuestFault, type CpuState } from './cpu-state.js';
import { cpuid } from './cpuid.js';
import type { Execution, Implementations } from './execution.js';
import { farCall, farJump, farReturn } from './far-transfer.js';
import { deliver, interruptReturn } from './interrupts.js';
import { readMsr, writeMsr } from './msr.js';
import type { ProcessorSystem } from './processor-system.js';

type X = Execution<ProcessorSystem>;

const gp = (code = 0): GuestFault => new GuestFault(Vector.GP, code);
const ud = (): GuestFault => new GuestFault(Vector.UD);

function privileged(cpu: CpuState): void {
  if (cpu.cpl !== 0) throw gp();
}

// --- control and debug registers ----------------------------------------------------------------------------------------------------

function moveControl(x: X): void {
  const { cpu, instruction } = x;
  privileged(cpu);
  const size = cpu.code64 ? 8 : 4;
  const toControl = (instruction.operandRegister[0] as number) >> 4 === Register.CR0 >> 4;
  const number = registerNumber(instruction.operandRegister[toControl ? 0 : 1] as number);
  const general = registerNumber(instruction.operandRegister[toControl ? 1 : 0] as number);
  if (toControl) {
    const value = size === 8 ? cpu.gpr(general) : cpu.gpr(general) & 0xffffffffn;
    switch (number) {
      case 0: writeCr0(cpu, value); return;
      case 2: cpu.setU64(State.cr2, value); return;
      case 3: writeCr3(cpu, value); return;
      case 4: writeCr4(cpu, value); return;
      case 8:
        if (value >> 4n) throw gp();
        x.system.apic?.writeTaskPriority(Number(value));
        return;
    }
    throw ud();
  }
  let value: bigint;
  switch (number) {
    case 0: value = cpu.u64(State.cr0); break;
    case 2: value = cpu.u64(State.cr2); break;
    case 3: value = cpu.u64(State.cr3); break;
    case 4: value = cpu.u64(State.cr4); break;
    case 8: value = BigInt(x.system.apic?.readTaskPriority() ?? 0); break;
    default: throw ud();
  }
  cpu.setGprSized(general, value, size);
}

const DR6_BD = 0x2000n;
const DR7_GD = 0x2000n;

/** Debug registers are kept, without effect but for DR7.GD: hardware breakpoints are not implemented (see README). */
function moveDebug(x: X): void {
  const { cpu, instruction } = x;
  privileged(cpu);
  const size = cpu.code64 ? 8 : 4;
  const toDebug = (instruction.operandRegister[0] as number) >> 4 === Register.DR0 >> 4;
  let number = registerNumber(instruction.operandRegister[toDebug ? 0 : 1] as number);
  const general = registerNumber(instruction.operandRegister[toDebug ? 1 : 0] as number);
  if (number === 4 || number === 5) {
    if (cpu.cr4 & Cr4.DE) throw ud();
    number += 2;
  }
  if (number > 7) throw ud();
  // General detection: SDM vol. 3, 17.2.4. Entering the handler clears GD.
  if (cpu.u64(State.dr + 56) & DR7_GD) {
    cpu.setU64(State.dr + 48, cpu.u64(State.dr + 48) | DR6_BD);
    cpu.setU64(State.dr + 56, cpu.u64(State.dr + 56) & ~DR7_GD);
    throw new GuestFault(Vector.DB);
  }
  const at = State.dr + number * 8;
  if (!toDebug) {
    cpu.setGprSized(general, cpu.u64(at), size);
    return;
  }
  let value = size === 8 ? cpu.gpr(general) : cpu.gpr(general) & 0xffffffffn;
  if (number >= 6 && value >> 32n) throw gp();
  if (number === 6) value = (value & 0xe00fn) | 0xffff0ff0n;
  if (number === 7) value = (value & ~0xd000n) | 0x400n;
  cpu.setU64(at, value);
}

// --- the rest --------------------------------------------------------------------------------------------------------------------

/** SDM vol. 3, 20.2.7: in virtual-8086 mode INT n depends on IOPL; INT3 and INTO don't. */
function interruptN(x: X): void {
  if (x.cpu.v86 && ((x.cpu.systemFlags >> 12) & 3) !== 3) throw gp();
  deliver(x.cpu, x.instruction.immediateLow & 0xff, 'software', undefined);
}

function returnFromInterrupt(x: X, size: number): void {
  interruptReturn(x.cpu, size);
  x.cpu.setI32(State.nmiBlocked, 0);
}

function farPointer(x: X): { selector: number; offset: bigint; size: number } {
  const { cpu, instruction } = x;
  if (instruction.operandKind[0] === OperandKind.FarPointer) {
    return { selector: instruction.immediate2 & 0xffff, offset: BigInt(instruction.immediateLow >>> 0), size: instruction.operandSize };
  }
  const size = (instruction.operandSizes[0] as number) - 2;
  const at = x.address(size + 2, false);
  const offset = cpu.load(at, size);
  return { selector: Number(cpu.load(at + BigInt(size), 2)), offset, size };
}

function sysenter(x: X): void {
  const { cpu } = x;
  const cs = Number(cpu.u64(State.sysenterCs));
  if (!cpu.protectedMode || (cs & 0xfffc) === 0) throw gp();
  const long = cpu.longMode;
  const flat = Attribute.present | Attribute.system | Attribute.granular | Attribute.accessed;
  const code = flat | Attribute.code | Attribute.readable | (long ? Attribute.long : Attribute.big);
  cpu.setU32(State.eflags, cpu.systemFlags & ~(Eflags.IF | Eflags.VM | Eflags.RF));
  cpu.setSegment(SegmentIndex.CS, { selector: cs & 0xfffc, base: 0n, limit: 0xffffffff, attributes: code });
  cpu.setSegment(SegmentIndex.SS, { selector: (cs & 0xfffc) + 8, base: 0n, limit: 0xffffffff, attributes: flat | Attribute.writable | Attribute.big });
  cpu.setCpl(0);
  cpu.updateMode();
  cpu.setGpr(4, long ? cpu.u64(State.sysenterEsp) : cpu.u64(State.sysenterEsp) & 0xffffffffn);
  cpu.setU64(State.rip, long ? cpu.u64(State.sysenterEip) : cpu.u64(State.sysenterEip) & 0xffffffffn);
}

function sysexit(x: X): void {
  const { cpu, instruction } = x;
  const cs = Number(cpu.u64(State.sysenterCs));
  if (!cpu.protectedMode || (cs & 0xfffc) === 0) throw gp();
  privileged(cpu);
  const to64 = instruction.operandSize === 8;
  const [rip, rsp] = [cpu.gpr(2), cpu.gpr(1)];
  if (to64 && (isNonCanonicalNumber(rip) || isNonCanonicalNumber(rsp))) throw gp();
  const flat = Attribute.present | Attribute.system | Attribute.granular | Attribute.accessed | (3 << Attribute.dplShift);
  const first = cs + (to64 ? 32 : 16);
  cpu.setSegment(SegmentIndex.CS, { selector: (first & 0xffff) | 3, base: 0n, limit: 0xffffffff, attributes: flat | Attribute.code | Attribute.readable | (to64 ? Attribute.long : Attribute.big) });
  cpu.setSegment(SegmentIndex.SS, { selector: ((first + 8) & 0xffff) | 3, base: 0n, limit: 0xffffffff, attributes: flat | Attribute.writable | Attribute.big });
  cpu.setCpl(3);
  cpu.updateMode();
  cpu.setGpr(4, to64 ? rsp : rsp & 0xffffffffn);
  cpu.setU64(State.rip, to64 ? rip : rip & 0xffffffffn);
}

/** SYSCALL from compatibility mode (64-bit code has a fast path of its own). AMD64 only: Intel processors raise #UD there. */
function syscall(): void {
  throw ud();
}

function sysret(x: X): void {
  const { cpu } = x;
  if (!(cpu.efer & Efer.SCE) || !cpu.code64) throw ud();
  privileged(cpu);
  // The 32-bit form returns to compatibility mode.
  const star = Number(cpu.u64(State.star) >> 48n);
  const flat = Attribute.present | Attribute.system | Attribute.granular | Attribute.accessed | (3 << Attribute.dplShift);
  cpu.setSegment(SegmentIndex.CS, { selector: star | 3, base: 0n, limit: 0xffffffff, attributes: flat | Attribute.code | Attribute.readable | Attribute.big });
  cpu.setSegment(SegmentIndex.SS, { selector: ((star + 8) & 0xffff) | 3, base: 0n, limit: 0xffffffff, attributes: flat | Attribute.writable | Attribute.big });
  cpu.eflags = (cpu.gpr32(11) & 0x3c7fd7 & ~Eflags.RF) | 2;
  cpu.setCpl(3);
  cpu.updateMode();
  cpu.setU64(State.rip, cpu.gpr(1) & 0xffffffffn);
}

/** I/O permission map of a 32-bit TSS. SDM vol. 1, 19.5.2. */
export function checkPortPermission(cpu: CpuState, port: number, size: number): void {
  if (!cpu.protectedMode) return;
  const iopl = (cpu.systemFlags >> 12) & 3;
  if (!cpu.v86 && cpu.cpl <= iopl) return;
  const tr = cpu.segment(SegmentIndex.TR);
  if (!(tr.attributes & Attribute.present) || !(tr.attributes & 8) || tr.limit < 103) throw gp();
  const map = Number(cpu.loadSystem(tr.base + 102n, 2));
  const at = map + (port >> 3);
  if (at + 1 > tr.limit) throw gp();
  const word = Number(cpu.loadSystem(tr.base + BigInt(at), 2));
  if ((word >> (port & 7)) & ((1 << size) - 1)) throw gp();
}

export function systemImplementations(): Implementations<ProcessorSystem> {
  const map: Implementations<ProcessorSystem> = new Map();
  const on = (mnemonic: number, implementation: (x: X) => void): void => void map.set(mnemonic, implementation);

  on(Mnemonic.Mov, (x) => {
    const { instruction } = x;
    const classes = [0, 1].map((k) => (instruction.operandKind[k] === OperandKind.Register ? (instruction.operandRegister[k] as number) >> 4 : -1));
    if (classes.includes(Register.CR0 >> 4)) moveControl(x);
    else if (classes.includes(Register.DR0 >> 4)) moveDebug(x);
    else throw new Error(`mov of operand classes ${classes.join(', ')} is not implemented`);
  });
  on(Mnemonic.Clts, ({ cpu }) => {
    privileged(cpu);
    cpu.setU64(State.cr0, BigInt((cpu.cr0 & ~Cr0.TS) >>> 0));
    cpu.updateMode();
  });
  on(Mnemonic.Cpuid, ({ cpu, system }) => {
    const r = cpuid(cpu.gpr32(0), cpu.gpr32(1), { model: system.model, index: system.index, count: system.count, cr4: cpu.cr4, xcr0: cpu.u32(State.xcr0), tscHz: system.tscHz });
    cpu.setGpr32(0, r.eax);
    cpu.setGpr32(3, r.ebx);
    cpu.setGpr32(1, r.ecx);
    cpu.setGpr32(2, r.edx);
  });
  on(Mnemonic.Rdmsr, ({ cpu, system }) => {
    privileged(cpu);
    const value = readMsr(cpu, system, cpu.gpr32(1));
    cpu.setGpr32(0, Number(value & 0xffffffffn));
    cpu.setGpr32(2, Number((value >> 32n) & 0xffffffffn));
  });
  on(Mnemonic.Wrmsr, ({ cpu, system }) => {
    privileged(cpu);
    writeMsr(cpu, system, cpu.gpr32(1), (BigInt(cpu.gpr32(2)) << 32n) | BigInt(cpu.gpr32(0)));
  });
  on(Mnemonic.Invlpg, (x) => {
    privileged(x.cpu);
    x.cpu.flushPage(x.effectiveLinear());
  });
  on(Mnemonic.Invd, ({ cpu }) => privileged(cpu));
  on(Mnemonic.Wbinvd, ({ cpu }) => privileged(cpu));

  on(Mnemonic.Int, interruptN);
  on(Mnemonic.Int3, ({ cpu }) => deliver(cpu, Vector.BP, 'software', undefined));
  on(Mnemonic.Int1, (x) => deliver(x.cpu, Vector.DB, 'exception', undefined));
  on(Mnemonic.Into, (x) => {
    if (x.cpu.eflags & Eflags.OF) deliver(x.cpu, Vector.OF, 'software', undefined);
  });
  on(Mnemonic.Iret, (x) => returnFromInterrupt(x, 2));
  on(Mnemonic.Iretd, (x) => returnFromInterrupt(x, 4));
  on(Mnemonic.Iretq, (x) => returnFromInterrupt(x, 8));

  on(Mnemonic.Jmp, (x) => {
    const { selector, offset } = farPointer(x);
    farJump(x.cpu, selector, offset);
  });
  on(Mnemonic.Call, (x) => {
    const { selector, offset, size } = farPointer(x);
    farCall(x.cpu, selector, offset, size, x.nextIp);
  });
  on(Mnemonic.Retf, (x) => farReturn(x.cpu, x.instruction.operandSize, x.instruction.operandCount > 0 ? x.instruction.immediateLow & 0xffff : 0));

  on(Mnemonic.Sysenter, sysenter);
  on(Mnemonic.Sysexit, sysexit);
  on(Mnemonic.Sysexitq, sysexit);
  on(Mnemonic.Syscall, syscall);
  on(Mnemonic.Sysret, sysret);

  const port = (x: X, index: number): number => (x.instruction.operandKind[index] === OperandKind.Immediate ? x.instruction.immediateLow & 0xff : x.cpu.gpr32(2) & 0xffff);
  on(Mnemonic.In, (x) => {
    const size = x.instruction.operandSizes[0] as 1 | 2 | 4;
    const number = port(x, 1);
    checkPortPermission(x.cpu, number, size);
    x.cpu.setGprSized(0, BigInt(x.system.bus.readPort(number, size)), size);
  });
  on(Mnemonic.Out, (x) => {
    const size = x.instruction.operandSizes[1] as 1 | 2 | 4;
    const number = port(x, 0);
    checkPortPermission(x.cpu, number, size);
    x.system.bus.writePort(number, Number(BigInt.asUintN(size * 8, x.cpu.gpr(0))), size);
  });
  return map;
}
