import { forms, type Form } from '@pckit/x86-decoder';
import { lowerName } from './names.js';
import type { CpuModel } from '../../src/cpu/cpuid.js';

/** CPUID bits by the decoder's feature names. Those that every processor with long mode has are always there. */
const FEATURES: { readonly [feature: string]: ((model: CpuModel) => number) | true } = {
  8086: true, 186: true, 286: true, 386: true, 486: true, x64: true, nop: true, pause: true, cpuid: true, rdpmc: true, 287: true, 387: true,
  // ENDBR is a NOP where CET isn't.
  cet_ibt: true,
  fpu: (m) => m.leaf1Edx & 1, tsc: (m) => m.leaf1Edx & (1 << 4), msr: (m) => m.leaf1Edx & (1 << 5), cx8: (m) => m.leaf1Edx & (1 << 8),
  sep: (m) => m.leaf1Edx & (1 << 11), cmov: (m) => m.leaf1Edx & (1 << 15), clfsh: (m) => m.leaf1Edx & (1 << 19), mmx: (m) => m.leaf1Edx & (1 << 23),
  fxsr: (m) => m.leaf1Edx & (1 << 24), sse: (m) => m.leaf1Edx & (1 << 25), sse2: (m) => m.leaf1Edx & (1 << 26),
  sse3: (m) => m.leaf1Ecx & 1, pclmulqdq: (m) => m.leaf1Ecx & 2, monitor: (m) => m.leaf1Ecx & 8, ssse3: (m) => m.leaf1Ecx & (1 << 9), fma: (m) => m.leaf1Ecx & (1 << 12),
  cx16: (m) => m.leaf1Ecx & (1 << 13), sse4_1: (m) => m.leaf1Ecx & (1 << 19), sse4_2: (m) => m.leaf1Ecx & (1 << 20), movbe: (m) => m.leaf1Ecx & (1 << 22),
  popcnt: (m) => m.leaf1Ecx & (1 << 23), aes: (m) => m.leaf1Ecx & (1 << 25), xsave: (m) => m.leaf1Ecx & (1 << 26), avx: (m) => m.leaf1Ecx & (1 << 28),
  f16c: (m) => m.leaf1Ecx & (1 << 29), rdrand: (m) => m.leaf1Ecx & (1 << 30),
  fsgsbase: (m) => m.leaf7Ebx & 1, bmi1: (m) => m.leaf7Ebx & (1 << 3), avx2: (m) => m.leaf7Ebx & (1 << 5), bmi2: (m) => m.leaf7Ebx & (1 << 8),
  invpcid: (m) => m.leaf7Ebx & (1 << 10), rdseed: (m) => m.leaf7Ebx & (1 << 18), adx: (m) => m.leaf7Ebx & (1 << 19), smap: (m) => m.leaf7Ebx & (1 << 20),
  clflushopt: (m) => m.leaf7Ebx & (1 << 23), clwb: (m) => m.leaf7Ebx & (1 << 24), rdpid: (m) => m.leaf7Ecx & (1 << 22),
  lzcnt: (m) => m.extendedEcx & (1 << 5), prefetchw: (m) => m.extendedEcx & (1 << 8), syscall: (m) => m.extendedEdx & (1 << 11), rdtscp: (m) => m.extendedEdx & (1 << 27),
  xsaveopt: (m) => m.xsaveFeatures & 1, xsavec: (m) => m.xsaveFeatures & 2, xsaves: (m) => m.xsaveFeatures & 8,
};

/** Whether software may use an instruction of this feature. */
export function advertised(feature: string, model: CpuModel): boolean {
  const bit = FEATURES[feature];
  return bit === true || (bit !== undefined && bit(model) !== 0);
}

/** Every form that the model has. */
export function advertisedForms(model: CpuModel): Form[] {
  const avx = advertised('avx', model);
  return forms().filter(({ feature, encoding }) => advertised(feature, model) && (avx || feature.startsWith('bmi') || !encoding.startsWith('VEX.')));
}

const VECTOR_FEATURES = new Set(['fpu', '287', '387', 'mmx', 'sse', 'sse2', 'sse3', 'ssse3', 'sse4_1', 'sse4_2', 'aes', 'pclmulqdq', 'fxsr', 'xsave', 'xsaveopt', 'xsavec', 'avx', 'avx2', 'fma', 'f16c']);
/** Of the vector extensions, but on general registers. */
const GENERAL = new Set(['lfence', 'mfence', 'sfence', 'movnti', 'prefetchnta', 'prefetcht0', 'prefetcht1', 'prefetcht2', 'crc32', 'xgetbv', 'xsetbv']);

/** Whether it works on general registers and memory only. */
export function isInteger({ feature, mnemonic }: Form): boolean {
  const name = lowerName(mnemonic);
  return GENERAL.has(name) || (!VECTOR_FEATURES.has(feature) && !name.startsWith('f'));
}
