import type { Clock, Device, InterruptAcknowledge, IoRegion, IrqLine, LocalApicPort, ProcessorPins } from '@pckit/interfaces';
import type { ApicBus } from './apic-bus.js';
export type LocalApicState = { readonly version: 1 };
export interface LocalApicWires {
  readonly bus: ApicBus;
  readonly clock: Clock;
  /** When the processor's time stamp counter (with its offset) reaches `tsc`, in virtual nanoseconds; for TSC-deadline mode. */
  readonly tsc: { toNanoseconds(tsc: bigint): number };
  /** Who answers INTA for ExtINT: the PIC. Without it ExtINT yields the spurious vector. */
  readonly pic?: InterruptAcknowledge;
}
export interface LocalApicOptions {
  /** Initial APIC ID, 0..254 (x2APIC ID too). */
  readonly id: number;
  /** IA32_APIC_BASE.BSP; default `id === 0`. */
  readonly bootstrap?: boolean;
  /** Nanoseconds per tick of the timer's input clock before the divider; default 1 (1 GHz). */
  readonly timerPeriod?: number;
  /** Reset leaves LINT0 as ExtINT, unmasked, and LINT1 as NMI, as firmware does for the bootstrap processor; default `bootstrap`. */
  readonly virtualWire?: boolean;
  /** Default `lapic${id}`. */
  readonly name?: string;
}
export declare class LocalApic implements Device<LocalApicState>, LocalApicPort {
  readonly name: string;
  readonly id: number;
  /** 4 KiB, per vCPU, at `base` while `mapped`. */
  readonly regions: { readonly registers: IoRegion };
  /** Where IA32_APIC_BASE puts the registers (FEE00000h at reset). */
  readonly base: number;
  /** Whether the registers answer on the memory bus: enabled and not in x2APIC mode. */
  readonly mapped: boolean;
  /** Called when `base` or `mapped` changes. */
  onRelocate: (() => void) | undefined;
  /** The PIC's INTR, and NMI from the board. */
  readonly lint0: IrqLine;
  readonly lint1: IrqLine;
  constructor(wires: LocalApicWires, options: LocalApicOptions);
  /** The processor is made with this APIC as its port, so its pins come after construction. */
  connect(pins: ProcessorPins): void;
  acknowledge(): number;
  readTaskPriority(): number;
  writeTaskPriority(priority: number): void;
  readMsr(index: number): bigint | undefined;
  writeMsr(index: number, value: bigint): boolean;
  reset(kind: 'cold' | 'warm'): void;
  save(): LocalApicState;
  restore(state: LocalApicState): void;
}
