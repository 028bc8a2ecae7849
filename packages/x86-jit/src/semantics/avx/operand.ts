import type { V128 } from '../../emit/emitter.js';
import type { Context } from '../context.js';
import { zero } from '../sse/operand.js';

// What the AVX definitions share.

/** Runs one of two, or emits both where the vector length is not known before the instruction executes. */
export function ifWide(x: Context, then: () => void, otherwise?: () => void): void {
  const wide = x.wide();
  if (!wide.isConstant) x.e.if(wide, then, otherwise);
  else if (wide.low) then();
  else otherwise?.();
}

/** The upper half of a result: zero for 128-bit instructions. */
export function vectorIfWide(x: Context, compute: () => V128): V128 {
  const wide = x.wide();
  if (wide.isConstant) return wide.low ? compute() : zero(x.e);
  const high = x.e.variable(zero(x.e));
  x.e.if(wide, () => high.set(compute()));
  return high.get();
}

/** Writes vector register operand 0: VEX instructions clear what is above their result. */
export function setVector(x: Context, low: V128, high: V128 = zero(x.e)): void {
  x.setYmmOperand(0, 0, low);
  x.setYmmOperand(0, 1, high);
}
