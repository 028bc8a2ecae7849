import type { Clock, Device, IoRegion, IrqLine } from '@pckit/interfaces';
export type Port61State = { readonly version: 1 };
export interface Port61Wires {
  readonly clock: Clock;
  /** `pit.gate(2)` */
  readonly gate2: IrqLine;
  /** `() => pit.output(2)` */
  readonly out2: () => boolean;
  /** Speaker data enabled and driven: level of the speaker's input enable, for who wants to hear it. */
  readonly speaker?: IrqLine;
}
export interface Port61Options {
  /** Default `port61`. */
  readonly name?: string;
}
/** System control port B. */
export declare class Port61 implements Device<Port61State> {
  readonly name: string;
  /** 61h */
  readonly regions: { readonly port: IoRegion };
  constructor(wires: Port61Wires, options?: Port61Options);
  reset(kind: 'cold' | 'warm'): void;
  save(): Port61State;
  restore(state: Port61State): void;
}
