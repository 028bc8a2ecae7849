import { Command, Option } from 'commander';
import { parseCount } from '../parse/number.js';
import { parseSide, type SideOption } from '../parse/side-option.js';
import { parseSize } from '../parse/size.js';
import type { Unpack } from './boot-options.js';

/** What `pckit lockstep` was asked for. */
export interface LockstepRequest {
  readonly kernel?: string;
  readonly guest: string;
  readonly initrd?: string;
  readonly commandLine?: string;
  /** Raw images; what a guest writes is forgotten. */
  readonly disks: readonly string[];
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly cpuModel?: string;
  readonly seed: number;
  readonly unpack?: Unpack;
  readonly left: SideOption;
  readonly right: SideOption;
  readonly interval: number;
  readonly until?: number;
  readonly snapshotEvery: number;
  /** Show the left guest's console. */
  readonly console: boolean;
}

const examples = `
The first instruction after which the two machines differ is searched by bisection and shown with what led to it and what differs. Exit status 0: equal to
the end; 1: different.

Examples:
  pckit lockstep --max-instructions 1e9
      The default guest's boot, interpreted only and compiled as usual, compared every 10 million instructions.
  pckit lockstep --right default,lookups=1,samples=1 --interval 1e6
      Compiled at once.
  pckit lockstep --right default,evict=100000
      Every 100,000 instructions some compiled region is given up.
  pckit lockstep --disk debian.img --append "console=ttyS0 root=/dev/vda rw" --memory 1G
`;

const collect = (value: string, previous: string[] = []): string[] => [...previous, value];

interface RawLockstepOptions {
  kernel?: string;
  guest: string;
  initrd?: string;
  append?: string;
  disk?: string[];
  memory: string;
  smp: string;
  cpu?: string;
  seed: string;
  unpack?: Unpack;
  left: string;
  right: string;
  interval: string;
  maxInstructions?: string;
  snapshotEvery: string;
  console?: boolean;
}

export function lockstepCommand(act: (request: LockstepRequest) => Promise<void>): Command {
  return new Command('lockstep')
    .summary('run two machines side by side and find the first instruction on which they differ')
    .description('Runs the same deterministic machine twice, its processors working in different ways, and compares the whole state again and again.')
    .option('--kernel <file>', 'what to boot; otherwise the guest')
    .option('--guest <name>', 'a Debian kernel that "pckit guest list" names', 'default')
    .option('--initrd <file>', 'initial RAM disk')
    .option('--append <text>', 'kernel command line (default: console=ttyS0, and power-off when it has booted)')
    .option('--disk <file>', 'virtio disk from a raw image; what is written is forgotten; may be repeated', collect)
    .option('--memory <size>', 'guest RAM', '512M')
    .option('--smp <n>', 'number of processors', '1')
    .option('--cpu <model>', 'processor model')
    .option('--seed <n>', 'seed of the guest\'s random numbers', '0')
    .addOption(new Option('--unpack <where>', 'who unpacks a bzImage').choices(['host', 'guest']))
    .option('--left <side>', 'the machine that is believed: interpreter, or default[,option=number...]', 'interpreter')
    .option('--right <side>', 'the machine that is tried', 'default')
    .option('--interval <n>', 'instructions between comparisons', '1e7')
    .option('--max-instructions <n>', 'compare up to here (default: to the guest\'s end)')
    .option('--snapshot-every <n>', 'comparisons between snapshots from which a difference is searched', '10')
    .option('--console', 'show the guest\'s console')
    .addHelpText('after', examples)
    .action(async (raw: RawLockstepOptions) =>
      act({
        guest: raw.guest,
        disks: raw.disk ?? [],
        memoryBytes: parseSize(raw.memory, '--memory'),
        cpus: parseCount(raw.smp, '--smp', { min: 1, max: 64 }),
        seed: parseCount(raw.seed, '--seed', { max: 2 ** 32 - 1 }),
        left: parseSide(raw.left, '--left'),
        right: parseSide(raw.right, '--right'),
        interval: parseCount(raw.interval, '--interval', { min: 1 }),
        snapshotEvery: parseCount(raw.snapshotEvery, '--snapshot-every', { min: 1 }),
        console: raw.console === true,
        ...(raw.kernel === undefined ? {} : { kernel: raw.kernel }),
        ...(raw.initrd === undefined ? {} : { initrd: raw.initrd }),
        ...(raw.append === undefined ? {} : { commandLine: raw.append }),
        ...(raw.cpu === undefined ? {} : { cpuModel: raw.cpu }),
        ...(raw.unpack === undefined ? {} : { unpack: raw.unpack }),
        ...(raw.maxInstructions === undefined ? {} : { until: parseCount(raw.maxInstructions, '--max-instructions', { min: 1 }) }),
      }),
    );
}
