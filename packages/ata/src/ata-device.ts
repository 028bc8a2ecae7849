import type { BlockBackend, DeviceState } from '@pckit/interfaces';
import type { AtaEnd, AtaPlan } from './plan.js';
import type { Signature, Taskfile } from './taskfile.js';

/**
 * A device at the end of an ATA cable, as its controller sees it. It knows commands, not how they come or where data goes: it answers a
 * command with a plan, which the controller carries out.
 */
export interface AtaDevice {
  readonly kind: 'disk' | 'cdrom';
  readonly backend: BlockBackend;
  readonly signature: Signature;
  /** `power`: as switched on. `hard`: RESET- or COMRESET. `soft`: SRST or DEVICE RESET. */
  reset(kind: 'power' | 'hard' | 'soft'): void;
  plan(taskfile: Taskfile): AtaPlan;
  /** What a `receive` plan brought. */
  accept(data: Uint8Array): AtaPlan;
  /** A command packet of 12 bytes; only after a `packet` plan. `protocol` is that plan's. */
  packet(packet: Uint8Array, protocol: 'pio' | 'dma'): AtaPlan;
  /** The host failed at what `plan` asked of the backend: what the guest is told. */
  hostFailed(plan: AtaPlan): AtaEnd;
  /** One of the queued commands failed: what the queued error log will say. */
  queuedFailed(tag: number, taskfile: Taskfile, end: AtaEnd): void;
  save(): DeviceState;
  restore(state: DeviceState): void;
}
