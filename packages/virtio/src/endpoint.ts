import type { DeviceState, GuestMemory } from '@pckit/interfaces';
import {
  STATUS_DEVICE_NEEDS_RESET,
  STATUS_DRIVER_OK,
  STATUS_FEATURES_OK,
  VIRTIO_F_ANY_LAYOUT,
  VIRTIO_F_RING_EVENT_IDX,
  VIRTIO_F_RING_INDIRECT_DESC,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_VERSION_1,
  VirtioError,
} from './virtio-device.js';
import type { DriverErrorCode, VirtioDevice, VirtioHost, VirtioObserver } from './virtio-device.js';
import { Virtqueue } from './virtqueue.js';
import type { QueueOwner, VirtqueueState } from './virtqueue.js';

// What every transport has in common (VIRTIO 1.2, 2 "Basic Facilities"): device status, feature negotiation, the queues, and the
// configuration's generation. A transport puts registers in front of it and turns `EndpointSignals` into interrupts.

export interface EndpointSignals {
  /** The device has used buffers of `queue`. */
  queueInterrupt(queue: number): void;
  /** Device configuration or the status has changed. */
  configInterrupt(): void;
}

export type EndpointState = {
  readonly status: number;
  readonly driverFeatures: bigint;
  readonly negotiated: bigint;
  readonly running: boolean;
  readonly dma: boolean;
  readonly generation: number;
  readonly deviceFeatureSelect: number;
  readonly driverFeatureSelect: number;
  readonly queueSelect: number;
  readonly queues: readonly VirtqueueState[];
  readonly device: DeviceState;
};

const WORD = 0xffff_ffffn;

export class VirtioEndpoint implements VirtioHost, QueueOwner {
  readonly queues: readonly Virtqueue[];
  /** Everything on offer, whatever the interface; a legacy driver sees the low 32 bits. */
  readonly offered: bigint;
  status = 0;
  /** Changes with every change of `device.config` (8 bits, VIRTIO 1.2, 2.5). */
  generation = 0;
  deviceFeatureSelect = 0;
  driverFeatureSelect = 0;
  queueSelect = 0;
  eventIndex = false;
  indirect = false;
  live = false;
  #driverFeatures = 0n;
  #negotiated = 0n;
  #running = false;
  #dma = true;

  constructor(
    readonly memory: GuestMemory,
    readonly device: VirtioDevice,
    private readonly signals: EndpointSignals,
    private readonly observer?: VirtioObserver,
  ) {
    for (const size of device.queueSizes) {
      if (!(size >= 1 && size <= 32768 && (size & (size - 1)) === 0))
        throw new VirtioError('bad-option', `${device.name}: queue size ${size} is not a power of two from 1 to 32768`);
    }
    this.offered = device.features | VIRTIO_F_ANY_LAYOUT | VIRTIO_F_RING_INDIRECT_DESC | VIRTIO_F_RING_EVENT_IDX | VIRTIO_F_VERSION_1 | VIRTIO_F_RING_RESET;
    this.queues = device.queueSizes.map((size, index) => new Virtqueue(index, size, this));
    device.attach(this);
  }

  /** Features that both sides know, valid once the driver is ready. */
  get negotiated(): bigint {
    return this.#negotiated;
  }

  get selectedQueue(): Virtqueue | undefined {
    return this.queues[this.queueSelect];
  }

  /** Power-on, bus reset and the driver's own reset (status 0) alike. */
  reset(kind: 'cold' | 'warm'): void {
    this.status = 0;
    this.deviceFeatureSelect = this.driverFeatureSelect = this.queueSelect = 0;
    this.#driverFeatures = this.#negotiated = 0n;
    this.#running = false;
    for (const queue of this.queues) queue.reset();
    this.#settle();
    this.device.reset(kind);
  }

  /** 32 bits of the features on offer. */
  deviceFeatures(select: number): number {
    return select > 1 ? 0 : Number((this.offered >> BigInt(select * 32)) & WORD);
  }

