import type { BlockBackend, CharPort, Plain } from '@pckit/interfaces';
import { OverlayDisk, type OverlayDiskState } from '@pckit/disk-image';
import { openDisk } from '@pckit/disk-image/node';
import type { PcDisk, PcNic } from '@pckit/machine';
import { rmSync, writeFileSync } from 'node:fs';
import { CliError } from '../cli-error.js';
import { checkBoot } from '../check-boot.js';
import { defaultCommandLine } from '../command-line.js';
import { EXIT_OK, exitCode, type ExitReason } from '../exit-code.js';
import { TextMatcher } from '../exit-on.js';
import { about, explain } from '../explain.js';
import { openGdb } from '../gdb.js';
import type { GuestStore } from '../guest-store.js';
import { readInput } from '../input-file.js';
import type { DiskOption } from '../parse/disk-option.js';
import { JitTrace } from '../jit-trace.js';
import { createMachine, type Machine } from '../machine.js';
import { openOutputFile } from '../output-file.js';
import { openNetwork, type Network, type NetworkContext } from '../network/network.js';
import { restoreNetworks, saveNetworks } from '../network/under-way.js';
import { parseMac } from '../parse/mac.js';
import { Monitor } from '../qemu/monitor.js';
import { monitorActions } from '../qemu/monitor-actions.js';
import { openSerialLine, type SerialLine } from '../serial-line.js';
import { SerialOutput } from '../serial-output.js';
import { openSerialStdio, type SerialStdio } from '../serial-stdio.js';
import { Session } from '../session.js';
import { readSnapshotFile, writeSnapshotFile } from '../snapshot-file.js';
import { notesOf, readNotes, type SnapshotNotes } from '../snapshot-notes.js';
import { statsBaseline, statsJson, statsTable, timing, type BootStats, type StatsBaseline } from '../stats.js';
import { namesOf } from '../code-listing.js';
import { unpackKernel } from '../unpack-payload.js';
import { escapeHelp, type EscapeCommand } from '../terminal/escape-keys.js';
import { HostTerminal, type HostProcess, type InputStream, type OutputStream } from '../terminal/host-terminal.js';
import { WindowSize } from '../terminal/window-size.js';
import type { BootOptions } from './boot-options.js';

/** The process that we run in, as far as a boot needs it. */
export interface BootHost {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly process: HostProcess;
  /** Messages of ours: standard error. */
  readonly report: (text: string) => void;
  readonly guests: GuestStore;
}

type Say = (message: string) => void;
/** What has to be closed at the end, whatever happens; the last opened first. */
type Closing = (() => Promise<void> | void)[];

const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const DEFAULT_MEMORY = 512 * 2 ** 20;
const COM_PORTS = 4;

