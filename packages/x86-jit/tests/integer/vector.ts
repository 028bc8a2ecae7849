import { interesting, type Mode, PAGE, REGIONS } from './layout.js';
import { Random } from './random.js';

/** An instruction and all it starts from. What `seed` doesn't say stands in lists, so that a case is a few dozen bytes. */
export interface Case {
  readonly mode: Mode;
  /** Number of the set in `SEGMENT_SETS[mode]`. */
  readonly segments: number;
  readonly code: Uint8Array;
  /** Linear address of the instruction. */
  readonly at: bigint;
  /** Gives the registers that `registers` doesn't name. */
  readonly seed: number;
  readonly registers: ReadonlyMap<number, bigint>;
  /** Arithmetic flags and DF. */
  readonly flags: number;
  readonly memory: readonly MemoryWrite[];
  /** A repeated string instruction: goes on until it is left. */
  readonly repeats: boolean;
  /** Instructions in `code`, each of them executed: 1, but for sequences. */
  readonly steps: number;
  /** Instructions that run with it because it holds off traps (MOV SS): 0 or 1. */
  readonly follow: number;
}

export interface MemoryWrite {
  readonly at: bigint;
  readonly value: bigint;
  /** Bytes, 1 to 8. */
  readonly size: number;
}

export interface Outcome {
  /** -1: none, else the exception's vector. */
  readonly vector: number;
  readonly errorCode: number;
  readonly cr2: bigint;
  /** Iterations that were completed, for a repeated instruction; else 1 without and 0 with an exception. */
  readonly completed: number;
  /** Instruction pointer (not linear). */
  readonly ip: bigint;
  readonly flags: number;
  readonly registers: BigUint64Array;
  /** CS SS DS ES FS GS */
  readonly selectors: Uint16Array;
  readonly fsBase: bigint;
  readonly gsBase: bigint;
  /** Every aligned 8 bytes that changed. */
  readonly changes: readonly { readonly at: bigint; readonly value: bigint }[];
}

export interface Vector {
  readonly input: Case;
  readonly outcome: Outcome;
}

export function startRegisters(input: Pick<Case, 'mode' | 'seed' | 'registers'>): BigUint64Array {
  const random = new Random(input.seed, 1);
  const registers = new BigUint64Array(16);
  for (let k = 0; k < 16; k++) {
    const value = k > 0 && random.oneIn(10) ? registers[random.below(k)]! : interesting(random);
    registers[k] = input.mode === 64 || k >= 8 ? value : value & 0xffffffffn;
  }
  for (const [register, value] of input.registers) registers[register] = value;
  return registers;
}

/** Index of the region and offset in it, or undefined where nothing is mapped. */
export function locate(address: bigint): { region: number; offset: number } | undefined {
  for (let region = 0; region < REGIONS.length; region++) {
    const { base, pages } = REGIONS[region]!;
    if (address >= base && address < base + BigInt(pages * PAGE)) return { region, offset: Number(address - base) };
  }
  return undefined;
}
