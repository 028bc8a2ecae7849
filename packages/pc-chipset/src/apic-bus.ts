import type { MsiSink } from '@pckit/interfaces';
import type { IoApic } from './ioapic.js';
import type { LocalApic } from './local-apic.js';
/** Connects local APICs and I/O APICs. Each of them attaches itself in its constructor. It holds no state. */
export declare class ApicBus implements MsiSink {
  readonly localApics: readonly LocalApic[];
  readonly ioApics: readonly IoApic[];
  /** A message-signalled interrupt: SDM vol. 3, 11.11. Goes to the local APICs whose destination matches. */
  send(address: number, data: number): void;
}