/** Boots what `options` ask for and runs it to its end. @returns the exit status */
export async function boot(options: BootOptions, host: BootHost): Promise<number> {
  const closing: Closing = [];
  try {
    return await run(options, host, closing);
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

async function run(options: BootOptions, host: BootHost, closing: Closing): Promise<number> {
  const terminal = new HostTerminal(host.stdin, host.stdout, host.process);
  const say: Say = (message) => {
    if (!options.quiet) host.report(`pckit: ${message}${terminal.isOpen && terminal.interactive ? '\r\n' : '\n'}`);
  };

  // What machine.
  const resumed = options.resume === undefined ? undefined : await readSnapshotFile(options.resume);
  const choice = complete(options, readNotes(resumed?.notes));
  const disks = await openDisks(choice, closing);
  const software = await loadSoftware(choice, resumed !== undefined, options, host.guests, say);
  const ourInit = choice.kernel === undefined && choice.initrd === undefined;
  const ports = Math.max(options.serials.length, choice.serialPorts);
  // Our own init follows the window's size over the last serial line, when nobody else has it.
  const mayFollow = ourInit && terminal.interactive && !choice.deterministic && options.serials.length < COM_PORTS;
  const windowSize = mayFollow && (resumed === undefined || ports === COM_PORTS) ? new WindowSize() : undefined;
  const commandLine =
    choice.commandLine ??
    (await defaultCommandLine({
      serials: options.serials,
      disks: disks.map((backend, index) => attachment(backend, choice.disks[index] as DiskOption)),
      size: windowSize === undefined ? undefined : terminal.size,
    }));

  if (options.append !== undefined && resumed === undefined && !options.quiet) {
    const attached = disks.map((backend, index) => attachment(backend, choice.disks[index] as DiskOption));
    const { kernel: image, initrd } = software.images;
    const traps = await checkBoot({ commandLine, kernel: image, initrdBytes: initrd?.length ?? 0, memoryBytes: choice.memoryBytes, disks: attached, nics: choice.nets.length, serials: options.serials });
    for (const trap of traps) say(trap);
  }
  const { kernel } = software.images;
  const unpacked =
    kernel === undefined ? undefined : await about(software.about, () => unpackKernel({ ...choice, kernel, commandLine, say }));

  // What it is connected to.
  const state: { session?: Session } = {};
  let monitor: Monitor | undefined;
  let monitorHasTerminal = false;
  const fail = (message: string): void => state.session?.end({ kind: 'host-failure', message });
  const lines: SerialLine[] = [];
  let console: SerialStdio | undefined;
  for (const option of options.serials) {
    if (option.kind === 'stdio') {
      console = openSerialStdio({
        terminal,
        escapeAlways: options.asQemu === true,
        divert: () => (monitorHasTerminal ? (bytes) => monitor?.feed(bytes) : undefined),
        command: (command) => act(command),
        failed: (error) => fail(`standard output: ${error.message}`),
        congested: (congested) => (congested ? state.session?.hold('output') : state.session?.release('output')),
        resized: () => windowSize?.send(terminal.size),
      });
      lines.push(console);
      closing.push(() => terminal.close());
    } else {
      const line = await openSerialLine(option, { failed: fail, say });
      lines.push(line);
      closing.push(() => line.close());
    }
  }
  const found = (text: string): void => state.session?.end({ kind: 'exit-on', text });
  const serials: (CharPort | null)[] = lines.map(({ port }) => watched(port, options.exitOn, found));
  // Small kernels that have no UART driver write to port E9H: shown with the console.
  const debugOutput = console ?? openDebugOutput(terminal);
  if (console === undefined) lines.push(debugOutput);
  while (serials.length < (windowSize === undefined ? ports : COM_PORTS)) serials.push(null);
  if (windowSize !== undefined) serials[COM_PORTS - 1] = windowSize.port;

  const { networks, nics } = await openNics(choice, { say, failed: fail }, closing);

  const traceFile = typeof options.traceJit === 'string' ? await openOutputFile('trace', options.traceJit, fail) : undefined;
  const jitTrace = options.traceJit === undefined ? undefined : new JitTrace((line) => traceFile?.write(`${line}\n`));

  const machine = await about(software.about, () =>
    createMachine({
      memoryBytes: choice.memoryBytes,
      cpus: choice.cpus,
      ...(choice.cpuModel === undefined ? {} : { cpuModel: choice.cpuModel }),
      deterministic: choice.deterministic,
      seed: choice.seed,
      ...software.images,
      ...(unpacked === undefined ? {} : { unpacked }),
      commandLine,
      disks: disks.map((backend, index) => attachment(backend, choice.disks[index] as DiskOption)),
      nics,
      serials,
      debugConsole: watched(debugOutput.port, options.exitOn, found),
      ...(options.epoch === undefined ? {} : { epoch: options.epoch }),
      interpreterOnly: options.interpreterOnly,
      profile: options.profile === true,
      trace: jitTrace,
      reboot: options.reboot,
      say,
    }),
  );
  if (resumed === undefined) machine.bootNotes.filter((note) => note.startsWith('KASLR')).forEach(say);
  if (resumed !== undefined) {
    await about(`--resume ${options.resume as string}`, () => {
      machine.restore(resumed);
      restoreNetworks(networks, choice.underWay);
    });
    // An input, and a deterministic machine goes on as if it had never stopped.
    if (!choice.deterministic) machine.announce();
  }

  const session = new Session(machine);
  state.session = session;
  const first = machine.instructions;
  if (options.maxInstructions !== undefined && first >= options.maxInstructions) {
    throw new CliError(
      'usage',
      `the snapshot was made after ${first} instructions, --max-instructions ${options.maxInstructions} is before that`,
      '--max-instructions counts from power-on, also in a resumed machine.',
    );
  }
  const began = statsBaseline();

  const save = async (file: string): Promise<void> => {
    const notes: SnapshotNotes = { ...choice, unpack: unpacked === undefined ? 'guest' : 'host', commandLine, overlays: saveOverlays(disks), underWay: saveNetworks(networks), serialPorts: serials.length };
    await writeSnapshotFile(file, machine.snapshot(notesOf(notes)));
  };
  const act = (command: EscapeCommand): void => {
    switch (command) {
      case 'quit':
        standing.quit?.();
        return session.end({ kind: 'quit' });
      case 'help':
        return escapeHelp.forEach((line) => say(monitor === undefined ? line : line.replace(/^(Ctrl-A c) .*/, '$1  switch between console and monitor')));
      case 'pause':
        if (monitor !== undefined) {
          monitorHasTerminal = !monitorHasTerminal;
          return monitorHasTerminal ? monitor.enter() : monitor.leave();
        }
        if (session.held('key')) session.release('key');
        else session.hold('key');
        return say(session.held('key') ? 'paused; Ctrl-A c continues' : 'continues');
      case 'power-button':
        return machine.pressPowerButton();
      case 'break':
        return machine.sendBreak(options.serials.findIndex(({ kind }) => kind === 'stdio'));
      case 'resize': {
        const size = terminal.size;
        if (size !== undefined) console?.type(`stty rows ${size.rows} cols ${size.columns}\r`);
        return;
      }
      case 'info': {
        const { wallSeconds, cpuSeconds, mips } = timing(machine.instructions - first, began);
        return say(
          `${(machine.instructions / 1e6).toFixed(0)} M instructions, ${wallSeconds.toFixed(1)} s (CPU ${cpuSeconds.toFixed(1)} s), ${mips.toFixed(0)} MIPS`,
        );
      }
    }
  };

  const listeners = Object.entries(signals).map(([name, number]) => {
    const listener = (): void => session.end({ kind: 'signal', number });
    host.process.on(name, listener);
    return () => host.process.off(name, listener);
  });
  closing.push(() => listeners.forEach((remove) => remove()));

  const standing: { quit?: () => void } = {};
  if (options.monitor !== undefined) {
    monitor = new Monitor(monitorActions({ machine, session, disks, networks, choice, snapshot: (file) => save(file), quit: () => (standing.quit ?? (() => session.end({ kind: 'quit' })))() }), (text) => void terminal.write(new TextEncoder().encode(text)));
  }
  if (options.pidFile !== undefined) {
    const file = options.pidFile;
    await about(`-pidfile ${file}`, () => writeFileSync(file, `${process.pid}\n`));
    closing.push(() => rmSync(file, { force: true }));
  }
  if (options.paused === true) session.hold('monitor');

  if (options.gdb !== undefined) {
    machine.powerOn();
    if (options.gdb.wait) machine.holdForDebugger();
    const listener = await openGdb(options.gdb, { machine, kernel: software.images.kernel, quit: () => session.end({ kind: 'quit' }), say });
    closing.push(() => listener.close());
  }

  console?.start();
  if (options.monitor === 'stdio') {
    const only = monitor;
    monitorHasTerminal = true;
    terminal.open({ data: (bytes) => only?.feed(bytes), end: () => {}, failed: (error) => fail(`standard output: ${error.message}`) });
    closing.push(() => terminal.close());
    only?.enter();
  }
  if (terminal.isOpen && terminal.interactive) {
    say(`${software.name}; Ctrl-A h helps, Ctrl-A x quits`);
    if (resumed !== undefined) windowSize?.send(terminal.size);
  }

  const reason = await session.run({
    ...(options.timeoutSeconds === undefined ? {} : { timeoutSeconds: options.timeoutSeconds }),
    ...(options.maxInstructions === undefined ? {} : { maxInstructions: options.maxInstructions }),
  });

  if (reason.kind === 'power-off' && options.staysOn === true && monitor !== undefined) {
    say('the guest has powered off; Ctrl-A x, or "quit" in the monitor, ends');
    await new Promise<void>((quit) => (standing.quit = quit));
  }
  await monitor?.idle;

  for (const line of lines) await line.flush();
  terminal.close();
  const message = explainEnd(reason, options);
  if (message !== undefined) host.report(`pckit: ${message}\n`);
  if (options.save !== undefined) {
    await save(options.save);
    say(`saved ${options.save}`);
  }
  if (machine.profile !== undefined || jitTrace !== undefined) {
    const names = kernel === undefined ? undefined : await namesOf(kernel, machine.slide, say);
    if (machine.profile !== undefined) host.report(machine.profile.table(names));
    if (jitTrace !== undefined) host.report(jitTrace.table(names));
  }
  traceFile?.end();
  if (options.stats !== undefined) {
    const stats = collectStats(machine, reason, first, began, choice.deterministic);
    host.report(options.stats === 'json' ? statsJson(stats) : statsTable(stats));
  }
  return options.asQemu === true && reason.kind === 'reset' ? EXIT_OK : exitCode(reason);
}

/** The machine to build: what was asked for; else what the snapshot is of; else the default. */
type MachineChoice = Omit<SnapshotNotes, 'commandLine'> & { readonly commandLine?: string };

function complete(options: BootOptions, notes: SnapshotNotes | undefined): MachineChoice {
  const ownKernel = options.kernel !== undefined || options.guest !== undefined;
  const kernel = ownKernel ? options.kernel : notes?.kernel;
  const initrd = options.initrd ?? (ownKernel ? undefined : notes?.initrd);
  const cpuModel = options.cpuModel ?? notes?.cpuModel;
  const commandLine = options.append ?? notes?.commandLine;
  const unpack = options.unpack ?? notes?.unpack;
  return {
    memoryBytes: options.memoryBytes ?? notes?.memoryBytes ?? DEFAULT_MEMORY,
    cpus: options.cpus ?? notes?.cpus ?? 1,
    deterministic: options.deterministic ?? notes?.deterministic ?? false,
    seed: options.seed ?? notes?.seed ?? 0,
    guest: options.guest ?? notes?.guest ?? 'default',
    disks: options.disks ?? notes?.disks ?? [],
    overlays: notes?.overlays ?? {},
    underWay: notes?.underWay ?? {},
    serialPorts: notes?.serialPorts ?? 1,
    nets: options.nets ?? notes?.nets ?? [],
    nics: options.nics ?? notes?.nics ?? [],
    ...(cpuModel === undefined ? {} : { cpuModel }),
    ...(unpack === undefined ? {} : { unpack }),
    ...(kernel === undefined ? {} : { kernel }),
    ...(initrd === undefined ? {} : { initrd }),
    ...(commandLine === undefined ? {} : { commandLine }),
  };
}

async function openDisks({ disks, overlays }: MachineChoice, closing: Closing): Promise<BlockBackend[]> {
  const opened: BlockBackend[] = [];
  for (const [index, { path, readOnly, overlay, format }] of disks.entries()) {
    const disk = await about(`--disk ${path}`, () => openDisk(path, { readOnly, overlay, ...(format === undefined ? {} : { format }) }));
    closing.push(() => disk.close());
    const written = overlays[index];
    if (disk instanceof OverlayDisk && written !== undefined) await about(`--disk ${path}`, () => disk.restore(written as OverlayDiskState));
    opened.push(disk);
  }
  return opened;
}

function attachment(backend: BlockBackend, { interface: kind, cdrom, unit }: DiskOption): PcDisk {
  return { backend, ...(kind === undefined ? {} : { interface: kind }), ...(cdrom === undefined ? {} : { cdrom }), ...(unit === undefined ? {} : { unit }) };
}

/** Each network with a card; without `--nic` a virtio one. */
async function openNics({ nets, nics }: MachineChoice, context: NetworkContext, closing: Closing): Promise<{ networks: Network[]; nics: PcNic[] }> {
  const networks: Network[] = [];
  const opened: PcNic[] = [];
  for (const [index, option] of nets.entries()) {
    const network = await openNetwork(option, context);
    closing.push(() => network.close());
    networks.push(network);
    const { model, mac, mtu, slot } = nics[index] ?? { model: 'virtio' };
    const address = mac === undefined ? undefined : parseMac(mac);
    opened.push({ port: network.port, model, ...(address === undefined ? {} : { mac: address }), ...(mtu === undefined ? {} : { mtu }), ...(slot === undefined ? {} : { slot }) });
  }
  return { networks, nics: opened };
}

/** What the guest wrote to disks that forget it at the end: a snapshot must not. */
function saveOverlays(disks: readonly BlockBackend[]): Record<string, Plain> {
  return Object.fromEntries(disks.flatMap((disk, index) => (disk instanceof OverlayDisk ? [[String(index), disk.save()]] : [])));
}

interface Software {
  /** For people. */
  readonly name: string;
  /** What an error in it is about. */
  readonly about: string;
  readonly images: { readonly kernel?: Uint8Array; readonly initrd?: Uint8Array };
}

async function loadSoftware(choice: MachineChoice, resumed: boolean, options: BootOptions, guests: GuestStore, say: Say): Promise<Software> {
  try {
    const initrd = choice.initrd === undefined ? undefined : readInput(choice.initrd, 'initrd');
    if (choice.kernel !== undefined) {
      const kernel = readInput(choice.kernel, 'kernel');
      return { name: choice.kernel, about: `the kernel ${choice.kernel}`, images: { kernel, ...(initrd === undefined ? {} : { initrd }) } };
    }
    const guest = await guests.bootable(choice.guest, { say, mirror: options.mirror });
    return { name: guest.name, about: 'the default guest', images: { kernel: guest.kernel, initrd: initrd ?? guest.initrd } };
  } catch (error) {
    // A snapshot holds the running kernel: its file is needed again only when the guest restarts.
    if (!resumed || options.kernel !== undefined || options.guest !== undefined || explain(error) === undefined) throw error;
    say(`the kernel of the snapshot isn't there any more; a reset will end the run`);
    return { name: choice.kernel ?? choice.guest, about: `--resume ${options.resume as string}`, images: {} };
  }
}

function openDebugOutput(terminal: HostTerminal): SerialLine {
  const output = new SerialOutput((bytes) => void terminal.write(bytes));
  const flush = (): Promise<void> => {
    output.flush();
    return terminal.flush();
  };
  return { port: { write: (byte) => output.write(byte), attach: () => {} }, flush, close: flush };
}

/** A serial line on which texts are looked for. Each line has its own matchers: no text is put together from two lines. */
function watched(port: CharPort, texts: readonly string[], found: (text: string) => void): CharPort {
  if (texts.length === 0) return port;
  const matchers = texts.map((text) => ({ text, matcher: new TextMatcher(text) }));
  return {
    write: (byte) => {
      port.write(byte);
      for (const { text, matcher } of matchers) if (matcher.push(byte)) found(text);
    },
    attach: (receive) => port.attach(receive),
    onReady: () => port.onReady?.(),
  };
}

/** What to say about an end that was not asked for. */
function explainEnd(reason: ExitReason, options: BootOptions): string | undefined {
  switch (reason.kind) {
    case 'timeout':
      return `stopped after --timeout ${options.timeoutSeconds} s${waitedFor(options)}`;
    case 'max-instructions':
      return options.exitOn.length > 0 ? `stopped after ${options.maxInstructions} instructions${waitedFor(options)}` : undefined;
    case 'shutdown':
      return 'the processor shut down: a triple fault. The guest\'s last words are above.';
    case 'stuck':
      return 'every processor is halted with interrupts off: nothing can wake the machine.';
    case 'reset':
      return 'the guest reset the machine.';
    case 'host-failure':
      return reason.message;
    case 'power-off':
    case 'exit-on':
    case 'debug-exit':
    case 'quit':
    case 'signal':
      return undefined;
  }
}

function waitedFor({ exitOn }: BootOptions): string {
  return exitOn.length === 0 ? '' : `; the guest did not write ${exitOn.map((text) => JSON.stringify(text)).join(' or ')}`;
}

function collectStats(machine: Machine, reason: ExitReason, first: number, began: StatsBaseline, deterministic: boolean): BootStats {
  const { tiers, hostExits, regions, virtualNanoseconds } = machine.statistics();
  return {
    instructions: machine.instructions,
    ...(first === 0 ? {} : { resumedAt: first }),
    ...timing(machine.instructions - first, began),
    tiers,
    hostExits,
    regions,
    memoryBytes: process.memoryUsage().rss,
    exit: reason.kind,
    exitCode: exitCode(reason),
    virtualNanoseconds,
    ...(deterministic ? { stateHash: machine.stateHash() } : {}),
  };
}

