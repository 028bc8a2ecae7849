import type { Clock, Device, IoRegion, IrqLine } from '@pckit/interfaces';
export type I8254PitState = { readonly version: 1 };
export interface I8254PitWires {
  readonly clock: Clock;
  /** OUT of channel 0 (IRQ 0), 1 (DRAM refresh; nothing on a modern board) and 2 (speaker). */
  readonly out0: IrqLine;
  readonly out1?: IrqLine;
  readonly out2?: IrqLine;
}
export interface I8254PitOptions {
  /** Default `pit`. */
  readonly name?: string;
}
export declare class I8254Pit implements Device<I8254PitState> {
  readonly name: string;
  /** 40h-43h */
  readonly regions: { readonly ports: IoRegion };
  constructor(wires: I8254PitWires, options?: I8254PitOptions);
  /** GATE of a channel; 0 and 1 are tied high on a PC and so they are at reset. */
  gate(channel: number): IrqLine;
  /** The level of OUT now. */
  output(channel: number): boolean;
  reset(kind: 'cold' | 'warm'): void;
  save(): I8254PitState;
  restore(state: I8254PitState): void;
}
