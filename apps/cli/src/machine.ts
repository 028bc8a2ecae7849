import type { AccessSize, CharPort, Plain, ProcessorBus } from '@pckit/interfaces';
import { createPc, createPcTarget, x86Processor, type MachineStop, type Pc, type PcDisk, type PcNic, type CreatePcTargetOptions, type PcTarget, type ProcessorFactory, type ProcessorSet, type X86ProcessorOptions, type Snapshot } from '@pckit/machine';
import { CPU_MODELS, type RegionTrace } from '@pckit/x86-jit';
import { CliError } from './cli-error.js';
import { Profile } from './profile.js';
import type { PcEnd, SessionPc } from './session.js';

export interface MachineOptions {
  /** Absent only for a machine that is restored and can't be booted again. */
  readonly kernel?: Uint8Array;
  readonly initrd?: Uint8Array;
  /** The kernel's payload, see `unpackPayload`. */
  readonly unpacked?: Uint8Array;
  readonly commandLine: string;
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly cpuModel?: string;
  readonly disks: readonly PcDisk[];
  readonly nics?: readonly PcNic[];
  /** COM1, COM2, ...; `null` is a UART with nothing plugged in. */
  readonly serials: readonly (CharPort | null)[];
  /** What the guest writes to port E9H. */
  readonly debugConsole: { write(byte: number): void };
  /** The date and time at power-on; the host's when absent. */
  readonly epoch?: number;
  readonly deterministic: boolean;
  readonly seed: number;
  readonly interpreterOnly: boolean;
  /** Profile the run: slices are short, and `ProfiledMachine` is looked at after each. */
  readonly profile?: boolean;
  readonly trace?: RegionTrace | undefined;
  /** What a reset does: start again, or end the run. A triple fault always ends it. */
  readonly reboot: boolean;
  readonly say: (message: string) => void;
}

export interface MachineStatistics {
  readonly tiers: Readonly<Record<string, number>>;
  readonly hostExits: Readonly<Record<string, number>>;
  readonly regions: Readonly<Record<string, number>>;
  readonly virtualNanoseconds: number;
}

/** A machine as the command drives it. */
export interface Machine extends SessionPc {
  /** Executed by all processors since power-on. */
  readonly instructions: number;
  /** What the plan of the boot says besides. */
  readonly bootNotes: readonly string[];
  stateHash(): string;
  snapshot(notes: Plain): Snapshot;
  /** Resolves when no disk moves data in guest memory: nothing is restored before. */
  quiet(): Promise<void>;
  restore(snapshot: Snapshot): void;
  statistics(): MachineStatistics;
  /** How far the kernel's addresses were moved, where that was the host's choice. */
  readonly slide: number | undefined;
  /** Only of a machine that is made with `profile`. */
  readonly profile: Profile | undefined;
  /** Switches on; otherwise `run` does. */
  powerOn(): void;
  /** Stands still until a debugger lets it go. */
  holdForDebugger(): void;
  debugTarget(options: CreatePcTargetOptions): PcTarget;
  pressPowerButton(): void;
  /** Has the guest's drivers tell the networks where they are: after a resume on new ones. */
  announce(): void;
  /** @param serial 0 is COM1 */
  sendBreak(serial: number): void;
}

/** A PC with a kernel in it, not switched on: `run` or `restore` comes next. */
export function createMachine(options: MachineOptions): Machine {
  const model = options.cpuModel ?? (CPU_MODELS[0] as { name: string }).name;
  if (!CPU_MODELS.some(({ name }) => name === model)) {
    throw new CliError('usage', `--cpu: there is no processor model "${model}"`, `The models are ${CPU_MODELS.map(({ name }) => name).join(', ')}.`);
  }
  const exits = new ExitCounts();
  const pc = createPc({
    memoryBytes: options.memoryBytes,
    cpus: options.cpus,
    processor: processorFactory({ model, ...(options.interpreterOnly ? { regions: false } : options.trace === undefined ? {} : { regions: { trace: options.trace } }) }, exits),
    ...(options.kernel === undefined
      ? {}
      : { boot: { kernel: options.kernel, commandLine: options.commandLine, ...(options.initrd === undefined ? {} : { initrd: options.initrd }), ...(options.unpacked === undefined ? {} : { unpacked: options.unpacked }) } }),
    serial: options.serials,
    debugConsole: options.debugConsole,
    disks: options.disks,
    nics: options.nics ?? [],
    ...(options.epoch === undefined ? {} : { epoch: options.epoch }),
    time: options.deterministic ? { kind: 'deterministic', seed: options.seed } : { kind: 'real' },
    ...(options.profile === true ? { sliceMilliseconds: PROFILE_SLICE } : {}),
    // A reset comes back here, which tells a triple fault from a reboot.
    onReset: 'stop',
  });
  return new PcMachine(pc, exits, options);
}

/** Milliseconds between samples. */
const PROFILE_SLICE = 1;

class PcMachine implements Machine {
  readonly profile: Profile | undefined;
  readonly #pc: Pc;
  readonly #exits: ExitCounts;
  readonly #options: MachineOptions;
  readonly #breaks: readonly { post(event: null): void }[];
  #stopping = false;

  constructor(pc: Pc, exits: ExitCounts, options: MachineOptions) {
    this.#pc = pc;
    this.#exits = exits;
    this.#options = options;
    if (options.profile === true) this.profile = new Profile({ positions: () => positions(pc), tiers: () => this.statistics().tiers });
    this.#breaks = pc.chips.uarts.map((uart) => pc.machine.door.input<null>(`${uart.name}-break`, () => uart.receiveBreak()));
  }

