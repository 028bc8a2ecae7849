import { GuestRam, PAGE_BYTES } from '@pckit/guest-memory';
import type { Device, DeviceState, Entropy, Plain, ProcessorBus, ProcessorPins, RunExit } from '@pckit/interfaces';
import { AddressSpaceMap } from './address-space.js';
import type { ProcessorDebugPort } from './debug/processor-debug-port.js';
import { RunControl } from './debug/run-control.js';
import { Door, type DoorEntry } from './door.js';
import type { MachineEvent, MachineStop, ResetCause } from './events.js';
import { defaultHost, type Host, type Sleep } from './host.js';
import { MachineError } from './machine-error.js';
import { encodePlain } from './plain-codec.js';
import type { MachineVcpu, ProcessorFactory, ProcessorPorts } from './processor-factory.js';
import { RunLoop } from './run-loop.js';
import { hostEntropy, SeededEntropy } from './seeded-entropy.js';
import type { RamRun, Snapshot } from './snapshot.js';
import { hashBytes } from './state-hash.js';
import { InstructionTime, RealTime, type TimeSource } from './time-source.js';
import { VirtualClock } from './virtual-clock.js';

export interface DeterministicTime {
  readonly kind: 'deterministic';
  /** Default 1. */
  readonly nanosecondsPerInstruction?: number;
  /** Virtual nanoseconds from a request to the host to its completion. Default 50 µs. */
  readonly completionLatency?: number;
  /** Of everything random in the machine. Default 1. */
  readonly seed?: number;
}

export interface RealTimeChoice {
  readonly kind: 'real';
  /** Milliseconds; a longer gap is a suspended host, see `RealTime`. */
  readonly longestGap?: number;
}

export interface MachineOptions {
  readonly ramBytes: number;
  /** Where RAM below 4 GiB ends, and what in it isn't RAM; see `GuestRam`. */
  readonly holeStart?: number;
  readonly holes?: readonly { readonly start: number; readonly length: number }[];
  /** What makes the processors. */
  readonly processor: ProcessorFactory;
  /** Default 1. */
  readonly processors?: number;
  readonly time?: DeterministicTime | RealTimeChoice;
  /** Frequency of the time stamp counters. Default 1 GHz. */
  readonly tscHz?: number;
  /** Instructions of a processor's turn when there are several. Default 50,000. */
  readonly quantum?: number;
  /** Host milliseconds between two turns of the event loop. Default 4. */
  readonly sliceMilliseconds?: number;
  /** Number of port addresses. Default 65536. */
  readonly ports?: number;
  /** What a reset (also a triple fault) does to `run`. Default 'reboot'. */
  readonly onReset?: 'reboot' | 'stop';
  readonly observe?: (event: MachineEvent) => void;
  /** Everything that enters through the door. */
  readonly onEntry?: (entry: DoorEntry) => void;
  readonly host?: Host;
}

export interface RunOptions {
  /** Stop when all processors together have executed exactly so many instructions since power-on. */
  readonly untilInstructions?: number;
  /** Asked between slices, a few milliseconds apart: where it stops is not exact. */
  readonly until?: () => boolean;
  /** Resolve when nothing but an input could ever wake the machine, instead of waiting for one. */
  readonly stopWhenIdle?: boolean;
}

/** Between two slices, while inputs come. */
const MOST_TURNS = 4;
/**
 * Inputs that are enough for the next slice. A guest handles all frames that came before any program of it reads one, and its socket holds some ninety datagrams of 1,400
 * bytes (Linux: net.core.rmem_default): what comes beyond that costs as much and is thrown away. On the host it waits at no cost.
 */
const ENOUGH_INPUTS = 32;
const PORTS = 65536;
/** x86 physical addresses. */
const PHYSICAL_ADDRESSES = 2 ** 52;
const DEFAULT_COMPLETION_LATENCY = 50_000;

/**
 * The board: RAM, port and memory space, virtual clock, the door, processors, and the loop that runs them. It knows no chip; `createPc` puts the
 * chips of a PC on one.
 *
 * Build it in this order: the machine; devices, wired to `clock`, `door`, `ram`, mapped into `ports` and `memory` and added with `add`; the
 * processors with `addProcessors`; then `powerOn`.
 */
