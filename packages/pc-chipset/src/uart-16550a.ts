import type { CharPort, Clock, Device, IoRegion, IrqLine } from '@pckit/interfaces';
export type Uart16550State = { readonly version: 1 };
export interface Uart16550Wires {
  readonly irq: IrqLine;
  readonly port: CharPort;
  readonly clock: Clock;
}
export interface Uart16550Options {
  /** `com1`, ... : names the device, its region and its timers. */
  readonly name: string;
  /** `instant` (default): a byte leaves as it is written. `baud`: it takes the time that the divisor says. */
  readonly transmit?: 'instant' | 'baud';
}
export declare class Uart16550 implements Device<Uart16550State> {
  readonly name: string;
  /** 8 ports */
  readonly regions: { readonly registers: IoRegion };
  constructor(wires: Uart16550Wires, options: Uart16550Options);
  /** Modem inputs; CTS, DSR and DCD are active at reset as with a null-modem cable and a listener, RI is not. */
  setModemLine(line: 'cts' | 'dsr' | 'ri' | 'dcd', level: boolean): void;
  /** The line goes into the break condition for a character time. */
  receiveBreak(): void;
  reset(kind: 'cold' | 'warm'): void;
  save(): Uart16550State;
  restore(state: Uart16550State): void;
}
