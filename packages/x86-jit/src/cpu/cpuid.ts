import { Cr4 } from '../state-layout.js';

// The CPU profile. SDM vol. 2, CPUID. Every bit that is set is implemented; no other is set.

export interface CpuidResult {
  readonly eax: number;
  readonly ebx: number;
  readonly ecx: number;
  readonly edx: number;
}

/** A named processor model: data only. */
export interface CpuModel {
  readonly name: string;
  readonly vendor: string;
  readonly brand: string;
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
  /** Feature words by leaf and register. */
  readonly leaf1Ecx: number;
  readonly leaf1Edx: number;
  readonly leaf7Ebx: number;
  readonly leaf7Ecx: number;
  readonly leaf7Edx: number;
  readonly extendedEcx: number;
  readonly extendedEdx: number;
  /** XCR0 bits that XSETBV may set. */
  readonly xcr0: number;
  /** Leaf DH, sub-leaf 1: XSAVEOPT etc. */
  readonly xsaveFeatures: number;
}

const bits = (...numbers: number[]): number => numbers.reduce((word, bit) => (word | (1 << bit)) >>> 0, 0);

/**
 * Family 6, model 36H: an in-order core that never speculated, which Linux knows. So it enables none of its mitigations against
 * speculation, which cost much and protect nobody here.
 */
export const X86_64_V2: CpuModel = {
  name: 'x86-64-v2',
  vendor: 'GenuineIntel',
  brand: 'pckit x86-64-v2 processor',
  family: 6,
  model: 0x36,
  stepping: 1,
  // SSE3 PCLMULQDQ SSSE3 CMPXCHG16B SSE4.1 SSE4.2 x2APIC MOVBE POPCNT TSC-deadline AES XSAVE RDRAND hypervisor
  leaf1Ecx: bits(0, 1, 9, 13, 19, 20, 21, 22, 23, 24, 25, 26, 30, 31),
  // FPU DE PSE TSC MSR PAE MCE CX8 APIC SEP MTRR PGE MCA CMOV PAT CLFSH MMX FXSR SSE SSE2
  leaf1Edx: bits(0, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 19, 23, 24, 25, 26),
  // FSGSBASE SMEP ERMS RDSEED ADX SMAP CLFLUSHOPT
  leaf7Ebx: bits(0, 7, 9, 18, 19, 20, 23),
  leaf7Ecx: 0,
  // ARCH_CAPABILITIES
  leaf7Edx: bits(29),
  // LAHF in 64-bit mode, PREFETCHW
  extendedEcx: bits(0, 8),
  // SYSCALL NX 1-GiB pages RDTSCP long mode
  extendedEdx: bits(11, 20, 26, 27, 29),
  xcr0: 3,
  xsaveFeatures: 1,
};

/** What the psABI calls x86-64-v3: AVX, AVX2, BMI1, BMI2, F16C, FMA, LZCNT, MOVBE, and what it takes to save YMM registers. */
export const X86_64_V3: CpuModel = {
  ...X86_64_V2,
  name: 'x86-64-v3',
  brand: 'pckit x86-64-v3 processor',
  // FMA AVX F16C
  leaf1Ecx: (X86_64_V2.leaf1Ecx | bits(12, 28, 29)) >>> 0,
  // BMI1 AVX2 BMI2
  leaf7Ebx: X86_64_V2.leaf7Ebx | bits(3, 5, 8),
  // LZCNT
  extendedEcx: X86_64_V2.extendedEcx | bits(5),
  xcr0: 7,
};

/** The first is the default. */
export const CPU_MODELS: readonly CpuModel[] = [X86_64_V2, X86_64_V3];

export function cpuModel(name: string): CpuModel {
  const model = CPU_MODELS.find((m) => m.name === name);
  if (!model) throw new RangeError(`unknown CPU model ${name}; known: ${CPU_MODELS.map((m) => m.name).join(', ')}`);
  return model;
}

const text = (s: string, at: number): number => (s.charCodeAt(at) | 0) + ((s.charCodeAt(at + 1) | 0) << 8) + ((s.charCodeAt(at + 2) | 0) << 16) + ((s.charCodeAt(at + 3) | 0) << 24);

export interface CpuidContext {
  readonly model: CpuModel;
  readonly index: number;
  readonly count: number;
  readonly cr4: number;
  readonly xcr0: number;
  readonly tscHz: number;
}