export class Machine {
  readonly ram: GuestRam;
  readonly clock = new VirtualClock();
  readonly door: Door;
  readonly ports: AddressSpaceMap;
  readonly memory = new AddressSpaceMap('memory', PHYSICAL_ADDRESSES);
  /** Seeded in deterministic mode, the host's otherwise. */
  readonly entropy: Entropy;
  readonly deterministic: boolean;
  /** Of `entropy`, in deterministic mode. */
  readonly seed: number | undefined;
  readonly tscHz: number;
  readonly processorCount: number;
  /** Called after every reset, when all devices are reset and before the first instruction: what firmware and boot loader would do. */
  firmware: (kind: 'cold' | 'warm') => void = () => undefined;
  onReset: 'reboot' | 'stop';
  /** A debugger's hand on the machine. */
  readonly control: RunControl;

  readonly #options: MachineOptions;
  readonly #host: Host;
  readonly #time: TimeSource;
  readonly #devices = new Map<string, Device>();
  #loop: RunLoop | undefined;
  #vcpus: readonly MachineVcpu[] = [];
  #pins: readonly ProcessorPins[] = [];
  #powered = false;
  #running = false;
  #sleep: Sleep | undefined;
  #request: Request | undefined;
  #processorDebug: ProcessorDebugPort | undefined;

