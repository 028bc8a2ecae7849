import type { Clock, Device, IoRegion, IrqLine } from '@pckit/interfaces';
import type { Ps2Keyboard } from './ps2-keyboard.js';
import type { Ps2Mouse } from './ps2-mouse.js';
export type I8042State = { readonly version: 1 };
export interface I8042Wires {
  readonly clock: Clock;
  /** IRQ 1 */
  readonly keyboardIrq: IrqLine;
  /** IRQ 12 */
  readonly mouseIrq: IrqLine;
  /** Pulsing output bit 0 (command FEh). */
  readonly reset: () => void;
  /** Output bit 1, true: A20 enabled. */
  readonly a20?: IrqLine;
}
export interface I8042Options {
  /** Default `i8042`. */
  readonly name?: string;
  /** Default true. */
  readonly mouse?: boolean;
}
export declare class I8042 implements Device<I8042State> {
  readonly name: string;
  /** 60h and 64h */
  readonly regions: { readonly data: IoRegion; readonly command: IoRegion };
  readonly keyboard: Ps2Keyboard;
  readonly mouse: Ps2Mouse | undefined;
  constructor(wires: I8042Wires, options?: I8042Options);
  reset(kind: 'cold' | 'warm'): void;
  save(): I8042State;
  restore(state: I8042State): void;
}
