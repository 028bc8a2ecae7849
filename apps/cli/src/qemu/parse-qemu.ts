import { CPU_MODELS } from '@pckit/x86-jit';
import { CliError } from '../cli-error.js';
import type { BootOptions } from '../commands/boot-options.js';
import { parseGdb, type GdbOption } from '../parse/gdb-option.js';
import { parseCount } from '../parse/number.js';
import { checkSerials, parseSerial, type SerialOption } from '../parse/serial-option.js';
import { parseSize } from '../parse/size.js';
import { Drives } from './drives.js';
import { nearestFlag, OPTIONS, REFUSED, SWITCHES, type OptionFlag, type Switch } from './flags.js';
import { KeyValues } from './key-values.js';
import { isCard, Networks } from './networks.js';

/** What `pckit qemu` was asked for, as the machine that `pckit boot` builds. */
export interface QemuRequest {
  readonly boot: BootOptions;
  /** One line each: what was taken and means something else here, or nothing. */
  readonly notes: readonly string[];
}

interface Given {
  readonly switches: ReadonlySet<Switch>;
  readonly options: readonly (readonly [flag: OptionFlag, value: string])[];
}

const DEFAULT_MEMORY = 128 * 2 ** 20;
const DEBUG_EXIT_PORT = 0xf4;

/** @throws CliError for what isn't there, by its name */
export function parseQemu(args: readonly string[]): QemuRequest {
  const given = collect(args);
  const notes: string[] = [];
  const last = (flag: OptionFlag): string | undefined => given.options.findLast(([name]) => name === flag)?.[1];
  const all = (flag: OptionFlag): readonly string[] => given.options.filter(([name]) => name === flag).map(([, value]) => value);
  const has = (flag: Switch): boolean => given.switches.has(flag);

  const machine = machineType([...all('machine'), ...all('M')], notes);
  if (has('enable-kvm') || all('accel').length > 0) notes.push('-enable-kvm and -accel: the processor is emulated, by compiling to WebAssembly');
  // A snapshot knows what machine it is of.
  const loadvm = last('loadvm');
  const { disks, nets, nics } = devices(given, machine, !has('nodefaults') && loadvm === undefined, has('snapshot'));
  const memory = last('m');
  const cpuModel = cpu(last('cpu'), notes);
  const gdb = gdbServer(has('s'), has('S'), last('gdb'));
  const terminal = consoles(given, notes);
  const display = last('display');
  if (!has('nographic') && display !== 'none' && all('serial').length === 0) notes.push('there is no display: the first serial line is this terminal, as with -nographic');
  if (last('vga') !== undefined && last('vga') !== 'none') notes.push('-vga: there is no display');
  const icount = last('icount');
  if (icount !== undefined && !/^(?:shift=)?(?:0|auto)(?:,|$)/.test(icount)) notes.push('-icount: an instruction takes one nanosecond, as with shift=0');
  const epoch = last('rtc') === undefined ? undefined : realTimeClock(last('rtc') as string);
  if (last('d') !== undefined || last('D') !== undefined) notes.push('-d and -D: nothing of that is logged; "pckit boot --stats" counts, -gdb looks inside');
  const kernel = last('kernel');
  if (kernel === undefined && loadvm === undefined) throw new CliError('usage', 'there is no -kernel', 'pckit has no firmware that could boot from a disk: give it the kernel, and -append "root=/dev/sda ...".');
  const initrd = last('initrd');
  const cpus = processors(last('smp'));
  const pidFile = last('pidfile');
  const seed = last('seed');

  return {
    notes,
    boot: {
      ...(kernel === undefined ? {} : { kernel }),
      ...(initrd === undefined ? {} : { initrd }),
      ...(loadvm === undefined ? {} : { resume: snapshotFile(loadvm) }),
      ...(kernel === undefined ? {} : { append: last('append') ?? '' }),
      ...(disks.length === 0 && loadvm !== undefined ? {} : { disks }),
      ...(nets.length === 0 && loadvm !== undefined ? {} : { nets, nics }),
      ...(memory === undefined && loadvm !== undefined ? {} : { memoryBytes: memory === undefined ? DEFAULT_MEMORY : memorySize(memory) }),
      ...(cpus === undefined ? {} : { cpus }),
      ...(cpuModel === undefined ? {} : { cpuModel }),
      serials: terminal.serials,
      ...(terminal.monitor === undefined ? {} : { monitor: terminal.monitor }),
      ...(icount === undefined ? {} : { deterministic: true }),
      ...(seed === undefined ? {} : { seed: parseCount(seed, '-seed', { max: 2 ** 32 - 1 }) }),
      exitOn: [],
      interpreterOnly: false,
      ...(gdb === undefined ? {} : { gdb }),
      ...(has('S') && gdb === undefined ? { paused: true } : {}),
      reboot: !has('no-reboot'),
      ...(has('no-shutdown') ? { staysOn: true } : {}),
      ...(epoch === undefined ? {} : { epoch }),
      ...(pidFile === undefined ? {} : { pidFile }),
      quiet: has('q') || has('quiet'),
      asQemu: true,
    },
  };
}

