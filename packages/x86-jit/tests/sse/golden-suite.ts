/** The tests that a `Suite` gets: its recording on any host, and fresh results with a new seed where they can be had. */
import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Random, type Case } from './cases.js';
import { read, recorded, sameInputs, type Suite } from './fixture.js';
import { withNativeProcessor, type NativeProgram, type Outcome } from './native.js';
import type { Variant } from './variants.js';

export interface GoldenOptions {
  readonly suite: Suite;
  readonly program: NativeProgram;
  /** `NAME/NAME-results.bin.br` under `golden/`. */
  readonly name: string;
  readonly emulator: () => { execute(one: Case): Outcome };
  readonly difference: (variant: Variant, one: Case, ours: Uint8Array, theirs: Uint8Array | undefined) => string;
  /** Letters of a mnemonic that make a family: a test. */
  readonly familyLetters: number;
  /** What of a comparable result may differ between kinds of processors, made equal: for a host of another kind than the recording's. */
  readonly unify?: (variant: Variant, bytes: Uint8Array) => Uint8Array;
  /** One variant in so many takes part in a fresh run, chosen by the seed; all do with PCKIT_GOLDEN_ALL=1. Default 1. */
  readonly freshShare?: number;
  /** Why this host can't record. */
  readonly reason: string | undefined;
  /** A missing tool, which may not be missing under PCKIT_REQUIRE_TOOLS. */
  readonly reasonIsTool: boolean;
}

const MOST_REPORTED = 5;
/** Variants whose cases the native program gets at once. */
const BATCH = 32;

function families(list: readonly Variant[], letters: number): Map<string, Variant[]> {
  const map = new Map<string, Variant[]>();
  for (const variant of list) {
    const family = variant.mnemonic.slice(0, letters);
    map.set(family, [...(map.get(family) ?? []), variant]);
  }
  return map;
}

export function describeGolden({ suite, program, name, emulator: makeEmulator, difference, familyLetters, unify = (_, bytes) => bytes, freshShare = 1, reason, reasonIsTool }: GoldenOptions): void {
  const variants = suite.variants();

  describe('recorded on a processor', () => {
    const fixture = new URL(`../../golden/${name}/${name}-results.bin.br`, import.meta.url);
    const recording = read(new Uint8Array(brotliDecompressSync(readFileSync(fixture))), suite);
    const emulator = makeEmulator();

    it('every variant is in the recording', () => {
      expect([...recording.results.keys()].sort()).toEqual(variants.map(({ key }) => key).sort());
    });

    for (const [family, members] of families(variants, familyLetters)) {
      it(`${family}*`, () => {
        const problems: string[] = [];
        for (const variant of members) {
          const results = recording.results.get(variant.key);
          if (results === undefined) continue;
          const cases = suite.casesOf(variant, recording.seed);
          if (!sameInputs(cases, results)) throw new Error(`the inputs of ${variant.key} have changed: record again with golden/${name}/record-fixture.ts`);
          cases.forEach((one, n) => {
            const ours = suite.comparable(variant, emulator.execute(one));
            const { agrees, whole } = recorded(results, n, one, ours);
            if (!agrees && problems.length < MOST_REPORTED) problems.push(difference(variant, one, ours, whole));
          });
        }
        expect(problems).toEqual([]);
      });
    }
  });

  const skip = reason !== undefined && !(reasonIsTool && process.env['PCKIT_REQUIRE_TOOLS'] === '1');
  describe.skipIf(skip)(`fresh results${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
    const seed = Number(process.env['PCKIT_GOLDEN_SEED'] ?? Date.now() % 2 ** 31);

    it(`with seed ${seed}`, { timeout: 240_000 }, () => {
      console.info(`fresh ${name} results: PCKIT_GOLDEN_SEED=${seed}`);
      const emulator = makeEmulator();
      const random = new Random(seed);
      const chosen = process.env['PCKIT_GOLDEN_ALL'] === '1' ? variants : variants.filter(() => random.below(freshShare) === 0);
      const problems: string[] = [];
      let traps = 0;
      withNativeProcessor((processor) => {
        for (let first = 0; first < chosen.length; first += BATCH) {
          const batch = chosen.slice(first, first + BATCH).flatMap((variant) => suite.casesOf(variant, seed).map((one) => ({ variant, one })));
          const outcomes = processor.execute(batch.map(({ one }) => one));
          batch.forEach(({ variant, one }, n) => {
            const theirs = unify(variant, suite.comparable(variant, outcomes[n]!));
            const ours = unify(variant, suite.comparable(variant, emulator.execute(one)));
            traps += theirs[suite.stateSize]!;
            if (Buffer.compare(ours, theirs) !== 0 && problems.length < MOST_REPORTED) problems.push(difference(variant, one, ours, theirs));
          });
        }
      }, program);
      expect(problems).toEqual([]);
      expect(traps).toBeGreaterThan(100);
    });
  });
}
