/** The emulators that are compared: how each is started with the same kernel, initramfs and command line. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConsoleRun } from '../../tests/system/pckit.js';

const root = resolve(fileURLToPath(import.meta.url), '../../..');

export interface Machine {
  readonly kernel: string;
  readonly initrd: string;
  readonly append: string;
  readonly memoryMiB: number;
  /** Who unpacks the kernel, where the emulator lets one choose. */
  readonly unpack?: 'guest';
  /** A raw image; what the guest writes is forgotten. */
  readonly disk?: string;
}

export interface Subject {
  readonly name: string;
  command(machine: Machine): readonly string[];
}

export interface PckitChoice {
  /** Run the TypeScript instead of what `npm run build` made of it. */
  readonly source: boolean;
  readonly options: readonly string[];
  /** Another build's main.js. */
  readonly main?: string | undefined;
}

export function pckit({ source, options, main }: PckitChoice): Subject {
  const built = main ?? join(root, 'apps/cli/dist/main.js');
  if (!source && !existsSync(built)) throw new Error(`no ${built}: npm run build, or --source`);
  const program = source ? ['--conditions=@pckit/source', '--import', import.meta.resolve('tsx'), join(root, 'apps/cli/src/main.ts')] : [built];
  return {
    name: 'pckit',
    command: ({ kernel, initrd, append, memoryMiB, disk, unpack }) => [
      ...[process.execPath, ...program, 'boot', '--kernel', kernel, '--initrd', initrd, '--append', append, '--memory', `${memoryMiB}M`, '--quiet'],
      ...(disk === undefined ? [] : ['--disk', `${disk},overlay`]),
      ...(unpack === undefined ? [] : ['--unpack', unpack]),
      ...options,
    ],
  };
}

/** @param model the nearest to pckit's default, x86-64-v2 */
export function qemu(model = 'Nehalem'): Subject {
  return {
    name: 'qemu',
    command: ({ kernel, initrd, append, memoryMiB, disk }) => [
      ...['qemu-system-x86_64', '-machine', 'pc', '-accel', 'tcg', '-smp', '1', '-cpu', model, '-m', `${memoryMiB}M`],
      ...['-nodefaults', '-display', 'none', '-no-reboot', '-serial', 'stdio', '-kernel', kernel, '-initrd', initrd, '-append', append],
      ...(disk === undefined ? [] : ['-drive', `file=${disk},format=raw,if=virtio,snapshot=on`]),
    ],
  };
}

/** For i386 guests. */
export function v86(): Subject {
  return {
    name: 'v86',
    command: ({ kernel, initrd, append, memoryMiB }) => [process.execPath, join(root, 'bench/tools/v86.mjs'), kernel, initrd, append, String(memoryMiB)],
  };
}

export function start(subject: Subject, machine: Machine, log: string, patience: number): ConsoleRun {
  const [command, ...args] = subject.command(machine);
  return new ConsoleRun(command as string, args, { log, patience });
}

export interface Cost {
  /** User and system time, all threads. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}

/** Runs to the end, through bash's `time`, which knows the CPU time of a process that has ended. */
export async function timeToEnd(subject: Subject, machine: Machine, log: string, patience: number): Promise<Cost & { readonly console: string }> {
  const run = new ConsoleRun('bash', ['-c', 'TIMEFORMAT="bench-time %R %U %S"; time "$@"', 'bash', ...subject.command(machine)], { log, patience });
  const { status, stderr, console } = await run.finished;
  const time = /bench-time ([\d.]+) ([\d.]+) ([\d.]+)/.exec(stderr);
  if (status !== 0 || time === null) throw new Error(`${subject.name} ended with status ${status}\n${console.slice(-1000)}\n${stderr.slice(-1000)}`);
  return { wallSeconds: Number(time[1]), cpuSeconds: Number(time[2]) + Number(time[3]), console };
}