const MAXIMUM = 0x16;
const EXTENDED_MAXIMUM = 0x80000008;
const HYPERVISOR_MAXIMUM = 0x40000010;

export function cpuid(leaf: number, subleaf: number, c: CpuidContext): CpuidResult {
  const { model } = c;
  const result = (eax = 0, ebx = 0, ecx = 0, edx = 0): CpuidResult => ({ eax: eax >>> 0, ebx: ebx >>> 0, ecx: ecx >>> 0, edx: edx >>> 0 });
  switch (leaf >>> 0) {
    case 0:
      return result(MAXIMUM, text(model.vendor, 0), text(model.vendor, 8), text(model.vendor, 4));
    case 1: {
      const signature = model.stepping | ((model.model & 15) << 4) | (model.family << 8) | ((model.model >> 4) << 16);
      const osxsave = c.cr4 & Cr4.OSXSAVE ? 1 << 27 : 0;
      // HTT says that EBX[23:16] is valid.
      return result(signature, (8 << 8) | (c.count << 16) | (c.index << 24), model.leaf1Ecx | osxsave, model.leaf1Edx | (c.count > 1 ? 1 << 28 : 0));
    }
    case 2:
      return result(0x00feff01, 0, 0, 0xf0); // See leaf 4; 64-byte prefetch.
    case 4: {
      // Type, level, line size 64, ways, sets.
      const cache = (type: number, level: number, ways: number, sets: number): CpuidResult =>
        result(type | (level << 5) | (1 << 8) | ((c.count - 1) << 26), 63 | ((ways - 1) << 22), sets - 1, 0);
      return [cache(1, 1, 8, 64), cache(2, 1, 8, 64), cache(3, 2, 16, 1024)][subleaf] ?? result();
    }
    case 6:
      return result(bits(2)); // ARAT: the APIC timer never stops.
    case 7:
      return subleaf === 0 ? result(0, model.leaf7Ebx, model.leaf7Ecx, model.leaf7Edx) : result();
    case 0xb: {
      // One thread a core; cores are numbered by their x2APIC ID.
      const shift = Math.ceil(Math.log2(Math.max(c.count, 1)));
      if (subleaf === 0) return result(0, 1, 0x100, c.index);
      if (subleaf === 1) return result(shift, c.count, 0x201, c.index);
      return result(0, 0, subleaf & 0xff, c.index);
    }
    case 0xd: {
      const size = (mask: number): number => (mask & 4 ? 576 + 256 : 576);
      if (subleaf === 0) return result(model.xcr0, size(c.xcr0), size(model.xcr0), 0);
      if (subleaf === 1) return result(model.xsaveFeatures, size(c.xcr0), 0, 0);
      if (subleaf === 2 && model.xcr0 & 4) return result(256, 576, 0, 0);
      return result();
    }
    case 0x15:
      // The TSC counts a crystal of its own frequency; the APIC timer counts the same.
      return result(1, 1, c.tscHz, 0);
    case 0x16: {
      const megahertz = Math.round(c.tscHz / 1e6);
      return result(megahertz, megahertz, 100, 0);
    }
    case 0x40000000:
      return result(HYPERVISOR_MAXIMUM, text('pckitpckitpc', 0), text('pckitpckitpc', 4), text('pckitpckitpc', 8));
    case 0x40000010:
      return result(Math.round(c.tscHz / 1000), 1_000_000);
    case 0x80000000:
      return result(EXTENDED_MAXIMUM);
    case 0x80000001:
      return result(0, 0, model.extendedEcx, model.extendedEdx);
    case 0x80000002:
    case 0x80000003:
    case 0x80000004: {
      const brand = model.brand.padEnd(48, '\0');
      const at = ((leaf & 15) - 2) * 16;
      return result(text(brand, at), text(brand, at + 4), text(brand, at + 8), text(brand, at + 12));
    }
    case 0x80000006:
      return result(0, 0, (1024 << 16) | (8 << 12) | 64, 0);
    case 0x80000007:
      return result(0, 0, 0, bits(8)); // invariant TSC
    case 0x80000008:
      return result(40 | (48 << 8));
    default:
      // Beyond the last basic leaf Intel processors answer with the last; the hypervisor range is empty.
      if (leaf >>> 0 > MAXIMUM && leaf >>> 0 < 0x40000000) return cpuid(MAXIMUM, subleaf, c);
      return result();
  }
}
