import { amd64, i386, type Architecture, type Breakpoint, type Files, type MemoryRange, type MemoryRegion, type Monitor, type NonStop, type Relocation, type ResumePlan, type Stop, type Target, type Thread, type Watchpoint } from '@pckit/gdbstub';
import type { Machine } from '../machine.js';
import { MachineError } from '../machine-error.js';
import { DebugMemory } from './debug-memory.js';
import type { CodePoint, DataPoint, ProcessorDebugPort } from './processor-debug-port.js';
import type { ControlAction, ControlStop } from './run-control.js';

export interface PcTargetOptions {
  /** What `kill` does: the debugger wants the machine's end. Default: it stops. */
  readonly kill?: () => void;
  /** Files that the debugger may read: the kernel with its symbols. */
  readonly files?: Files;
  /** Path of the kernel in `files`. */
  readonly execFile?: string;
  /** Where KASLR has put the kernel, if that is known by now. */
  readonly relocation?: () => Relocation | undefined;
  /** Where code executes before the kernel's page tables map it at `address`, if it does. */
  readonly early?: (address: bigint) => bigint | undefined;
}

const SIGTRAP = 5;
const SIGSEGV = 11;
const HALF = 1n << 63n;
const NAMES32: Readonly<Record<string, string>> = { eax: 'rax', ecx: 'rcx', edx: 'rdx', ebx: 'rbx', esp: 'rsp', ebp: 'rbp', esi: 'rsi', edi: 'rdi', eip: 'rip' };

/**
 * A PC as debuggers see it: a thread for each processor, numbered from 1; memory through the page tables of the processor in question. Breakpoints and
 * watchpoints are the processors', outside guest memory. While the debugger has the machine, virtual time stands still.
 */