  get bootNotes(): readonly string[] {
    return this.#pc.plan?.notes ?? [];
  }

  get slide(): number | undefined {
    return this.#pc.plan?.slide;
  }

  get instructions(): number {
    return this.#pc.machine.instructions;
  }

  powerOn(): void {
    const { machine } = this.#pc;
    if (!machine.powered) machine.powerOn();
  }

  holdForDebugger(): void {
    this.#pc.machine.control.hold(() => undefined);
  }

  debugTarget(options: CreatePcTargetOptions): PcTarget {
    return createPcTarget(this.#pc, options);
  }

  async run(limit?: number): Promise<PcEnd> {
    const { machine } = this.#pc;
    this.powerOn();
    this.#stopping = false;
    const { profile } = this;
    const look = profile === undefined ? {} : { until: () => (profile.sample(), false) };
    for (;;) {
      const end = this.#end(await machine.run({ ...(limit === undefined ? {} : { untilInstructions: limit }), ...look }));
      if (end !== undefined) return end;
      // A reset at the same instruction takes precedence over a stop, which must not be forgotten.
      if (this.#stopping) return { kind: 'stopped' };
    }
  }

  stop(): void {
    this.#stopping = true;
    this.#pc.machine.stop();
  }

  stateHash(): string {
    return this.#pc.machine.stateHash();
  }

  snapshot(notes: Plain): Snapshot {
    return this.#pc.machine.snapshot(notes);
  }

  quiet(): Promise<void> {
    return this.#pc.machine.door.quiet();
  }

  restore(snapshot: Snapshot): void {
    this.#pc.machine.restore(snapshot);
  }

  statistics(): MachineStatistics {
    const compiled = this.#exits.processors?.compiled?.();
    return {
      tiers: { interpreter: this.instructions - (compiled?.instructions ?? 0), compiled: compiled?.instructions ?? 0 },
      hostExits: this.#exits.toJSON(),
      regions: { compiled: compiled?.regions ?? 0, live: compiled?.live ?? 0, modules: compiled?.modules ?? 0 },
      virtualNanoseconds: this.#pc.machine.clock.now(),
    };
  }

  pressPowerButton(): void {
    this.#pc.pressPowerButton();
  }

  announce(): void {
    for (const nic of this.#pc.nics) nic.announce();
  }

  sendBreak(serial: number): void {
    this.#breaks[serial]?.post(null);
  }

  /** @returns undefined to go on */
  #end(stop: MachineStop): PcEnd | undefined {
    switch (stop.reason) {
      case 'power-off':
        return { kind: 'power-off' };
      case 'debug-exit':
        return { kind: 'debug-exit', value: stop.value };
      case 'instructions':
        return { kind: 'max-instructions' };
      case 'stuck':
        return { kind: 'stuck' };
      case 'stopped':
      case 'until':
      case 'idle':
      case 'breakpoint':
      case 'watchpoint':
        return { kind: 'stopped' };
      case 'reset':
        if (stop.cause === 'triple-fault') return { kind: 'shutdown' };
        if (!this.#options.reboot || this.#options.kernel === undefined) return { kind: 'reset' };
        this.#options.say(`the guest resets the machine (${stop.cause})`);
        return undefined;
    }
  }
}

/** Where the processors are that have something to do. */
function positions({ machine }: Pc): { rip: bigint; user: boolean }[] {
  const debug = machine.processorDebug;
  return machine.vcpus.flatMap(({ halted, index }) => {
    const rip = debug?.readRegister(index, 'rip');
    if (debug === undefined || rip === undefined || halted || debug.activity(index) !== 'running') return [];
    return [{ rip, user: ((debug.readRegister(index, 'cs') ?? 0n) & 3n) === 3n }];
  });
}

function processorFactory(options: X86ProcessorOptions, exits: ExitCounts): ProcessorFactory {
  const { memoryBytes, create } = x86Processor(options);
  return {
    memoryBytes,
    create: (wiring) => {
      exits.processors = create({ ...wiring, ports: wiring.ports.map((ports) => ({ ...ports, bus: new CountingBus(ports.bus, exits) })) });
      return exits.processors;
    },
  };
}

/** The processors, and how often they left guest code for a device. */
class ExitCounts {
  processors: ProcessorSet | undefined;
  portReads = 0;
  portWrites = 0;
  memoryReads = 0;
  memoryWrites = 0;

  toJSON(): Record<string, number> {
    const { portReads, portWrites, memoryReads, memoryWrites } = this;
    return { portReads, portWrites, memoryReads, memoryWrites };
  }
}

/** Counting costs a nanosecond or two of an access that costs tens. */
class CountingBus implements ProcessorBus {
  constructor(
    private readonly bus: ProcessorBus,
    private readonly counts: ExitCounts,
  ) {}

  readMemory(address: number, size: AccessSize): number {
    this.counts.memoryReads++;
    return this.bus.readMemory(address, size);
  }

  writeMemory(address: number, value: number, size: AccessSize): void {
    this.counts.memoryWrites++;
    this.bus.writeMemory(address, value, size);
  }

  readMemory64(address: number): bigint {
    this.counts.memoryReads++;
    return this.bus.readMemory64(address);
  }

  writeMemory64(address: number, value: bigint): void {
    this.counts.memoryWrites++;
    this.bus.writeMemory64(address, value);
  }

  readPort(port: number, size: AccessSize): number {
    this.counts.portReads++;
    return this.bus.readPort(port, size);
  }

  writePort(port: number, value: number, size: AccessSize): void {
    this.counts.portWrites++;
    this.bus.writePort(port, value, size);
  }
}