  driverFeatures(select: number): number {
    return select > 1 ? 0 : Number((this.#driverFeatures >> BigInt(select * 32)) & WORD);
  }

  setDriverFeatures(select: number, value: number): void {
    // 2.2: not after FEATURES_OK.
    if (select > 1 || (this.status & STATUS_FEATURES_OK) !== 0 || this.#running) return;
    const shift = BigInt(select * 32);
    this.#driverFeatures = (this.#driverFeatures & ~(WORD << shift)) | (BigInt(value >>> 0) << shift);
  }

  /** The driver writes the device status. Not 0: the transport resets itself and this. @param legacy through a legacy interface */
  setStatus(value: number, legacy: boolean): void {
    let status = (value & 0xff) | (this.status & STATUS_DEVICE_NEEDS_RESET);
    if (!legacy && (status & STATUS_FEATURES_OK) !== 0 && (this.status & STATUS_FEATURES_OK) === 0 && !this.#acceptable())
      status &= ~STATUS_FEATURES_OK;
    this.status = status;
    if ((status & STATUS_DRIVER_OK) !== 0 && (legacy || (status & STATUS_FEATURES_OK) !== 0)) this.#start();
  }

  /** The driver rings a doorbell. */
  notify(index: number): void {
    const queue = this.queues[index];
    if (queue === undefined || !queue.enabled) return;
    // Linux before 3.19 (and others of that age) uses a legacy device before it sets DRIVER_OK: virtio_blk reads the partition
    // table in its probe function. VIRTIO 1.2, 3.1.2 "Legacy Interface: Device Initialization".
    if (!this.#running && this.status !== 0 && (this.status & STATUS_FEATURES_OK) === 0) this.#start();
    if (!this.live) return;
    queue.begin();
    this.device.notify(index);
  }

  /** VIRTIO_F_RING_RESET: VIRTIO 1.2, 2.6.1. */
  resetQueue(index: number): void {
    const queue = this.queues[index];
    if (queue === undefined) return;
    queue.reset();
    this.device.resetQueue?.(index);
  }

  /**
   * PCI's bus master enable. While off, queues rest and completions are lost, as cycles that a function may not start. Not so for a
   * legacy driver: some never turned it on (QEMU turns it on for them at DRIVER_OK).
   */
  setDma(enabled: boolean): void {
    if (this.#dma === enabled) return;
    this.#dma = enabled;
    const live = this.live;
    this.#settle();
    if (this.live && !live) this.#notifyAll();
  }

  configChanged(): void {
    this.generation = (this.generation + 1) & 0xff;
    if (this.#running) this.signals.configInterrupt();
  }

  fail(queue: number, code: DriverErrorCode, detail: string): void {
    if ((this.status & STATUS_DEVICE_NEEDS_RESET) !== 0) return;
    this.status |= STATUS_DEVICE_NEEDS_RESET;
    this.#settle();
    // 2.1.2: a device that needs a reset sends a configuration change notification, once the driver is ready.
    if (this.#running) this.signals.configInterrupt();
    this.observer?.({ kind: 'driver-error', device: this.device.name, queue, code, detail });
  }

  interrupt(queue: number): void {
    this.signals.queueInterrupt(queue);
  }

  /** An unsigned little-endian read of device configuration; zero past its end. */
  readConfig(offset: number, size: number): number {
    const { config } = this.device;
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + (config[offset + i] ?? 0);
    return value;
  }

  writeConfig(offset: number, value: number, size: number): void {
    if (offset + size <= this.device.config.length) this.device.writeConfig?.(offset, value, size);
  }

  save(): EndpointState {
    return {
      status: this.status,
      driverFeatures: this.#driverFeatures,
      negotiated: this.#negotiated,
      running: this.#running,
      dma: this.#dma,
      generation: this.generation,
      deviceFeatureSelect: this.deviceFeatureSelect,
      driverFeatureSelect: this.driverFeatureSelect,
      queueSelect: this.queueSelect,
      queues: this.queues.map((queue) => queue.save()),
      device: this.device.save(),
    };
  }

  restore(state: EndpointState): void {
    if (state.queues.length !== this.queues.length)
      throw new VirtioError('bad-state', `${this.device.name}: state of ${state.queues.length} queues for a device with ${this.queues.length}`);
    this.status = state.status;
    this.#driverFeatures = state.driverFeatures;
    this.#negotiated = state.negotiated;
    this.#running = state.running;
    this.#dma = state.dma;
    this.generation = state.generation;
    this.deviceFeatureSelect = state.deviceFeatureSelect;
    this.driverFeatureSelect = state.driverFeatureSelect;
    this.queueSelect = state.queueSelect;
    for (const queue of this.queues) queue.restore(state.queues[queue.index] as VirtqueueState);
    this.#settle();
    this.device.restore(state.device);
  }

  /** 2.2.2, 6.2: a subset of the offer, and VERSION_1 through any interface that is not legacy. */
  #acceptable(): boolean {
    return (this.#driverFeatures & ~this.offered) === 0n && (this.#driverFeatures & VIRTIO_F_VERSION_1) !== 0n;
  }

  #start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#negotiated = this.#driverFeatures & this.offered;
    this.#settle();
    this.device.start(this.#negotiated);
    this.#notifyAll();
  }

  #notifyAll(): void {
    for (const queue of this.queues) {
      if (!this.live) return;
      if (!queue.enabled) continue;
      queue.begin();
      this.device.notify(queue.index);
    }
  }

  /** Derives what the hot paths ask. */
  #settle(): void {
    const mayDma = this.#dma || (this.#negotiated & VIRTIO_F_VERSION_1) === 0n;
    this.live = this.#running && mayDma && (this.status & STATUS_DEVICE_NEEDS_RESET) === 0;
    this.eventIndex = (this.#negotiated & VIRTIO_F_RING_EVENT_IDX) !== 0n;
    this.indirect = (this.#negotiated & VIRTIO_F_RING_INDIRECT_DESC) !== 0n;
  }
}
