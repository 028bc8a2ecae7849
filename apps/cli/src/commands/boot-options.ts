import { Command, Option } from 'commander';
import { CliError } from '../cli-error.js';
import { exitCodeTable } from '../exit-code.js';
import { parseDisk, type DiskOption } from '../parse/disk-option.js';
import { parseNet, parseNic, type NetOption, type NicOption } from '../parse/net-option.js';
import { parseGdb, type GdbOption } from '../parse/gdb-option.js';
import { parseMirror } from '../parse/mirror.js';
import { parseCount, parseSeconds } from '../parse/number.js';
import { checkSerials, parseSerial, type SerialOption } from '../parse/serial-option.js';
import { parseSize } from '../parse/size.js';
import { escapeHelp } from '../terminal/escape-keys.js';

/** What `pckit boot` was asked for, checked as far as it can be without touching a file. What is absent was not given. */
export interface BootOptions {
  readonly kernel?: string;
  /** A name in the catalogue, or `default`. */
  readonly guest?: string;
  readonly initrd?: string;
  readonly append?: string;
  readonly disks?: readonly DiskOption[];
  /** Networks, each with a card in the machine, and the cards in the same order. */
  readonly nets?: readonly NetOption[];
  readonly nics?: readonly NicOption[];
  readonly memoryBytes?: number;
  readonly cpus?: number;
  readonly cpuModel?: string;
  /** COM1, COM2, ... */
  readonly serials: readonly SerialOption[];
  readonly deterministic?: true;
  readonly seed?: number;
  readonly exitOn: readonly string[];
  readonly timeoutSeconds?: number;
  readonly maxInstructions?: number;
  readonly interpreterOnly: boolean;
  readonly gdb?: GdbOption;
  /** Who unpacks a bzImage. Absent: the host where it can. */
  readonly unpack?: Unpack;
  readonly reboot: boolean;
  readonly stats?: 'table' | 'json';
  /** Show where the guest spent its time. */
  readonly profile?: true;
  /** File for the lines of `--trace-jit`; `true`: the table alone. */
  readonly traceJit?: string | true;
  readonly save?: string;
  readonly resume?: string;
  readonly mirror?: string;
  readonly quiet: boolean;
  // What only `pckit qemu` asks for.
  /** A monitor: on the console's terminal, by Ctrl-A c, or with the terminal to itself. */
  readonly monitor?: 'mux' | 'stdio' | undefined;
  /** The machine stands still until the monitor lets it go. */
  readonly paused?: true;
  /** After a power-off the monitor stays. */
  readonly staysOn?: true;
  /** The date and time at power-on, as `Date.now()`. */
  readonly epoch?: number;
  readonly pidFile?: string;
  /** Ends as QEMU does: a reset that is not to be is status 0; the escape key is one in piped input, too. */
  readonly asQemu?: true;
}

export type Unpack = 'host' | 'guest';

const examples = `
Examples:
  pckit boot
      Debian's cloud kernel with a busybox shell; fetched once, then cached.
  pckit boot --kernel vmlinuz --initrd initrd.img --append "console=ttyS0 quiet"
      Your own kernel. Without --append it is given a serial console.
  pckit boot --kernel vmlinuz --disk debian.img --append "console=ttyS0 root=/dev/vda rw" --memory 2G --smp 2
      A disk image, as a virtio disk. --disk debian.img,overlay forgets the guest's writes.
  echo 'uname -a; poweroff -f' | pckit boot
      Piped input is typed into the console.
  pckit boot --kernel vmlinuz --initrd test.cpio --exit-on "tests passed" --timeout 120
      For scripts: status 0 when the text came, another one when it didn't.
  pckit boot --kernel vmlinuz --disk debian.img --net user,hostfwd=tcp::10021-:22
      A network: the guest reaches what this machine reaches, and "ssh -p 10021 root@localhost" reaches the guest.
  pckit boot --deterministic --max-instructions 1e9 --stats json
      The same state hash every time.
  pckit boot --gdb 1234 --wait
      Before its first instruction the machine waits for gdb's "target remote :1234".
  pckit boot --serial stdio --serial tcp:4444
      COM1 here, COM2 for "nc localhost 4444".
`;

function exitCodes(): string {
  const width = Math.max(...exitCodeTable.map(([code]) => code.length));
  return `\nExit status:\n${exitCodeTable.map(([code, meaning]) => `  ${code.padEnd(width)}  ${meaning}`).join('\n')}\n`;
}

