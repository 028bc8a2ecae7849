import type { Form } from '@pckit/x86-decoder';
import { cpuModel, type CpuModel } from '../../src/cpu/cpuid.js';
import { isComparable, reasonNotToRun } from './generate.js';
import type { Mode } from './layout.js';
import { advertisedForms, isInteger } from './profile.js';

const DEFAULT_MODEL = cpuModel('x86-64-v2');

/** What is implemented beyond it: BMI1, BMI2, LZCNT. */
export const RECORDED_MODEL: CpuModel = {
  ...DEFAULT_MODEL,
  leaf7Ebx: DEFAULT_MODEL.leaf7Ebx | (1 << 3) | (1 << 8),
  extendedEcx: DEFAULT_MODEL.extendedEcx | (1 << 5),
};

/**
 * The forms that are recorded, each with the modes it is recorded in.
 * @param has which CPUID features, by the decoder's names, the recording processor has
 */
export function recordedForms(has: (feature: string) => boolean = () => true): { readonly form: Form; readonly modes: readonly Mode[] }[] {
  return advertisedForms(RECORDED_MODEL)
    .filter((form) => isInteger(form) && has(form.feature) && reasonNotToRun(form) === undefined)
    .map((form) => ({ form, modes: form.modes.filter((mode) => isComparable(form, mode)) }));
}
