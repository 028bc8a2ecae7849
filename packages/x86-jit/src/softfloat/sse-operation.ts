/**
 * SSE, SSE2, SSE3, SSE4.1, FMA and F16C floating-point instructions on whole registers: the slow path, taken where the
 * rounding is not to nearest, a flag might be raised, or an exception is unmasked. SDM vol. 1, 11.5.3 "Handling SIMD
 * Floating-Point Exceptions", and vol. 2.
 */
import type { FloatEnvironment } from './float-environment.js';
import { PRE_COMPUTATION, sseEnvironment } from './float-environment.js';
import type { BinaryLane, LaneFormat } from './sse-lanes.js';
import {
  addLane,
  approximateLane,
  comparePredicateLane,
  compareToFlagsLane,
  convertFromHalfLane,
  convertLane,
  convertToHalfLane,
  divideLane,
  double,
  fromIntegerLane,
  fusedLane,
  maximumLane,
  minimumLane,
  multiplyLane,
  roundLane,
  single,
  squareRootLane,
  subtractLane,
  toIntegerLane,
} from './sse-lanes.js';

export interface SseResult {
  /**
   * Of the destination's width; meaningless when `flags` has an exception that MXCSR does not mask: nothing is written
   * then (#XM).
   */
  readonly result: bigint;
  /** Newly raised, to be ORed into MXCSR (bits 0 to 5). */
  readonly flags: number;
}

export interface SseOptions {
  readonly immediate?: number;
  /** The third operand of FMA instructions (xmm3/m128); `a` is the destination, `b` the second. */
  readonly c?: bigint;
  /** Register width of a VEX form. */
  readonly width?: 128 | 256;
}

/** One whole instruction. `step` runs the lanes of one stage of it with fresh flags. */
interface SseContext {
  readonly a: bigint;
  readonly b: bigint;
  readonly c: bigint;
  readonly immediate: number;
  readonly width: number;
  readonly environment: FloatEnvironment;
}

type SseExecute = (context: SseContext) => bigint;

function lane(vector: bigint, bits: number, index: number): bigint {
  return BigInt.asUintN(bits, vector >> BigInt(bits * index));
}

function replaceLow(vector: bigint, bits: number, value: bigint): bigint {
  return ((vector >> BigInt(bits)) << BigInt(bits)) | value;
}

/**
 * Computes `count` lanes. Pre-computation exceptions of all lanes come before any lane's result: when one of them is
 * unmasked, the others' overflow, underflow and inexact are not reported.
 */
function lanes(
  count: number,
  bits: number,
  environment: FloatEnvironment,
  compute: (index: number, environment: FloatEnvironment) => bigint,
): bigint {
  let result = 0n;
  let flags = 0;
  for (let index = 0; index < count; index++) {
    const own: FloatEnvironment = { ...environment, flags: 0 };
    result |= compute(index, own) << BigInt(bits * index);
    flags |= own.flags;
  }
  if ((flags & ~environment.masks & PRE_COMPUTATION) !== 0) flags &= PRE_COMPUTATION;
  environment.flags |= flags;
  return result;
}

function packed(format: LaneFormat, compute: BinaryLane): SseExecute {
  return ({ a, b, width, environment }) =>
    lanes(width / format.bits, format.bits, environment, (index, own) =>
      compute(format, lane(a, format.bits, index), lane(b, format.bits, index), own),
    );
}

function scalar(format: LaneFormat, compute: BinaryLane): SseExecute {
  return ({ a, b, environment }) =>
    replaceLow(a, format.bits, compute(format, lane(a, format.bits, 0), lane(b, format.bits, 0), environment));
}

/** The four forms of an instruction with two operands. */
function binary<Name extends string>(name: Name, compute: BinaryLane) {
  return {
    [`${name}ps`]: packed(single, compute),
    [`${name}pd`]: packed(double, compute),
    [`${name}ss`]: scalar(single, compute),
    [`${name}sd`]: scalar(double, compute),
  } as Record<`${Name}${'ps' | 'pd' | 'ss' | 'sd'}`, SseExecute>;
}

/** HADDPS: neighbours within each 128 bits, the first operand's sums below the second's. */
function horizontal(format: LaneFormat, compute: BinaryLane): SseExecute {
  const perBlock = 128 / format.bits;
  return ({ a, b, width, environment }) =>
    lanes(width / format.bits, format.bits, environment, (index, own) => {
      const block = index - (index % perBlock);
      const pair = (index % perBlock) * 2;
      const source = pair < perBlock ? a : b;
      const left = block + (pair % perBlock);
      return compute(format, lane(source, format.bits, left), lane(source, format.bits, left + 1), own);
    });
}

