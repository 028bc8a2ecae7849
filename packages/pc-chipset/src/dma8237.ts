import type { Device, IoRegion, IrqLine } from '@pckit/interfaces';
export type Dma8237State = { readonly version: 1 };

export interface Dma8237Options {
  /** Default `dma`. */
  readonly name?: string;

}
export declare class Dma8237 implements Device<Dma8237State> {
  readonly name: string;
  /** 00h-0Fh, C0h-DFh and the page registers 81h-8Fh */
  readonly regions: { readonly low: IoRegion; readonly high: IoRegion; readonly pages: IoRegion };
  constructor(options?: Dma8237Options);
  reset(kind: 'cold' | 'warm'): void;
  save(): Dma8237State;
  restore(state: Dma8237State): void;
}
