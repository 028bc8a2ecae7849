/**
 * SSE to SSE4.2, AES and PCLMULQDQ against a real processor: a recording on any host, fresh results with a new seed where they can be
 * had. Every form in the decoder's table takes part.
 */
import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { mnemonicName } from '@pckit/x86-decoder';
import { describe, expect, it } from 'vitest';
import { cannotRecord } from '../x87/recorder.js';
import { casesOf, State } from './cases.js';
import { comparable, difference } from './comparison.js';
import { Emulator } from './emulator.js';
import { read, recorded, sameInputs } from './fixture.js';
import { withNativeProcessor } from './native.js';
import { sseForms, sseVariants, whyLeftOut, type Variant } from './variants.js';

const MOST_REPORTED = 5;
const variants = sseVariants();

function families(list: readonly Variant[]): [string, Variant[]][] {
  const map = new Map<string, Variant[]>();
  for (const variant of list) {
    const letter = variant.mnemonic.slice(0, 2);
    map.set(letter, [...(map.get(letter) ?? []), variant]);
  }
  return [...map];
}

describe('the forms under test', () => {
  it('are all of the decoder that work on XMM registers', () => {
    const leftOut = new Map<string, string[]>();
    for (const form of sseForms()) {
      const reason = whyLeftOut(form);
      if (reason !== undefined) leftOut.set(reason, [...(leftOut.get(reason) ?? []), mnemonicName(form.mnemonic)]);
    }
    for (const [reason, names] of leftOut) console.info(`not covered here, ${reason}: ${names.join(' ')}`);
    expect([...leftOut.keys()].sort()).toEqual(['a VEX form', 'a hint', 'an x87 instruction', 'has an MMX register', 'has no vector operand']);
    expect(new Set(variants.map(({ key }) => key)).size).toBe(variants.length);
  });
});

describe('recorded on a processor', () => {
  const fixture = new URL('../../golden/sse/sse-results.bin.br', import.meta.url);
  const recording = read(new Uint8Array(brotliDecompressSync(readFileSync(fixture))));
  const emulator = new Emulator();

  it('every variant is in the recording', () => {
    expect([...recording.results.keys()].sort()).toEqual(variants.map(({ key }) => key).sort());
  });

  for (const [family, members] of families(variants)) {
    it(`${family}*`, () => {
      const problems: string[] = [];
      for (const variant of members) {
        const results = recording.results.get(variant.key);
        if (results === undefined) continue;
        const cases = casesOf(variant, recording.seed);
        if (!sameInputs(cases, results)) throw new Error(`the inputs of ${variant.key} have changed: record again with golden/sse/record-fixture.ts`);
        cases.forEach((one, n) => {
          const ours = comparable(variant, emulator.execute(one));
          const { agrees, whole } = recorded(results, n, one, ours);
          if (!agrees && problems.length < MOST_REPORTED) problems.push(difference(variant, one, ours, whole));
        });
      }
      expect(problems).toEqual([]);
    });
  }
});

const reason = cannotRecord();
const required = process.env['PCKIT_REQUIRE_TOOLS'] === '1';

describe.skipIf(reason !== undefined && !required)(`fresh results${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const seed = Number(process.env['PCKIT_GOLDEN_SEED'] ?? Date.now() % 2 ** 31);

  it(`with seed ${seed}`, { timeout: 240_000 }, () => {
    console.info(`fresh SSE results: PCKIT_GOLDEN_SEED=${seed}`);
    const emulator = new Emulator();
    const problems: string[] = [];
    let traps = 0;
    withNativeProcessor((processor) => {
      for (const variant of variants) {
        const cases = casesOf(variant, seed);
        const outcomes = processor.execute(cases);
        outcomes.forEach((outcome, n) => {
          const theirs = comparable(variant, outcome);
          const ours = comparable(variant, emulator.execute(cases[n]!));
          traps += theirs[State.size]!;
          if (Buffer.compare(ours, theirs) !== 0 && problems.length < MOST_REPORTED) problems.push(difference(variant, cases[n]!, ours, theirs));
        });
      }
    });
    expect(problems).toEqual([]);
    expect(traps).toBeGreaterThan(1000);
  });
});