function addSubtract(format: LaneFormat): SseExecute {
  return ({ a, b, width, environment }) =>
    lanes(width / format.bits, format.bits, environment, (index, own) =>
      (index & 1 ? addLane : subtractLane)(format, lane(a, format.bits, index), lane(b, format.bits, index), own),
    );
}

/**
 * DPPS: products of the lanes that imm8[7:4] chooses, summed pairwise, (0 + 1) + (2 + 3), each step rounded; imm8[3:0]
 * says where to. Both halves of a YMM register take a step together: what it raises in either counts.
 */
function dotProduct(format: LaneFormat): SseExecute {
  const count = 128 / format.bits;
  return ({ a, b, immediate, width, environment }) => {
    let terms = lanes(width / format.bits, format.bits, environment, (index, own) =>
      (immediate >> (4 + (index % count))) & 1
        ? multiplyLane(format, lane(a, format.bits, index), lane(b, format.bits, index), own)
        : 0n,
    );
    let left = width / format.bits;
    for (let inBlock = count; inBlock > 1; inBlock /= 2) {
      if ((environment.flags & ~environment.masks) !== 0) return 0n;
      const previous = terms;
      left /= 2;
      terms = lanes(left, format.bits, environment, (index, own) =>
        addLane(format, lane(previous, format.bits, 2 * index), lane(previous, format.bits, 2 * index + 1), own),
      );
    }
    let result = 0n;
    for (let index = 0; index < width / format.bits; index++) {
      const sum = lane(terms, format.bits, Math.floor(index / count));
      if ((immediate >> (index % count)) & 1) result |= sum << BigInt(format.bits * index);
    }
    return result;
  };
}

/** @param predicates how many values the immediate takes: 8 in the legacy forms, 32 in the VEX ones */
function compareForms(format: LaneFormat, predicates: number): { packed: SseExecute; scalar: SseExecute } {
  const compute =
    (immediate: number): BinaryLane =>
    (_format, a, b, environment) =>
      comparePredicateLane(format, a, b, immediate & (predicates - 1), environment);
  return {
    packed: (context) => packed(format, compute(context.immediate))(context),
    scalar: (context) => scalar(format, compute(context.immediate))(context),
  };
}

function compareToFlags(format: LaneFormat, signalQuiet: boolean): SseExecute {
  return ({ a, b, environment }) =>
    compareToFlagsLane(format, lane(a, format.bits, 0), lane(b, format.bits, 0), signalQuiet, environment);
}

function roundForms(format: LaneFormat): { packed: SseExecute; scalar: SseExecute } {
  const compute =
    (immediate: number): BinaryLane =>
    (_format, _a, b, environment) =>
      roundLane(format, b, immediate, environment);
  return {
    packed: (context) => packed(format, compute(context.immediate))(context),
    scalar: (context) => scalar(format, compute(context.immediate))(context),
  };
}

/** Lanes of one width to lanes of another; as many as the wider fit into the register. */
function convertLanes(
  fromBits: number,
  toBits: number,
  compute: (b: bigint, environment: FloatEnvironment, immediate: number) => bigint,
): SseExecute {
  return ({ b, width, immediate, environment }) =>
    lanes(width / Math.max(fromBits, toBits), toBits, environment, (index, own) =>
      compute(lane(b, fromBits, index), own, immediate),
    );
}

/** Two lanes, whatever the width: to and from MMX registers. */
function convertTwo(
  fromBits: number,
  toBits: number,
  compute: (b: bigint, environment: FloatEnvironment) => bigint,
): SseExecute {
  return ({ b, environment }) => lanes(2, toBits, environment, (index, own) => compute(lane(b, fromBits, index), own));
}

function integerToScalar(target: LaneFormat, bits: 32 | 64): SseExecute {
  return ({ a, b, environment }) =>
    replaceLow(a, target.bits, fromIntegerLane(target, bits, lane(b, bits, 0), environment));
}

function scalarToInteger(source: LaneFormat, bits: 32 | 64, truncate: boolean): SseExecute {
  return ({ b, environment }) => toIntegerLane(source, bits, truncate, lane(b, source.bits, 0), environment);
}

type FusedOrder = '132' | '213' | '231';

/** Which operands are multiplied and which is added, as the mnemonic's digits say. */
const FUSED_OPERANDS: Record<FusedOrder, (a: bigint, b: bigint, c: bigint) => readonly [bigint, bigint, bigint]> = {
  '132': (a, b, c) => [a, c, b],
  '213': (a, b, c) => [b, a, c],
  '231': (a, b, c) => [b, c, a],
};

