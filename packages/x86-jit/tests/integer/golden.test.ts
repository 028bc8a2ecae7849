/**
 * Integer instructions against a real processor: vectors recorded once (`golden/integer/record-fixture.ts`) on any host, fresh ones
 * with a new seed where they can be recorded.
 */
import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { decode, Instruction } from '@pckit/x86-decoder';
import { describe, expect, it } from 'vitest';
import { allCases } from './all-cases.js';
import { mismatch } from './compare.js';
import { unpackFixture } from './fixture.js';
import { recordedForms } from './forms.js';
import { GoldenMachine } from './golden-machine.js';
import { cannotRecord, hostHas, hostProcessor, record } from './recorder.js';
import type { Vector } from './vector.js';

const fixture = (): Vector[] => unpackFixture(new Uint8Array(brotliDecompressSync(readFileSync(new URL('../../golden/integer/integer-vectors.bin.br', import.meta.url))))).vectors;

/** @returns the first few, to be compared with none */
function mismatches(vectors: readonly Vector[]): string[] {
  const machine = new GoldenMachine();
  const found: string[] = [];
  for (const vector of vectors) {
    const text = mismatch(machine, vector);
    if (text !== undefined && found.push(text) === 10) break;
  }
  return found;
}

describe('recorded on a processor', () => {
  const vectors = fixture();

  it('integer instructions give the same registers, flags, memory and exceptions', () => {
    expect(mismatches(vectors)).toEqual([]);
  });

  it('the comparison sees a changed register, flag, byte of memory and exception', () => {
    const machine = new GoldenMachine();
    const some = vectors.filter(({ outcome }) => outcome.vector < 0 && outcome.changes.length > 0).slice(0, 20);
    expect(some.length).toBe(20);
    for (const { input, outcome } of some) {
      const registers = outcome.registers.slice();
      registers[9]! ^= 1n;
      expect(mismatch(machine, { input, outcome: { ...outcome, registers } })).toContain('r9');
      expect(mismatch(machine, { input, outcome: { ...outcome, flags: outcome.flags ^ 0x200000 } })).toContain('flags');
      const [first, ...rest] = outcome.changes;
      const changes = [{ at: first!.at, value: first!.value ^ 0x80n }, ...rest];
      expect(mismatch(machine, { input, outcome: { ...outcome, changes } })).toContain('memory');
      expect(mismatch(machine, { input, outcome: { ...outcome, vector: 13, completed: 0 } })).toContain('vector');
    }
  });

  it('every form has vectors in every mode, and faults of all kinds are among them', () => {
    const instruction = new Instruction();
    const covered = new Set<string>();
    for (const { input } of vectors) if (input.steps === 1 && decode(input.code, 0, input.code.length, input.mode, instruction) !== 0) covered.add(`${instruction.form} ${input.mode}`);
    const missing = recordedForms().flatMap(({ form, modes }) => modes.filter((mode) => !covered.has(`${form.form} ${mode}`)).map((mode) => `${form.encoding} in ${mode}-bit code`));
    expect(missing).toEqual([]);
    expect([...new Set(vectors.map(({ outcome }) => outcome.vector))].sort((a, b) => a - b)).toEqual([-1, 0, 3, 4, 5, 6, 11, 12, 13, 14]);
  });
});

const reason = cannotRecord();
const required = process.env['PCKIT_REQUIRE_TOOLS'] === '1';

describe.skipIf(reason !== undefined && !required)(`fresh vectors${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const seed = Number(process.env['PCKIT_GOLDEN_SEED'] ?? Date.now() % 2 ** 31);

  it(`with seed ${seed}`, { timeout: 240_000 }, () => {
    console.info(`fresh integer vectors on ${hostProcessor()}: PCKIT_GOLDEN_SEED=${seed}`);
    const cases = allCases(12, seed, hostHas());
    expect(cases.length).toBeGreaterThan(10_000);
    expect(mismatches(record(cases))).toEqual([]);
  });
});
