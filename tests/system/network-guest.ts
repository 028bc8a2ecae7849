/** A Debian guest on a network, reached by ssh: under pckit, or under QEMU on our network or on its own. */
import { existsSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { login, typist, type CommandResult } from './debian-console.js';
import { command, ConsoleRun, start, type Finished } from './pckit.js';
import { qemuArguments } from './qemu.js';
import { patient, type Report } from './report.js';
import { copyImage, mustRun } from './tool.js';

/**
 * `virtio`, `e1000`: pckit with that card. `stream-virtio`, `stream-e1000`: QEMU on `pckit net`, over `-netdev stream`.
 * `qemu-virtio`, `qemu-e1000`: QEMU on its own user network, the yardstick.
 */
export const LINKS = ['virtio', 'e1000', 'stream-virtio', 'stream-e1000', 'qemu-virtio', 'qemu-e1000'] as const;
export type Link = (typeof LINKS)[number];

const WHOLE_PATIENCE = 2 * 3600;
const MEMORY_MEGABYTES = 1024;

export interface GuestRequest {
  readonly link: Link;
  /** Copied, not written. */
  readonly image: string;
  readonly folder: string;
  readonly report: Report;
}

export class NetworkGuest {
  private constructor(
    private readonly linked: Linked,
    private readonly folder: string,
    private readonly port: number,
    private readonly typed: (machine: ConsoleRun, text: string) => Promise<CommandResult>,
  ) {}

  /** Boots, logs in on the console, and lets a key of ours in. */
  static async boot({ link, image, folder, report }: GuestRequest): Promise<NetworkGuest> {
    const disk = join(folder, `${link}.img`);
    copyImage(image, disk);
    const key = join(folder, 'key');
    if (!existsSync(key)) mustRun('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const port = await freePort();
    const log = join(folder, `${link}.log`);
    report.note(`console: ${log}`);
    const linked = await startOnLink({ link, folder, log, disk, forwards: `hostfwd=tcp:127.0.0.1:${port}-:22` });
    const guest = new NetworkGuest(linked, folder, port, typist(report));
    try {
      await login(linked.machine);
      const publicKey = mustRun('ssh-keygen', ['-y', '-f', key]).trim();
      await guest.type(`mkdir -p -m 700 /root/.ssh; echo '${publicKey}' > /root/.ssh/authorized_keys`);
    } catch (error) {
      await guest.kill();
      throw error;
    }
    return guest;
  }

  /** On the console. */
  type(text: string): Promise<CommandResult> {
    return this.typed(this.linked.machine, text);
  }

  /** Runs a command by ssh. */
  ssh(text: string, seconds = 300): Promise<Finished> {
    return new ConsoleRun('ssh', [...this.#sshOptions, '-p', String(this.port), 'root@127.0.0.1', text], { patience: patient(seconds) }).finished;
  }

  /** `guest:PATH` is a file of the guest. */
  scp(from: string, to: string, seconds = 1800): Promise<Finished> {
    const named = (path: string): string => path.replace(/^guest:/, 'root@127.0.0.1:');
    return new ConsoleRun('scp', ['-q', ...this.#sshOptions, '-P', String(this.port), named(from), named(to)], { patience: patient(seconds) }).finished;
  }

  async powerOff(): Promise<Finished> {
    this.linked.machine.type('poweroff\n');
    const finished = await this.linked.machine.finished;
    await this.kill();
    return finished;
  }

  kill(): Promise<void> {
    return killLinked(this.linked);
  }

  get #sshOptions(): readonly string[] {
    const options = ['BatchMode=yes', 'StrictHostKeyChecking=no', `UserKnownHostsFile=${join(this.folder, 'known-hosts')}`, 'ConnectTimeout=120', 'LogLevel=INFO'];
    return ['-F', '/dev/null', '-i', join(this.folder, 'key'), ...options.flatMap((option) => ['-o', option])];
  }
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((done) => {
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
}

const socketOf = (folder: string): string => join(folder, 'stream.socket');

function streamNetdev(folder: string): string {
  return `stream,id=net,server=off,addr.type=unix,addr.path=${socketOf(folder)}`;
}

async function offerNetwork(folder: string, options: string): Promise<ConsoleRun> {
  const socket = socketOf(folder);
  rmSync(socket, { force: true });
  const network = start(['net', '--listen', `unix:${socket}`, '--net', options], { patience: patient(WHOLE_PATIENCE) });
  for (let tries = 0; !existsSync(socket); tries++) {
    if (tries > patient(120) * 10) throw new Error('pckit net does not listen');
    await new Promise((go) => setTimeout(go, 100));
  }
  return network;
}

export interface LinkRequest {
  readonly link: Link;
  readonly folder: string;
  /** Gets the console. */
  readonly log: string;
  /** Of the user network: `hostfwd=...`. */
  readonly forwards?: string;
  /** With a root file system. Without a disk the guest is its initramfs. */
  readonly disk?: string;
  readonly initramfs?: string;
}

/** A machine on a network. */
export interface Linked {
  readonly machine: ConsoleRun;
  /** `pckit net`, where it is a process of its own. */
  readonly network: ConsoleRun | undefined;
}

/** Debian's cloud kernel has no driver for Intel's card. */
export function kernelFor(link: Link): string {
  return link.endsWith('e1000') ? 'bookworm' : 'bookworm-cloud';
}

export async function startOnLink({ link, folder, log, forwards, disk, initramfs }: LinkRequest): Promise<Linked> {
  const [host, card = host] = link.split('-') as [string, string?];
  const options = { log, patience: patient(WHOLE_PATIENCE) };
  const user = forwards === undefined ? '' : `,${forwards}`;
  const guest = kernelFor(link);
  const kernel = (await command(['guest', 'fetch', guest], patient(900))).split('\n').at(-1) as string;
  if (host === card) {
    const boot = initramfs === undefined ? ['--guest', guest] : ['--kernel', kernel, '--initrd', initramfs];
    const machine = start(['boot', ...boot, ...(disk === undefined ? [] : ['--disk', disk]), '--memory', `${MEMORY_MEGABYTES}M`, '--net', `user${user}`, '--nic', card], options);
    return { machine, network: undefined };
  }
  const initrd = initramfs ?? join(folder, `${guest}.cpio`);
  if (initramfs === undefined) await command(['guest', 'build', guest, '-o', initrd], patient(300));
  const network = host === 'stream' ? await offerNetwork(folder, `user${user}`) : undefined;
  const args = [
    ...qemuArguments({ kernel, initrd, append: `console=ttyS0${disk === undefined ? '' : ' root=/dev/vda rw'}`, megabytes: MEMORY_MEGABYTES }),
    ...(disk === undefined ? [] : ['-drive', `file=${disk},if=virtio,format=raw`]),
    ...['-netdev', network === undefined ? `user,id=net${user}` : streamNetdev(folder), '-device', `${card === 'e1000' ? 'e1000' : 'virtio-net-pci'},netdev=net`],
  ];
  return { machine: new ConsoleRun('qemu-system-x86_64', args, options), network };
}

export async function killLinked({ machine, network }: Linked): Promise<void> {
  machine.kill();
  network?.kill();
  await Promise.all([machine.finished, network?.finished]);
}

/** CPU seconds that both have taken so far (Linux). */
export function cpuSecondsOf({ machine, network }: Linked): number {
  return machine.cpuSeconds + (network?.cpuSeconds ?? 0);
}