function fused(
  format: LaneFormat,
  order: FusedOrder,
  isScalar: boolean,
  negateProduct: boolean,
  negateAddend: (index: number) => boolean,
): SseExecute {
  return ({ a, b, c, width, environment }) => {
    const compute = (index: number, own: FloatEnvironment): bigint => {
      const [x, y, z] = FUSED_OPERANDS[order](
        lane(a, format.bits, index),
        lane(b, format.bits, index),
        lane(c, format.bits, index),
      );
      return fusedLane(format, x, y, z, negateProduct, negateAddend(index), own);
    };
    return isScalar
      ? replaceLow(a, format.bits, compute(0, environment))
      : lanes(width / format.bits, format.bits, environment, compute);
  };
}

const FUSED_KINDS: readonly (readonly [string, boolean, (index: number) => boolean])[] = [
  ['vfmadd', false, () => false],
  ['vfmsub', false, () => true],
  ['vfnmadd', true, () => false],
  ['vfnmsub', true, () => true],
];
const FUSED_ALTERNATING: readonly (readonly [string, (index: number) => boolean])[] = [
  ['vfmaddsub', (index) => (index & 1) === 0],
  ['vfmsubadd', (index) => (index & 1) === 1],
];

function fusedForms(): Record<string, SseExecute> {
  const forms: Record<string, SseExecute> = {};
  for (const order of ['132', '213', '231'] as const) {
    for (const [name, negateProduct, negateAddend] of FUSED_KINDS) {
      forms[`${name}${order}ps`] = fused(single, order, false, negateProduct, negateAddend);
      forms[`${name}${order}pd`] = fused(double, order, false, negateProduct, negateAddend);
      forms[`${name}${order}ss`] = fused(single, order, true, negateProduct, negateAddend);
      forms[`${name}${order}sd`] = fused(double, order, true, negateProduct, negateAddend);
    }
    for (const [name, negateAddend] of FUSED_ALTERNATING) {
      forms[`${name}${order}ps`] = fused(single, order, false, false, negateAddend);
      forms[`${name}${order}pd`] = fused(double, order, false, false, negateAddend);
    }
  }
  return forms;
}

const reciprocal: BinaryLane = (_format, _a, b) => approximateLane('reciprocal', b);
const reciprocalSquareRoot: BinaryLane = (_format, _a, b) => approximateLane('reciprocalSquareRoot', b);

const singleToInt32 = (truncate: boolean) => (b: bigint, environment: FloatEnvironment) =>
  toIntegerLane(single, 32, truncate, b, environment);
const doubleToInt32 = (truncate: boolean) => (b: bigint, environment: FloatEnvironment) =>
  toIntegerLane(double, 32, truncate, b, environment);
const int32ToSingle = (b: bigint, environment: FloatEnvironment): bigint => fromIntegerLane(single, 32, b, environment);
const int32ToDouble = (b: bigint, environment: FloatEnvironment): bigint => fromIntegerLane(double, 32, b, environment);