  constructor(options: MachineOptions) {
    const processors = options.processors ?? 1;
    if (!Number.isInteger(processors) || processors < 1)
      throw new MachineError('configuration', `a machine with ${processors} processors`);
    this.#options = options;
    this.processorCount = processors;
    this.ram = new GuestRam({
      ramBytes: options.ramBytes,
      reserveBytes: options.processor.memoryBytes(processors),
      ...(options.holeStart === undefined ? {} : { holeStart: options.holeStart }),
      ...(options.holes === undefined ? {} : { holes: options.holes }),
    });
    this.ports = new AddressSpaceMap('port', options.ports ?? PORTS);
    this.#host = options.host ?? defaultHost();
    this.tscHz = options.tscHz ?? 1e9;
    this.onReset = options.onReset ?? 'reboot';

    const time = options.time ?? { kind: 'real' };
    this.deterministic = time.kind === 'deterministic';
    if (time.kind === 'deterministic') {
      this.#time = new InstructionTime(time.nanosecondsPerInstruction);
      this.seed = time.seed ?? 1;
      this.entropy = this.add(new SeededEntropy(this.seed));
    } else {
      this.seed = undefined;
      this.#time = new RealTime({
        now: () => this.#host.now(),
        ...(time.longestGap === undefined ? {} : { longestGap: time.longestGap }),
      });
      this.entropy = hostEntropy;
    }
    this.door = new Door({
      clock: this.clock,
      instructions: () => this.instructions,
      completionLatency:
        time.kind === 'deterministic' ? time.completionLatency ?? DEFAULT_COMPLETION_LATENCY : undefined,
      onEntry: options.onEntry,
    });
    this.door.onReady = () => this.#sleep?.wake();
    this.control = new RunControl({
      loop: () => this.#loop,
      debug: () => this.#processorDebug,
      running: () => this.#running,
      wake: () => this.#sleep?.wake(),
    });
    this.control.onTripleFault = () => this.requestReset('triple-fault');
  }

  /** Puts a device under the machine's care: it is reset, saved and restored with it. @returns the device */
  add<D extends Device>(device: D): D {
    if (this.#devices.has(device.name))
      throw new MachineError('configuration', `there is a device ${device.name} already`);
    this.#devices.set(device.name, device);
    return device;
  }

  get devices(): ReadonlyMap<string, Device> {
    return this.#devices;
  }

  /**
   * Makes the processors. Without `ports` they see the machine's memory and port space and have no local APIC.
   *
   * @returns their pins, for the interrupt hardware
   */
  addProcessors(
    ports: (index: number) => ProcessorPorts = () => ({ bus: plainBus(this.memory, this.ports) }),
  ): readonly ProcessorPins[] {
    if (this.#loop !== undefined) throw new MachineError('state', 'the processors are there already');
    const { processor, quantum = 50_000, sliceMilliseconds = 4 } = this.#options;
    const set = processor.create({
      memory: this.ram.memory,
      ranges: this.ram.ranges,
      ports: Array.from({ length: this.processorCount }, (_, index) => ports(index)),
      clock: this.clock,
      tscHz: this.tscHz,
      entropy: this.entropy,
      yieldOnPause: this.processorCount > 1,
    });
    if (set.vcpus.length !== this.processorCount) {
      throw new MachineError(
        'configuration',
        `the processor factory made ${set.vcpus.length} processors of ${this.processorCount}`,
      );
    }
    this.ram.onWrite = (address, length) => set.invalidate(address, length);
    this.#vcpus = set.vcpus;
    this.#processorDebug = set.debug;
    const loop = new RunLoop(
      {
        clock: this.clock,
        door: this.door,
        time: this.#time,
        hostNow: () => this.#host.now(),
        interruptible: set.interruptible?.bind(set),
      },
      set.vcpus,
      {
        quantum,
        sliceMilliseconds,
      },
    );
    this.#loop = loop;
    this.#pins = set.vcpus.map(({ pins }, index) => ({
      intr: pins.intr,
      nmi: pins.nmi,
      init: () => {
        loop.unpark(index);
        pins.init();
      },
      startUp: (vector) => {
        loop.unpark(index);
        pins.startUp(vector);
      },
    }));
    return this.#pins;
  }

  get vcpus(): readonly MachineVcpu[] {
    return this.#vcpus;
  }

  /** Registers, translation and breakpoints of the processors. Absent: they have no debugger's side. */
  get processorDebug(): ProcessorDebugPort | undefined {
    return this.#processorDebug;
  }

  get pins(): readonly ProcessorPins[] {
    return this.#pins;
  }

  /** Executed by all processors since power-on. */
  get instructions(): number {
    return this.#loop?.instructions ?? 0;
  }

  /** How often runs of the processors ended, by reason: what it cost to leave them. */
  get exits(): Readonly<Record<RunExit, number>> | undefined {
    return this.#loop?.exits;
  }

  get powered(): boolean {
    return this.#powered;
  }

  /** `run` is under way. */
  get running(): boolean {
    return this.#running;
  }

  /** Tells whoever watches. */
  report(event: MachineEvent): void {
    this.#options.observe?.(event);
  }

  /** Power: RAM is zero, everything is reset, firmware runs. */
  powerOn(): void {
    this.#ready();
    if (this.#powered) throw new MachineError('state', 'the machine is on already');
    this.#powered = true;
    this.#reset('cold', 'power-on');
  }

  /** Asks for a reset at the next safe point, right after the present instruction. For chips. */
  requestReset(cause: ResetCause, kind: 'cold' | 'warm' = 'warm'): void {
    this.#ask({ kind: 'reset', cause, reset: kind });
  }

  /** Asks for power-off at the next safe point. For chips. */
  requestPowerOff(): void {
    this.#ask({ kind: 'power-off' });
  }

  /** Asks `run` to return with the value at the next safe point. For chips. */
  requestDebugExit(value: number): void {
    this.#ask({ kind: 'debug-exit', value });
  }

  /** Makes `run` return at the next safe point. */
  stop(): void {
    if (this.#running) this.#ask({ kind: 'stop' });
  }

  /** Runs until something stops it. Between slices of a few milliseconds the event loop gets its turn. */
  async run(options: RunOptions = {}): Promise<MachineStop> {
    const loop = this.#ready();
    if (this.#running) throw new MachineError('state', 'the machine is running already');
    if (!this.#powered) throw new MachineError('state', 'the machine is off: powerOn() first');
    const limit = options.untilInstructions ?? Infinity;
    if (limit < this.instructions) {
      throw new MachineError(
        'state',
        `${limit} instructions are asked for, but ${this.instructions} have been executed`,
      );
    }
    this.#running = true;
    this.#time.start(this.clock);
    try {
      for (;;) {
        if (this.control.poll()) {
          await this.#stand();
          const stop = this.#answer();
          if (stop !== undefined) return stop;
          continue;
        }
        const end = loop.slice(limit);
        if (this.control.takes(end)) continue;
        if (end.kind === 'interrupted') {
          await this.door.quiet();
          const stop = this.#answer();
          if (stop !== undefined) return stop;
        } else if (end.kind === 'limit') {
          return { reason: 'instructions', instructions: this.instructions };
        } else if (end.kind === 'processor') {
          if (end.exit !== 'shutdown') return { reason: end.exit, vcpu: end.vcpu, instructions: this.instructions };
          this.report({ kind: 'triple-fault', vcpu: end.vcpu, instructions: this.instructions });
          // SDM vol. 3, "Double Fault Exception": shutdown is announced by a special bus cycle; a PC's chipset answers with RESET#.
          this.requestReset('triple-fault');
        } else if (end.kind === 'stuck') {
          return { reason: 'stuck', instructions: this.instructions };
        } else if (
          end.kind === 'idle' &&
          end.sleep === Infinity &&
          options.stopWhenIdle === true &&
          this.door.outstanding === 0
        ) {
          return { reason: 'idle', instructions: this.instructions };
        }
        if (options.until?.() === true) return { reason: 'until', instructions: this.instructions };
        if (end.kind === 'idle') await this.#wait(end.sleep);
        else if (end.kind === 'blocked') await this.#wait(Infinity);
        else if (end.kind === 'slice') await this.#turns();
      }
    } finally {
      // Whoever looks at the machine now sees no memory that still changes.
      await this.door.quiet();
      this.#running = false;
      if (!this.#powered) this.control.ended();
    }
  }

  /** The whole state. Host work in flight is noted, and asked for again by the devices when the state is restored. Not from within a device. */
  snapshot(notes?: Plain): Snapshot {
    return { ...this.snapshotWithoutRam(), ram: this.#ramRuns(), ...(notes === undefined ? {} : { notes }) };
  }

  /** Makes this machine, built the same way, the one that was saved. */
  restore(snapshot: Snapshot): void {
    const loop = this.#betweenRuns('restore');
    if (this.door.usesMemory) throw new MachineError('state', 'restore while host work uses guest memory: wait for door.quiet() first');
    this.#check(snapshot);
    this.ram.clear();
    for (const { start, bytes } of snapshot.ram) this.ram.load(start, bytes);
    this.#request = undefined;
    this.clock.restore(snapshot.clock);
    this.door.beginRestore(snapshot.door);
    for (const [name, device] of this.#devices) device.restore(snapshot.devices[name]);
    this.#vcpus.forEach((vcpu, index) => vcpu.restore(snapshot.processors[index]));
    this.door.endRestore();
    loop.restore(snapshot.loop);
    this.#powered = snapshot.powered;
  }

  /**
   * A 64-bit hash of all that the future of the machine depends on, as 16 hexadecimal digits: RAM, processors, devices, clock, whose turn it is. Equal
   * machines have equal hashes.
   */
  stateHash(): string {
    const state = encodePlain(this.snapshotWithoutRam());
    return hashBytes(new TextEncoder().encode(this.ram.hash() + hashBytes(state)));
  }

  /** Everything but RAM: cheap enough to be taken often, for comparing machines part by part. */
  snapshotWithoutRam(): Snapshot {
    const loop = this.#betweenRuns('snapshot');
    const devices: Record<string, DeviceState> = {};
    for (const [name, device] of this.#devices) devices[name] = device.save();
    return {
      version: 1,
      shape: this.#shape(),
      powered: this.#powered,
      clock: this.clock.save(),
      door: this.door.save(),
      loop: loop.save(),
      devices,
      processors: this.#vcpus.map((vcpu) => vcpu.save()),
      ram: [],
    };
  }

  #reset(kind: 'cold' | 'warm', cause: ResetCause): void {
    const loop = this.#ready();
    if (kind === 'cold') this.ram.clear();
    for (const vcpu of this.#vcpus) vcpu.reset(kind);
    for (const device of this.#devices.values()) device.reset(kind);
    loop.reset();
    this.firmware(kind);
    this.report({ kind: 'reset', cause, instructions: this.instructions });
  }

  #ask(request: Request): void {
    // Power-off beats reset beats debug exit beats stop; of equals, the first counts.
    if (this.#request === undefined || PRECEDENCE[request.kind] > PRECEDENCE[this.#request.kind])
      this.#request = request;
    this.#loop?.interrupt();
    this.#sleep?.wake();
  }

  #answer(): MachineStop | undefined {
    const request = this.#request;
    this.#request = undefined;
    const { instructions } = this;
    switch (request?.kind) {
      case 'power-off':
        this.#powered = false;
        this.report({ kind: 'power-off', instructions });
        return { reason: 'power-off', instructions };
      case 'reset':
        this.#reset(request.reset, request.cause);
        return this.onReset === 'stop' ? { reason: 'reset', cause: request.cause, instructions } : undefined;
      case 'debug-exit':
        this.report({ kind: 'debug-exit', value: request.value, instructions });
        return { reason: 'debug-exit', value: request.value, instructions };
      case 'stop':
        return { reason: 'stopped', instructions };
      case undefined:
        return undefined;
    }
  }

  async #wait(milliseconds: number): Promise<void> {
    // What became ready since the slice ended must not be slept over.
    if (this.door.ready || this.#request !== undefined) return this.#turns();
    this.#sleep = this.#host.sleep(milliseconds);
    await this.#sleep.done;
    this.#sleep = undefined;
    // What else the event loop has at hand comes in together with what woke the machine: many datagrams, one interrupt.
    if (this.door.ready && this.door.waiting < ENOUGH_INPUTS) await this.#turns();
  }

  /** Lets the event loop hand over what it has, but no floods. A turn of Node's takes 32 datagrams from a socket at most. */
  async #turns(): Promise<void> {
    for (let turns = 0; turns < MOST_TURNS; turns++) {
      const { waiting } = this.door;
      await this.#host.turn();
      if (this.door.waiting === waiting || this.door.waiting >= ENOUGH_INPUTS) return;
    }
  }

  /** A debugger holds the machine: no time passes in it. Ends when the debugger lets go, or for a request. */
  async #stand(): Promise<void> {
    if (this.#request === undefined) {
      this.#sleep = this.#host.sleep(Infinity);
      await this.#sleep.done;
      this.#sleep = undefined;
    }
    this.#time.start(this.clock);
  }

  #ready(): RunLoop {
    if (this.#loop === undefined)
      throw new MachineError('state', 'the machine has no processors yet: addProcessors() first');
    return this.#loop;
  }

  #betweenRuns(what: string): RunLoop {
    const loop = this.#ready();
    if (loop.running !== undefined)
      throw new MachineError(
        'state',
        `${what} from within an instruction: wait until run() gives the event loop its turn`,
      );
    return loop;
  }

  #shape(): Snapshot['shape'] {
    return { ram: this.ram.ranges.map(({ start, length }) => ({ start, length })), processors: this.processorCount };
  }

  #check(snapshot: Snapshot): void {
    if (snapshot.version !== 1)
      throw new MachineError('snapshot', `a snapshot of unknown version ${String(snapshot.version)}`);
    const describe = ({ ram, processors }: Snapshot['shape']): string =>
      `${ram
        .map((range) => `0x${range.start.toString(16)}+0x${range.length.toString(16)}`)
        .join(' ')}, ${processors} processors`;
    const [has, wants] = [describe(this.#shape()), describe(snapshot.shape)];
    if (has !== wants)
      throw new MachineError('snapshot', `the snapshot is of a machine with RAM ${wants}; this one has ${has}`);
    const missing = [...this.#devices.keys()].filter((name) => !Object.hasOwn(snapshot.devices, name));
    const extra = Object.keys(snapshot.devices).filter((name) => !this.#devices.has(name));
    if (missing.length > 0 || extra.length > 0) {
      throw new MachineError(
        'snapshot',
        `the snapshot is of a machine with other devices: ${[
          ...missing.map((name) => `without ${name}`),
          ...extra.map((name) => `with ${name}`),
        ].join(', ')}`,
      );
    }
  }

  #ramRuns(): RamRun[] {
    const runs: RamRun[] = [];
    let start = 0;
    let end = -1;
    const finish = (): void => {
      if (end > start) runs.push({ start, bytes: this.ram.copy(start, end - start) });
    };
    this.ram.forEachNonZeroPage((address) => {
      // A run stays within one range of RAM, and small enough to be written and read piece by piece.
      if (
        address !== end ||
        end - start >= LONGEST_RAM_RUN ||
        !this.ram.contains(start, address + PAGE_BYTES - start)
      ) {
        finish();
        start = address;
      }
      end = address + PAGE_BYTES;
    });
    finish();
    return runs;
  }
}

type Request =
  | { readonly kind: 'stop' }
  | { readonly kind: 'debug-exit'; readonly value: number }
  | { readonly kind: 'reset'; readonly cause: ResetCause; readonly reset: 'cold' | 'warm' }
  | { readonly kind: 'power-off' };

const PRECEDENCE = { stop: 0, 'debug-exit': 1, reset: 2, 'power-off': 3 } as const;
const LONGEST_RAM_RUN = 1 << 20;

/** A processor's bus without anything of its own. */
export function plainBus(memory: AddressSpaceMap, ports: AddressSpaceMap): ProcessorBus {
  return {
    readMemory: (address, size) => memory.read(address, size),
    writeMemory: (address, value, size) => memory.write(address, value, size),
    readMemory64: (address) => memory.read64(address),
    writeMemory64: (address, value) => memory.write64(address, value),
    readPort: (port, size) => ports.read(port, size),
    writePort: (port, value, size) => ports.write(port, value, size),
  };
}
