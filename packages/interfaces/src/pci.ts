import type { IoRegion } from './address-space.js';
import type { IrqLine } from './interrupts.js';

/** A base address register and the region behind it. Sizes are powers of two: at least 16 bytes of memory, 4 of I/O. */
export interface PciBar {
  /** 0..5; a `memory64` bar takes the next index too. */
  readonly index: number;
  readonly kind: 'io' | 'memory32' | 'memory64';
  readonly prefetchable?: boolean;
  readonly region: IoRegion;
}

/** A capability as it stands in configuration space, without its ID and next pointer. */
export interface PciCapability {
  readonly id: number;
  /** Initial contents after the two header bytes. */
  readonly body: Uint8Array;
  /** Which bits of `body` software may change; none when absent. */
  readonly writable?: Uint8Array;
  /** Called instead of, or before, storage is used: offsets are within `body`; sizes 1, 2, 4. `undefined` falls through. */
  onRead?(offset: number, size: 1 | 2 | 4): number | undefined;
  onWrite?(offset: number, value: number, size: 1 | 2 | 4): void;
}

/** MSI-X: the host bridge makes the table and the pending bits and overlays them on the named bar. */
export interface PciMsix {
  readonly vectors: number;
  readonly bar: number;
  /** Byte offsets within the bar, 8-byte aligned. */
  readonly tableOffset: number;
  readonly pendingOffset: number;
}

/**
 * A PCI function as data. The host bridge owns its configuration space (identity, command, BARs, capabilities, MSI and MSI-X) so
 * that no device writes one again.
 */
export interface PciFunction {
  readonly name: string;
  readonly vendorId: number;
  readonly deviceId: number;
  readonly revision?: number;
  /** 24 bits: class, subclass, programming interface. */
  readonly classCode: number;
  readonly subsystemVendorId?: number;
  readonly subsystemId?: number;
  readonly bars: readonly PciBar[];
  /** 1..4 for INTA..INTD; absent: no INTx. */
  readonly interruptPin?: 1 | 2 | 3 | 4;
  readonly msix?: PciMsix;
  /** Number of MSI vectors (power of two), absent: no MSI capability. */
  readonly msiVectors?: number;
  readonly capabilities?: readonly PciCapability[];
  /** Device-specific registers from 40H up that are no capability; offsets absolute. `undefined` falls through to storage (zero). */
  readConfig?(register: number, size: 1 | 2 | 4): number | undefined;
  writeConfig?(register: number, value: number, size: 1 | 2 | 4): void;
  /** The command register changed: bus mastering allowed or not. */
  onBusMaster?(enabled: boolean): void;
}

/** What a slot gives to the function in it: its ways to interrupt. Available before the function is plugged in. */
export interface PciInterrupts {
  /** The INTx line (swizzled and gated by the command register's interrupt-disable bit). */
  readonly intx: IrqLine;
  readonly msiEnabled: boolean;
  readonly msixEnabled: boolean;
  /** Sends MSI-X (or MSI) message `vector`; a masked one stays pending and goes out on unmask. No effect when neither is enabled. */
  notify(vector: number): void;
}
