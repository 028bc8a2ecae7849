import { Mnemonic, registerNumber } from '@pckit/x86-decoder';
import { Cr0, Cr4, State, Vector, Xcr0 } from '../state-layout.js';
import { isX87Initial, loadFxsaveX87, resetX87ToInitial, storeFxsaveX87, type X87State } from '../x87/index.js';
import { GuestFault, type CpuState } from './cpu-state.js';
import type { Execution, Implementations } from './execution.js';
import { advance, loadBytes, prepareBytes, storeBytes } from './memory-block.js';
import type { ProcessorSystem } from './processor-system.js';
import { checkX87Available, x87States } from './x87-unit.js';

// FXSAVE and XSAVE and what belongs to them. SDM vol. 1, 10.5 "FXSAVE and FXRSTOR", chapter 13 "Managing State Using the XSAVE Feature
// Set"; vol. 2. Supervisor states (XSAVES, XRSTORS, IA32_XSS) are not implemented.

type X = Execution<ProcessorSystem>;

// The area. SDM vol. 1, 13.4.
const MXCSR = 24;
const MXCSR_MASK = 28;
const X87_REGISTERS = 32;
const XMM = 160;
const FXSAVE_SIZE = 512;
const XSTATE_BV = 512;
const XCOMP_BV = 520;
const HEADER_SIZE = 64;
/** Where the extended components begin; AVX is the first in both formats. */
const AVX = 576;
const AVX_SIZE = 256;
const AREA_SIZE = AVX + AVX_SIZE;
const COMPACTED = 0x8000_0000; // in the upper half of XCOMP_BV

/** MXCSR bits that may be set: all 16, with DAZ. */
const MXCSR_WRITABLE = 0xffff;
const MXCSR_DEFAULT = 0x1f80;

/** Bits of `CpuModel.xsaveFeatures`: CPUID leaf DH, sub-leaf 1, EAX. */
const Feature = { xsaveopt: 1, xsavec: 2, xgetbv1: 4 } as const;

/** What one area looks like while it is made or read. */
class Area {
  readonly bytes = new Uint8Array(AREA_SIZE);
  readonly words = new Uint32Array(this.bytes.buffer);
  readonly view = new DataView(this.bytes.buffer);
}

/** XMM or YMM registers that the mode reaches. */
function registerCount(cpu: CpuState): number {
  return cpu.code64 ? 16 : 8;
}

function storeMxcsr(cpu: CpuState, area: Area): void {
  area.view.setUint32(MXCSR, cpu.u32(State.mxcsr), true);
  area.view.setUint32(MXCSR_MASK, MXCSR_WRITABLE, true);
}

function refuse(): never {
  throw new GuestFault(Vector.GP);
}

/** #GP for reserved bits. */
function checkMxcsr(area: Area): void {
  if (area.view.getUint32(MXCSR, true) & ~MXCSR_WRITABLE) refuse();
}

// Word by word: a kernel saves and restores at every task switch, and views of 16 bytes cost more than the copy.

/** Copies the lower or upper halves of the vector registers. @param half 0 or 16 @param at offset in the area */
function storeVectors(cpu: CpuState, half: number, words: Uint32Array, at: number): void {
  const { u32 } = cpu.host;
  const first = (cpu.base + State.ymm + half) >>> 2;
  for (let n = 0; n < registerCount(cpu); n++) for (let k = 0; k < 4; k++) words[(at >> 2) + 4 * n + k] = u32[first + 8 * n + k] as number;
}
function loadVectors(cpu: CpuState, half: number, words: Uint32Array, at: number): void {
  const { u32 } = cpu.host;
  const first = (cpu.base + State.ymm + half) >>> 2;
  for (let n = 0; n < registerCount(cpu); n++) for (let k = 0; k < 4; k++) u32[first + 8 * n + k] = words[(at >> 2) + 4 * n + k] as number;
}
function clearVectors(cpu: CpuState, half: number): void {
  const first = (cpu.base + State.ymm + half) >>> 2;
  for (let n = 0; n < registerCount(cpu); n++) cpu.host.u32.fill(0, first + 8 * n, first + 8 * n + 4);
}
function vectorsInUse(cpu: CpuState, half: number): boolean {
  const { u32 } = cpu.host;
  const first = (cpu.base + State.ymm + half) >>> 2;
  for (let n = 0; n < registerCount(cpu); n++) for (let k = 0; k < 4; k++) if (u32[first + 8 * n + k] !== 0) return true;
  return false;
}