/** Flags and values; one dash or two, as QEMU takes both. */
function collect(args: readonly string[]): Given {
  const switches = new Set<Switch>();
  const options: (readonly [OptionFlag, string])[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (!arg.startsWith('-') || arg === '-') {
      // What stands alone is -hda.
      options.push(['hda', arg]);
      continue;
    }
    const name = arg.replace(/^--?/, '');
    if ((SWITCHES as readonly string[]).includes(name)) {
      switches.add(name as Switch);
    } else if ((OPTIONS as readonly string[]).includes(name)) {
      const value = args[++i];
      if (value === undefined) throw new CliError('usage', `${arg} needs a value`);
      options.push([name as OptionFlag, value]);
    } else {
      const refused = REFUSED[name];
      if (refused !== undefined) throw new CliError('usage', `pckit qemu has no ${arg}`, refused);
      const nearest = nearestFlag(name);
      throw new CliError('usage', `pckit qemu has no ${arg}`, nearest === undefined ? '"pckit qemu -help" shows what there is.' : `The nearest is -${nearest}. "pckit qemu -help" shows what there is.`);
    }
  }
  return { switches, options };
}

/** @returns which controller the machine's own disks are on */
function machineType(values: readonly string[], notes: string[]): 'ide' | 'ahci' {
  let ide: 'ide' | 'ahci' = 'ide';
  for (const text of values) {
    const type = text.split(',')[0]?.replace(/^type=/, '') ?? '';
    if (/^(?:pc-)?q35/.test(type)) {
      ide = 'ahci';
      notes.push(`-machine ${type}: the chipset is an i440FX's; disks are on AHCI, as there`);
    } else if (!/^(?:pc|pc-i440fx-.*)$/.test(type) && !type.includes('=')) {
      throw new CliError('usage', `-machine ${text}: pckit has no machine "${type}"`, 'The machines are pc and q35.');
    }
  }
  return ide;
}

function devices(given: Given, ide: 'ide' | 'ahci', defaults: boolean, snapshot: boolean): Required<Pick<BootOptions, 'disks' | 'nets' | 'nics'>> {
  const drives = new Drives(ide);
  const networks = new Networks();
  // -device may stand before what it names.
  for (const [flag, value] of given.options) {
    if (flag === 'drive') drives.drive(value);
    else if (flag === 'blockdev') drives.blockdev(value);
    else if (flag === 'netdev') networks.netdev(value);
    else if (flag === 'cdrom') drives.cdrom(value);
    else if (flag === 'hda' || flag === 'hdb' || flag === 'hdc' || flag === 'hdd') drives.hd('abcd'.indexOf(flag[2] as string), value);
    else if (flag === 'device' && /^(?:driver=)?(?:ich9-)?ahci(?:,|$)/.test(value)) drives.ahci(new KeyValues('-device', value, 'driver').take('id'));
  }
  for (const [flag, value] of given.options) {
    if (flag === 'net') networks.net(value);
    else if (flag === 'nic') networks.nic(value);
    else if (flag === 'device') device(value, drives, networks);
  }
  const [unused] = drives.unused;
  if (unused !== undefined) throw new CliError('usage', `no -device uses the drive ${unused}`, `Add -device virtio-blk-pci,drive=${unused}, or leave if=none out.`);
  return { disks: drives.result(snapshot), ...networks.result(defaults) };
}

function device(text: string, drives: Drives, networks: Networks): void {
  const values = new KeyValues('-device', text, 'driver');
  const model = values.take('driver') ?? '';
  if (isCard(model)) return networks.device(model, values, text);
  switch (model) {
    case 'virtio-blk-pci':
    case 'virtio-blk':
      return drives.device('virtio', values, text);
    case 'ide-hd':
    case 'ide-cd':
      return drives.device(model, values, text);
    case 'ahci':
    case 'ich9-ahci':
    case 'virtio-rng-pci':
    case 'virtio-rng':
    case 'isa-serial':
      return;
    case 'isa-debug-exit': {
      const base = values.takeNumber('iobase') ?? 0x501;
      if (base !== DEBUG_EXIT_PORT) throw new CliError('usage', `-device ${text}: the debug exit port is 0xf4 here`, 'Add iobase=0xf4, and have the guest write there.');
      return;
    }
    default:
      throw new CliError('usage', `-device ${text}: pckit has no device "${model}"`, 'The devices are virtio-blk-pci, virtio-net-pci, virtio-rng-pci, e1000, ide-hd, ide-cd, ahci and isa-debug-exit.');
  }
}

