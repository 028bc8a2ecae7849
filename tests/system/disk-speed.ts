/**
 * npm run bench:disks [-- INTERFACE...]
 *
 * fio in a stock Debian kernel on a disk by virtio, IDE (ata_piix) and AHCI, under pckit and under QEMU's TCG: a guest of each, with the same kernel,
 * initramfs and memory and an equal raw image, runs beside the other, and they take turns, so that a busy host is busy for both. The usual fio:
 * sequential requests of 1 MiB, 4 at a time, and random ones of 4 KiB, 16 at a time, both with libaio and direct=1, for PCKIT_SECONDS (4) after a second
 * that isn't counted; the median of PCKIT_ROUNDS (3). For each: bytes that fio moved in the guest's time, and the CPU time of the emulator for it.
 *
 * The image (PCKIT_MEGABYTES, 512) is full of random bytes, so that no read is of a hole; it fits the host's page cache, which serves both: pckit reads and
 * writes the file through it, QEMU with its default cache mode, writeback. So this measures the emulators, not the host's disk. A guest whose clock is
 * more than 20 % off the host's fails. Needs fio here, which the initramfs gets too, and qemu-system-x86_64.
 */
import { randomFillSync } from 'node:crypto';
import { closeSync, copyFileSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { median } from '../../bench/src/statistics.js';
import { plainShell, PROMPT } from './debian-console.js';
import { chosenInterfaces, diskModules, type Interface } from './disk-interfaces.js';
import { command, ConsoleRun, start } from './pckit.js';
import { qemuArguments } from './qemu.js';
import { patient, Report, workFolder } from './report.js';
import { addTool, mustRun } from './tool.js';

const ROUNDS = Number(process.env['PCKIT_ROUNDS'] ?? 3);
const SECONDS = Number(process.env['PCKIT_SECONDS'] ?? 4);
const MEGABYTES = Number(process.env['PCKIT_MEGABYTES'] ?? 512);
const WARM_UP_SECONDS = 1;
const MEMORY_MEGABYTES = 1024;
const APPEND = 'console=ttyS0 quiet mitigations=off';
/** A guest's seconds may differ from the host's by this part. */
const CLOCK_TOLERANCE = 0.2;
const BOOT_PATIENCE = patient(600);
const FIO_PATIENCE = patient(60 + 10 * SECONDS);
const WHOLE_PATIENCE = patient(2 * 3600);

const BEGINS = '[fio begins]';
const ENDS = '[fio ends]';
/** In the initramfs: `measure DEVICE RW BLOCK IODEPTH SECONDS`. fio runs the commands right before and after the job, and appends a redirection to each. */
const MEASURE = `#!/bin/sh
fio --name=disk --filename=/dev/$1 --rw=$2 --bs=$3 --iodepth=$4 --runtime=$5 --time_based --size=100% --direct=1 --ioengine=libaio \\
  --exec_prerun='echo "${BEGINS}"; true' --exec_postrun='echo "${ENDS}"; true' --eta=never --output-format=json --output=/result.json
cat /result.json
`;

interface Case {
  readonly name: string;
  readonly rw: 'read' | 'write' | 'randread' | 'randwrite';
  readonly block: '1M' | '4k';
  readonly depth: number;
}

const CASES: readonly Case[] = [
  { name: 'sequential read, 1 MiB', rw: 'read', block: '1M', depth: 4 },
  { name: 'sequential write, 1 MiB', rw: 'write', block: '1M', depth: 4 },
  { name: 'random read, 4 KiB', rw: 'randread', block: '4k', depth: 16 },
  { name: 'random write, 4 KiB', rw: 'randwrite', block: '4k', depth: 16 },
];

const EMULATORS = ['qemu', 'pckit'] as const;
type Emulator = (typeof EMULATORS)[number];

interface Guest {
  readonly machine: ConsoleRun;
  /** What it calls the disk. */
  readonly device: string;
}

interface Sample {
  readonly megabytesPerSecond: number;
  readonly requestsPerSecond: number;
  readonly cpuPerGibibyte: number;
  /** From the job's begin to its end, by the guest's clock and by the host's. */
  readonly guestSeconds: number;
  readonly hostSeconds: number;
}

/** What is read of fio's JSON. */
interface FioResult {
  readonly jobs: readonly { readonly error: number; readonly read: FioDirection; readonly write: FioDirection }[];
}

interface FioDirection {
  readonly io_bytes: number;
  readonly total_ios: number;
  /** Milliseconds. */
  readonly runtime: number;
}

const chosen = chosenInterfaces();
const folder = workFolder('disk-speed');
const at = (name: string): string => join(folder, name);
const report = new Report();
const rows: string[][] = [];

async function buildInitramfs(): Promise<{ readonly kernel: string; readonly initrd: string }> {
  writeFileSync(at('measure'), MEASURE);
  const kernel = (await command(['guest', 'fetch', 'bookworm'], patient(900))).split('\n').at(-1) as string;
  await command(['guest', 'build', 'bookworm', '-o', at('guest.cpio'), ...diskModules(), '--add', `${at('measure')}:/measure`, ...addTool('fio')], patient(300));
  return { kernel, initrd: at('guest.cpio') };
}

const imageOf = (emulator: Emulator): string => at(`${emulator}.img`);

function removeImages(): void {
  // pckit, killed, leaves its lock.
  for (const emulator of EMULATORS) for (const file of [imageOf(emulator), `${imageOf(emulator)}.lock`]) rmSync(file, { force: true });
}

function makeImages(): void {
  removeImages();
  const [first, ...others] = EMULATORS;
  const bytes = new Uint8Array(1 << 20);
  const file = openSync(imageOf(first), 'w');
  for (let i = 0; i < MEGABYTES; i++) writeSync(file, randomFillSync(bytes));
  closeSync(file);
  for (const other of others) copyFileSync(imageOf(first), imageOf(other));
  // Else the host writes them back during the first measurements.
  mustRun('sync', EMULATORS.map(imageOf));
}

async function boot(emulator: Emulator, kind: Interface, image: { readonly kernel: string; readonly initrd: string }): Promise<Guest> {
  const { kernel, initrd } = image;
  const options = { log: at(`${emulator}-${kind}.log`), patience: WHOLE_PATIENCE };
  const machine =
    emulator === 'pckit'
      ? start(['boot', '--kernel', kernel, '--initrd', initrd, '--append', APPEND, '--memory', `${MEMORY_MEGABYTES}M`, '--disk', `${imageOf(emulator)},if=${kind},format=raw`], options)
      : new ConsoleRun('qemu-system-x86_64', [...qemuArguments({ kernel, initrd, append: APPEND, megabytes: MEMORY_MEGABYTES }), ...qemuDisk(kind, imageOf(emulator))], options);
  const guest = { machine, device: kind === 'virtio' ? 'vda' : 'sda' };
  try {
    await machine.shows('# ', BOOT_PATIENCE);
    await plainShell(machine);
  } catch (error) {
    await kill(guest);
    throw error;
  }
  return guest;
}

/** Nothing else that pckit lacks, too: no floppy, CD-ROM, card or screen. The processor is the nearest to pckit's default. */
function qemuDisk(kind: Interface, image: string): readonly string[] {
  const drive = `file=${image},format=raw`;
  const disk = kind === 'ahci' ? ['-drive', `${drive},if=none,id=disk`, '-device', 'ahci,id=a', '-device', 'ide-hd,bus=a.0,drive=disk'] : ['-drive', `${drive},if=${kind}`];
  return ['-nodefaults', '-cpu', 'Nehalem', ...disk];
}

async function kill({ machine }: Guest): Promise<void> {
  machine.kill();
  await machine.finished;
}

async function measure({ machine, device }: Guest, { name, rw, block, depth }: Case, seconds: number): Promise<Sample> {
  machine.type(`sh /measure ${device} ${rw} ${block} ${depth} ${seconds}\n`);
  await machine.shows(BEGINS, FIO_PATIENCE);
  const [beginsAt, cpuBefore] = [performance.now(), machine.cpuSeconds];
  await machine.shows(ENDS, FIO_PATIENCE);
  const [hostSeconds, cpu] = [(performance.now() - beginsAt) / 1000, machine.cpuSeconds - cpuBefore];
  const job = parseResult(await machine.shows(PROMPT, FIO_PATIENCE));
  const { io_bytes: bytes, total_ios: requests, runtime } = rw.endsWith('read') ? job.read : job.write;
  if (job.error !== 0 || bytes === 0 || runtime === 0) throw new Error(`${name}: fio moved ${bytes} bytes in ${runtime} ms, error ${job.error}`);
  const guestSeconds = runtime / 1000;
  return { megabytesPerSecond: bytes / 1e6 / guestSeconds, requestsPerSecond: requests / guestSeconds, cpuPerGibibyte: cpu / (bytes / 2 ** 30), guestSeconds, hostSeconds };
}

/** fio writes notes before its JSON. */
function parseResult(text: string): FioResult['jobs'][number] {
  let job: FioResult['jobs'][number] | undefined;
  try {
    job = (JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)) as FioResult).jobs[0];
  } catch (cause) {
    throw new Error(`this is no result of fio's:\n${text}`, { cause });
  }
  if (job === undefined) throw new Error(`fio ran no job:\n${text}`);
  return job;
}

