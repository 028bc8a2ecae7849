import type { Device, InterruptAcknowledge, IoRegion, IrqLine } from '@pckit/interfaces';
export type I8259PicPairState = { readonly version: 1 };
export interface I8259PicPairWires {
  /** INT of the master: to LINT0 of the local APICs, or straight to a processor's INTR. */
  readonly intr: IrqLine;
}
export interface I8259PicPairOptions {
  /** Default `pic`. */
  readonly name?: string;
}
export interface I8259PicPairRegions {
  /** 20h-21h */
  readonly master: IoRegion;
  /** A0h-A1h */
  readonly slave: IoRegion;
  /** Edge/level control, 4D0h-4D1h */
  readonly elcr: IoRegion;
}
export declare class I8259PicPair implements Device<I8259PicPairState>, InterruptAcknowledge {
  readonly name: string;
  readonly regions: I8259PicPairRegions;
  constructor(wires: I8259PicPairWires, options?: I8259PicPairOptions);
  /** The input IR0..IR7 (master), IR8..IR15 (slave); 2 is the cascade and goes nowhere. */
  irq(n: number): IrqLine;
  acknowledge(): number;
  reset(kind: 'cold' | 'warm'): void;
  save(): I8259PicPairState;
  restore(state: I8259PicPairState): void;
}
