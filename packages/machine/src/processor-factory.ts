import type { ProcessorDebugPort } from './debug/processor-debug-port.js';
import type { Clock, Entropy, LocalApicPort, ProcessorBus, RamRange, Vcpu } from '@pckit/interfaces';

/** What one virtual processor is wired to. */
export interface ProcessorPorts {
  readonly bus: ProcessorBus;
  /** Absent: a processor without local APIC. */
  readonly apic?: LocalApicPort | undefined;
}

/** What the board gives to whoever makes the processors. */
export interface ProcessorWiring {
  /** Holds guest RAM at `ranges`; its first `ProcessorFactory.memoryBytes` bytes are the processors'. */
  readonly memory: WebAssembly.Memory;
  readonly ranges: readonly RamRange[];
  /** One entry for each processor. */
  readonly ports: readonly ProcessorPorts[];
  /** Virtual time, for the time stamp counters. */
  readonly clock: Clock;
  readonly tscHz: number;
  /** RDRAND and RDSEED. */
  readonly entropy: Entropy;
  /** More than one processor: a spinning one should give up its turn. */
  readonly yieldOnPause: boolean;
}

/** A segment register with its hidden part; limit in bytes; attributes as VMX access rights. */
export interface InitialSegment {
  readonly selector: number;
  readonly base: number;
  readonly limit: number;
  readonly attributes: number;
}

/** Where a processor starts, as a boot loader leaves it. Fits `BootRegisters` of @pckit/linux-boot. */
export interface InitialRegisters {
  readonly rip: number;
  readonly rflags: number;
  readonly general: Readonly<
    Record<
      | 'rax'
      | 'rcx'
      | 'rdx'
      | 'rbx'
      | 'rsp'
      | 'rbp'
      | 'rsi'
      | 'rdi'
      | 'r8'
      | 'r9'
      | 'r10'
      | 'r11'
      | 'r12'
      | 'r13'
      | 'r14'
      | 'r15',
      number
    >
  >;
  readonly segments: Readonly<Record<'es' | 'cs' | 'ss' | 'ds' | 'fs' | 'gs', InitialSegment>>;
  readonly ldtr: InitialSegment;
  readonly tr: InitialSegment;
  readonly gdt: { readonly base: number; readonly limit: number };
  readonly idt: { readonly base: number; readonly limit: number };
  readonly cr0: number;
  readonly cr3: number;
  readonly cr4: number;
  readonly efer: number;
}

/** A processor as the board drives it. */
export interface MachineVcpu extends Vcpu {
  /** Sets the architectural state that a boot loader decides. Called after a reset, before the first instruction. */
  setRegisters(registers: InitialRegisters): void;
  /** What the guest has added to the time stamp counter, which counts `tscHz` from power-on. Absent: nothing. */
  readonly tscOffset?: bigint;
}

export interface CompiledCode {
  /** Guest instructions that it executed. */
  readonly instructions: number;
  /** Regions made, and those in use. */
  readonly regions: number;
  readonly live: number;
  readonly modules: number;
}

export interface ProcessorSet {
  readonly vcpus: readonly MachineVcpu[];
  /** Absent: no debugger can work on them. */
  readonly debug?: ProcessorDebugPort;
  /** Bytes of guest-physical memory are about to change from outside: drop what was derived from them, on every processor. */
  invalidate(address: number, length: number): void;
  /** Whether a halted processor could be woken by an interrupt; a machine of which none can is stuck, and its run ends. Absent: always. */
  interruptible?(vcpu: number): boolean;
  /** Figures of compiled code since power-on. Absent: nothing is compiled. */
  compiled?(): CompiledCode;
}

/** Makes the processors of a machine. */
export interface ProcessorFactory {
  /** Bytes that so many processors need at the start of the WebAssembly memory. */
  memoryBytes(processors: number): number;
  create(wiring: ProcessorWiring): ProcessorSet;
}
