import type { GuestMemory } from '@pckit/interfaces';
import {
  STATUS_ACKNOWLEDGE,
  STATUS_DRIVER,
  STATUS_DRIVER_OK,
  STATUS_FEATURES_OK,
  VIRTIO_F_RING_EVENT_IDX,
  VIRTIO_F_RING_INDIRECT_DESC,
  VIRTIO_F_VERSION_1,
} from '../virtio-device.js';
import { DriverQueue } from './driver-queue.js';
import type { DriverPort, RingAddresses } from './driver-port.js';
import { GuestArena } from './guest-arena.js';

export interface VirtioDriverOptions {
  /** Where the driver's rings and buffers begin in guest memory. Default 64 KiB. */
  readonly base?: number;
  /** Features to accept of those on offer. Default all of them. */
  readonly features?: bigint;
  /** Entries in each queue. Default the most. */
  readonly queueSize?: number;
  /** MSI-X vectors: configuration, then one for each queue. Default none. */
  readonly vectors?: readonly number[];
}

/** Everything but these needs code that this driver hasn't got. */
const RING_FEATURES = VIRTIO_F_RING_EVENT_IDX | VIRTIO_F_RING_INDIRECT_DESC | VIRTIO_F_VERSION_1;
const DEVICE_BITS = (1n << 24n) - 1n;

/**
 * A driver for any virtio device, for tests: brings the device up through a port in Linux's order and lays out rings in guest memory.
 * `new VirtioDriver(memory, new PciPort(virtio.function)).start()`.
 */
export class VirtioDriver {
  readonly arena: GuestArena;
  readonly queues: DriverQueue[] = [];
  /** What was negotiated. */
  features = 0n;

  constructor(
    readonly memory: GuestMemory,
    readonly port: DriverPort,
    private readonly options: VirtioDriverOptions = {},
  ) {
    this.arena = new GuestArena(memory, options.base ?? 0x1_0000);
  }

  /** Reset, negotiate, set up every queue, DRIVER_OK. */
  start(): this {
    this.negotiate();
    this.setUpQueues();
    this.ready();
    return this;
  }

  negotiate(): void {
    const { port } = this;
    port.setStatus(0);
    if (port.status !== 0) throw new Error(`status ${port.status} after a reset`);
    port.setStatus(STATUS_ACKNOWLEDGE);
    port.setStatus(STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    this.features = port.deviceFeatures() & (RING_FEATURES | DEVICE_BITS) & (this.options.features ?? -1n);
    port.setDriverFeatures(this.features);
    if (port.legacy) return;
    port.setStatus(STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
    if ((port.status & STATUS_FEATURES_OK) === 0) throw new Error(`the device refuses features 0x${this.features.toString(16)}`);
  }

  setUpQueues(): void {
    const { port } = this;
    this.queues.length = 0;
    for (let index = 0; ; index++) {
      const max = port.queueMaxSize(index);
      if (max === 0) break;
      const size = port.legacy ? max : Math.min(max, this.options.queueSize ?? max);
      const rings = this.#rings(size);
      this.queues.push(
        new DriverQueue(this.arena, index, size, rings, {
          eventIndex: (this.features & VIRTIO_F_RING_EVENT_IDX) !== 0n,
          indirect: (this.features & VIRTIO_F_RING_INDIRECT_DESC) !== 0n,
          notify: () => port.notify(index),
        }),
      );
      port.setQueue(index, size, rings);
    }
    const [config, ...vectors] = this.options.vectors ?? [];
    if (config !== undefined) port.setVectors(config, vectors);
  }

  ready(): void {
    this.port.setStatus(this.port.status | STATUS_DRIVER_OK);
  }

  /** All of device configuration that the device has, read as Linux reads multi-byte fields: again if the generation moved. */
  readConfig64(offset: number): number {
    for (;;) {
      const before = this.port.configGeneration();
      const value = this.port.readConfig(offset, 4) + this.port.readConfig(offset + 4, 4) * 0x1_0000_0000;
      if (this.port.configGeneration() === before) return value;
    }
  }

  /** One piece on a page, the used ring on the next page: right for legacy, and for the others too. */
  #rings(size: number): RingAddresses {
    const available = 16 * size;
    const used = Math.ceil((available + 6 + 2 * size) / 4096) * 4096;
    const base = this.arena.allocate(used + 6 + 8 * size, 4096);
    return { descriptors: base, available: base + available, used: base + used };
  }
}
