import type { Device, InterruptAcknowledge, IoRegion, IrqLine } from '@pckit/interfaces';
import type { ApicBus } from './apic-bus.js';
export type IoApicState = { readonly version: 1 };
export interface IoApicWires {
  readonly bus: ApicBus;
}
export interface IoApicOptions {
  /** Default `ioapic`. */
  readonly name?: string;
  /** APIC ID at reset, 0..15; default 0. */
  readonly id?: number;
  /** Number of pins; default 24. */
  readonly pins?: number;
}
export declare class IoApic implements Device<IoApicState> {
  readonly name: string;
  readonly pins: number;
  /** FEC00000h, 4 KiB */
  readonly regions: { readonly registers: IoRegion };
  constructor(wires: IoApicWires, options?: IoApicOptions);
  /** The input INTINn, active high whatever the redirection entry's polarity bit says (the board has no inverters). */
  pin(n: number): IrqLine;
  reset(kind: 'cold' | 'warm'): void;
  save(): IoApicState;
  restore(state: IoApicState): void;
}
