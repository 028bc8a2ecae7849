/**
 * npm run test:determinism [-- SCENARIO...]
 *
 * Deterministic machines: two runs of the same boot are in the same state at the same instruction counts; so is one that only interprets; so is one
 * that was saved and goes on in another process. With one processor and with two, without a disk and with one.
 */
import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { command, start, statsOf, type Stats } from './pckit.js';
import { patient, Report, workFolder } from './report.js';

const DEFAULT_IMAGE = '/var/tmp/pckit/bookworm-rootfs.img';
const RUN_PATIENCE = 3600;
const EXIT_MAX_INSTRUCTIONS = 8;

const folder = workFolder('determinism');
const image = resolve(process.env['PCKIT_ROOTFS'] ?? DEFAULT_IMAGE);

interface Scenario {
  readonly name: string;
  readonly options: readonly string[];
  /** Instruction counts at which states are compared, ascending. */
  readonly counts: readonly number[];
  /** The machine is saved at each of these, and must be the same at the last of `counts`. */
  readonly saveAt: readonly number[];
}

const scenarios: readonly Scenario[] = [
  { name: 'one processor', options: ['--smp', '1'], counts: [300_000_007, 1_000_000_000], saveAt: [300_000_007, 700_000_001] },
  { name: 'two processors', options: ['--smp', '2'], counts: [1_000_000_000], saveAt: [600_000_011] },
  {
    name: 'disk',
    options: ['--smp', '2', '--memory', '1G', '--disk', `${image},overlay`],
    // systemd is at work, and reads and writes the disk.
    counts: [1_000_000_000, 3_500_000_000],
    saveAt: [2_600_000_003],
  },
];

const report = new Report();

async function run(scenario: Scenario, until: number, options: readonly string[]): Promise<Stats> {
  const finished = await start(['boot', ...options, '--max-instructions', String(until), '--stats', 'json'], {
    log: join(folder, `${scenario.name.replace(/ /g, '-')}.log`),
    patience: patient(RUN_PATIENCE),
  }).finished;
  if (finished.status !== EXIT_MAX_INSTRUCTIONS) {
    throw new Error(`${finished.signal ?? `status ${finished.status}`} instead of ${EXIT_MAX_INSTRUCTIONS}\n${finished.console.slice(-1500)}\n${finished.stderr}`);
  }
  const stats = statsOf(finished);
  if (stats.stateHash === undefined) throw new Error(`no state hash in ${JSON.stringify(stats)}`);
  report.note(`${options.join(' ')}: ${stats.stateHash} at ${stats.instructions}; ${stats.wallSeconds} s, ${stats.mips} MIPS, tiers ${JSON.stringify(stats.tiers)}`);
  return stats;
}

async function compare(scenario: Scenario): Promise<void> {
  const { counts, saveAt } = scenario;
  const options = ['--deterministic', ...scenario.options];
  const expected = new Map<number, string | undefined>();
  for (const count of counts) {
    const stats = await run(scenario, count, options);
    report.equal(`stops after exactly ${count} instructions`, stats.instructions, count);
    expected.set(count, stats.stateHash);
    report.equal(`a second run has the same state at ${count}`, (await run(scenario, count, options)).stateHash, expected.get(count));
    report.equal(`an interpreter-only run has the same state at ${count}`, (await run(scenario, count, [...options, '--interpreter-only'])).stateHash, expected.get(count));
  }
  report.equal('states differ where counts or seeds do', new Set([...expected.values(), (await run(scenario, counts[0] as number, [...options, '--seed', '12345'])).stateHash]).size, counts.length + 1);
  const last = counts.at(-1) as number;
  for (const at of saveAt) {
    const file = join(folder, 'snapshot');
    const saved = await run(scenario, at, [...options, '--save', file]);
    try {
      report.equal(`resumed at ${at} in a new process, nothing has changed`, await hashOfResumed(scenario, file, at + 1), await hashOf(scenario, options, at + 1));
      report.equal(`resumed at ${at}, the same state at ${last}`, await hashOfResumed(scenario, file, last), expected.get(last));
      report.check('the saved state is the state there', saved.instructions === at);
    } finally {
      rmSync(file, { force: true });
    }
  }
}

async function hashOf(scenario: Scenario, options: readonly string[], until: number): Promise<string | undefined> {
  return (await run(scenario, until, options)).stateHash;
}

async function hashOfResumed(scenario: Scenario, file: string, until: number): Promise<string | undefined> {
  return (await run(scenario, until, ['--resume', file])).stateHash;
}

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !scenarios.some((scenario) => scenario.name === name));
if (unknown.length > 0) throw new Error(`no scenario ${unknown.join(', ')}; there are ${scenarios.map(({ name }) => name).join(', ')}`);
if (!existsSync(image)) throw new Error(`no ${image}: make it with packages/debian-image/scripts/make-rootfs.sh, or name another in PCKIT_ROOTFS`);
await command(['guest', 'fetch'], patient(900));
for (const scenario of scenarios) {
  if (chosen.length === 0 || chosen.includes(scenario.name)) await report.part(scenario.name, () => compare(scenario));
}
process.exitCode = report.end();
