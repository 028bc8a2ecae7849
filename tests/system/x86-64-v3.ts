/**
 * npm run test:v3
 *
 * The processor model x86-64-v3 under Linux: a program that gcc made for it, with AVX2, FMA, F16C, BMI and the C library's own AVX2 functions, writes
 * what it writes on the host; two at once, too, for which the kernel saves and restores YMM registers. The host must have AVX2.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command, start } from './pckit.js';
import { patient, Report, workFolder } from './report.js';

const BOOT_PATIENCE = 600;
const FETCH_PATIENCE = 600;
const FEATURES = ['abm', 'avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'movbe'];

const folder = workFolder('x86-64-v3');
const binary = join(folder, 'v3');
const script = join(folder, 'run.sh');
const image = join(folder, 'v3.cpio');
const report = new Report();

execFileSync('gcc', ['-O3', '-march=x86-64-v3', '-static', '-o', binary, fileURLToPath(new URL('x86-64-v3.c', import.meta.url)), '-lm'], { timeout: 120_000 });
const expected = execFileSync(binary, { encoding: 'utf8', timeout: 120_000 });
writeFileSync(
  script,
  `grep -o -w '${FEATURES.join('\\|')}' /proc/cpuinfo | sort -u | tr '\\n' ' '; echo
/bin/v3
echo ==
/bin/v3 > /tmp/one & /bin/v3 > /tmp/two & wait
cmp /tmp/one /tmp/two && cat /tmp/one
echo ==
`,
);
const kernel = await command(['guest', 'fetch'], patient(FETCH_PATIENCE));
await command(['guest', 'build', '-o', image, '--add', `${binary}:/bin/v3`, '--run', script], patient(FETCH_PATIENCE));
const run = start(['boot', '--kernel', kernel, '--initrd', image, '--cpu', 'x86-64-v3', '--smp', '1', '--append', 'console=ttyS0 panic=-1 quiet'], {
  log: join(folder, 'console.log'), patience: patient(BOOT_PATIENCE),
});
const { status, console } = await run.finished;
const text = console.replaceAll('\r', '');
const features = FEATURES.join(' ');
const [, alone, together] = new RegExp(`${features} \\n([^]*?)==\\n([^]*?)==\\n`).exec(text) ?? [];
report.equal('the machine powers off', status, 0);
report.equal(`one program alone, with ${features}, writes what it writes on the host`, alone, expected);
report.equal('two at once do', together, expected);
process.exitCode = report.end();
