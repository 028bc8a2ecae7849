import type { Device, DeviceState, GuestMemory } from '@pckit/interfaces';
import type { Virtqueue } from './virtqueue.js';

// VIRTIO 1.2, 2.1 "Device Status Field".
export const STATUS_ACKNOWLEDGE = 0x01;
export const STATUS_DRIVER = 0x02;
export const STATUS_DRIVER_OK = 0x04;
export const STATUS_FEATURES_OK = 0x08;
export const STATUS_DEVICE_NEEDS_RESET = 0x40;
export const STATUS_FAILED = 0x80;

// VIRTIO 1.2, 6 "Reserved Feature Bits".
export const VIRTIO_F_ANY_LAYOUT = 1n << 27n;
export const VIRTIO_F_RING_INDIRECT_DESC = 1n << 28n;
export const VIRTIO_F_RING_EVENT_IDX = 1n << 29n;
export const VIRTIO_F_VERSION_1 = 1n << 32n;
export const VIRTIO_F_RING_RESET = 1n << 40n;

// VIRTIO 1.2, 5 "Device Types".
export const VIRTIO_ID_NET = 1;
export const VIRTIO_ID_BLOCK = 2;
export const VIRTIO_ID_CONSOLE = 3;
export const VIRTIO_ID_ENTROPY = 4;

/** What a driver did that the specification forbids. */
export type DriverErrorCode =
  | 'ring-address'
  | 'ring-size'
  | 'available-index'
  | 'descriptor-index'
  | 'descriptor-address'
  | 'descriptor-length'
  | 'descriptor-order'
  | 'chain-length'
  | 'indirect'
  | 'request';

/** Told to the observer once for each time a device goes to DEVICE_NEEDS_RESET. */
export interface DriverErrorEvent {
  readonly kind: 'driver-error';
  /** The device's name. */
  readonly device: string;
  readonly queue: number;
  readonly code: DriverErrorCode;
  /** For a person: the values at fault. */
  readonly detail: string;
}

export type VirtioObserver = (event: DriverErrorEvent) => void;

/** What a transport gives to the device behind it. */
export interface VirtioHost {
  readonly memory: GuestMemory;
  readonly queues: readonly Virtqueue[];
  /**
   * Whether the device may use its queues and the guest's memory now: the driver is ready, has done nothing illegal, and may be
   * DMAed to. A completion that finds this false after its request was forgotten (reset) or lost (bus mastering off) is dropped.
   */
  readonly live: boolean;
  /** `config` has changed: advances the generation and tells the driver. */
  configChanged(): void;
  /** The driver broke the protocol: DEVICE_NEEDS_RESET, and every queue stops until the reset. */
  fail(queue: number, code: DriverErrorCode, detail: string): void;
}

/** A virtio device apart from the way it is attached: the same one works behind PCI and MMIO. */
export interface VirtioDevice<S extends DeviceState = DeviceState> extends Device<S> {
  /** VIRTIO_ID_... */
  readonly deviceType: number;
  /** 24 bits for configuration space: class, subclass, programming interface. */
  readonly pciClass: number;
  /** Device-specific bits (0..23, 50..). The transport adds the ring's and its own. */
  readonly features: bigint;
  /** The largest size of each queue, powers of two up to 32768. */
  readonly queueSizes: readonly number[];
  /** Device configuration, little-endian, as a driver sees it at this moment. */
  readonly config: Uint8Array;
  /** Called once, by the transport's constructor. */
  attach(host: VirtioHost): void;
  /** The driver writes device configuration. Sizes are 1, 2 or 4; the bytes lie within `config`. Absent: all of it is read-only. */
  writeConfig?(offset: number, value: number, size: number): void;
  /** The driver is ready; `features` are those that both know. */
  start(features: bigint): void;
  /** The driver has put something into the queue. Also called for every enabled queue after `start`. May be spurious. */
  notify(queue: number): void;
  /** One queue is reset (VIRTIO_F_RING_RESET): forget its requests. */
  resetQueue?(queue: number): void;
}

export type VirtioErrorCode = 'bad-option' | 'bad-state';

/** Misuse of this package's API. */
export class VirtioError extends Error {
  constructor(
    readonly code: VirtioErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'VirtioError';
  }
}
