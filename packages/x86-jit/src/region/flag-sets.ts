import type { FlagWord } from '../semantics/flags.js';

/** Sets of flag words as bits. */
export const WORD: Readonly<Record<FlagWord, number>> = { Z: 1, S: 2, C: 4, O: 8 };
export const ALL_WORDS = 15;
