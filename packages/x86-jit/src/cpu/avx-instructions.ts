import { Mnemonic, OperandKind, Prefix, RegisterClass, registerClass, registerNumber } from '@pckit/x86-decoder';
import { isSseOperationName, sseOperation, type SseOperationName } from '../softfloat/index.js';
import { Eflags, SseBlocked, State, Vector } from '../state-layout.js';
import { GuestFault, type CpuState } from './cpu-state.js';
import type { Execution, Implementation, Implementations } from './execution.js';
import { loadBytes, prepareBytes, storeBytes } from './memory-block.js';
import { raiseSimdExceptions } from './sse-instructions.js';

// VEX floating point where rounding, a flag or an exception needs exact arithmetic, as in `sse-instructions.ts`; F16C; loads and stores
// by a mask, and gathers. SDM vol. 2.

function requireAvx(cpu: CpuState): void {
  const blocked = cpu.u32(State.avxBlocked);
  if (blocked) throw new GuestFault(blocked & SseBlocked.undefined ? Vector.UD : Vector.NM);
}

/** The 32 bytes of a vector register, in the state block. */
function register(cpu: CpuState, number: number): Uint8Array {
  const at = cpu.base + State.ymm + number * 32;
  return cpu.host.u8.subarray(at, at + 32);
}

function toBits(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let k = bytes.length - 1; k >= 0; k--) value = (value << 8n) | BigInt(bytes[k] as number);
  return value;
}
function toBytes(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, k) => Number((value >> BigInt(8 * k)) & 0xffn));
}

/** A source operand's bits: vector or general register, or memory of any alignment. */
function source(x: Execution, index: number): bigint {
  const { cpu, instruction } = x;
  const size = instruction.operandSizes[index] as number;
  if (!x.isMemory(index)) {
    const kind = registerClass(instruction.operandRegister[index] as number);
    if (kind !== RegisterClass.Xmm && kind !== RegisterClass.Ymm) return x.read(index);
    return toBits(register(cpu, x.registerNumber(index)));
  }
  if (size <= 8) return x.read(index);
  const bytes = new Uint8Array(size);
  loadBytes(cpu, x.address(size, false), bytes);
  return toBits(bytes);
}

/** Writes `bytes` of a result to a vector register, zeros above it. */
function setRegister(cpu: CpuState, number: number, value: bigint, bytes: number): void {
  const to = register(cpu, number);
  to.fill(0);
  to.set(toBytes(value, bytes));
}

function floatingPoint(name: SseOperationName): Implementation {
  const comparesToFlags = /comis/.test(name);
  // Conversions to and from a general register carry its width in their name.
  const sizedByDestination = /2si$/.test(name);
  const sizedBySource = /^cvtsi2/.test(name);
  const isFused = /^vfn?m/.test(name);
  const makesHalves = name === 'vcvtps2ph';
  return (x) => {
    const { cpu, instruction } = x;
    requireAvx(cpu);
    const { operandSizes, operandKind, operandCount } = instruction;
    const sources = operandCount - (operandKind[operandCount - 1] === OperandKind.Immediate ? 1 : 0);
    const last = sources - 1;
    const width = Math.max(...operandSizes.subarray(0, sources)) === 32 ? 256 : 128;
    const bits = (sizedByDestination ? (operandSizes[0] as number) : (operandSizes[last] as number)) * 8;
    const sized = sizedByDestination || sizedBySource ? (`${name}${bits}` as SseOperationName) : name;
    const vector = (index: number): bigint => BigInt.asUintN(width, toBits(register(cpu, x.registerNumber(index))));
    const lastSource = source(x, last);
    const [a, b, c] = isFused ? [vector(0), vector(1), lastSource] : [sources === 3 ? vector(1) : comparesToFlags ? vector(0) : 0n, lastSource, 0n];
    const { result, flags } = sseOperation(sized, a, b, cpu.u32(State.mxcsr), { immediate: instruction.immediateLow & 0xff, c, width });
    if (flags) raiseSimdExceptions(cpu, flags);
    if (comparesToFlags) cpu.eflags = (cpu.eflags & ~Eflags.arithmetic) | Number(result);
    else if (sizedByDestination) cpu.setGprSized(x.registerNumber(0), result, bits / 8);
    else if (x.isMemory(0)) {
      // MXCSR has been written when this faults, as on Intel's processors; AMD's find the fault first.
      const linear = x.address(width / 16, true);
      prepareBytes(cpu, linear, width / 16);
      storeBytes(cpu, linear, toBytes(result, width / 16));
    } else setRegister(cpu, x.registerNumber(0), result, makesHalves ? width / 16 : width / 8);
  };
}

