import type { Device, IoRegion, IrqLine } from '@pckit/interfaces';
export type ResetControlState = { readonly version: 1 };
export interface ResetControlWires {
  /** `soft`: INIT to the processors; `hard`: RESET# to everything; `full`: power cycle. */
  readonly reset: (type: "soft" | "hard" | "full") => void;
}
export interface ResetControlOptions {
  /** Default `reset-control`. */
  readonly name?: string;

}
export declare class ResetControl implements Device<ResetControlState> {
  readonly name: string;
  /** CF9h, one byte; it lies inside the PCI configuration address port, which takes 32-bit accesses only. */
  readonly regions: { readonly port: IoRegion };
  constructor(wires: ResetControlWires, options?: ResetControlOptions);
  reset(kind: 'cold' | 'warm'): void;
  save(): ResetControlState;
  restore(state: ResetControlState): void;
}