export class PcTarget implements Target {
  readonly machine: Machine;
  readonly memory: DebugMemory;
  readonly rangeStep = true;
  readonly breakpoints = { insert: (breakpoint: Breakpoint): boolean => this.#insertBreakpoint(breakpoint), remove: (breakpoint: Breakpoint): void => this.#remove(breakpoint) };
  readonly watchpoints = { insert: (watchpoint: Watchpoint): boolean => this.#insertWatchpoint(watchpoint), remove: (watchpoint: Watchpoint): void => this.#remove(watchpoint) };
  readonly nonStop: NonStop = {
    resume: (plan, stopped) => this.machine.control.resumeApart(actionsOf(plan), (stop) => stopped(this.#stop(stop))),
    interrupt: (thread) => this.machine.control.interruptApart(thread - 1),
  };
  readonly files?: Files;
  readonly execFile?: () => string | undefined;
  readonly relocation?: () => Relocation | undefined;
  /** Set by whoever has commands for it. */
  monitor?: Monitor;
  #architecture: Architecture = amd64();
  #names: readonly string[] = [];
  readonly #debug: ProcessorDebugPort;
  readonly #points = new Map<Breakpoint | Watchpoint, readonly (CodePoint | DataPoint)[]>();
  readonly #options: PcTargetOptions;
  /** Of the breakpoint that a processor stopped at; `unknown`: the debugger has none there. */
  #hitKind: Breakpoint['kind'] | 'unknown' = 'software';

  constructor(machine: Machine, options: PcTargetOptions = {}) {
    const debug = machine.processorDebug;
    if (debug === undefined) throw new MachineError('configuration', 'the processors of this machine have no debugger\'s side');
    this.machine = machine;
    this.#debug = debug;
    this.#options = options;
    this.memory = new DebugMemory(machine.ram, debug);
    if (options.files !== undefined) this.files = options.files;
    if (options.execFile !== undefined) this.execFile = () => options.execFile;
    if (options.relocation !== undefined) this.relocation = options.relocation;
    this.useArchitecture('amd64');
  }

  get architecture(): Architecture {
    return this.#architecture;
  }

  /** For the debuggers that come from now on. */
  useArchitecture(name: 'amd64' | 'i386'): void {
    const avx = this.#debug.readRegister(0, 'ymm0h') !== undefined;
    this.#architecture = name === 'amd64' ? amd64({ avx }) : i386();
    this.#names = this.#architecture.registers.map((register) => NAMES32[register.name] ?? register.name);
  }

  threads(): readonly Thread[] {
    return this.machine.vcpus.map((_, vcpu) => {
      const activity = this.#debug.activity(vcpu);
      return { id: vcpu + 1, name: `CPU#${vcpu}`, core: vcpu, ...(activity === 'running' ? {} : { note: activity === 'halted' ? 'halted' : 'not started' }) };
    });
  }

  readRegister(thread: number, register: number): Uint8Array | undefined {
    const value = this.#debug.readRegister(thread - 1, this.#names[register]);
    if (value === undefined) return undefined;
    const bytes = new Uint8Array(Math.ceil(this.#architecture.registers[register].bits / 8));
    const view = new DataView(bytes.buffer);
    if (bytes.length === 8) view.setBigUint64(0, value, true);
    else if (bytes.length === 4) view.setUint32(0, Number(value & 0xffffffffn), true);
    else wide(view, value);
    return bytes;
  }

  writeRegister(thread: number, register: number, value: Uint8Array): boolean {
    let number = 0n;
    for (let i = value.length - 1; i >= 0; i--) number = (number << 8n) | BigInt(value[i]);
    return this.#debug.writeRegister(thread - 1, this.#names[register], number);
  }

  readMemory(thread: number, address: bigint, length: number): Uint8Array {
    return this.memory.read(thread - 1, address, length);
  }
  writeMemory(thread: number, address: bigint, bytes: Uint8Array): boolean {
    return this.memory.write(thread - 1, address, bytes);
  }

  attach(stopped: (stop: Stop) => void): void {
    this.machine.control.hold((stop) => stopped(this.#stop(stop)));
  }
  detach(): void {
    this.machine.control.release();
  }
  resume(plan: ResumePlan, stopped: (stop: Stop) => void): void {
    this.machine.control.resume(actionsOf(plan), (stop) => stopped(this.#stop(stop)));
  }
  interrupt(): void {
    this.machine.control.interrupt();
  }
  kill(): void {
    this.machine.control.release();
    if (this.#options.kill === undefined) this.machine.stop();
    else this.#options.kill();
  }

  /** Addresses are virtual, so any may be there; reads say which are. */
  memoryMap(): readonly MemoryRange[] {
    return [{ start: 0n, length: HALF, type: 'ram' }, { start: HALF, length: HALF, type: 'ram' }];
  }

  memoryRegion(thread: number, address: bigint): MemoryRegion {
    const page = this.memory.translate(thread - 1, address);
    const length = 'physical' in page ? page.pageBytes : page.unmappedBytes;
    const start = address & ~(length - 1n);
    return 'physical' in page ? { start, length, permissions: `r${page.writable ? 'w' : ''}${page.executable ? 'x' : ''}` } : { start, length };
  }

  #insertBreakpoint(breakpoint: Breakpoint): boolean {
    const stops = (vcpu: number): boolean => {
      if (!breakpoint.stops(vcpu + 1)) return false;
      this.#hitKind = breakpoint.kind;
      return true;
    };
    const early = this.#options.early?.(breakpoint.address);
    this.#insert(breakpoint, { space: 'linear', address: breakpoint.address, stops }, ...(early === undefined ? [] : [this.#earlyPoint(early, breakpoint)]));
    return true;
  }

  /** Where the kernel executes at its physical addresses. */
  #earlyPoint(address: bigint, breakpoint: Breakpoint): CodePoint {
    const identity = (vcpu: number): boolean => {
      const page = this.memory.translate(vcpu, address);
      return 'physical' in page && page.physical === address && !this.#userCode(vcpu);
    };
    return this.unknownPoint({ space: 'linear', address, stops: (vcpu) => identity(vcpu) && breakpoint.stops(vcpu + 1) });
  }

  #userCode(vcpu: number): boolean {
    return ((this.#debug.readRegister(vcpu, 'cs') ?? 0n) & 3n) === 3n;
  }

  /**
   * A point where the debugger has no breakpoint. It is told of a trap, not of a breakpoint, which it would take for a late one and go on; and as it
   * doesn't step off it, the instruction is passed when the processor goes on.
   */
  unknownPoint(point: CodePoint): CodePoint {
    const stoppedAt: bigint[] = [];
    const stops = (vcpu: number): boolean => {
      const { instructions } = this.machine.vcpus[vcpu];
      if (stoppedAt[vcpu] === instructions || !point.stops(vcpu)) return false;
      stoppedAt[vcpu] = instructions;
      this.#hitKind = 'unknown';
      return true;
    };
    return { ...point, stops };
  }

  #insertWatchpoint(watchpoint: Watchpoint): boolean {
    const { address, length, kind } = watchpoint;
    this.#insert(watchpoint, { address, length, kind, stops: (vcpu) => watchpoint.stops(vcpu + 1) });
    return true;
  }

  #insert(key: Breakpoint | Watchpoint, ...points: readonly (CodePoint | DataPoint)[]): void {
    this.#points.set(key, points);
    for (const point of points) this.#debug.insert(point);
  }

  #remove(key: Breakpoint | Watchpoint): void {
    for (const point of this.#points.get(key) ?? []) this.#debug.remove(point);
    this.#points.delete(key);
  }

  #stop(stop: ControlStop): Stop {
    if (stop.reason === 'power-off') return { reason: 'exited', code: 0 };
    const thread = stop.vcpu + 1;
    switch (stop.reason) {
      case 'breakpoint':
        return this.#hitKind === 'unknown' ? { reason: 'signal', thread, signal: SIGTRAP } : { reason: 'breakpoint', thread, kind: this.#hitKind };
      case 'watchpoint': {
        const hit = this.#debug.watchHit(stop.vcpu);
        return hit === undefined ? { reason: 'step', thread } : { reason: 'watchpoint', thread, kind: hit.watchpoint.kind, address: hit.address };
      }
      case 'triple-fault':
        return { reason: 'signal', thread, signal: SIGSEGV };
      case 'step':
      case 'interrupt':
        return { reason: stop.reason, thread };
    }
  }
}

/** Of 80 or 128 bits. */
function wide(view: DataView, value: bigint): void {
  view.setBigUint64(0, value, true);
  if (view.byteLength === 10) view.setUint16(8, Number(value >> 64n), true);
  else view.setBigUint64(8, value >> 64n, true);
}

function actionsOf(plan: ResumePlan): Map<number, ControlAction> {
  const actions = new Map<number, ControlAction>();
  for (const [thread, action] of plan) {
    actions.set(thread - 1, action.kind === 'range' ? action : { kind: action.kind });
  }
  return actions;
}
