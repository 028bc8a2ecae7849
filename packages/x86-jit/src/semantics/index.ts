import { defineAlu } from './alu.js';
import { defineAvx } from './avx/index.js';
import { defineBits } from './bits.js';
import { defineControl } from './control.js';
import { Definitions } from './definition.js';
import { defineInterruptReturn } from './interrupt-return.js';
import { defineMove } from './move.js';
import { defineMulDiv } from './muldiv.js';
import { defineShift } from './shift.js';
import { defineSse } from './sse/index.js';
import { defineStack } from './stack.js';
import { defineString } from './string.js';
import { defineSystem } from './system.js';
import { defineX87 } from './x87.js';

/** Every instruction that is made into WebAssembly. The order gives handlers their numbers. */
export function allDefinitions(): Definitions {
  const d = new Definitions();
  defineMove(d);
  defineAlu(d);
  defineShift(d);
  defineMulDiv(d);
  defineBits(d);
  defineStack(d);
  defineControl(d);
  defineString(d);
  defineSystem(d);
  defineInterruptReturn(d);
  defineSse(d);
  defineAvx(d);
  defineX87(d);
  return d;
}
