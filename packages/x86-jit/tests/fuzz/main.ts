/**
 * Compares the emulated processor with the host's, or with itself in another configuration, on generated programs:
 *
 *   npm run fuzz -w packages/x86-jit -- [--seconds N] [--seed S] [--programs N] [--options JSON] [--slice N] [--reference native|JSON]
 *
 * With `--slice` the emulated processor runs N instructions at a time. `--options` and `--reference` take options of `createProcessor`, so that
 * tiers can be told apart: with a region tier,
 * `--options '{"regions":{"lookups":1,"samples":1}}' --reference '{"regions":false}'`. Programs have the seeds S, S + 1 ... A program that differs is
 * made smaller and printed; the exit status is 1 then.
 */
import { parseArgs } from 'node:util';
import { describeProgram, reduce, type Run } from './reduce.js';
import { FuzzMachine } from './machine.js';
import { TOO_SLOW, withNativeRunner } from './native.js';
import { differences, type Outcome } from './outcome.js';
import { generateProgram, type Program } from './program.js';
import type { ProcessorOptions } from '../../src/processor.js';

const BATCH = 100;

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' }, programs: { type: 'string' }, options: { type: 'string', default: '{}' }, slice: { type: 'string' }, reference: { type: 'string', default: 'native' } },
});
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const end = Date.now() + 1000 * Number(values.seconds);
const most = Number(values.programs ?? Infinity);
const machine = new FuzzMachine(JSON.parse(values.options) as Partial<ProcessorOptions>, values.slice ? Number(values.slice) : undefined);
const ours: Run = (program) => machine.run(program);

function compare(reference: (programs: readonly Program[]) => (Outcome | string)[]): void {
  let [done, faults, failed, slow] = [0, 0, 0, 0];
  while (Date.now() < end && done < most && failed < 5) {
    const programs = Array.from({ length: Math.min(BATCH, most - done) }, (_, k) => generateProgram((seed + done + k) >>> 0));
    const theirs = reference(programs);
    programs.forEach((program, k) => {
      if (theirs[k] === TOO_SLOW) {
        slow++;
        return;
      }
      const outcome = ours(program);
      if (typeof outcome !== 'string') faults += outcome.faults.length;
      if (differences(program, outcome, theirs[k]!).length === 0) return;
      failed++;
      const small = reduce(program, ours, (other) => reference([other])[0]!);
      console.log(describeProgram(small, differences(small, ours(small), reference([small])[0]!)));
    });
    done += programs.length;
  }
  console.log(`seeds from ${seed}: ${done} programs, ${machine.instructions} instructions, ${faults} exceptions, ${failed} programs differ${slow ? `, ${slow} were too slow on the processor` : ''}`);
  process.exitCode = failed > 0 ? 1 : 0;
}

if (values.reference === 'native') withNativeRunner(({ run }) => compare(run));
else {
  const other = new FuzzMachine(JSON.parse(values.reference) as Partial<ProcessorOptions>);
  compare((programs) => programs.map((program) => other.run(program)));
}
