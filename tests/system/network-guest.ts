/** A Debian guest on a network, reached by ssh: under pckit, or under QEMU on our network or on its own. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { login, typist, type CommandResult } from './debian-console.js';
import { command, ConsoleRun, start, type Finished } from './pckit.js';
import { patient, type Report } from './report.js';

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
  /** Ports of the guest that the host is to reach, TCP and UDP, beside ssh's. */
  readonly ports?: readonly number[];
}

interface Forward {
  readonly host: number;
  readonly guest: number;
}

export class NetworkGuest {
  private constructor(
    readonly machine: ConsoleRun,
    private readonly network: ConsoleRun | undefined,
    private readonly folder: string,
    private readonly forwards: readonly Forward[],
    private readonly typed: (machine: ConsoleRun, text: string) => Promise<CommandResult>,
  ) {}

  /** Boots, logs in on the console, and lets a key of ours in. */
  static async boot({ link, image, folder, report, ports = [] }: GuestRequest): Promise<NetworkGuest> {
    const disk = join(folder, `${link}.img`);
    mustRun('cp', ['--sparse=always', '--reflink=auto', image, disk]);
    const key = join(folder, 'key');
    if (!existsSync(key)) mustRun('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const forwards: Forward[] = [];
    for (const guest of [22, ...ports]) forwards.push({ host: await freePort(), guest });
    const [host, card = host] = link.split('-') as [string, string?];
    const options = { log: join(folder, `${link}.log`), patience: patient(WHOLE_PATIENCE) };
    report.note(`console: ${options.log}`);
    // Debian's cloud kernel has no driver for Intel's card.
    const kernel = card === 'e1000' ? 'bookworm' : 'bookworm-cloud';
    await command(['guest', 'fetch', kernel], patient(900));
    const network = host === 'stream' ? await offerNetwork(folder, forwards) : undefined;
    const machine =
      host === card
        ? start(['boot', '--guest', kernel, '--disk', disk, '--memory', `${MEMORY_MEGABYTES}M`, '--net', `user,${hostForwards(forwards)}`, '--nic', card], options)
        : new ConsoleRun('qemu-system-x86_64', await qemuArguments(kernel, disk, card, host === 'stream' ? streamNetdev(folder) : `user,id=net,${hostForwards(forwards)}`, folder), options);
    const guest = new NetworkGuest(machine, network, folder, forwards, typist(report));
    try {
      await login(machine);
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
    return this.typed(this.machine, text);
  }

  hostPort(guestPort: number): number {
    const forward = this.forwards.find(({ guest }) => guest === guestPort);
    if (forward === undefined) throw new Error(`no port of the host leads to the guest's port ${guestPort}`);
    return forward.host;
  }

  /** CPU seconds that the emulator, and where there is one the process of the network, has taken so far (Linux). */
  get cpuSeconds(): number {
    return cpuSecondsOf(this.machine) + (this.network === undefined ? 0 : cpuSecondsOf(this.network));
  }

  /** Runs a command by ssh. */
  ssh(text: string, seconds = 300): Promise<Finished> {
    return new ConsoleRun('ssh', [...this.#sshOptions, '-p', String(this.hostPort(22)), 'root@127.0.0.1', text], { patience: patient(seconds) }).finished;
  }

  /** `guest:PATH` is a file of the guest. */
  scp(from: string, to: string, seconds = 1800): Promise<Finished> {
    const named = (path: string): string => path.replace(/^guest:/, 'root@127.0.0.1:');
    return new ConsoleRun('scp', ['-q', ...this.#sshOptions, '-P', String(this.hostPort(22)), named(from), named(to)], { patience: patient(seconds) }).finished;
  }

  async powerOff(): Promise<Finished> {
    this.machine.type('poweroff\n');
    const finished = await this.machine.finished;
    await this.kill();
    return finished;
  }

  async kill(): Promise<void> {
    this.machine.kill();
    this.network?.kill();
    await Promise.all([this.machine.finished, this.network?.finished]);
  }

  get #sshOptions(): readonly string[] {
    const options = ['BatchMode=yes', 'StrictHostKeyChecking=no', `UserKnownHostsFile=${join(this.folder, 'known-hosts')}`, 'ConnectTimeout=120', 'LogLevel=ERROR'];
    return ['-F', '/dev/null', '-i', join(this.folder, 'key'), ...options.flatMap((option) => ['-o', option])];
  }
}

/** proc(5): utime and stime are the 14th and 15th field, in ticks of 10 ms; the second field has blanks and ends in a parenthesis. */
function cpuSecondsOf({ pid }: ConsoleRun): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function mustRun(tool: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(tool, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${tool} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
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

function hostForwards(forwards: readonly Forward[]): string {
  return forwards.flatMap(({ host, guest }) => ['tcp', 'udp'].map((protocol) => `hostfwd=${protocol}:127.0.0.1:${host}-:${guest}`)).join(',');
}

const socketOf = (folder: string): string => join(folder, 'stream.socket');

function streamNetdev(folder: string): string {
  return `stream,id=net,server=off,addr.type=unix,addr.path=${socketOf(folder)}`;
}

async function offerNetwork(folder: string, forwards: readonly Forward[]): Promise<ConsoleRun> {
  const socket = socketOf(folder);
  rmSync(socket, { force: true });
  const network = start(['net', '--listen', `unix:${socket}`, '--net', `user,${hostForwards(forwards)}`], { patience: patient(WHOLE_PATIENCE) });
  for (let tries = 0; !existsSync(socket); tries++) {
    if (tries > patient(120) * 10) throw new Error('pckit net does not listen');
    await new Promise((go) => setTimeout(go, 100));
  }
  return network;
}

async function qemuArguments(kernel: string, disk: string, card: string, netdev: string, folder: string): Promise<string[]> {
  const fetched = await command(['guest', 'fetch', kernel], patient(900));
  const initramfs = join(folder, `${kernel}.cpio`);
  await command(['guest', 'build', kernel, '-o', initramfs], patient(300));
  return [
    ...['-machine', 'pc', '-accel', 'tcg,thread=single', '-m', String(MEMORY_MEGABYTES), '-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-no-reboot'],
    ...['-kernel', fetched.split('\n').at(-1) as string, '-initrd', initramfs, '-append', 'console=ttyS0 root=/dev/vda rw', '-drive', `file=${disk},if=virtio,format=raw`],
    ...['-netdev', netdev, '-device', `${card === 'e1000' ? 'e1000' : 'virtio-net-pci'},netdev=net`],
  ];
}
