import type { Clock, Device, IoRegion, IrqLine } from '@pckit/interfaces';
export type Mc146818RtcState = { readonly version: 1 };
export interface Mc146818RtcWires {
  /** IRQ 8 */
  readonly irq: IrqLine;
  readonly clock: Clock;
}
export interface Mc146818RtcOptions {
  /** The date and time at power-on, in milliseconds since 1970 UTC (as `Date.now()`); the chip shows UTC. */
  readonly epoch: number;
  /** Default `rtc`. */
  readonly name?: string;
  /** Initial contents of CMOS registers 0Eh-7Fh (memory size, boot order ...), by register number. */
  readonly cmos?: Readonly<Record<number, number>>;
}
export declare class Mc146818Rtc implements Device<Mc146818RtcState> {
  readonly name: string;
  /** 70h-71h */
  readonly regions: { readonly ports: IoRegion };
  constructor(wires: Mc146818RtcWires, options: Mc146818RtcOptions);
  reset(kind: 'cold' | 'warm'): void;
  save(): Mc146818RtcState;
  restore(state: Mc146818RtcState): void;
}
