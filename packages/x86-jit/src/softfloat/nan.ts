/** Which NaN comes out. SDM vol. 1, table 4-7 "Rules for handling NaNs", and 4.8.3.5 "Operating on SNaNs and QNaNs". */
import type { FloatEnvironment } from './float-environment.js';
import { IE } from './float-environment.js';
import type { FloatFormat, Unpacked } from './float-format.js';
import { QUIET_BIT } from './float-format.js';

export function isNan(value: Unpacked): boolean {
  return value.kind === 'quiet' || value.kind === 'signaling';
}

/** A NaN, or an f80 encoding that no arithmetic accepts. */
export function isNotANumber(value: Unpacked): boolean {
  return value.kind === 'quiet' || value.kind === 'signaling' || value.kind === 'unsupported';
}

/** An operation without a meaning, such as 0/0. */
export function invalid<Bits>(format: FloatFormat<Bits>, environment: FloatEnvironment): Bits {
  environment.flags |= IE;
  environment.roundedUp = false;
  return format.indefinite;
}

function quieted<Bits>(format: FloatFormat<Bits>, value: Unpacked): Bits {
  return format.nan(value.sign, value.significand | QUIET_BIT);
}

/** The result of an operation of which at least one operand `isNotANumber`. */
export function propagateNan<Bits>(
  format: FloatFormat<Bits>,
  operands: readonly Unpacked[],
  environment: FloatEnvironment,
): Bits {
  environment.roundedUp = false;
  if (operands.some(({ kind }) => kind === 'unsupported')) return invalid(format, environment);
  if (operands.some(({ kind }) => kind === 'signaling')) environment.flags |= IE;
  const nans = operands.filter(isNan);
  if (environment.nanRule === 'sse' || nans.length === 1) return quieted(format, nans[0]!);
  return quieted(format, x87Choice(nans[0]!, nans[1]!));
}

/** x87: a quiet NaN before a signaling one, else the larger significand, else the positive one. */
function x87Choice(a: Unpacked, b: Unpacked): Unpacked {
  if (a.kind !== b.kind) return a.kind === 'quiet' ? a : b;
  if (a.significand !== b.significand) return a.significand > b.significand ? a : b;
  return a.sign === 0 ? a : b;
}
