import { Mnemonic, RegisterClass, registerClass } from '@pckit/x86-decoder';
import { isSseOperationName, sseOperation, type SseOperationName } from '../softfloat/index.js';
import { aesDecrypt, aesDecryptLast, aesEncrypt, aesEncryptLast, aesInverseMixColumns, aesKeyGenerationAssist } from '../sse/aes.js';
import { compareStrings, elementCount, implicitLength } from '../sse/string-comparison.js';
import { Cr4, Eflags, SseBlocked, State, Vector } from '../state-layout.js';
import { GuestFault, type CpuState } from './cpu-state.js';
import type { Execution, Implementation, Implementations } from './execution.js';
import { advance } from './memory-block.js';

// SSE instructions in TypeScript: floating point where rounding, a flag or an exception needs exact arithmetic
// (`semantics/sse/float-format.ts` has the other cases), string comparisons of SSE4.2, AES. SDM vol. 2.

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

/** A source operand's bits: XMM or general register, or memory, 16 bytes of which must be aligned with most instructions. */
function source(x: Execution, index: number, aligned = true): bigint {
  const { cpu } = x;
  if (isXmm(x, index)) return xmm(cpu, x.registerNumber(index));
  const size = x.instruction.operandSizes[index] as number;
  if (size < 16) return x.read(index);
  const linear = x.address(size, false);
  if (aligned && linear & 15n) throw new GuestFault(Vector.GP);
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
  return (x) => {
    const { cpu } = x;
    requireSse(cpu);
    const immediate = x.instruction.immediateLow & 0xff;
    const count = elementCount(immediate);
    const operand = (index: number, register: number): { readonly bytes: DataView; readonly length: number } => {
      const value = source(x, index, false);
      const bytes = new DataView(new ArrayBuffer(16));
      bytes.setBigUint64(0, BigInt.asUintN(64, value), true);
      bytes.setBigUint64(8, value >> 64n, true);
      return { bytes, length: explicitBits ? explicitLength(cpu, register, explicitBits, count) : implicitLength(bytes, immediate) };
    };
    const b = operand(1, RDX);
    const a = operand(0, RAX);
    const result = compareStrings(a, b, immediate);
    const wholeElements = (immediate & 0x40) !== 0;
    if (resultIsIndex) {
      const highest = wholeElements;
      cpu.setGpr32(RCX, result === 0 ? count : highest ? 31 - Math.clz32(result) : 31 - Math.clz32(result & -result));
    } else if (wholeElements) {
      let mask = 0n;
      const bits = 128 / count;
      for (let k = 0; k < count; k++) if (result & (1 << k)) mask |= ((1n << BigInt(bits)) - 1n) << BigInt(k * bits);
      setXmm(cpu, 0, mask);
    } else {
      setXmm(cpu, 0, BigInt(result));
    }
    let flags = 0;
    if (result !== 0) flags |= Eflags.CF;
    if (b.length < count) flags |= Eflags.ZF;
    if (a.length < count) flags |= Eflags.SF;
    if (result & 1) flags |= Eflags.OF;
    cpu.eflags = (cpu.eflags & ~Eflags.arithmetic) | flags;
  };
}

// --- AES -----------------------------------------------------------------------------------------------------------------------------

function aesInstruction(round: (state: Uint32Array, key: Uint32Array, immediate: number) => void): Implementation {
  const key = new Uint32Array(4);
  const state = new Uint32Array(4);
  return (x) => {
    const { cpu } = x;
    requireSse(cpu);
    const value = source(x, 1);
    for (let k = 0; k < 4; k++) key[k] = Number(BigInt.asUintN(32, value >> BigInt(32 * k)));
    const at = State.ymm + x.registerNumber(0) * 32;
    for (let k = 0; k < 4; k++) state[k] = cpu.u32(at + 4 * k);
    round(state, key, x.instruction.immediateLow & 0xff);
    for (let k = 0; k < 4; k++) cpu.setU32(at + 4 * k, state[k] as number);
  };
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
  all.set(Mnemonic.Aesenc, aesInstruction(aesEncrypt));
  all.set(Mnemonic.Aesenclast, aesInstruction(aesEncryptLast));
  all.set(Mnemonic.Aesdec, aesInstruction(aesDecrypt));
  all.set(Mnemonic.Aesdeclast, aesInstruction(aesDecryptLast));
  all.set(Mnemonic.Aesimc, aesInstruction(aesInverseMixColumns));
  all.set(Mnemonic.Aeskeygenassist, aesInstruction(aesKeyGenerationAssist));
  return all;
}
