/**
 * A recording of a processor's results. Inputs come from the seed, so results are all it holds: those of the first cases of a variant
 * whole, those of the rest as 16-bit checksums.
 */
import { casesOf, hash, State, type Case } from './cases.js';
import { comparable } from './comparison.js';
import type { NativeProcessor, Outcome } from './native.js';
import { sseVariants, type Variant } from './variants.js';

const WHOLE = 8;

/** What is recorded: variants, their cases, and what of an outcome counts, `stateSize` bytes and the one that says whether it trapped. */
export interface Suite {
  readonly magic: string;
  readonly stateSize: number;
  readonly variants: () => Variant[];
  readonly casesOf: (variant: Variant, seed: number) => Case[];
  readonly comparable: (variant: Variant, outcome: Outcome) => Uint8Array;
}
export const SSE_SUITE: Suite = { magic: 'pckit-sse-results 1', stateSize: State.size, variants: sseVariants, casesOf, comparable };

export interface Recording {
  readonly processor: string;
  readonly seed: number;
  readonly results: ReadonlyMap<string, VariantResults>;
}
export interface VariantResults {
  readonly cases: number;
  /** Of the inputs: says whether they are still generated as they were. */
  readonly inputs: number;
  readonly bytes: Uint8Array;
}

function inputsHash(cases: readonly Case[]): number {
  let value = 0x811c9dc5;
  for (const { code, state } of cases) value = hash(state, hash(code, value));
  return value;
}

function checksum(bytes: Uint8Array): number {
  const value = hash(bytes);
  return (value ^ (value >>> 16)) & 0xffff;
}

/** Differences from the input are what compresses. */
function difference(bytes: Uint8Array, { state }: Case): Uint8Array {
  return bytes.map((byte, k) => (k < state.length ? byte ^ state[k]! : byte));
}

export function record(processor: NativeProcessor, seed: number, suite = SSE_SUITE): Uint8Array {
  const lines: string[] = [];
  const parts: Uint8Array[] = [];
  for (const variant of suite.variants()) {
    const cases = suite.casesOf(variant, seed);
    const outcomes = processor.execute(cases).map((outcome) => suite.comparable(variant, outcome));
    lines.push(`${cases.length} ${inputsHash(cases)} ${variant.key}`);
    outcomes.slice(0, WHOLE).forEach((bytes, n) => parts.push(difference(bytes, cases[n]!)));
    parts.push(new Uint8Array(Uint16Array.from(outcomes.slice(WHOLE), checksum).buffer));
  }
  return new Uint8Array(Buffer.concat([Buffer.from(`${[suite.magic, processor.name, seed, ...lines].join('\n')}\n\n`, 'latin1'), ...parts]));
}

export function read(bytes: Uint8Array, suite = SSE_SUITE): Recording {
  const end = bytes.findIndex((byte, at) => byte === 10 && bytes[at + 1] === 10);
  const [magic, processor = '', seed, ...lines] = new TextDecoder('latin1').decode(bytes.subarray(0, end)).split('\n');
  if (magic !== suite.magic) throw new Error(`not ${suite.magic}: ${magic}`);
  const results = new Map<string, VariantResults>();
  let at = end + 2;
  for (const line of lines) {
    const [, count, inputs, key] = /^(\d+) (\d+) (.*)$/.exec(line)!;
    const cases = Number(count);
    const length = WHOLE * (suite.stateSize + 1) + 2 * (cases - WHOLE);
    results.set(key!, { cases, inputs: Number(inputs), bytes: bytes.subarray(at, at + length) });
    at += length;
  }
  return { processor, seed: Number(seed), results };
}

/** Whether the cases are those of the recording. */
export function sameInputs(cases: readonly Case[], { cases: count, inputs }: VariantResults): boolean {
  return cases.length === count && inputsHash(cases) === inputs;
}

/** @returns what the processor gave where the recording has it whole; else whether the checksum is that of `ours` */
export function recorded(results: VariantResults, n: number, one: Case, ours: Uint8Array): { readonly agrees: boolean; readonly whole: Uint8Array | undefined } {
  const size = ours.length;
  if (n < WHOLE) {
    const whole = difference(results.bytes.subarray(n * size, (n + 1) * size), one);
    return { agrees: Buffer.compare(whole, ours) === 0, whole };
  }
  const at = WHOLE * size + 2 * (n - WHOLE);
  return { agrees: (results.bytes[at]! | (results.bytes[at + 1]! << 8)) === checksum(ours), whole: undefined };
}

export type { Variant };
