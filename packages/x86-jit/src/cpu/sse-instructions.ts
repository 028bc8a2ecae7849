import { Mnemonic, RegisterClass, registerClass } from '@pckit/x86-decoder';
import { isSseOperationName, sseOperation, type SseOperationName } from '../softfloat/index.js';
import { compareStrings, elementCount, implicitLength } from '../sse/string-comparison.js';
import { Cr4, Eflags, SseBlocked, State, Vector } from '../state-layout.js';
import { GuestFault, type CpuState } from './cpu-state.js';
import type { Execution, Implementation, Implementations } from './execution.js';
import { advance } from './memory-block.js';

// SSE instructions in TypeScript: floating point where rounding, a flag or an exception needs exact arithmetic
// (`semantics/sse/float-format.ts` has the other cases), string comparisons of SSE4.2. SDM vol. 2.

const RAX = 0;
const RCX = 1;
const RDX = 2;

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

// --- floating point ----------------------------------------------------------------------------------------------------------------

/** ORs new exception flags into MXCSR; an unmasked one is #XM, or #UD while the system doesn't handle that. SDM vol. 1, 11.5.3. */
function raise(cpu: CpuState, flags: number): void {
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
    if (flags) raise(cpu, flags);
    if (comparesToFlags) cpu.eflags = (cpu.eflags & ~Eflags.arithmetic) | Number(result);
    else if (sizedByDestination) cpu.setGprSized(x.registerNumber(0), result, bits / 8);
    else setXmm(cpu, x.registerNumber(0), result);
  };
}

// --- SSE4.2 strings ------------------------------------------------------------------------------------------------------------------

/** An explicit length: the magnitude of EAX or EDX (RAX or RDX), at most the number of elements. */
function explicitLength(cpu: CpuState, register: number, bits: 32 | 64, count: number): number {
  const value = BigInt.asIntN(bits, cpu.gpr(register));
  const magnitude = value < 0n ? -value : value;
  return magnitude < BigInt(count) ? Number(magnitude) : count;
}

function stringInstruction(explicitBits: 0 | 32 | 64, resultIsIndex: boolean): Implementation {
  const operands = [new DataView(new ArrayBuffer(16)), new DataView(new ArrayBuffer(16))] as const;
  return (x) => {
    const { cpu } = x;
    requireSse(cpu);
    const immediate = x.instruction.immediateLow & 0xff;
    const count = elementCount(immediate);
    const operand = (index: 0 | 1, register: number): { readonly bytes: DataView; readonly length: number } => {
      const bytes = operands[index];
      if (x.isMemory(index)) {
        // Not necessarily aligned.
        const linear = x.address(16, false);
        bytes.setBigUint64(0, cpu.load(linear, 8), true);
        bytes.setBigUint64(8, cpu.load(advance(cpu, linear, 8), 8), true);
      } else {
        const at = State.ymm + x.registerNumber(index) * 32;
        for (let k = 0; k < 16; k += 4) bytes.setUint32(k, cpu.u32(at + k), true);
      }
      return { bytes, length: explicitBits ? explicitLength(cpu, register, explicitBits, count) : implicitLength(bytes, immediate) };
    };
    const b = operand(1, RDX);
    const a = operand(0, RAX);
    const result = compareStrings(a, b, immediate);
    // imm8[6]: the highest index, or a mask of whole elements.
    const alternative = (immediate & 0x40) !== 0;
    if (resultIsIndex) {
      cpu.setGpr32(RCX, result === 0 ? count : 31 - Math.clz32(alternative ? result : result & -result));
    } else {
      const at = State.ymm;
      for (let k = 0; k < 16; k += 4) cpu.setU32(at + k, alternative ? elementMask(result, k, count) : k === 0 ? result : 0);
    }
    let flags = 0;
    if (result !== 0) flags |= Eflags.CF;
    if (b.length < count) flags |= Eflags.ZF;
    if (a.length < count) flags |= Eflags.SF;
    if (result & 1) flags |= Eflags.OF;
    cpu.eflags = (cpu.eflags & ~Eflags.arithmetic) | flags;
  };
}

/** Four bytes from `offset` of the mask with all ones where the element's bit is set. */
function elementMask(bits: number, offset: number, count: number): number {
  let mask = 0;
  for (let byte = 0; byte < 4; byte++) if (bits & (1 << ((offset + byte) / (16 / count)))) mask |= 0xff << (8 * byte);
  return mask >>> 0;
}

/** By mnemonic. Those of floating point stand for the slow path of a definition in `semantics/sse`, or for the whole instruction. */
export function sseImplementations(): Implementations {
  const all: Implementations = new Map();
  for (const [mnemonic, number] of Object.entries(Mnemonic)) {
    const name = mnemonic.toLowerCase();
    const sized = /2si$|^cvtsi2/.test(name) ? `${name}32` : name;
    // VEX forms and those with MMX registers are not ours.
    if (name.startsWith('v') || /pi2p|p[sd]2pi/.test(name) || !isSseOperationName(sized)) continue;
    all.set(number, floatingPoint(name as SseOperationName));
  }
  all.set(Mnemonic.Pcmpestri, stringInstruction(32, true));
  all.set(Mnemonic.Pcmpestri64, stringInstruction(64, true));
  all.set(Mnemonic.Pcmpestrm, stringInstruction(32, false));
  all.set(Mnemonic.Pcmpestrm64, stringInstruction(64, false));
  all.set(Mnemonic.Pcmpistri, stringInstruction(0, true));
  all.set(Mnemonic.Pcmpistrm, stringInstruction(0, false));
  return all;
}