/** Linear address of an element, checked; its segment has been applied. @param offset within the segment */
function elementAddress(x: Execution, offset: bigint, size: number, write: boolean): bigint {
  const { cpu, instruction } = x;
  return cpu.linear(registerNumber(instruction.segment), BigInt.asUintN(instruction.addressSize * 8, offset), size, write);
}
/** base + index * 2^scale + displacement. */
function effectiveOffset(x: Execution, index: bigint): bigint {
  const { instruction, cpu } = x;
  const { base, displacementHigh, displacement, scale } = instruction;
  let from = 0n;
  if (base) from = registerClass(base) === RegisterClass.InstructionPointer ? x.nextIp : cpu.gpr(registerNumber(base));
  return from + (index << BigInt(scale)) + ((BigInt(displacementHigh) << 32n) | BigInt(displacement >>> 0));
}

/** VMASKMOVPS and its kin: elements whose mask has the sign bit clear are not accessed, and loads give zero for them. */
function maskedMove(size: 4 | 8): Implementation {
  return (x) => {
    const { cpu, instruction } = x;
    requireAvx(cpu);
    const write = x.isMemory(0);
    const count = (instruction.prefixes & Prefix.VexL ? 32 : 16) / size;
    const mask = register(cpu, x.registerNumber(1));
    const offset = effectiveOffset(x, instruction.index ? cpu.gpr(registerNumber(instruction.index)) : 0n);
    const chosen: [element: number, linear: bigint][] = [];
    for (let k = 0; k < count; k++) {
      if ((mask[(k + 1) * size - 1] as number) & 0x80) chosen.push([k, elementAddress(x, offset + BigInt(k * size), size, write)]);
    }
    if (write) {
      const from = register(cpu, x.registerNumber(2));
      for (const [, linear] of chosen) prepareBytes(cpu, linear, size);
      for (const [k, linear] of chosen) cpu.store(linear, size, toBits(from.subarray(k * size, (k + 1) * size)));
    } else {
      let result = 0n;
      for (const [k, linear] of chosen) result |= cpu.load(linear, size) << BigInt(8 * k * size);
      setRegister(cpu, x.registerNumber(0), result, count * size);
    }
  };
}

/**
 * VGATHER*, VPGATHER*: elements at addresses of their own, where the mask's sign bits are set. An element that has arrived has its mask
 * cleared, so that after a fault the instruction goes on where it was; the other masks are all ones or zeros by then, and with the first
 * element what lies above the vector becomes zero. SDM vol. 2, "VPGATHERDD/VPGATHERQD".
 */
function gather(indexSize: 4 | 8, size: 4 | 8): Implementation {
  return (x) => {
    const { cpu, instruction } = x;
    requireAvx(cpu);
    const length = instruction.prefixes & Prefix.VexL ? 32 : 16;
    const count = length / Math.max(indexSize, size);
    const to = register(cpu, x.registerNumber(0));
    const mask = register(cpu, x.registerNumber(2));
    const indices = register(cpu, registerNumber(instruction.index));
    for (let k = 0; k < length / size; k++) mask.fill((mask[(k + 1) * size - 1] as number) & 0x80 ? 0xff : 0, k * size, (k + 1) * size);
    mask.fill(0, length);
    for (let k = 0; k < count; k++) {
      const pending = mask.subarray(k * size, (k + 1) * size);
      if (pending[0] === 0) continue;
      const index = BigInt.asIntN(8 * indexSize, toBits(indices.subarray(k * indexSize, (k + 1) * indexSize)));
      const value = cpu.load(elementAddress(x, effectiveOffset(x, index), size, false), size);
      to.set(toBytes(value, size), k * size);
      to.fill(0, length);
      pending.fill(0);
    }
    to.fill(0, count * size);
    mask.fill(0);
  };
}

/** By mnemonic: the slow path of a definition in `semantics/avx`, or the whole instruction. */
export function avxImplementations(): Implementations {
  const all: Implementations = new Map();
  for (const [mnemonic, number] of Object.entries(Mnemonic)) {
    if (!mnemonic.startsWith('V')) continue;
    const own = mnemonic.toLowerCase();
    const name = isSseOperationName(own) ? own : own.slice(1);
    if (isSseOperationName(/2si$|^cvtsi2/.test(name) ? `${name}32` : name)) all.set(number, floatingPoint(name as SseOperationName));
  }
  for (const [number, size] of [[Mnemonic.Vmaskmovps, 4], [Mnemonic.Vmaskmovpd, 8], [Mnemonic.Vpmaskmovd, 4], [Mnemonic.Vpmaskmovq, 8]] as const) all.set(number, maskedMove(size));
  for (const [number, indexSize, size] of [
    [Mnemonic.Vpgatherdd, 4, 4], [Mnemonic.Vpgatherdq, 4, 8], [Mnemonic.Vpgatherqd, 8, 4], [Mnemonic.Vpgatherqq, 8, 8],
    [Mnemonic.Vgatherdps, 4, 4], [Mnemonic.Vgatherdpd, 4, 8], [Mnemonic.Vgatherqps, 8, 4], [Mnemonic.Vgatherqpd, 8, 8],
  ] as const) {
    all.set(number, gather(indexSize, size));
  }
  return all;
}
