import type { CpuState } from '../cpu/cpu-state.js';
import type { ProcessorSystem } from '../cpu/processor-system.js';
import type { X86Vcpu } from '../vcpu.js';
import type { CodeBreakpoint, DataWatchpoint, DebugPoints, WatchHit } from './debug-points.js';
import { walkPageTables, type Translation, type Unmapped } from './page-tables.js';
import { registerAccess, type RegisterAccess } from './register-access.js';

export interface StepOptions {
  /** Interrupts and NMIs wait, unless the vCPU is halted and waits for them. */
  readonly holdInterrupts: boolean;
}

/** What a debugger can do with the vCPUs of a processor, between runs. */
export class ProcessorDebug {
  readonly #vcpus: readonly X86Vcpu[];
  readonly #points: DebugPoints;
  readonly #registers: readonly ReadonlyMap<string, RegisterAccess>[];

  constructor(vcpus: readonly X86Vcpu[], points: DebugPoints, systems: readonly ProcessorSystem[]) {
    this.#vcpus = vcpus;
    this.#points = points;
    this.#registers = vcpus.map(({ cpu }, index) => registerAccess(cpu, systems[index] as ProcessorSystem));
  }

  /** By GDB's names. @returns undefined for a register that isn't there */
  readRegister(vcpu: number, name: string): bigint | undefined {
    return this.#registers[vcpu]?.get(name)?.read();
  }

  /** @returns false when there is no such register, or it can't be set to this */
  writeRegister(vcpu: number, name: string, value: bigint): boolean {
    const done = this.#registers[vcpu]?.get(name)?.write?.(value) === true;
    // Whoever says where to go on does not mean HLT.
    if (done && name === 'rip') this.#vcpu(vcpu).leaveHalt();
    return done;
  }

  translate(vcpu: number, linear: bigint): Translation | Unmapped {
    return walkPageTables(this.#vcpu(vcpu).cpu, linear);
  }

  insert(point: CodeBreakpoint | DataWatchpoint): void {
    this.#points.insert(point);
  }
  remove(point: CodeBreakpoint | DataWatchpoint): void {
    this.#points.remove(point);
  }

  /** What the last run of the vCPU touched, when it ended with 'watchpoint'. */
  watchHit(vcpu: number): WatchHit | undefined {
    return this.#vcpu(vcpu).lastWatchHit;
  }

  /** Runs from now on are steps: the breakpoint at RIP is passed by, and an exception ends the run at its handler's first instruction. `undefined`: no more. */
  step(vcpu: number, options: StepOptions | undefined): void {
    this.#vcpu(vcpu).step(options);
  }

  /** The breakpoint at RIP has been asked already. */
  passBreakpoint(vcpu: number): void {
    this.#vcpu(vcpu).passBreakpoint();
  }

  activity(vcpu: number): 'running' | 'halted' | 'waiting' {
    return this.#vcpu(vcpu).activity;
  }

  /** 16, 32 or 64. */
  codeBits(vcpu: number): number {
    const { cpu }: { readonly cpu: CpuState } = this.#vcpu(vcpu);
    return cpu.codeSize * 8;
  }

  #vcpu(index: number): X86Vcpu {
    const vcpu = this.#vcpus[index];
    if (vcpu === undefined) throw new RangeError(`vCPU ${index} of ${this.#vcpus.length}`);
    return vcpu;
  }
}