/** XINUSE. SDM vol. 1, 13.6. */
function inUse(cpu: CpuState, x87: X87State): number {
  return (
    (isX87Initial(x87) ? 0 : Xcr0.x87) | (vectorsInUse(cpu, 0) ? Xcr0.sse : 0) | (vectorsInUse(cpu, 16) ? Xcr0.avx : 0)
  );
}

/** EDX:EAX & XCR0; no component beyond the lower half exists. */
function requested(cpu: CpuState): number {
  return cpu.gpr32(0) & cpu.u32(State.xcr0);
}

/** The operand's linear address, with its checks of segment and alignment. */
function areaAddress(x: X, size: number, alignment: number, write: boolean): bigint {
  const { cpu } = x;
  const linear = x.address(1, write);
  if (!cpu.code64) {
    const segment = registerNumber(x.instruction.segment);
    cpu.linear(segment, ((linear - cpu.segmentBase(segment)) & 0xffffffffn) + BigInt(size - 1), 1, write);
  }
  if (linear & BigInt(alignment - 1)) throw new GuestFault(Vector.GP);
  return linear;
}

export function stateSaveImplementations(): Implementations<ProcessorSystem> {
  const stateOf = x87States();
  const area = new Area();
  const { bytes, words, view } = area;
  const map: Implementations<ProcessorSystem> = new Map();

  /** Writes part of the area. */
  const put = (cpu: CpuState, linear: bigint, from: number, to: number): void => {
    storeBytes(cpu, advance(cpu, linear, from), bytes.subarray(from, to));
  };
  const get = (cpu: CpuState, linear: bigint, from: number, to: number): void => {
    loadBytes(cpu, advance(cpu, linear, from), bytes.subarray(from, to));
  };
  const xmmEnd = (cpu: CpuState): number => XMM + 16 * registerCount(cpu);

  // --- FXSAVE, FXRSTOR ------------------------------------------------------------------------------------------------------------

  const fxsave = (x: X, wide: boolean): void => {
    const { cpu } = x;
    checkX87Available(cpu);
    const linear = areaAddress(x, FXSAVE_SIZE, 16, true);
    prepareBytes(cpu, linear, FXSAVE_SIZE);
    storeFxsaveX87(stateOf(cpu), view, { wide });
    storeMxcsr(cpu, area);
    storeVectors(cpu, 0, words, XMM);
    // The rest is reserved or free for software, and left alone.
    put(cpu, linear, 0, xmmEnd(cpu));
  };
  const fxrstor = (x: X, wide: boolean): void => {
    const { cpu } = x;
    checkX87Available(cpu);
    const linear = areaAddress(x, FXSAVE_SIZE, 16, false);
    get(cpu, linear, 0, FXSAVE_SIZE);
    checkMxcsr(area);
    loadFxsaveX87(stateOf(cpu), view, { wide });
    cpu.setU32(State.mxcsr, view.getUint32(MXCSR, true));
    loadVectors(cpu, 0, words, XMM);
  };

  // --- XSAVE, XRSTOR --------------------------------------------------------------------------------------------------------------

  const checkXsaveEnabled = (cpu: CpuState): void => {
    if (!(cpu.cr4 & Cr4.OSXSAVE)) throw new GuestFault(Vector.UD);
  };
  const checkXsave = (cpu: CpuState): void => {
    checkXsaveEnabled(cpu);
    if (cpu.cr0 & Cr0.TS) throw new GuestFault(Vector.NM);
  };

  /** @param compacted XSAVEC @param initOptimized XSAVEOPT, XSAVEC: components in their initial configuration aren't written */
  const xsave = (x: X, wide: boolean, compacted: boolean, initOptimized: boolean): void => {
    const { cpu } = x;
    checkXsave(cpu);
    const mask = requested(cpu);
    const size = mask & Xcr0.avx ? AREA_SIZE : AVX;
    const linear = areaAddress(x, size, 64, true);
    prepareBytes(cpu, linear, size);
    if (!compacted) get(cpu, linear, XSTATE_BV, XSTATE_BV + 8);

    const x87 = stateOf(cpu);
    let used = inUse(cpu, x87) & mask;
    // MXCSR is no part of XINUSE[1], but the compacted format saves it with the XMM registers. SDM vol. 1, 13.10.
    if (compacted && mask & Xcr0.sse && cpu.u32(State.mxcsr) !== MXCSR_DEFAULT) used |= Xcr0.sse;
    const saved = initOptimized ? used : mask;

    if (saved & Xcr0.x87) storeFxsaveX87(x87, view, { wide });
    storeMxcsr(cpu, area);
    if (saved & Xcr0.sse) storeVectors(cpu, 0, words, XMM);
    if (saved & Xcr0.avx) storeVectors(cpu, 16, words, AVX);
    const mxcsr = compacted ? saved & Xcr0.sse : mask & (Xcr0.sse | Xcr0.avx);
    if (saved & Xcr0.x87 && mxcsr) put(cpu, linear, 0, saved & Xcr0.sse ? xmmEnd(cpu) : XMM);
    else {
      if (saved & Xcr0.x87) {
        put(cpu, linear, 0, MXCSR);
        put(cpu, linear, X87_REGISTERS, XMM);
      }
      if (mxcsr) put(cpu, linear, MXCSR, X87_REGISTERS);
      if (saved & Xcr0.sse) put(cpu, linear, XMM, xmmEnd(cpu));
    }
    if (saved & Xcr0.avx) put(cpu, linear, AVX, AVX + 16 * registerCount(cpu));

    if (compacted) {
      view.setBigUint64(XSTATE_BV, BigInt(used), true);
      view.setUint32(XCOMP_BV, mask, true);
      view.setUint32(XCOMP_BV + 4, COMPACTED, true);
      put(cpu, linear, XSTATE_BV, XCOMP_BV + 8);
    } else {
      view.setUint32(XSTATE_BV, (view.getUint32(XSTATE_BV, true) & ~mask) | used, true);
      put(cpu, linear, XSTATE_BV, XSTATE_BV + 8);
    }
  };

  /** #GP for a header that XRSTOR refuses. SDM vol. 1, 13.8. @returns whether it is of the compacted format */
  const checkHeader = (cpu: CpuState, features: number): boolean => {
    const present = view.getBigUint64(XSTATE_BV, true);
    const enabled = cpu.u64(State.xcr0);
    if (present & ~enabled) refuse();
    const layout = view.getBigUint64(XCOMP_BV, true);
    const compacted = layout >> 63n !== 0n;
    if (!compacted) {
      if (layout !== 0n || view.getBigUint64(XCOMP_BV + 8, true) !== 0n) refuse();
      return false;
    }
    const components = BigInt.asUintN(63, layout);
    if (!(features & Feature.xsavec) || components & ~enabled || present & ~components) refuse();
    for (let at = XCOMP_BV + 8; at < XSTATE_BV + HEADER_SIZE; at += 8) if (view.getBigUint64(at, true) !== 0n) refuse();
    return true;
  };

  const xrstor = (x: X, wide: boolean): void => {
    const { cpu } = x;
    checkXsave(cpu);
    const mask = requested(cpu);
    const size = mask & Xcr0.avx ? AREA_SIZE : AVX;
    const linear = areaAddress(x, size, 64, false);
    get(cpu, linear, 0, XSTATE_BV + HEADER_SIZE);
    const compacted = checkHeader(cpu, x.system.model.xsaveFeatures);
    const present = view.getUint32(XSTATE_BV, true);
    if (mask & present & Xcr0.avx) get(cpu, linear, AVX, AVX + 16 * registerCount(cpu));
    // In the standard format MXCSR is loaded even where XSTATE_BV says that SSE is in its initial configuration.
    const loadsMxcsr = compacted ? mask & present & Xcr0.sse : mask & (Xcr0.sse | Xcr0.avx);
    if (loadsMxcsr) checkMxcsr(area);

    const x87 = stateOf(cpu);
    if (mask & Xcr0.x87) {
      if (present & Xcr0.x87) loadFxsaveX87(x87, view, { wide });
      else resetX87ToInitial(x87);
    }
    if (mask & Xcr0.sse) {
      if (present & Xcr0.sse) loadVectors(cpu, 0, words, XMM);
      else clearVectors(cpu, 0);
    }
    if (mask & Xcr0.avx) {
      if (present & Xcr0.avx) loadVectors(cpu, 16, words, AVX);
      else clearVectors(cpu, 16);
    }
    if (loadsMxcsr) cpu.setU32(State.mxcsr, view.getUint32(MXCSR, true));
    else if (compacted && mask & Xcr0.sse) cpu.setU32(State.mxcsr, MXCSR_DEFAULT);
  };

  map.set(Mnemonic.Fxsave, (x) => fxsave(x, false));
  map.set(Mnemonic.Fxsave64, (x) => fxsave(x, true));
  map.set(Mnemonic.Fxrstor, (x) => fxrstor(x, false));
  map.set(Mnemonic.Fxrstor64, (x) => fxrstor(x, true));
  map.set(Mnemonic.Xsave, (x) => xsave(x, false, false, false));
  map.set(Mnemonic.Xsave64, (x) => xsave(x, true, false, false));
  map.set(Mnemonic.Xrstor, (x) => xrstor(x, false));
  map.set(Mnemonic.Xrstor64, (x) => xrstor(x, true));
  const onFeature = (mnemonic: number, feature: number, implementation: (x: X) => void): void =>
    void map.set(mnemonic, (x) => {
      if (!(x.system.model.xsaveFeatures & feature)) throw new GuestFault(Vector.UD);
      implementation(x);
    });
  onFeature(Mnemonic.Xsaveopt, Feature.xsaveopt, (x) => xsave(x, false, false, true));
  onFeature(Mnemonic.Xsaveopt64, Feature.xsaveopt, (x) => xsave(x, true, false, true));
  onFeature(Mnemonic.Xsavec, Feature.xsavec, (x) => xsave(x, false, true, true));
  onFeature(Mnemonic.Xsavec64, Feature.xsavec, (x) => xsave(x, true, true, true));

  map.set(Mnemonic.Xgetbv, (x) => {
    const { cpu } = x;
    checkXsaveEnabled(cpu);
    const index = cpu.gpr32(1);
    let value = cpu.u64(State.xcr0);
    if (index === 1 && x.system.model.xsaveFeatures & Feature.xgetbv1) value &= BigInt(inUse(cpu, stateOf(cpu)));
    else if (index !== 0) throw new GuestFault(Vector.GP);
    cpu.setGpr32(0, Number(value & 0xffffffffn));
    cpu.setGpr32(2, Number(value >> 32n));
  });
  map.set(Mnemonic.Xsetbv, ({ cpu, system }) => {
    checkXsaveEnabled(cpu);
    const value = cpu.gpr32(0);
    const supported = (value & ~system.model.xcr0) === 0 && cpu.gpr32(2) === 0;
    // x87 can't be switched off, and AVX needs SSE.
    const consistent = (value & Xcr0.x87) !== 0 && (!(value & Xcr0.avx) || (value & Xcr0.sse) !== 0);
    if (cpu.cpl !== 0 || cpu.gpr32(1) !== 0 || !supported || !consistent) throw new GuestFault(Vector.GP);
    cpu.setU64(State.xcr0, BigInt(value));
    cpu.updateMode();
  });
  return map;
}
