/**
 * Comparisons and examination. SDM vol. 1, 8.3.6 "Comparison and Classification Instructions", tables 8-6 to 8-8 and
 * FXAM's in vol. 2.
 */
import type { Relation } from '../softfloat/comparison.js';
import { compare } from '../softfloat/comparison.js';
import { stopsComputation, x87Environment } from '../softfloat/float-environment.js';
import type { Unpacked } from '../softfloat/float-format.js';
import { float80, unpackedZero } from '../softfloat/float-format.js';
import type { OperandReader } from './x87-load-store.js';
import type { X87Execute } from './x87-instruction.js';
import { raise, setConditions, stackUnderflow, X87_DONE, X87_STORE_FLAGS } from './x87-instruction.js';
import type { X87State } from './x87-state.js';
import { SW_C0, SW_C1, SW_C2, SW_C3 } from './x87-state.js';

const CONDITIONS = SW_C0 | SW_C2 | SW_C3;
const CONDITION_OF: Record<Relation, number> = {
  greater: 0,
  less: SW_C0,
  equal: SW_C3,
  unordered: CONDITIONS,
};
/** ZF, PF, CF */
const FLAGS_OF: Record<Relation, number> = { greater: 0, less: 0x01, equal: 0x40, unordered: 0x45 };

export interface ComparisonOptions {
  readonly pops: 0 | 1 | 2;
  /** FUCOM and FUCOMI let quiet NaNs pass. */
  readonly signalQuiet: boolean;
}

function popTimes(state: X87State, pops: 0 | 1 | 2): void {
  for (let count = 0; count < pops; count++) state.pop();
}

interface Comparison {
  readonly relation: Relation;
  /** No unmasked exception: the stack is popped. */
  readonly completes: boolean;
}

/**
 * With an unmasked exception the processor reports the relation all the same, and only leaves the stack alone. (The SDM
 * says of invalid operands that condition codes are set only when it is masked.)
 */
function relationTo(state: X87State, available: boolean, other: () => Unpacked, signalQuiet: boolean): Comparison {
  if (!available) return { relation: 'unordered', completes: stackUnderflow(state) };
  const environment = x87Environment(state.control);
  const relation = compare(float80.unpack(state.read(0)), other(), signalQuiet, environment);
  raise(state, environment.flags);
  return { relation, completes: !stopsComputation(environment) };
}

function compareToConditions(
  available: (state: X87State) => boolean,
  other: (state: X87State) => Unpacked,
  { pops, signalQuiet }: ComparisonOptions,
): X87Execute {
  return (state) => {
    const { relation, completes } = relationTo(state, available(state), () => other(state), signalQuiet);
    setConditions(state, CONDITIONS | SW_C1, CONDITION_OF[relation]);
    if (completes) popTimes(state, pops);
    return X87_DONE;
  };
}

/** FCOM, FCOMP, FCOMPP, FUCOM, FUCOMP, FUCOMPP with a register. */
export function fcomRegister(i: number, options: ComparisonOptions): X87Execute {
  return compareToConditions(
    (state) => !state.isEmpty(0) && !state.isEmpty(i),
    (state) => float80.unpack(state.read(i)),
    options,
  );
}

/** FCOM, FCOMP, FICOM, FICOMP with memory. */
export function fcomMemory(read: OperandReader, options: ComparisonOptions): X87Execute {
  return compareToConditions(
    (state) => !state.isEmpty(0),
    (state) => read(state.operand),
    options,
  );
}

export const ftst: X87Execute = compareToConditions(
  (state) => !state.isEmpty(0),
  () => unpackedZero(0),
  { pops: 0, signalQuiet: true },
);

/** FCOMI, FCOMIP, FUCOMI, FUCOMIP. C1 stays, but for stack underflow. */
export function fcomi(i: number, { pops, signalQuiet }: ComparisonOptions): X87Execute {
  return (state) => {
    const available = !state.isEmpty(0) && !state.isEmpty(i);
    const { relation, completes } = relationTo(state, available, () => float80.unpack(state.read(i)), signalQuiet);
    state.operand.setUint8(0, FLAGS_OF[relation]);
    if (completes) popTimes(state, pops);
    return X87_STORE_FLAGS;
  };
}

/** Class in C3, C2, C0; the sign in C1, of an empty register too. */
export const fxam: X87Execute = (state) => {
  const bits = state.read(0);
  const sign = bits.signExponent & 0x8000 ? SW_C1 : 0;
  setConditions(state, CONDITIONS | SW_C1, sign | (state.isEmpty(0) ? SW_C3 | SW_C0 : classOf(float80.unpack(bits))));
  return X87_DONE;
};

function classOf({ kind, denormal }: Unpacked): number {
  switch (kind) {
    case 'unsupported':
      return 0;
    case 'quiet':
    case 'signaling':
      return SW_C0;
    case 'infinity':
      return SW_C2 | SW_C0;
    case 'zero':
      return SW_C3;
    case 'finite':
      return denormal ? SW_C3 | SW_C2 : SW_C2;
  }
}