const keepsTime = ({ guestSeconds, hostSeconds }: Sample): boolean => Math.abs(hostSeconds / guestSeconds - 1) <= CLOCK_TOLERANCE;

async function speed(kind: Interface, image: { readonly kernel: string; readonly initrd: string }): Promise<void> {
  makeImages();
  const guests = new Map<Emulator, Guest>();
  try {
    for (const emulator of EMULATORS) guests.set(emulator, await boot(emulator, kind, image));
    for (const each of CASES) {
      const samples = new Map<Emulator, Sample[]>(EMULATORS.map((emulator) => [emulator, []]));
      for (const guest of guests.values()) await measure(guest, each, WARM_UP_SECONDS);
      for (let round = 0; round < ROUNDS; round++) {
        for (const [emulator, guest] of guests) samples.get(emulator)?.push(await measure(guest, each, SECONDS));
      }
      for (const [emulator, all] of samples) show(`${each.name}, ${kind}, ${emulator}`, all);
      rows.push(row(kind, each, samples.get('qemu') ?? [], samples.get('pckit') ?? []));
    }
  } finally {
    await Promise.all([...guests.values()].map(kill));
    removeImages();
  }
}

const middle = (samples: readonly Sample[], of: keyof Sample): number => median(samples.map((sample) => sample[of]));
const digits = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

