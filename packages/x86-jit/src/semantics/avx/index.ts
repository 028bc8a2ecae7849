import type { Definitions } from '../definition.js';
import { defineFromSse } from './from-sse.js';
import { defineFused } from './fused.js';
import { defineAvxMove } from './move.js';
import { defineAvxPermute } from './permute.js';

/** AVX, AVX2, FMA and F16C but for what is TypeScript altogether (`cpu/avx-instructions.ts`). After the SSE definitions, which it uses. */
export function defineAvx(d: Definitions): void {
  defineFromSse(d);
  defineFused(d);
  defineAvxMove(d);
  defineAvxPermute(d);
}