const OPERATIONS = {
  ...binary('add', addLane),
  ...binary('sub', subtractLane),
  ...binary('mul', multiplyLane),
  ...binary('div', divideLane),
  ...binary('sqrt', squareRootLane),
  ...binary('min', minimumLane),
  ...binary('max', maximumLane),
  cmpps: compareForms(single, 8).packed,
  cmppd: compareForms(double, 8).packed,
  cmpss: compareForms(single, 8).scalar,
  cmpsd: compareForms(double, 8).scalar,
  vcmpps: compareForms(single, 32).packed,
  vcmppd: compareForms(double, 32).packed,
  vcmpss: compareForms(single, 32).scalar,
  vcmpsd: compareForms(double, 32).scalar,
  comiss: compareToFlags(single, true),
  comisd: compareToFlags(double, true),
  ucomiss: compareToFlags(single, false),
  ucomisd: compareToFlags(double, false),
  haddps: horizontal(single, addLane),
  haddpd: horizontal(double, addLane),
  hsubps: horizontal(single, subtractLane),
  hsubpd: horizontal(double, subtractLane),
  addsubps: addSubtract(single),
  addsubpd: addSubtract(double),
  dpps: dotProduct(single),
  dppd: dotProduct(double),
  roundps: roundForms(single).packed,
  roundpd: roundForms(double).packed,
  roundss: roundForms(single).scalar,
  roundsd: roundForms(double).scalar,
  cvtss2sd: ({ a, b, environment }) => replaceLow(a, 64, convertLane(double, single, lane(b, 32, 0), environment)),
  cvtsd2ss: ({ a, b, environment }) => replaceLow(a, 32, convertLane(single, double, lane(b, 64, 0), environment)),
  cvtps2pd: convertLanes(32, 64, (b, environment) => convertLane(double, single, b, environment)),
  cvtpd2ps: convertLanes(64, 32, (b, environment) => convertLane(single, double, b, environment)),
  cvtdq2ps: convertLanes(32, 32, int32ToSingle),
  cvtdq2pd: convertLanes(32, 64, int32ToDouble),
  cvtps2dq: convertLanes(32, 32, singleToInt32(false)),
  cvttps2dq: convertLanes(32, 32, singleToInt32(true)),
  cvtpd2dq: convertLanes(64, 32, doubleToInt32(false)),
  cvttpd2dq: convertLanes(64, 32, doubleToInt32(true)),
  /** The integer comes as `b`, zero- or sign-extended as one likes. */
  cvtsi2ss32: integerToScalar(single, 32),
  cvtsi2sd32: integerToScalar(double, 32),
  cvtsi2ss64: integerToScalar(single, 64),
  cvtsi2sd64: integerToScalar(double, 64),
  /** The result is the general register's 32 or 64 bits. */
  cvtss2si32: scalarToInteger(single, 32, false),
  cvttss2si32: scalarToInteger(single, 32, true),
  cvtsd2si32: scalarToInteger(double, 32, false),
  cvttsd2si32: scalarToInteger(double, 32, true),
  cvtss2si64: scalarToInteger(single, 64, false),
  cvttss2si64: scalarToInteger(single, 64, true),
  cvtsd2si64: scalarToInteger(double, 64, false),
  cvttsd2si64: scalarToInteger(double, 64, true),
  /** MMX operands and results are 64 bits. */
  cvtpi2ps: ({ a, b, environment }) =>
    replaceLow(
      a,
      64,
      lanes(2, 32, environment, (index, own) => int32ToSingle(lane(b, 32, index), own)),
    ),
  cvtpi2pd: convertTwo(32, 64, int32ToDouble),
  cvtps2pi: convertTwo(32, 32, singleToInt32(false)),
  cvttps2pi: convertTwo(32, 32, singleToInt32(true)),
  cvtpd2pi: convertTwo(64, 32, doubleToInt32(false)),
  cvttpd2pi: convertTwo(64, 32, doubleToInt32(true)),
  rcpps: packed(single, reciprocal),
  rcpss: scalar(single, reciprocal),
  rsqrtps: packed(single, reciprocalSquareRoot),
  rsqrtss: scalar(single, reciprocalSquareRoot),
  /** `b` holds as many halves as the result has lanes. */
  vcvtph2ps: ({ b, width, environment }) =>
    lanes(width / 32, 32, environment, (index, own) => convertFromHalfLane(lane(b, 16, index), own)),
  vcvtps2ph: ({ b, width, immediate, environment }) =>
    lanes(width / 32, 16, environment, (index, own) => convertToHalfLane(lane(b, 32, index), immediate, own)),
} satisfies Record<string, SseExecute>;

type FusedName =
  | `vf${'' | 'n'}m${'add' | 'sub'}${FusedOrder}${'ps' | 'pd' | 'ss' | 'sd'}`
  | `vfm${'addsub' | 'subadd'}${FusedOrder}${'ps' | 'pd'}`;

export type SseOperationName = keyof typeof OPERATIONS | FusedName;

const ALL_OPERATIONS: ReadonlyMap<string, SseExecute> = new Map(Object.entries({ ...OPERATIONS, ...fusedForms() }));

export function isSseOperationName(name: string): name is SseOperationName {
  return ALL_OPERATIONS.has(name);
}

/**
 * @param name the instruction; conversions with general registers carry the integer's width (`cvtsd2si64`)
 * @param a the destination, or a VEX form's first source: scalar forms take their upper bits from it
 * @param b the last source
 */
export function sseOperation(
  name: SseOperationName,
  a: bigint,
  b: bigint,
  mxcsr: number,
  { immediate = 0, c = 0n, width = 128 }: SseOptions = {},
): SseResult {
  const execute = ALL_OPERATIONS.get(name);
  if (execute === undefined) throw new RangeError(`sseOperation: no instruction named ${name}`);
  const environment = sseEnvironment(mxcsr);
  const result = execute({ a, b, c, immediate, width, environment });
  return { result: BigInt.asUintN(256, result), flags: environment.flags };
}
