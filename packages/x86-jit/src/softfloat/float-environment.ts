/**
 * What an operation needs to know besides its operands, and what it reports besides its result. SDM vol. 1, 4.9
 * "Overview of Floating-Point Exceptions", 8.1.5 "x87 FPU Control Word" and 10.2.3 "MXCSR". The exception flags stand
 * in the same order in the x87 status word, the x87 control word's masks, and both halves of MXCSR, so one set of bits
 * serves all.
 */

export const IE = 0x01; // invalid operation
export const DE = 0x02; // denormal operand
export const ZE = 0x04; // division by zero
export const OE = 0x08; // overflow
export const UE = 0x10; // underflow
export const PE = 0x20; // precision (inexact)
export const ALL_EXCEPTIONS = 0x3f;

/**
 * Found before an operation computes anything; an unmasked one keeps the operation from happening. SDM vol. 1, 4.9.2.
 */
export const PRE_COMPUTATION = IE | DE | ZE;

/** Rounding control, encoded as in the x87 control word and in MXCSR. SDM vol. 1, table 4-8. */
export type RoundingControl = 0 | 1 | 2 | 3;
export const RC_NEAREST = 0;
export const RC_DOWN = 1;
export const RC_UP = 2;
export const RC_ZERO = 3;

export interface FloatEnvironment {
  rounding: RoundingControl;
  /**
   * Significand bits of an f80 result (x87 precision control). f16, f32 and f64 results always have their format's own.
   */
  precision: 24 | 53 | 64;
  /** Set bits are masked exceptions. */
  masks: number;
  /**
   * Raised since the caller last cleared it. Callers clear it before an operation: an unmasked pre-computation
   * exception that stands here keeps the operation from raising overflow, underflow or inexact.
   */
  flags: number;
  /** Whether the last rounding increased the magnitude: x87's C1. */
  roundedUp: boolean;
  /** MXCSR.DAZ */
  denormalsAreZeros: boolean;
  /** MXCSR.FTZ; acts only while UE is masked. */
  flushToZero: boolean;
  /** Which operand's NaN becomes the result. SDM vol. 1, table 4-7. */
  nanRule: 'sse' | 'x87';
}

/** SDM vol. 1, table 8-2. 01B is reserved; processors treat it as the full precision. */
const PRECISION = [24, 64, 53, 64] as const;

/** @param controlWord x87 FPU control word */
export function x87Environment(controlWord: number): FloatEnvironment {
  return {
    rounding: ((controlWord >> 10) & 3) as RoundingControl,
    precision: PRECISION[(controlWord >> 8) & 3]!,
    masks: controlWord & ALL_EXCEPTIONS,
    flags: 0,
    roundedUp: false,
    denormalsAreZeros: false,
    flushToZero: false,
    nanRule: 'x87',
  };
}

export const MXCSR_DAZ = 0x0040;
export const MXCSR_FTZ = 0x8000;

/** @param mxcsr MXCSR; its flags are not taken over: the environment's begin clear */
export function sseEnvironment(mxcsr: number): FloatEnvironment {
  return {
    rounding: ((mxcsr >> 13) & 3) as RoundingControl,
    precision: 64,
    masks: (mxcsr >> 7) & ALL_EXCEPTIONS,
    flags: 0,
    roundedUp: false,
    denormalsAreZeros: (mxcsr & MXCSR_DAZ) !== 0,
    flushToZero: (mxcsr & MXCSR_FTZ) !== 0,
    nanRule: 'sse',
  };
}

/** Whether a pre-computation exception was raised that is not masked: there will be no result. */
export function stopsComputation(environment: FloatEnvironment): boolean {
  return (environment.flags & ~environment.masks & PRE_COMPUTATION) !== 0;
}
