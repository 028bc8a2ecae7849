import type { BlockBackend } from '@pckit/interfaces';
import { openDisk } from '@pckit/disk-image/node';
import { CliError } from '../cli-error.js';
import { defaultCommandLine } from '../command-line.js';
import { exitCode, type ExitReason } from '../exit-code.js';
import { TextMatcher } from '../exit-on.js';
import { about } from '../explain.js';
import type { GuestStore } from '../guest-store.js';
import { readInput } from '../input-file.js';
import { createMachine, type Machine } from '../machine.js';
import { openSerialLine, type SerialLine } from '../serial-line.js';
import { openSerialStdio, type SerialStdio } from '../serial-stdio.js';
import { Session } from '../session.js';
import { readSnapshotFile, writeSnapshotFile } from '../snapshot-file.js';
import { statsBaseline, statsJson, statsTable, timing, type BootStats, type StatsBaseline } from '../stats.js';
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

const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** Boots what `options` ask for and runs it to its end. @returns the exit status */
export async function boot(options: BootOptions, host: BootHost): Promise<number> {
  const closing: (() => Promise<void> | void)[] = [];
  try {
    return await run(options, host, closing);
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

async function run(options: BootOptions, host: BootHost, closing: (() => Promise<void> | void)[]): Promise<number> {
  const terminal = new HostTerminal(host.stdin, host.stdout, host.process);
  const say = (message: string): void => {
    if (!options.quiet) host.report(`pckit: ${message}${terminal.isOpen && terminal.interactive ? '\r\n' : '\n'}`);
  };

  const disks: BlockBackend[] = [];
  for (const { path, readOnly, overlay } of options.disks) {
    const disk = await about(`--disk ${path}`, () => openDisk(path, { readOnly, overlay }));
    closing.push(() => disk.close());
    disks.push(disk);
  }
  const resumed = options.resume === undefined ? undefined : readSnapshotFile(options.resume);
  const guest = options.kernel === undefined ? await host.guests.bootable(options.guest, { say, mirror: options.mirror }) : undefined;
  const kernel = guest?.kernel ?? readInput(options.kernel as string, 'kernel');
  const initrd = guest?.initrd ?? (options.initrd === undefined ? undefined : readInput(options.initrd, 'initrd'));

  // Our own init follows the window through the last serial line, when nobody else has it.
  const windowSize = guest !== undefined && terminal.interactive && !options.deterministic && options.serials.length < 4 ? new WindowSize() : undefined;
  const commandLine = options.append ?? (await defaultCommandLine({ serials: options.serials, disks, size: windowSize && terminal.size }));

  const state: { session?: Session; machine?: Machine } = {};
  const fail = (message: string): void => state.session?.end({ kind: 'host-failure', message });
  const lines: SerialLine[] = [];
  let console: SerialStdio | undefined;
  for (const option of options.serials) {
    if (option.kind === 'stdio') {
      console = openSerialStdio({
        terminal,
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

  const machine = await about(guest === undefined ? `the kernel ${options.kernel as string}` : 'the default guest', () =>
    createMachine({
      kernel,
      ...(initrd === undefined ? {} : { initrd }),
      commandLine,
      memoryBytes: options.memoryBytes,
      cpus: options.cpus,
      ...(options.cpuModel === undefined ? {} : { cpuModel: options.cpuModel }),
      disks,
      serials: lines.map(({ port }) => watched(port, options.exitOn, (text) => state.session?.end({ kind: 'exit-on', text }))),
      ...(windowSize === undefined ? {} : { windowSize: windowSize.port }),
      deterministic: options.deterministic,
      seed: options.seed ?? 0,
      interpreterOnly: options.interpreterOnly,
      reboot: options.reboot,
      say,
    }),
  );
  state.machine = machine;
  if (resumed !== undefined) await about(`--resume ${options.resume as string}`, () => machine.restore(resumed));

  const session = new Session(machine);
  state.session = session;
  const first = machine.instructions;
  if (options.maxInstructions !== undefined && first >= options.maxInstructions) {
    throw new CliError('usage', `the snapshot was made after ${first} instructions, --max-instructions ${options.maxInstructions} is before that`, '--max-instructions counts from power-on, also in a resumed machine.');
  }
  const began = statsBaseline();

  const act = (command: EscapeCommand): void => {
    switch (command) {
      case 'quit':
        return session.end({ kind: 'quit' });
      case 'help':
        return escapeHelp.forEach((line) => say(line));
      case 'pause':
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
        return say(`${(machine.instructions / 1e6).toFixed(0)} M instructions, ${wallSeconds.toFixed(1)} s (CPU ${cpuSeconds.toFixed(1)} s), ${mips.toFixed(0)} MIPS`);
      }
    }
  };

  const listeners = Object.entries(signals).map(([name, number]) => {
    const listener = (): void => session.end({ kind: 'signal', number });
    host.process.on(name, listener);
    return () => host.process.off(name, listener);
  });
  closing.push(() => listeners.forEach((remove) => remove()));

  if (console !== undefined) {
    console.start();
    if (terminal.interactive) say(`${guest?.name ?? (options.kernel as string)}; Ctrl-A h helps, Ctrl-A x quits`);
  }

  const reason = await session.run({
    ...(options.timeoutSeconds === undefined ? {} : { timeoutSeconds: options.timeoutSeconds }),
    ...(options.maxInstructions === undefined ? {} : { maxInstructions: options.maxInstructions }),
  });

  for (const line of lines) await line.flush();
  terminal.close();
  const message = explainEnd(reason, options);
  if (message !== undefined) host.report(`pckit: ${message}\n`);
  if (options.save !== undefined) {
    writeSnapshotFile(options.save, machine.snapshot());
    say(`saved ${options.save}`);
  }
  if (options.stats !== undefined) {
    const stats = collectStats(machine, reason, first, began, options.deterministic);
    host.report(options.stats === 'json' ? statsJson(stats) : statsTable(stats));
  }
  return exitCode(reason);
}

/** A serial line on which texts are looked for. Each line has its own matchers: no text is put together from two lines. */
function watched(port: SerialLine['port'], texts: readonly string[], found: (text: string) => void): SerialLine['port'] {
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
    case 'reset':
      return 'the guest reset the machine (--no-reboot).';
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
