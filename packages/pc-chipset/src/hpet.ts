import type { Clock, Device, IoRegion, IrqLine } from '@pckit/interfaces';
export type HpetState = { readonly version: 1 };
export interface HpetWires {
  readonly clock: Clock;
  /** I/O APIC inputs that comparators may be routed to, by pin number; what is here is what Tn_INT_ROUTE_CAP advertises. */
  readonly pins: Readonly<Record<number, IrqLine>>;
  /** IRQ 0 (PIC 0 and I/O APIC 2) and IRQ 8: driven by `pit` and `rtc`, or by comparators 0 and 1 in legacy replacement mode. */
  readonly irq0: IrqLine;
  readonly irq8: IrqLine;
}
export interface HpetOptions {
  /** Default `hpet`. */
  readonly name?: string;
  /** 3..32; default 3. */
  readonly comparators?: number;
}
export declare class Hpet implements Device<HpetState> {
  readonly name: string;
  /** FED00000h, 1 KiB */
  readonly regions: { readonly registers: IoRegion };
  /** Where the 8254's OUT0 and the RTC's interrupt go in; cut off while legacy replacement is on. */
  readonly pit: IrqLine;
  readonly rtc: IrqLine;
  /** What ACPI's HPET table says: the low 32 bits of the capabilities register. */
  readonly eventTimerBlockId: number;
  constructor(wires: HpetWires, options?: HpetOptions);
  reset(kind: 'cold' | 'warm'): void;
  save(): HpetState;
  restore(state: HpetState): void;
}
