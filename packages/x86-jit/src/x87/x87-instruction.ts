/**
 * What the parts of the x87 unit have in common: how an instruction is described, run, and how its exceptions take
 * effect.
 */
import type { FloatEnvironment } from '../softfloat/float-environment.js';
import { IE, OE, PE, stopsComputation, UE, x87Environment } from '../softfloat/float-environment.js';
import type { Float80 } from '../softfloat/float-format.js';
import { float80 } from '../softfloat/float-format.js';
import type { X87State } from './x87-state.js';
import { SW_C1, SW_SF } from './x87-state.js';

/** What an instruction did and what its caller has to do. */
export type X87Outcome = 0 | 1 | 2 | 3 | 4 | 5;
/** Nothing is left to do. */
export const X87_DONE = 0;
/** The operand holds bytes to be stored to memory. Without this outcome a store instruction stores nothing. */
export const X87_STORE = 1;
/** The operand's first 16 bits go to AX. */
export const X87_STORE_AX = 2;
/** The operand's first byte holds ZF, PF and CF as in EFLAGS; OF, SF and AF are cleared. */
export const X87_STORE_FLAGS = 3;
/** Nothing was executed: an unmasked exception is pending. #MF with CR0.NE, else FERR# (IRQ 13). */
export const X87_PENDING = 4;
/** #UD. */
export const X87_UNDEFINED = 5;

/** What an instruction needs from outside the FPU. A caller keeps one and changes its fields. */
export interface X87Context {
  /** For FCMOVcc. */
  eflags: number;
  /** Of the instruction, prefixes included: what FIP and FCS become. */
  instructionPointer: bigint;
  codeSelector: number;
  /** Of the memory operand, if there is one: what FDP and FDS become. */
  dataPointer: bigint;
  dataSelector: number;
  /** Operand size 16: environments are 14 bytes, states 94. */
  operandSize16: boolean;
  /** Real-address or virtual-8086 mode: environments hold linear addresses instead of selectors. */
  realAddressMode: boolean;
}

export type X87Execute = (state: X87State, context: X87Context) => X87Outcome;

/** Raises exceptions; ES follows. */
export function raise(state: X87State, flags: number): void {
  state.statusFlags |= flags;
}

export function setConditions(state: X87State, mask: number, bits: number): void {
  state.statusFlags = (state.statusFlags & ~mask) | bits;
}

/**
 * Reports an operation's flags and its C1.
 *
 * @returns whether its result may be written: no unmasked exception kept it from being computed
 */
export function report(state: X87State, environment: FloatEnvironment): boolean {
  raise(state, environment.flags);
  setConditions(state, SW_C1, environment.roundedUp ? SW_C1 : 0);
  return !stopsComputation(environment);
}

/**
 * As `report`, for results that go to memory: unmasked overflow and underflow store nothing. SDM vol. 1, 8.5.4 and
 * 8.5.5.
 */
export function reportStore(state: X87State, environment: FloatEnvironment): boolean {
  const nothingStored = (environment.flags & ~environment.masks & (OE | UE)) !== 0;
  if (nothingStored) {
    // No result, so none that could be inexact or rounded up.
    environment.flags &= ~PE;
    environment.roundedUp = false;
  }
  return report(state, environment) && !nothingStored;
}

/** An empty source register. SDM vol. 1, 8.5.1.1. @returns whether the masked response (indefinite) follows */
export function stackUnderflow(state: X87State): boolean {
  raise(state, IE | SW_SF);
  setConditions(state, SW_C1, 0);
  return (state.control & IE) !== 0;
}

/** A push onto a register that is not empty. @returns as `stackUnderflow` */
export function stackOverflow(state: X87State): boolean {
  raise(state, IE | SW_SF);
  setConditions(state, SW_C1, SW_C1);
  return (state.control & IE) !== 0;
}

/** Whether a push would overflow. */
export function pushOverflows(state: X87State): boolean {
  return !state.isEmpty(7);
}

export function push(state: X87State, value: Float80): void {
  state.top = state.top - 1;
  state.write(0, value);
}

/** Pushes what `value` makes, or responds to stack overflow. */
export function pushResult(state: X87State, value: (environment: FloatEnvironment) => Float80): X87Outcome {
  if (pushOverflows(state)) {
    if (stackOverflow(state)) push(state, float80.indefinite);
    return X87_DONE;
  }
  const environment = x87Environment(state.control);
  const result = value(environment);
  if (report(state, environment)) push(state, result);
  return X87_DONE;
}
