import { Mnemonic, RegisterClass, registerClass } from '@pckit/x86-decoder';
import { isSseOperationName, sseOperation, type SseOperationName } from '../softfloat/index.js';
import { Cr4, Eflags, SseBlocked, State, Vector } from '../state-layout.js';
import { GuestFault, type CpuState } from './cpu-state.js';
import type { Execution, Implementation, Implementations } from './execution.js';
import { advance } from './memory-block.js';

// SSE floating point where rounding, a flag or an exception needs exact arithmetic (`semantics/sse/float-format.ts` has the other
// cases), and DPPS and DPPD, whose steps are rounded one by one. SDM vol. 2.

function requireSse(cpu: CpuState): void {
  const blocked = cpu.u32(State.sseBlocked);
  if (blocked) throw new GuestFault(blocked & SseBlocked.undefined ? Vector.UD : Vector.NM);
}

function xmm(cpu: CpuState, number: number): bigint {
  const at = State.ymm + number * 32;
  return (cpu.u64(at + 8) << 64n) | cpu.u64(at);
}
function setXmm(cpu: CpuState, number: number, value: bigint): void {
  const at = State.ymm + number * 32;
  cpu.setU64(at, BigInt.asUintN(64, value));
  cpu.setU64(at + 8, BigInt.asUintN(64, value >> 64n));
}

function isXmm(x: Execution, index: number): boolean {
  return !x.isMemory(index) && registerClass(x.instruction.operandRegister[index] as number) === RegisterClass.Xmm;
}

/** A source operand's bits: XMM or general register, or memory, 16 bytes of which must be aligned. */
function source(x: Execution, index: number): bigint {
  const { cpu } = x;
  if (isXmm(x, index)) return xmm(cpu, x.registerNumber(index));
  const size = x.instruction.operandSizes[index] as number;
  if (size < 16) return x.read(index);
  const linear = x.address(size, false);
  if (linear & 15n) throw new GuestFault(Vector.GP);
  const low = cpu.load(linear, 8);
  return (cpu.load(advance(cpu, linear, 8), 8) << 64n) | low;
}

/** ORs new exception flags into MXCSR; an unmasked one is #XM, or #UD while the system doesn't handle that. SDM vol. 1, 11.5.3. */
export function raiseSimdExceptions(cpu: CpuState, flags: number): void {
  const mxcsr = cpu.u32(State.mxcsr);
  cpu.setU32(State.mxcsr, mxcsr | flags);
  if ((flags & ~(mxcsr >> 7) & 0x3f) !== 0) throw new GuestFault(cpu.cr4 & Cr4.OSXMMEXCPT ? Vector.XM : Vector.UD);
}

function floatingPoint(name: SseOperationName): Implementation {
  const comparesToFlags = /comis/.test(name);
  // Conversions to a general register carry its width in their name.
  const sizedByDestination = /2si$/.test(name);
  const sizedBySource = /^cvtsi2/.test(name);
  return (x) => {
    const { cpu, instruction } = x;
    requireSse(cpu);
    const { operandSizes } = instruction;
    const bits = (sizedByDestination ? (operandSizes[0] as number) : (operandSizes[1] as number)) * 8;
    const sized = sizedByDestination || sizedBySource ? (`${name}${bits}` as SseOperationName) : name;
    const b = source(x, 1);
    const a = sizedByDestination ? 0n : xmm(cpu, x.registerNumber(0));
    const { result, flags } = sseOperation(sized, a, b, cpu.u32(State.mxcsr), { immediate: instruction.immediateLow & 0xff });
    if (flags) raiseSimdExceptions(cpu, flags);
    if (comparesToFlags) cpu.eflags = (cpu.eflags & ~Eflags.arithmetic) | Number(result);
    else if (sizedByDestination) cpu.setGprSized(x.registerNumber(0), result, bits / 8);
    else setXmm(cpu, x.registerNumber(0), result);
  };
}

/** By mnemonic: the slow path of a definition in `semantics/sse`, or the whole instruction. */
export function sseImplementations(): Implementations {
  const all: Implementations = new Map();
  for (const [mnemonic, number] of Object.entries(Mnemonic)) {
    const name = mnemonic.toLowerCase();
    const sized = /2si$|^cvtsi2/.test(name) ? `${name}32` : name;
    // VEX forms are in `avx-instructions.ts`, those with MMX registers in `mmx-instructions.ts`.
    if (name.startsWith('v') || /pi2p|p[sd]2pi/.test(name) || !isSseOperationName(sized)) continue;
    all.set(number, floatingPoint(name as SseOperationName));
  }
  return all;
}
