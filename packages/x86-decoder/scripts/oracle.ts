/**
 * The comparison with iced-x86 at full size: every executable section of the given files (ELF, or a bzImage compressed
 * with LZ4), a million structured and a million uniform random byte strings per mode, every row of the table. Exit
 * status 1 on any disagreement.
 *
 *   npm run oracle -w packages/x86-decoder -- [--seed N] [--count N] [FILE...]
 */
import {
  compareCode,
  compareRandom,
  compareRows,
  compareTruncated,
  report,
  type Comparison,
} from '../tests/comparison.js';
import { elfCode, openExecutable, present } from '../tests/executables.js';
import { codesInScope } from '../tests/iced.js';

const files: string[] = [];
let seed = 1;
let count = 1_000_000;
for (let i = 2; i < process.argv.length; i++) {
  const word = process.argv[i]!;
  if (word === '--seed') seed = Number(process.argv[++i]);
  else if (word === '--count') count = Number(process.argv[++i]);
  else files.push(word);
}
if (files.length === 0) {
  files.push(
    ...present(['/lib/x86_64-linux-gnu/libc.so.6', '/usr/bin/gdb', '/usr/lib/x86_64-linux-gnu/libcrypto.so.3']),
  );
}

let disagreements = 0;
function show(comparison: Comparison): void {
  const lines = report(comparison);
  disagreements += lines.length;
  console.log(
    `${comparison.what}: ${comparison.compared} compared, ${comparison.outOfScope} of other extensions, ${lines.length} kinds of disagreement`,
  );
  for (const line of lines.slice(0, 40)) console.log(`  ${line}`);
}

for (const file of files) {
  for (const { name, bytes } of elfCode(openExecutable(file))) {
    if (bytes.length >= 4096) show(compareCode(`${file} ${name}`, bytes, 64));
  }
}
const seen = new Set<string>();
const rows = compareRows(256, seed, seen);
show(rows);
for (const row of rows.unreached) console.log(`  not reached: ${row}`);
disagreements += rows.unreached.length;
for (const mode of [16, 32, 64] as const) {
  for (const uniform of [false, true]) show(compareRandom(count, mode, seed + mode, uniform, seen));
  show(compareTruncated(count / 100, mode, seed + mode));
}
for (const { key, name } of codesInScope()) {
  if (seen.has(key)) continue;
  console.log(`not decoded by us: ${name}`);
  disagreements++;
}
process.exitCode = disagreements === 0 ? 0 : 1;
