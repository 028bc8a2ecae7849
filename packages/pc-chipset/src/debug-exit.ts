import type { Device, IoRegion, IrqLine } from '@pckit/interfaces';
export type DebugExitState = { readonly version: 1 };
export interface DebugExitWires {
  readonly exit: (value: number) => void;
}
export interface DebugExitOptions {
  /** Default `debug-exit`. */
  readonly name?: string;

}
export declare class DebugExit implements Device<DebugExitState> {
  readonly name: string;
  /** F4h, 4 bytes */
  readonly regions: { readonly port: IoRegion };
  constructor(wires: DebugExitWires, options?: DebugExitOptions);
  reset(kind: 'cold' | 'warm'): void;
  save(): DebugExitState;
  restore(state: DebugExitState): void;
}
