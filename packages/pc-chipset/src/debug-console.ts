import type { Device, IoRegion, IrqLine } from '@pckit/interfaces';
export type DebugConsoleState = { readonly version: 1 };
export interface DebugConsoleWires {
  readonly port: { write(byte: number): void };
}
export interface DebugConsoleOptions {
  /** Default `debug-console`. */
  readonly name?: string;

}
export declare class DebugConsole implements Device<DebugConsoleState> {
  readonly name: string;
  /** E9h */
  readonly regions: { readonly port: IoRegion };
  constructor(wires: DebugConsoleWires, options?: DebugConsoleOptions);
  reset(kind: 'cold' | 'warm'): void;
  save(): DebugConsoleState;
  restore(state: DebugConsoleState): void;
}
