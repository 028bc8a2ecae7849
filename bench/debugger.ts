/**
 * npm run bench:debugger [-- --runs N --source]
 *
 * Debian's gdb on pckit and on QEMU's TCG, alternately: the same kernel, initramfs and symbols, two processors. What a stub costs the emulator, and what
 * it costs gdb. See packages/gdbstub/README.md.
 */
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildGuestInitramfs, defaultCacheFolder, fetchGuest } from '@pckit/debian-image/node';
import { DebuggerRun } from '../tests/system/debugger-run.js';
import { command, ConsoleRun, program } from '../tests/system/pckit.js';
import { buildCpuTime, tool, workFolder } from './src/guest-image.js';
import { markdownTables, Results } from './src/table.js';

const { values: flags } = parseArgs({ options: { runs: { type: 'string', default: '3' }, source: { type: 'boolean', default: false } } });
if (!flags.source) process.env['PCKIT_TEST_BUILT'] = '1';

const PATIENCE = 1800;
const STEPS = 10_000;
const MEBIBYTES = 64;
/** Where x86-64 Linux maps all memory when KASLR is off, and 16 MiB on. */
const MEMORY = '0xffff888001000000';
const PORT = 21234;

const at = (name: string): string => join(workFolder(), name);
const cpuTime = buildCpuTime();
const cpuSeconds = (pid: number | undefined): number => Number(tool(cpuTime, [String(pid)])) / 1e9;

const guest = await fetchGuest('bookworm-cloud', { cacheDir: defaultCacheFolder() });
const kernel = join(guest.folder, 'vmlinuz');
writeFileSync(at('debugger.cpio'), (await buildGuestInitramfs(guest, {})).bytes);
await command(['symbols', kernel, '--out', at('debugger.elf')], PATIENCE);
const common = ['-kernel', kernel, '-initrd', at('debugger.cpio'), '-append', 'console=ttyS0 quiet nokaslr mitigations=off', '-m', '512M', '-smp', '2', '-nographic', '-gdb', `tcp:127.0.0.1:${PORT}`];
const subjects: Readonly<Record<string, readonly string[]>> = {
  qemu: ['qemu-system-x86_64', '-machine', 'pc', '-accel', 'tcg', '-cpu', 'Nehalem', ...common],
  pckit: [process.execPath, ...program(), 'qemu', ...common],
};

const results = new Results();

/** What a command costs the emulator and gdb. */
async function measure(subject: string, name: string, machine: ConsoleRun, gdb: DebuggerRun, text: string): Promise<void> {
  const before = [cpuSeconds(machine.pid), cpuSeconds(gdb.pid), performance.now() / 1000] as const;
  await gdb.ask(text);
  const after = [cpuSeconds(machine.pid), cpuSeconds(gdb.pid), performance.now() / 1000] as const;
  const wallSeconds = after[2] - before[2];
  results.add({ name, group: 'the emulator', subject }, { cpuSeconds: after[0] - before[0], wallSeconds });
  results.add({ name, group: 'gdb', subject }, { cpuSeconds: after[1] - before[1], wallSeconds });
}

async function round(subject: string, argv: readonly string[]): Promise<void> {
  const [emulator, ...args] = argv as [string, ...string[]];
  const machine = new ConsoleRun(emulator, args, { patience: PATIENCE, log: at(`${subject}-debugger.console`) });
  const gdb = await DebuggerRun.gdb({ patience: PATIENCE, log: at(`${subject}-debugger.gdb`) }, at('debugger.elf'));
  try {
    await machine.shows('/ # ', PATIENCE);
    // Both step through the same code, and no processor ever halts.
    machine.type('(while :; do :; done) & (while :; do :; done) &\n');
    await machine.shows('/ # ', PATIENCE);
    await gdb.ask(`target remote 127.0.0.1:${PORT}`);
    await gdb.ask('tbreak vfs_write');
    machine.type('echo go\n');
    const stopped = await gdb.ask('continue');
    if (!stopped.includes('vfs_write')) throw new Error(`${subject}: ${stopped}`);
    await measure(subject, `${STEPS} single steps`, machine, gdb, `stepi ${STEPS}`);
    const dump = at(`${subject}-debugger.dump`);
    await measure(subject, `${MEBIBYTES} MiB of memory`, machine, gdb, `dump binary memory ${dump} ${MEMORY} ${MEMORY}+${MEBIBYTES}*1024*1024`);
    if (statSync(dump).size !== MEBIBYTES << 20) throw new Error(`${subject}: ${statSync(dump).size} bytes were dumped`);
  } finally {
    gdb.kill();
    machine.kill();
    await machine.finished;
  }
}

for (let run = 0; run < Number(flags.runs); run++) {
  for (const [subject, argv] of Object.entries(subjects)) {
    process.stderr.write(`${subject}, run ${run + 1}\n`);
    await round(subject, argv);
  }
}
process.stdout.write(markdownTables(results));