const keys = `\nKeys, while standard input is a terminal:\n${escapeHelp.map((line) => `  ${line}`).join('\n')}\n`;

const collect = (value: string, previous: string[] = []): string[] => [...previous, value];

/** The `boot` command; `act` gets the checked options. */
export function bootCommand(act: (options: BootOptions) => Promise<void>): Command {
  return new Command('boot')
    .summary('boot a kernel; without arguments, a Debian kernel to a shell')
    .description('Boots a Linux kernel, a PVH or multiboot ELF file, on a PC with its serial console on this terminal.\nWithout --kernel, boots the default guest: Debian\'s cloud kernel and a busybox initramfs.')
    .optionsGroup('What to boot:')
    .option('--kernel <file>', 'bzImage, ELF vmlinux or multiboot kernel')
    .option('--guest <name>', 'instead of --kernel: a Debian kernel that "pckit guest list" names (default: bookworm-cloud)')
    .option('--initrd <file>', 'initial RAM disk (cpio, compressed or not)')
    .option('--append <text>', 'kernel command line (default: one that suits the console)')
    .option('--disk <file[,flags]>', 'disk from a raw or qcow2 image; flags: ro, overlay, if=virtio|ide|ahci (default: virtio), cdrom, format=raw|qcow2|vmdk|vhd|vhdx; may be repeated', collect)
    .addOption(new Option('--unpack <where>', 'who unpacks a bzImage: the host, which is quick, or the guest, with the kernel\'s own decompressor (default: the host where it can)').choices(['host', 'guest']))
    .option('--resume <file>', 'continue from a snapshot; what it is a snapshot of need not be repeated')
    .option('--mirror <url>', 'Debian mirror to fetch the guest from, instead of the host\'s apt')
    .optionsGroup('The machine:')
    .option('--memory <size>', 'guest RAM: 512M, 2G (default: 512M)')
    .option('--smp <n>', 'number of processors (default: 1)')
    .option('--cpu <model>', 'processor model')
    .option('--serial <line>', 'stdio, file:PATH, tcp:[HOST:]PORT or none; COM1, COM2, ... in order (default: stdio)', collect)
    .option('--net <network>', 'user[,hostfwd=tcp::10021-:22][,...] or stream,listen=unix:PATH; may be repeated', collect)
    .option('--nic <card[,mac=MAC][,slot=N]>', 'the network card: virtio or e1000 (default: virtio); may be repeated, one for each --net', collect)
    .option('--deterministic', 'virtual time counts instructions: the same run every time')
    .option('--seed <n>', 'seed of the guest\'s random numbers in deterministic mode (default: 0)')
    .option('--interpreter-only', 'never compile guest code')
    .optionsGroup('When to stop:')
    .option('--exit-on <text>', 'end with status 0 when the guest writes this to a serial line; may be repeated', collect)
    .option('--timeout <seconds>', 'end after this much real time')
    .option('--max-instructions <n>', 'end when exactly this many were executed since power-on: 1000000, 1e9')
    .option('--gdb <[host:]port>', 'let gdb or lldb connect: "target remote :1234"')
    .option('--wait', 'with --gdb: stand still before the first instruction until a debugger has come')
    .option('--no-reboot', 'end instead of restarting when the guest resets the machine')
    .optionsGroup('What to keep and to show:')
    .option('--save <file>', 'write a snapshot when the run ends')
    .option('--trace-jit [FILE]', 'what the region compiler does: each event to FILE, and on standard error which regions executed most')
    .option('--profile', 'where the guest spent its time, on standard error: functions of the kernel, pages elsewhere, and what executed them')
    .addOption(new Option('--stats [format]', 'figures at the end, on standard error').choices(['table', 'json']).preset('table'))
    .option('-q, --quiet', 'no messages of ours but errors')
    .addHelpText('after', () => keys + exitCodes() + examples)
    .action(async (raw: RawBootOptions) => act(checkBootOptions(raw)));
}

/** As commander hands them over. */
export interface RawBootOptions {
  kernel?: string;
  guest?: string;
  initrd?: string;
  append?: string;
  disk?: string[];
  net?: string[];
  nic?: string[];
  memory?: string;
  smp?: string;
  cpu?: string;
  serial?: string[];
  deterministic?: boolean;
  seed?: string;
  exitOn?: string[];
  timeout?: string;
  maxInstructions?: string;
  interpreterOnly?: boolean;
  gdb?: string;
  wait?: boolean;
  unpack?: Unpack;
  reboot: boolean;
  stats?: 'table' | 'json';
  profile?: boolean;
  traceJit?: string | true;
  save?: string;
  resume?: string;
  mirror?: string;
  quiet?: boolean;
}

