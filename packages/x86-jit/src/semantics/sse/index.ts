import type { Definitions } from '../definition.js';
import { defineAes } from './aes.js';
import { defineCarryLess } from './carry-less.js';
import { defineFloatArithmetic } from './float-arithmetic.js';
import { defineFloatCompare } from './float-compare.js';
import { defineFloatConvert } from './float-convert.js';
import { defineSseMove } from './move.js';
import { definePackedInteger } from './packed-integer.js';
import { defineSseShift } from './shift.js';
import { defineSseShuffle } from './shuffle.js';
import { defineSse41 } from './sse41.js';
import { defineStringComparison } from './string-comparison.js';

/** SSE to SSE4.2, AES and PCLMULQDQ on XMM registers, but for what is TypeScript altogether (`cpu/sse-instructions.ts`). */
export function defineSse(d: Definitions): void {
  defineSseMove(d);
  definePackedInteger(d);
  defineSseShift(d);
  defineSseShuffle(d);
  defineSse41(d);
  defineFloatArithmetic(d);
  defineFloatCompare(d);
  defineFloatConvert(d);
  defineCarryLess(d);
  defineAes(d);
  defineStringComparison(d);
}
