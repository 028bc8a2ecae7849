import type { Form } from '@pckit/x86-decoder';
import { cpuModel } from '../../src/cpu/cpuid.js';
import { isComparable, reasonNotToRun } from './generate.js';
import type { Mode } from './layout.js';
import { advertisedForms, isInteger } from './profile.js';

/** The default profile: what `createProcessor` makes when it isn't told otherwise. */
export const DEFAULT_MODEL = cpuModel('x86-64-v2');

/** The forms that are recorded, each with the modes it is recorded in. */
export function recordedForms(): { readonly form: Form; readonly modes: readonly Mode[] }[] {
  return advertisedForms(DEFAULT_MODEL)
    .filter((form) => isInteger(form) && reasonNotToRun(form) === undefined)
    .map((form) => ({ form, modes: form.modes.filter((mode) => isComparable(form, mode)) }));
}
