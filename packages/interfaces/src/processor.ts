import type { Device } from './device.js';
import type { InterruptAcknowledge, IrqLine } from './interrupts.js';
import type { AccessSize } from './address-space.js';

/**
 * Why `Vcpu.run` returned.
 * - `budget`: the instructions asked for were executed.
 * - `halted`: HLT (or MWAIT) with nothing pending; the vCPU sleeps until an interrupt.
 * - `waiting`: an application processor before SIPI (INIT state).
 * - `preempted`: `preempt()` was called from a device or a hook during the run.
 * - `pause`: the vCPU spins (PAUSE) and other vCPUs should have their turn; only when `yieldOnPause` is set.
 * - `breakpoint`, `watchpoint`: a debugger's hook matched; the instruction has not executed (breakpoint) or has (watchpoint).
 * - `shutdown`: triple fault.
 */
export type RunExit = 'budget' | 'halted' | 'waiting' | 'preempted' | 'pause' | 'breakpoint' | 'watchpoint' | 'shutdown';

/** Pins that the interrupt hardware drives. */
export interface ProcessorPins {
  /** INTR: an acknowledge cycle will yield a vector. Taken between instructions while IF is set. */
  readonly intr: IrqLine;
  /** NMI, edge triggered. */
  readonly nmi: IrqLine;
  /** INIT: resets the processor's architectural state; an application processor then waits for SIPI. */
  init(): void;
  /** Start-up IPI: real mode at `vector << 12`. Ignored unless the processor is waiting after INIT. */
  startUp(vector: number): void;
}

export interface Vcpu extends Device {
  readonly index: number;
  readonly pins: ProcessorPins;
  /**
   * Executes at most `budget` instructions (0 .. 2^31-1), exactly counted, whatever tiers run them. An event delivery (interrupt or
   * exception) is not an instruction; a repeated string instruction counts once per iteration.
   */
  run(budget: number): RunExit;
  /** Since power-on. Exact also when read by a device during a run. */
  readonly instructions: bigint;
  /** Executed since the present `run()` began (during a run) or in the last one (after it). The cheap form for clocks. */
  readonly executed: number;
  /** Makes the present `run()` return `preempted` once the current instruction is complete. No effect outside a run. */
  preempt(): void;
  /** Whether HLT waits and no unmasked event is pending. */
  readonly halted: boolean;
}

/** The processor's side of its local APIC: what instructions reach without the memory bus. */
export interface LocalApicPort extends InterruptAcknowledge {
  /** CR8: task priority class, 0..15. */
  readTaskPriority(): number;
  writeTaskPriority(priority: number): void;
  /** IA32_APIC_BASE, IA32_TSC_DEADLINE and the x2APIC range 800H-8FFH. `undefined`: not there, #GP. */
  readMsr(index: number): bigint | undefined;
  /** @returns false for #GP (no such register, reserved bits set). */
  writeMsr(index: number, value: bigint): boolean;
  /** The time stamp counter was written: an armed TSC deadline is at another time now. */
  tscChanged?(): void;
}

/** Everything outside RAM that the processor's accesses reach. One per vCPU, so the local APIC page can differ between them. */
export interface ProcessorBus {
  /** @param address guest-physical, outside RAM */
  readMemory(address: number, size: AccessSize): number;
  writeMemory(address: number, value: number, size: AccessSize): void;
  readMemory64(address: number): bigint;
  writeMemory64(address: number, value: bigint): void;
  /** @param port 0..65535; an access may cross its end and wraps */
  readPort(port: number, size: AccessSize): number;
  writePort(port: number, value: number, size: AccessSize): void;
}
