/**
 * npm run bench:network [-- LINK...]
 *
 * iperf3 between a Debian guest and the host, TCP and UDP, both ways: the guests of all links run side by side and take turns, so that a busy host is
 * busy for all of them. For each: what arrived, and the CPU time of the emulator (and of `pckit net`, where it runs) for it. Needs iperf3 here.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LINKS, NetworkGuest, type Link } from './network-guest.js';
import { Report, workFolder } from './report.js';

const ROUNDS = Number(process.env['PCKIT_ROUNDS'] ?? 3);
const SECONDS = Number(process.env['PCKIT_SECONDS'] ?? 5);
const UDP_RATE = process.env['PCKIT_UDP_RATE'] ?? '40M';
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

interface IperfReport {
  readonly error?: string;
  readonly end: {
    readonly sum?: { readonly bytes: number; readonly lost_percent?: number };
    readonly sum_received?: { readonly bytes: number; readonly seconds: number; readonly lost_percent?: number };
  };
}

const image = resolve(process.env['PCKIT_NETWORK_ROOTFS'] ?? '/var/tmp/pckit/bookworm-net.img');
const links = (process.argv.length > 2 ? process.argv.slice(2) : ['virtio', 'qemu-virtio']) as readonly Link[];
for (const link of links) if (!LINKS.includes(link)) throw new Error(`there is no "${link}": ${LINKS.join(', ')}`);
const folder = workFolder('network-speed');
const report = new Report();

async function measure(guest: NetworkGuest, options: string): Promise<Sample> {
  const before = guest.cpuSeconds;
  const run = await guest.ssh(`iperf3 -J -c 10.0.2.2 -p ${SERVER_PORT} -t ${SECONDS} ${options}`, 120 + 20 * SECONDS);
  const cpu = guest.cpuSeconds - before;
  const { error, end } = JSON.parse(run.console) as IperfReport;
  if (error !== undefined) throw new Error(error);
  const udp = options.includes('-u');
  const lost = udp ? (end.sum?.lost_percent ?? 0) : 0;
  const bytes = udp ? (end.sum?.bytes ?? 0) * (1 - lost / 100) : (end.sum_received?.bytes ?? 0);
  const megabits = (bytes * 8) / 1e6;
  return { megabits: megabits / SECONDS, cpuPerGigabit: cpu / (megabits / 1000), lost };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;

async function speed(): Promise<void> {
  const server = spawn('iperf3', ['-s', '-p', String(SERVER_PORT)], { stdio: 'ignore' });
  const guests = new Map<Link, NetworkGuest>();
  try {
    for (const link of links) guests.set(link, await NetworkGuest.boot({ link, image, folder, report }));
    for (const [name, options] of Object.entries(TESTS)) {
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
    await Promise.all([...guests.values()].map((guest) => guest.kill()));
    for (const link of links) rmSync(join(folder, `${link}.img`), { force: true });
    server.kill();
  }
}

await report.part('iperf3', speed);
process.exitCode = report.end();