/** Which serial lines there are, and where the monitor is. */
function consoles(given: Given, notes: string[]): { readonly serials: readonly SerialOption[]; readonly monitor: BootOptions['monitor'] } {
  const values = (flag: OptionFlag): readonly string[] => given.options.filter(([name]) => name === flag).map(([, value]) => value);
  if (values('chardev').length > 0 || values('mon').length > 0) throw new CliError('usage', 'pckit qemu has no -chardev', 'Say where the line goes in -serial: stdio, mon:stdio, file:FILE, tcp:PORT or none.');
  let mux = false;
  const serials = values('serial').map((text): SerialOption => {
    if (text === 'mon:stdio') {
      mux = true;
      return { kind: 'stdio' };
    }
    if (text === 'null') return { kind: 'none' };
    const tcp = /^(?:tcp|telnet):([^,]*)(?:,(.*))?$/.exec(text);
    if (tcp !== null) {
      // Ours listens, and no machine waits for who connects.
      if (!/(?:^|,)server/.test(tcp[2] ?? '')) throw new CliError('usage', `-serial ${text}: pckit listens, it doesn't connect`, 'Add ",server=on,wait=off".');
      return parseSerial(`tcp:${(tcp[1] as string).replace(/^:/, '')}`);
    }
    return parseSerial(text);
  });
  const monitors = values('monitor');
  const monitor = monitors.at(-1);
  if (monitor !== undefined && !['stdio', 'none', 'null'].includes(monitor)) throw new CliError('usage', `-monitor ${monitor}: the monitor is on the terminal or nowhere`, 'It takes stdio and none; with -nographic Ctrl-A c switches to it.');
  if (serials.length === 0) {
    if (monitor === 'stdio') return { serials: [{ kind: 'none' }], monitor: 'stdio' };
    return { serials: [{ kind: 'stdio' }], monitor: monitor === undefined ? 'mux' : undefined };
  }
  checkSerials(serials);
  const taken = serials.some(({ kind }) => kind === 'stdio');
  if (monitor === 'stdio') {
    if (taken) throw new CliError('usage', '-monitor stdio and -serial stdio both want the terminal', 'Write -serial mon:stdio for both on one, Ctrl-A c switches.');
    return { serials, monitor: 'stdio' };
  }
  if (taken && !mux && monitor === undefined) notes.push('-serial stdio: Ctrl-A c switches to the monitor all the same, Ctrl-C is the guest\'s');
  return { serials, monitor: taken && monitor === undefined ? 'mux' : undefined };
}

/** `2G`, `size=2G,slots=..`, `512`: mebibytes without a unit. */
function memorySize(text: string): number {
  const size = new KeyValues('-m', text, 'size').take('size') ?? '';
  const bytes = parseSize(/^\d+$/.test(size) ? `${size}M` : size, '-m');
  if (bytes < 2 * 2 ** 20 || bytes % 4096 !== 0) throw new CliError('usage', `-m ${text} is not a size for a PC's memory`, 'Write -m 512 or -m 2G.');
  return bytes;
}

function processors(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const values = new KeyValues('-smp', text, 'cpus');
  const part = (key: string): number => values.takeNumber(key) ?? 1;
  const product = part('sockets') * part('dies') * part('cores') * part('threads');
  values.take('maxcpus');
  return parseCount(values.take('cpus') ?? String(product), '-smp', { min: 1, max: 64 });
}

function cpu(text: string | undefined, notes: string[]): string | undefined {
  if (text === undefined) return undefined;
  const [name] = text.split(',') as [string];
  if (CPU_MODELS.some((model) => model.name === name)) {
    if (text !== name) notes.push(`-cpu ${text}: features can't be switched, it is ${name}`);
    return name;
  }
  const ours = CPU_MODELS.map((model) => model.name);
  const best = name === 'max' || name === 'host' ? ours.at(-1) : ours[0];
  notes.push(`-cpu ${text}: the processor is ${best ?? ''}; there are ${ours.join(', ')}`);
  return best;
}

function gdbServer(short: boolean, stopped: boolean, text: string | undefined): GdbOption | undefined {
  if (text === undefined) return short ? { ...parseGdb('1234'), wait: stopped } : undefined;
  const match = /^tcp:([^:,]*):(\d+)(?:,.*)?$/.exec(text);
  if (match === null) throw new CliError('usage', `-gdb ${text}: a debugger comes over TCP`, 'Write -gdb tcp::1234.');
  const [, host, port] = match;
  return { ...parseGdb(host === '' ? (port as string) : `${host ?? ''}:${port ?? ''}`), wait: stopped };
}

/** `base=utc|localtime|2020-01-02T03:04:05[,clock=..][,driftfix=..]` @returns as `Date.now()`; undefined: the host's time */
function realTimeClock(text: string): number | undefined {
  const values = new KeyValues('-rtc', text);
  const base = values.take('base') ?? 'utc';
  values.take('clock');
  values.take('driftfix');
  values.expectNoMore('base=utc|localtime|DATE');
  if (base === 'utc') return undefined;
  if (base === 'localtime') return Date.now() - new Date().getTimezoneOffset() * 60_000;
  const time = Date.parse(/T/.test(base) ? `${base}Z` : `${base}T00:00:00Z`);
  if (Number.isNaN(time)) throw new CliError('usage', `-rtc ${text}: "${base}" is not a date`, 'Write base=utc, base=localtime or base=2020-01-02T03:04:05.');
  return time;
}

/** Where the monitor's savevm and -loadvm keep a snapshot: a file in this folder. */
export function snapshotFile(tag: string): string {
  return /[/.]/.test(tag) ? tag : `${tag}.pckit-snapshot`;
}
