import { recordedForms } from './forms.js';
import { generateCases } from './generate.js';
import { generateSequences } from './sequences.js';
import type { Case } from './vector.js';

/** So many cases of every form in every mode, and fifty times as many sequences. */
export function allCases(count: number, seed: number, has?: (feature: string) => boolean): Case[] {
  const single = recordedForms(has).flatMap(({ form, modes }) => modes.flatMap((mode) => [...generateCases(form, mode, count, seed)]));
  return [...single, ...generateSequences(50 * count, seed)];
}
