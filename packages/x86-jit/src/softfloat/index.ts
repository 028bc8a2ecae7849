export {
  add,
  divide,
  fusedMultiplyAdd,
  integerSquareRoot,
  multiply,
  negate,
  squareRoot,
  subtract,
  unpackOperand,
} from './arithmetic.js';
export { packBcd, unpackBcd } from './bcd.js';
export type { Relation } from './comparison.js';
export { compare } from './comparison.js';
export type { ConversionOptions, IntegerOptions, RoundToIntegralOptions } from './conversion.js';
export { convert, fromInteger, roundToIntegral, toInteger } from './conversion.js';
export type { FloatEnvironment, RoundingControl } from './float-environment.js';
export {
  ALL_EXCEPTIONS,
  DE,
  IE,
  MXCSR_DAZ,
  MXCSR_FTZ,
  OE,
  PE,
  RC_DOWN,
  RC_NEAREST,
  RC_UP,
  RC_ZERO,
  sseEnvironment,
  UE,
  x87Environment,
  ZE,
} from './float-environment.js';
export type { Float80, FloatFormat, FloatKind, Unpacked } from './float-format.js';
export { float16, float32, float64, float80, unpackInteger } from './float-format.js';
export type { RemainderStep } from './remainder.js';
export { remainderStep } from './remainder.js';
export type { SseOperationName, SseOptions, SseResult } from './sse-operation.js';
export { isSseOperationName, sseOperation } from './sse-operation.js';
