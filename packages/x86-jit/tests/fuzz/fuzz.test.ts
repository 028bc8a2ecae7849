/** A few generated programs: `npm run fuzz -w packages/x86-jit` is for many. */
import { describe, expect, it } from 'vitest';
import { lacksAvx } from '../avx/host.js';
import { cannotRecord } from '../integer/recorder.js';
import { FuzzMachine } from './machine.js';
import { TOO_SLOW, withNativeRunner } from './native.js';
import { differences } from './outcome.js';
import { generateProgram } from './program.js';
import { describeProgram } from './reduce.js';

const PROGRAMS = 100;
const seed = Number(process.env['PCKIT_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const programs = Array.from({ length: PROGRAMS }, (_, k) => generateProgram((seed + k) >>> 0));

describe('generated programs', () => {
  // Not quite all: one in some thousands makes a long loop of a short one by a store to its own code.
  it('are the same for the same seed, and end', { timeout: 240_000 }, () => {
    console.info(`fuzz: PCKIT_FUZZ_SEED=${seed}`);
    expect(generateProgram(seed)).toEqual(programs[0]);
    const machine = new FuzzMachine();
    expect(programs.map((program) => machine.run(program)).filter((outcome) => typeof outcome === 'string').length).toBeLessThan(3);
  });

  it('do the same whatever was executed before, and in how many slices', () => {
    const all = programs.slice(0, 20);
    const machine = new FuzzMachine();
    const first = all.map((program) => machine.run(program));
    const inSlices = new FuzzMachine({}, 7);
    for (const [k, program] of all.entries()) {
      expect(differences(program, machine.run(program), first[k]!)).toEqual([]);
      expect(differences(program, inSlices.run(program), first[k]!)).toEqual([]);
    }
  });

  const tool = cannotRecord();
  const reason = tool ?? lacksAvx();
  it.skipIf(reason !== undefined && !(tool !== undefined && process.env['PCKIT_REQUIRE_TOOLS'] === '1'))(`do what the host's processor does${reason ? ` (skipped: ${reason})` : ''}`, { timeout: 120_000 }, () => {
    const machine = new FuzzMachine();
    withNativeRunner(({ run }) => {
      const theirs = run(programs);
      const problems = programs.flatMap((program, k) => {
        if (theirs[k] === TOO_SLOW) return [];
        const found = differences(program, machine.run(program), theirs[k]!);
        return found.length > 0 ? [describeProgram(program, found)] : [];
      });
      expect(problems.slice(0, 2)).toEqual([]);
      expect(theirs.filter((outcome) => outcome === TOO_SLOW).length).toBeLessThan(5);
    });
  });
});
