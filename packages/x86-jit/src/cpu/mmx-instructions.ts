import { Mnemonic, OperandKind, registerClass, RegisterClass, registerNumber } from '@pckit/x86-decoder';
import { Cr4, State, Vector } from '../state-layout.js';
import { sseOperation, type SseOperationName } from '../softfloat/index.js';
import { emms, enterMmx, readMmx, writeMmx, type X87State } from '../x87/index.js';
import { GuestFault, type CpuState } from './cpu-state.js';
import type { Execution, Implementation, Implementations } from './execution.js';
import { advance, loadBytes } from './memory-block.js';
import { MmxLanes } from './mmx-lanes.js';
import { MMX_OPERATIONS, type MmxOperation } from './mmx-operations.js';
import type { ProcessorSystem } from './processor-system.js';
import { checkMmxAvailable, checkSseAvailable, checkX87Exception, x87States } from './x87-unit.js';

// Instructions on MMX registers, which alias the x87's. SDM vol. 1, chapter 9; vol. 3, chapter 12; vol. 2. Many mnemonics have an SSE
// form too, which is WebAssembly; these functions are for the forms with an MMX register.

type X = Execution<ProcessorSystem>;

/** Conversions between MMX and floating point. SDM vol. 3, table 23-5 and 23-6. */
const CONVERSIONS: readonly (readonly [number, SseOperationName])[] = [
  [Mnemonic.Cvtpi2ps, 'cvtpi2ps'],
  [Mnemonic.Cvtpi2pd, 'cvtpi2pd'],
  [Mnemonic.Cvtps2pi, 'cvtps2pi'],
  [Mnemonic.Cvttps2pi, 'cvttps2pi'],
  [Mnemonic.Cvtpd2pi, 'cvtpd2pi'],
  [Mnemonic.Cvttpd2pi, 'cvttpd2pi'],
];

function isMmx(x: X, index: number): boolean {
  const { operandKind, operandRegister } = x.instruction;
  return operandKind[index] === OperandKind.Register && registerClass(operandRegister[index] as number) === RegisterClass.Mm;
}

/** The low or high 8 bytes of an XMM register. */
function xmmField(number: number, half = 0): number {
  return State.ymm + 32 * number + half;
}
function readXmm(cpu: CpuState, number: number): bigint {
  return (cpu.u64(xmmField(number, 8)) << 64n) | cpu.u64(xmmField(number));
}
function writeXmm(cpu: CpuState, number: number, value: bigint): void {
  cpu.setU64(xmmField(number), BigInt.asUintN(64, value));
  cpu.setU64(xmmField(number, 8), BigInt.asUintN(64, value >> 64n));
}

