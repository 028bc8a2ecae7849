/**
 * npm run bench:network [-- LINK...]
 *
 * iperf3 between a guest and the host, TCP and UDP, both ways: the guests of all links, with the same kernel and initramfs, run side by side and take
 * turns, so that a busy host is busy for all of them. For each: what arrived, and the CPU time of the emulator (and of `pckit net`, where it runs) for
 * it. Needs iperf3 here, which the initramfs gets too.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { median } from '../../bench/src/statistics.js';
import { plainShell, typist } from './debian-console.js';
import { cpuSecondsOf, kernelFor, killLinked, LINKS, startOnLink, type Link, type Linked } from './network-guest.js';
import { command } from './pckit.js';
import { patient, Report, workFolder } from './report.js';
import { addTool } from './tool.js';

const ROUNDS = Number(process.env['PCKIT_ROUNDS'] ?? 3);
const SECONDS = Number(process.env['PCKIT_SECONDS'] ?? 5);
const UDP_RATE = process.env['PCKIT_UDP_RATE'] ?? '40M';
/** Part of the names of tests: only those. */
const ONLY = process.env['PCKIT_TESTS'] ?? '';
const SERVER_PORT = 5301;

const TESTS: Readonly<Record<string, string>> = {
  'TCP from the guest': '',
  'TCP to the guest': '-R',
  'TCP to the guest, 4 flows': '-R -P 4',
  'UDP from the guest': `-u -l 1400 -b ${UDP_RATE}`,
  'UDP to the guest': `-u -l 1400 -b ${UDP_RATE} -R`,
};

interface Sample {
  readonly megabits: number;
  readonly cpuPerGigabit: number;
  /** Of UDP's datagrams. */
  readonly lost: number;
}

const links = (process.argv.length > 2 ? process.argv.slice(2) : ['virtio', 'qemu-virtio']) as readonly Link[];
for (const link of links) if (!LINKS.includes(link)) throw new Error(`there is no "${link}": ${LINKS.join(', ')}`);
const folder = workFolder('network-speed');
const report = new Report();
const type = typist(report);

/** `[SUM]   0.00-5.00   sec   251 MBytes   526 Mbits/sec  0.038 ms  12/35616 (0.03%)  receiver`, the last three for UDP only. */
const RESULT = /([\d.]+) Mbits\/sec(?:.*\(([\d.e+-]+)%\))? +receiver/;

/** With iperf3 of the host, and what it is linked with. */
async function initramfsFor(kernel: string): Promise<string> {
  const image = join(folder, `${kernel}.cpio`);
  await command(['guest', 'build', kernel, '-o', image, ...addTool('iperf3')], patient(300));
  return image;
}

async function bootOn(link: Link): Promise<Linked> {
  const linked = await startOnLink({ link, folder, log: join(folder, `${link}.log`), initramfs: await initramfsFor(kernelFor(link)) });
  await linked.machine.shows('# ', patient(600));
  await plainShell(linked.machine);
  return linked;
}

async function measure(guest: Linked, options: string): Promise<Sample> {
  const before = cpuSecondsOf(guest);
  const { output } = await type(guest.machine, `iperf3 -f m -i 0 -c 10.0.2.2 -p ${SERVER_PORT} -t ${SECONDS} ${options} | tail -4`);
  const cpu = cpuSecondsOf(guest) - before;
  const result = output.split('\n').map((line) => RESULT.exec(line)).findLast((match) => match !== null);
  if (result === undefined) throw new Error(output);
  const megabits = Number(result[1]);
  return { megabits, cpuPerGigabit: cpu / ((megabits * SECONDS) / 1000), lost: Number(result[2] ?? 0) };
}

async function speed(): Promise<void> {
  const server = spawn('iperf3', ['-s', '-p', String(SERVER_PORT)], { stdio: 'ignore' });
  const guests = new Map<Link, Linked>();
  try {
    for (const link of links) guests.set(link, await bootOn(link));
    for (const [name, options] of Object.entries(TESTS)) {
      if (!name.includes(ONLY)) continue;
      const samples = new Map<Link, Sample[]>(links.map((link) => [link, []]));
      for (let round = 0; round < ROUNDS; round++) {
        for (const [link, guest] of guests) samples.get(link)?.push(await measure(guest, options));
      }
      for (const [link, all] of samples) {
        const rates = all.map(({ megabits }) => megabits.toFixed(0)).join(', ');
        const lost = options.includes('-u') ? `, ${median(all.map((sample) => sample.lost)).toFixed(1)} % lost` : '';
        const cpu = median(all.map(({ cpuPerGigabit }) => cpuPerGigabit)).toFixed(1);
        report.check(`${name}, ${link}: ${median(all.map(({ megabits }) => megabits)).toFixed(0)} Mbit/s (${rates}), ${cpu} s of CPU a Gbit${lost}`, all.every(({ megabits }) => megabits > 0));
      }
    }
  } finally {
    await Promise.all([...guests.values()].map(killLinked));
    server.kill();
  }
}

await report.part('iperf3', speed);
process.exitCode = report.end();