function show(what: string, samples: readonly Sample[]): void {
  const rates = samples.map(({ megabytesPerSecond }) => digits(megabytesPerSecond)).join(', ');
  const times = samples.map(({ guestSeconds, hostSeconds }) => `${guestSeconds.toFixed(2)} s in the guest, ${hostSeconds.toFixed(2)} s here`).join('; ');
  report.note(times);
  report.check(
    `${what}: ${digits(middle(samples, 'megabytesPerSecond'))} MB/s (${rates}), ${middle(samples, 'requestsPerSecond').toFixed(0)} requests/s, ${middle(samples, 'cpuPerGibibyte').toFixed(2)} s of CPU a GiB`,
    samples.length === ROUNDS && samples.every(keepsTime),
    `the clocks differ by more than ${CLOCK_TOLERANCE * 100} %: ${times}`,
  );
}

function row(kind: Interface, { name, rw }: Case, theirs: readonly Sample[], ours: readonly Sample[]): string[] {
  const rate = (samples: readonly Sample[]): string => {
    const megabytes = digits(middle(samples, 'megabytesPerSecond'));
    return rw.startsWith('rand') ? `${megabytes} (${middle(samples, 'requestsPerSecond').toFixed(0)} IOPS)` : megabytes;
  };
  const ratio = middle(ours, 'megabytesPerSecond') / middle(theirs, 'megabytesPerSecond');
  return [name, kind, rate(theirs), rate(ours), ratio.toFixed(2), middle(theirs, 'cpuPerGibibyte').toFixed(2), middle(ours, 'cpuPerGibibyte').toFixed(2)];
}

function table(): string {
  const heads = ['', 'disk', 'QEMU, MB/s', 'pckit, MB/s', 'pckit / QEMU', 'QEMU, CPU s a GiB', 'pckit, CPU s a GiB'];
  return [heads, heads.map((_, column) => (column < 2 ? '---' : '--:')), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

await report.part('guests', async () => {
  const image = await buildInitramfs();
  for (const kind of chosen) await report.part(kind, () => speed(kind, image));
});
const versions = [`Node ${process.version}`, mustRun('qemu-system-x86_64', ['--version']).split('\n')[0], mustRun('fio', ['--version']).trim()];
process.stdout.write(`\n${table()}\nMedian of ${ROUNDS}, ${SECONDS} s each; ${cpus()[0]?.model ?? 'unknown processor'}, ${versions.join(', ')}.\n`);
process.exitCode = report.end();