/** @param otherwise serves the forms of the same mnemonics without an MMX register */
export function mmxImplementations(otherwise: Implementations<ProcessorSystem> = new Map()): Implementations<ProcessorSystem> {
  const stateOf = x87States();
  const [destination, source] = [new MmxLanes(), new MmxLanes()];
  const wide = new Uint8Array(16);
  const wideView = new DataView(wide.buffer);
  const map: Implementations<ProcessorSystem> = new Map();

  /** What precedes every MMX instruction. Nothing is committed: `enterMmx` is, once the operands have been read. */
  const begin = (cpu: CpuState): X87State => {
    checkMmxAvailable(cpu);
    const x87 = stateOf(cpu);
    checkX87Exception(cpu, x87);
    return x87;
  };
  /** An operand that is an MMX register, memory, or a general register. */
  const read = (x: X, x87: X87State, index: number): bigint => (isMmx(x, index) ? readMmx(x87, x.registerNumber(index)) : x.read(index));

  const on = (mnemonic: number, implementation: Implementation<ProcessorSystem>): void => {
    const other = otherwise.get(mnemonic);
    map.set(mnemonic, (x) => {
      if (isMmx(x, 0) || isMmx(x, 1) || isMmx(x, 2)) implementation(x);
      else if (other) other(x);
      else throw new GuestFault(Vector.UD);
    });
  };

  // --- packed integers ------------------------------------------------------------------------------------------------------------

  for (const [name, operation] of Object.entries(MMX_OPERATIONS) as [keyof typeof MMX_OPERATIONS, MmxOperation][]) {
    on(Mnemonic[name], (x) => {
      const { cpu, instruction } = x;
      const x87 = begin(cpu);
      source.value = read(x, x87, 1);
      enterMmx(x87);
      const number = x.registerNumber(0);
      destination.value = readMmx(x87, number);
      operation(destination, source, instruction.immediateLow & 0xff);
      writeMmx(x87, number, destination.value);
    });
  }
  on(Mnemonic.Pinsrw, (x) => {
    const x87 = begin(x.cpu);
    const word = Number(read(x, x87, 1) & 0xffffn);
    enterMmx(x87);
    destination.value = readMmx(x87, x.registerNumber(0));
    destination.u16[x.instruction.immediateLow & 3] = word;
    writeMmx(x87, x.registerNumber(0), destination.value);
  });
  on(Mnemonic.Pextrw, (x) => {
    const x87 = begin(x.cpu);
    enterMmx(x87);
    source.value = readMmx(x87, x.registerNumber(1));
    x.cpu.setGpr32(x.registerNumber(0), source.u16[x.instruction.immediateLow & 3] as number);
  });
  on(Mnemonic.Pmovmskb, (x) => {
    const x87 = begin(x.cpu);
    enterMmx(x87);
    source.value = readMmx(x87, x.registerNumber(1));
    x.cpu.setGpr32(x.registerNumber(0), source.i8.reduce((mask, byte, k) => mask | (byte < 0 ? 1 << k : 0), 0));
  });

  // --- moves ----------------------------------------------------------------------------------------------------------------------

  /** MOVD, MOVQ, MOVNTQ: zero-extended into the register, cut on the way out. */
  const move: Implementation<ProcessorSystem> = (x) => {
    const x87 = begin(x.cpu);
    const value = read(x, x87, 1);
    if (isMmx(x, 0)) {
      enterMmx(x87);
      writeMmx(x87, x.registerNumber(0), value);
    } else {
      x.write(0, value);
      enterMmx(x87);
    }
  };
  on(Mnemonic.Movd, move);
  on(Mnemonic.Movq, move);
  on(Mnemonic.Movntq, move);
  on(Mnemonic.Movq2dq, (x) => {
    checkSseAvailable(x.cpu);
    const x87 = begin(x.cpu);
    enterMmx(x87);
    writeXmm(x.cpu, x.registerNumber(0), readMmx(x87, x.registerNumber(1)));
  });
  on(Mnemonic.Movdq2q, (x) => {
    checkSseAvailable(x.cpu);
    const x87 = begin(x.cpu);
    enterMmx(x87);
    writeMmx(x87, x.registerNumber(0), x.cpu.u64(xmmField(x.registerNumber(1))));
  });
  /** Bytes of operand 1 that operand 2 selects go to DS:rDI. */
  on(Mnemonic.Maskmovq, (x) => {
    const { cpu } = x;
    const x87 = begin(cpu);
    source.value = readMmx(x87, x.registerNumber(1));
    destination.value = readMmx(x87, x.registerNumber(2));
    const linear = x.address(8, true);
    const selected = Array.from(destination.i8.keys()).filter((k) => (destination.i8[k] as number) < 0);
    for (const k of selected) {
      cpu.code.prepareWrite(cpu.base, advance(cpu, linear, k), 1);
      cpu.checkFault();
    }
    for (const k of selected) cpu.store(advance(cpu, linear, k), 1, BigInt(source.u8[k] as number));
    enterMmx(x87);
  });
  map.set(Mnemonic.Emms, ({ cpu }) => emms(begin(cpu)));

  // --- conversions ----------------------------------------------------------------------------------------------------------------

  /** Memory of 16 bytes must be aligned. */
  const readSource = (x: X, x87: X87State): bigint => {
    const { cpu, instruction } = x;
    if (isMmx(x, 1)) return readMmx(x87, x.registerNumber(1));
    if (!x.isMemory(1)) return readXmm(cpu, x.registerNumber(1));
    if (instruction.operandSizes[1] !== 16) return x.read(1);
    const linear = x.address(16, false);
    if (linear & 15n) throw new GuestFault(Vector.GP);
    loadBytes(cpu, linear, wide);
    return (wideView.getBigUint64(8, true) << 64n) | wideView.getBigUint64(0, true);
  };
  for (const [mnemonic, name] of CONVERSIONS) {
    map.set(mnemonic, (x) => {
      const { cpu } = x;
      checkSseAvailable(cpu);
      const x87 = stateOf(cpu);
      // An integer in memory leaves the x87 unit alone.
      const usesMmx = isMmx(x, 0) || isMmx(x, 1);
      if (usesMmx) checkX87Exception(cpu, x87);
      const number = registerNumber(x.instruction.operandRegister[0] as number);
      const b = readSource(x, x87);
      const mxcsr = cpu.u32(State.mxcsr);
      const a = isMmx(x, 0) ? 0n : readXmm(cpu, number);
      const { result, flags } = sseOperation(name, a, b, mxcsr);
      raiseSimd(cpu, mxcsr, flags);
      if (usesMmx) enterMmx(x87);
      if (isMmx(x, 0)) writeMmx(x87, number, BigInt.asUintN(64, result));
      else writeXmm(cpu, number, result);
    });
  }
  return map;
}

/** Sets MXCSR's flags; one that is not masked is #XM, or #UD where the system doesn't know of it. SDM vol. 1, 11.5.2. */
function raiseSimd(cpu: CpuState, mxcsr: number, flags: number): void {
  cpu.setU32(State.mxcsr, mxcsr | flags);
  if (flags & ~(mxcsr >> 7) & 0x3f) throw new GuestFault(cpu.cr4 & Cr4.OSXMMEXCPT ? Vector.XM : Vector.UD);
}
