import type { Device, IoRegion, IrqLine } from '@pckit/interfaces';
export type Port92State = { readonly version: 1 };
export interface Port92Wires {
  /** Bit 1: A20 enabled. */
  readonly a20: IrqLine;
  /** Bit 0 went from 0 to 1. */
  readonly reset: () => void;
}
export interface Port92Options {
  /** Default `port92`. */
  readonly name?: string;

}
export declare class Port92 implements Device<Port92State> {
  readonly name: string;
  /** 92h */
  readonly regions: { readonly port: IoRegion };
  constructor(wires: Port92Wires, options?: Port92Options);
  reset(kind: 'cold' | 'warm'): void;
  save(): Port92State;
  restore(state: Port92State): void;
}
