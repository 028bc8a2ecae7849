import type { MsiSink } from '@pckit/interfaces';
import type { IoApic } from './ioapic.js';
import type { LocalApic } from './local-apic.js';

/** Delivery modes as they stand in redirection entries, LVT entries, ICR and MSI data (SDM vol. 3, 11.5.1 and 11.6.1). */
export const DELIVERY_FIXED = 0;
export const DELIVERY_LOWEST_PRIORITY = 1;
export const DELIVERY_SMI = 2;
export const DELIVERY_NMI = 4;
export const DELIVERY_INIT = 5;
export const DELIVERY_START_UP = 6;
export const DELIVERY_EXT_INT = 7;

/**
 * The destination that reaches every local APIC. The 8-bit senders (I/O APIC, MSI, xAPIC mode ICR) say FFh; `widenDestination`
 * makes it this.
 */
export const BROADCAST = 0xffff_ffff;

export function widenDestination(destination8: number): number {
  return destination8 === 0xff ? BROADCAST : destination8;
}

// MSI address and data, SDM vol. 3, 11.11
const MSI_DESTINATION_SHIFT = 12;
const MSI_LOGICAL = 0x04;
const MSI_DATA_LEVEL_TRIGGERED = 0x8000;

/**
 * What carries interrupt messages between local APICs, I/O APICs and devices with MSI. Local APICs and I/O APICs attach themselves
 * as they are made. The bus has no state of its own: messages arrive as they are sent.
 */
export class ApicBus implements MsiSink {
  readonly localApics: readonly LocalApic[] = [];
  readonly ioApics: readonly IoApic[] = [];

  attachLocalApic(apic: LocalApic): void {
    (this.localApics as LocalApic[]).push(apic);
  }

  attachIoApic(ioApic: IoApic): void {
    (this.ioApics as IoApic[]).push(ioApic);
  }

  /**
   * A message-signalled interrupt: the write of `data` to FEEx_xxxxH by anything but a processor. The redirection hint needs no
   * care: with lowest priority as delivery mode it says what that says.
   */
  send(address: number, data: number): void {
    const destination = widenDestination((address >>> MSI_DESTINATION_SHIFT) & 0xff);
    const mode = (data >> 8) & 7;
    const level = (data & MSI_DATA_LEVEL_TRIGGERED) !== 0;
    this.deliver(mode, data & 0xff, destination, (address & MSI_LOGICAL) !== 0, level);
  }

  /** @returns whether a local APIC accepted the message. */
  deliver(mode: number, vector: number, destination: number, logical: boolean, levelTriggered: boolean): boolean {
    if (mode === DELIVERY_LOWEST_PRIORITY) {
      const chosen = this.lowestPriority(destination, logical);
      return chosen !== undefined && chosen.receive(mode, vector, levelTriggered);
    }
    let accepted = false;
    for (const apic of this.localApics) {
      if (apic.matches(destination, logical) && apic.receive(mode, vector, levelTriggered)) accepted = true;
    }
    return accepted;
  }

  /** The shorthands of the ICR: every local APIC, or all but one. */
  deliverToAll(mode: number, vector: number, except: LocalApic | undefined): void {
    for (const apic of this.localApics) {
      if (apic !== except && apic.enabled) apic.receive(mode, vector, false);
    }
  }

  /** The EOI message that a local APIC sends for a level-triggered vector. */
  endOfInterrupt(vector: number): void {
    for (const ioApic of this.ioApics) ioApic.endOfInterrupt(vector);
  }

  /** The least busy of the destinations; the first of equals, so that it depends on nothing that would have to be saved. */
  private lowestPriority(destination: number, logical: boolean): LocalApic | undefined {
    let chosen: LocalApic | undefined;
    let priority = Infinity;
    for (const apic of this.localApics) {
      if (!apic.acceptsFixed || !apic.matches(destination, logical)) continue;
      const its = apic.processorPriority;
      if (its < priority) {
        chosen = apic;
        priority = its;
      }
    }
    return chosen;
  }
}
