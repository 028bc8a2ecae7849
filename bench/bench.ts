/**
 * npm run bench [-- --only NAME,... --runs N --times 1,10 --quick --source --pckit-options "..." --subjects pckit,qemu,v86 --main FILE --json FILE --write]
 *
 * The same kernel and initramfs under pckit and QEMU's TCG (or v86), alternately; see README.md.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { boots, bootToEnd, DEBIAN_IMAGE, type Boot } from './src/boots.js';
import { decoderTable } from './src/decoders.js';
import { buildCpuTime, buildImage, tool, workFolder, type BenchImage } from './src/guest-image.js';
import { PROGRAMS, type GuestProgram } from './src/programs.js';
import { runPrograms, type Order } from './src/run-programs.js';
import { pckit, qemu, v86, type Subject } from './src/subject.js';
import { markdownTables, Results } from './src/table.js';

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    runs: { type: 'string', default: '3' },
    times: { type: 'string', default: '1,10' },
    quick: { type: 'boolean', default: false },
    source: { type: 'boolean', default: false },
    'pckit-options': { type: 'string', default: '' },
    'qemu-cpu': { type: 'string' },
    subjects: { type: 'string', default: 'pckit,qemu,v86' },
    main: { type: 'string' },
    debian: { type: 'string', default: DEBIAN_IMAGE },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});

const GROUPS = ['compute', 'system', 'boot', 'debian', 'v86', 'decoders'];
const LIBC = '/lib/x86_64-linux-gnu/libc.so.6';
const runs = flags.quick ? 1 : Number(flags.runs);
const times = flags.quick ? [1] : flags.times.split(',').map(Number);
const wanted = flags.only?.split(',') ?? GROUPS;
const known = new Set([...GROUPS, ...PROGRAMS.map(({ name }) => name)]);
for (const name of wanted) if (!known.has(name)) throw new Error(`no ${name}; there are ${[...known].join(', ')}`);

const ours = pckit({ source: flags.source, options: flags['pckit-options'].split(' ').filter((word) => word !== ''), main: flags.main });
const chosenOf = (all: readonly Subject[]): readonly Subject[] => all.filter(({ name }) => flags.subjects.split(',').includes(name));

const say = (text: string): void => void process.stderr.write(`${text}\n`);
// What is measured must be what stands in the source.
if (!flags.source && flags.main === undefined && flags.subjects.includes('pckit')) tool('npx', ['turbo', 'run', 'build', '--output-logs=errors-only', '--concurrency=2']);
const cpuTime = buildCpuTime();
const results = new Results();

/** One kernel and initramfs, on pckit and on a peer. */
interface Part {
  readonly image: BenchImage;
  readonly subjects: readonly Subject[];
  readonly programs: readonly GuestProgram[];
  readonly times: readonly number[];
  readonly boots: readonly Boot[];
  /** Before the groups' names. */
  readonly prefix: string;
}

async function measure({ image, subjects, programs, times: factors, boots: bootsOfPart, prefix }: Part): Promise<void> {
  for (let run = 1; run <= runs; run++) {
    for (const factor of programs.length > 0 ? factors : []) {
      const orders: Order[] = programs.map((program) => ({ program, repeats: program.repeats * factor }));
      const expected = new Map(orders.map(({ program, repeats }) => [program.name, expectedChecksum(image, program.name, repeats)]));
      for (const subject of subjects) {
        const machine = { kernel: image.kernel, initrd: image.initrd, append: 'console=ttyS0 quiet mitigations=off', memoryMiB: 512 };
        await runPrograms(subject, machine, orders, {
          cpuTime,
          log: join(workFolder(), `${subject.name}.log`),
          done: ({ program, checksum, ...cost }) => {
            if (checksum !== expected.get(program.name)) throw new Error(`${program.name} on ${subject.name} computed ${checksum}, the host ${expected.get(program.name)}`);
            say(`run ${run}/${runs} x${factor} ${subject.name.padEnd(6)} ${program.name.padEnd(12)} CPU ${cost.cpuSeconds.toFixed(3)} s, wall ${cost.wallSeconds.toFixed(3)} s`);
            results.add({ name: program.name, group: `${prefix}${program.group}`, times: factor, subject: subject.name }, cost);
          },
        });
      }
    }
    for (const boot of bootsOfPart) {
      for (const subject of subjects) {
        const cost = await boot.run(subject, { cpuTime, log: join(workFolder(), `${subject.name}-${boot.group}.log`) });
        say(`run ${run}/${runs} ${subject.name.padEnd(6)} ${boot.name}: CPU ${cost.cpuSeconds.toFixed(2)} s, wall ${cost.wallSeconds.toFixed(2)} s`);
        results.add({ name: boot.name, group: `${prefix}boot`, subject: subject.name }, cost);
      }
    }
  }
}

const programs = PROGRAMS.filter(({ name, group }) => wanted.includes(name) || wanted.includes(group));
if (programs.length > 0 || wanted.includes('boot') || wanted.includes('debian')) {
  const image = await buildImage('bookworm-cloud');
  const chosenBoots = boots({ image, debian: flags.debian }).filter(({ group }) => wanted.includes(group));
  await measure({ image, subjects: chosenOf([ours, qemu(flags['qemu-cpu'])]), programs, times, boots: chosenBoots, prefix: '' });
}
if (wanted.includes('v86')) {
  const image = await buildImage('bookworm-i386');
  const compute = PROGRAMS.filter(({ group }) => group === 'compute' || group === 'system');
  await measure({ image, subjects: chosenOf([ours, v86()]), programs: compute, times: [1], boots: [bootToEnd('686-pae kernel and busybox to power-off', image)], prefix: 'i386 ' });
}

const tables = [markdownTables(results), ...(wanted.includes('decoders') ? [await decoderTable(LIBC)] : [])].filter((table) => table !== '').join('\n');
process.stdout.write(`\n${tables}`);
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(results.all, null, 1)}\n`);
if (flags.write) writeReadme(tables);

/** The same program on the host: proof that the work was done. */
function expectedChecksum(image: BenchImage, name: string, repeats: number): string {
  return tool(image.program, [name, String(repeats)]).trim().split(' ')[2];
}

function writeReadme(text: string): void {
  const file = fileURLToPath(new URL('README.md', import.meta.url));
  const command = `npm run bench${process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(' ')}` : ''}`;
  const host = `${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, ${tool('qemu-system-x86_64', ['--version']).split('\n')[0]}`;
  const about = `\`${command}\` at ${tool('git', ['rev-parse', '--short', 'HEAD']).trim()}, ${new Date().toISOString().slice(0, 10)}; ${host}`;
  const old = readFileSync(file, 'utf8');
  writeFileSync(file, old.replace(/<!-- table -->[^]*<!-- end -->/, () => `<!-- table -->\n${about}\n\n${text}<!-- end -->`));
}