export function checkBootOptions(raw: RawBootOptions): BootOptions {
  const memoryBytes = raw.memory === undefined ? undefined : parseMemory(raw.memory);
  const serials = raw.serial === undefined ? [{ kind: 'stdio' } as const] : raw.serial.map(parseSerial);
  checkSerials(serials);
  if (raw.exitOn?.includes('') === true) throw new CliError('usage', '--exit-on got an empty text', 'Write the text to wait for: --exit-on "login:".');
  if (raw.seed !== undefined && raw.deterministic !== true && raw.resume === undefined) {
    throw new CliError('usage', '--seed needs --deterministic', 'Without it the guest gets real random numbers.');
  }
  if (raw.guest !== undefined && raw.kernel !== undefined) {
    throw new CliError('usage', '--guest and --kernel were both given', '--guest boots a kernel that pckit fetches; "pckit guest list" names them.');
  }
  if (raw.wait === true && raw.gdb === undefined) throw new CliError('usage', '--wait needs --gdb', 'It waits for a debugger: --gdb 1234 --wait.');
  const nets = raw.net?.map(parseNet);
  const nics = raw.nic?.map(parseNic);
  if ((nics?.length ?? 0) > (nets?.length ?? 0) && raw.resume === undefined) {
    throw new CliError('usage', `--nic was given ${nics?.length} times, --net ${nets?.length ?? 0} times`, 'Each card needs a network: --net user --nic e1000.');
  }
  return {
    ...(raw.kernel === undefined ? {} : { kernel: raw.kernel }),
    ...(raw.guest === undefined ? {} : { guest: raw.guest }),
    ...(raw.initrd === undefined ? {} : { initrd: raw.initrd }),
    ...(raw.append === undefined ? {} : { append: raw.append }),
    ...(raw.disk === undefined ? {} : { disks: raw.disk.map(parseDisk) }),
    ...(nets === undefined ? {} : { nets }),
    ...(nics === undefined ? {} : { nics }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(raw.smp === undefined ? {} : { cpus: parseCount(raw.smp, '--smp', { min: 1, max: 64 }) }),
    ...(raw.cpu === undefined ? {} : { cpuModel: raw.cpu }),
    serials,
    ...(raw.deterministic === true ? { deterministic: true } : {}),
    ...(raw.seed === undefined ? {} : { seed: parseCount(raw.seed, '--seed', { max: 2 ** 32 - 1 }) }),
    exitOn: raw.exitOn ?? [],
    ...(raw.timeout === undefined ? {} : { timeoutSeconds: parseSeconds(raw.timeout, '--timeout') }),
    ...(raw.maxInstructions === undefined ? {} : { maxInstructions: parseCount(raw.maxInstructions, '--max-instructions', { min: 1 }) }),
    interpreterOnly: raw.interpreterOnly === true,
    ...(raw.gdb === undefined ? {} : { gdb: { ...parseGdb(raw.gdb), wait: raw.wait === true } }),
    ...(raw.unpack === undefined ? {} : { unpack: raw.unpack }),
    reboot: raw.reboot,
    ...(raw.profile === true ? { profile: true as const } : {}),
    ...(raw.traceJit === undefined ? {} : { traceJit: raw.traceJit }),
    ...(raw.stats === undefined ? {} : { stats: raw.stats }),
    ...(raw.save === undefined ? {} : { save: raw.save }),
    ...(raw.resume === undefined ? {} : { resume: raw.resume }),
    ...(raw.mirror === undefined ? {} : { mirror: parseMirror(raw.mirror) }),
    quiet: raw.quiet === true,
  };
}

/** What a PC takes at least. */
const LEAST_MEMORY = 2 * 2 ** 20;

function parseMemory(text: string): number {
  const bytes = parseSize(text, '--memory');
  if (bytes < LEAST_MEMORY) {
    throw new CliError('usage', `--memory ${text} is too little for a PC`, 'A Linux kernel wants 64M or more; a size without a unit is in bytes.');
  }
  if (bytes % 4096 !== 0) {
    throw new CliError('usage', `--memory ${text} is not a multiple of 4096 bytes`, 'Write a size such as 512M or 2G.');
  }
  return bytes;
}
