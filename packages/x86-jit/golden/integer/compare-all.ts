/**
 * The long comparison: 500 cases of every form in every mode, recorded here and now.
 *
 *   node --conditions=@pckit/source --import tsx packages/x86-jit/golden/integer/compare-all.ts [SEED] [CASES] [FORMS]
 *
 * FORMS is a regular expression on "mnemonic encoding", e.g. '^shld '. Every form with mismatches is listed with the first of them.
 */
import { mismatch } from '../../tests/integer/compare.js';
import { recordedForms } from '../../tests/integer/forms.js';
import { generateCases } from '../../tests/integer/generate.js';
import { GoldenMachine } from '../../tests/integer/golden-machine.js';
import { lowerName } from '../../tests/integer/names.js';
import { hostHas, hostProcessor, record } from '../../tests/integer/recorder.js';
import { generateSequences } from '../../tests/integer/sequences.js';

const seed = Number(process.argv[2] ?? Date.now() % 2 ** 31);
const count = Number(process.argv[3] ?? 500);
const only = new RegExp(process.argv[4] ?? '');
process.stdout.write(`seed ${seed} on ${hostProcessor()}\n`);

const machine = new GoldenMachine();
let compared = 0;
let failed = 0;
const forms = recordedForms(hostHas()).filter(({ form }) => only.test(`${lowerName(form.mnemonic)} ${form.encoding}`));
// The program is made anew for each batch, so a batch is many forms.
for (let first = 0; first < forms.length; first += 50) {
  const batch = forms.slice(first, first + 50).flatMap(({ form, modes }) => modes.flatMap((mode) => [...generateCases(form, mode, count, seed)].map((input) => ({ input, form, mode }))));
  const bad = new Map<string, string[]>();
  record(batch.map(({ input }) => input)).forEach((vector, k) => {
    const { form, mode } = batch[k]!;
    const text = mismatch(machine, vector);
    const title = `${form.encoding} ${lowerName(form.mnemonic)} ${form.operands.join(',')} in ${mode}-bit code`;
    if (text !== undefined) bad.set(title, [...(bad.get(title) ?? []), text]);
  });
  for (const [title, list] of bad) process.stdout.write(`${title}: ${list.length} of ${count}\n  ${list[0]}\n`);
  compared += batch.length;
  failed += [...bad.values()].reduce((n, list) => n + list.length, 0);
}
if (only.source === '(?:)') {
  const sequences = record([...generateSequences(40 * count, seed)]).map((vector) => mismatch(machine, vector));
  const bad = sequences.filter((text) => text !== undefined);
  if (bad.length > 0) process.stdout.write(`sequences: ${bad.length} of ${sequences.length}\n  ${bad[0]}\n`);
  compared += sequences.length;
  failed += bad.length;
}
process.stdout.write(`${compared} cases of ${forms.length} forms, ${failed} mismatches\n`);
if (failed > 0) process.exitCode = 1;
