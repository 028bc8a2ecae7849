import { avxThreeByte } from './avx-three-byte.js';
import { avx } from './avx.js';
import { mmxSse } from './mmx-sse.js';
import { oneByte } from './one-byte.js';
import { sseThreeByte } from './sse-three-byte.js';
import { twoByte } from './two-byte.js';
import { x87 } from './x87.js';

/** The whole table. The order of lines numbers the forms, and decides nothing else. */
export const tableText: readonly string[] = [oneByte, twoByte, x87, mmxSse, sseThreeByte, avx, avxThreeByte];
