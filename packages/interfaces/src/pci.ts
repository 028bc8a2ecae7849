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

/** Plain storage in configuration space outside the header and the capabilities: reset to `initial`, changed by software where `writable` has ones. */
export interface PciRegisters {
  /** 40H or above. */
  readonly at: number;
  readonly initial: Uint8Array;
  /** As long as `initial`; read-only when absent. */
  readonly writable?: Uint8Array;
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
  /** Number of MSI vectors (1, 2, 4 .. 32), absent: no MSI capability. It has 64-bit addresses and per-vector masks. */
  readonly msiVectors?: number;
  /** In the order of the list; MSI and MSI-X, when the function has them, come first. */
  readonly capabilities?: readonly PciCapability[];
  /** Where the first capability stands, 40H when absent; the others follow it, 4-byte aligned. */
  readonly capabilityBase?: number;
  /** Bits of the command register that are hardwired to one (bridges); the others can be written if a function of PCI 3.0 has them. */
  readonly fixedCommand?: number;
  /** Function 0 of a device announces other functions even when none is plugged in. */
  readonly multifunction?: boolean;
  /** Registers that only store. */
  readonly registers?: readonly PciRegisters[];
  /** Registers with an effect, from 40H up, that are no capability; offsets absolute. `undefined` falls through to storage (zero). */
  readConfig?(register: number, size: 1 | 2 | 4): number | undefined;
  /** Called for every write from 40H up that hits no capability; what `registers` can store has been stored. */
  writeConfig?(register: number, value: number, size: 1 | 2 | 4): void;
  /** The command register changed: bus mastering allowed or not. Not called by a restore. */
  onBusMaster?(enabled: boolean): void;
}

/** What a slot gives to the function in it: its ways to interrupt. Available before the function is plugged in. */
export interface PciInterrupts {
  /** The INTx line (swizzled; gated by the command register's interrupt-disable bit and by MSI or MSI-X being enabled). */
  readonly intx: IrqLine;
  readonly msiEnabled: boolean;
  readonly msixEnabled: boolean;
  /**
   * Sends MSI-X (or MSI) message `vector`; a masked one stays pending and goes out on unmask. No effect when neither is enabled, or
   * when there is no such vector. Where software enabled fewer MSI vectors than the function has, they share.
   */
  notify(vector: number): void;
}
