import type { AccessSize, Device, GuestMemory, IoRegion, IrqLine } from '@pckit/interfaces';
import { VirtioEndpoint } from './endpoint.js';
import type { EndpointState } from './endpoint.js';
import { VirtioError } from './virtio-device.js';
import type { VirtioDevice, VirtioObserver } from './virtio-device.js';
import { QUEUE_DESC, QUEUE_DEVICE, QUEUE_DRIVER } from './virtqueue.js';
import type { QueuePart } from './virtqueue.js';

// virtio over MMIO: VIRTIO 1.2, 4.2.2 "MMIO Device Register Layout", version 2; with `legacy`, version 1 of 4.2.4 instead.

const MAGIC_VALUE = 0x000;
const VERSION = 0x004;
const DEVICE_ID = 0x008;
const VENDOR_ID = 0x00c;
const DEVICE_FEATURES = 0x010;
const DEVICE_FEATURES_SEL = 0x014;
const DRIVER_FEATURES = 0x020;
const DRIVER_FEATURES_SEL = 0x024;
const GUEST_PAGE_SIZE = 0x028; // legacy
const QUEUE_SEL = 0x030;
const QUEUE_NUM_MAX = 0x034;
const QUEUE_NUM = 0x038;
const QUEUE_ALIGN = 0x03c; // legacy
const QUEUE_PFN = 0x040; // legacy
const QUEUE_READY = 0x044;
const QUEUE_NOTIFY = 0x050;
const INTERRUPT_STATUS = 0x060;
const INTERRUPT_ACK = 0x064;
const STATUS = 0x070;
const QUEUE_DESC_LOW = 0x080;
const QUEUE_DESC_HIGH = 0x084;
const QUEUE_DRIVER_LOW = 0x090;
const QUEUE_DRIVER_HIGH = 0x094;
const QUEUE_DEVICE_LOW = 0x0a0;
const QUEUE_DEVICE_HIGH = 0x0a4;
const SHM_LEN_LOW = 0x0b0;
const SHM_LEN_HIGH = 0x0b4;
const SHM_BASE_LOW = 0x0b8;
const SHM_BASE_HIGH = 0x0bc;
const QUEUE_RESET = 0x0c0;
const CONFIG_GENERATION = 0x0fc;
const CONFIG = 0x100;

/** "virt" */
const MAGIC = 0x74726976;
/** "pckt" */
const VENDOR = 0x746b6370;

const INT_VRING = 0x01;
const INT_CONFIG = 0x02;

export interface VirtioMmioWires {
  readonly memory: GuestMemory;
  /** Level, active high. */
  readonly irq: IrqLine;
  readonly device: VirtioDevice;
  readonly observer?: VirtioObserver;
}

export interface VirtioMmioOptions {
  /** Version 1, for drivers from before virtio 1.0. Default false. */
  readonly legacy?: boolean;
}

export type VirtioMmioState = {
  readonly version: 1;
  readonly interruptStatus: number;
  readonly guestPageSize: number;
  readonly queueAlign: readonly number[];
  readonly endpoint: EndpointState;
};

/** The transport and the device behind it, as one `Device`. Map `region` and tell the kernel: `virtio_mmio.device=1K@0xd0000000:12`. */
export class VirtioMmio implements Device<VirtioMmioState> {
  readonly name: string;
  readonly region: IoRegion;
  readonly endpoint: VirtioEndpoint;
  readonly #irq: IrqLine;
  readonly #legacy: boolean;
  readonly #queueAlign: Uint32Array;
  #guestPageSize = 0;
  #interruptStatus = 0;

  constructor(wires: VirtioMmioWires, options: VirtioMmioOptions = {}) {
    const { device } = wires;
    this.name = device.name;
    this.#irq = wires.irq;
    this.#legacy = options.legacy ?? false;
    this.#queueAlign = new Uint32Array(device.queueSizes.length);
    this.endpoint = new VirtioEndpoint(wires.memory, device, { queueInterrupt: () => this.#raise(INT_VRING), configInterrupt: () => this.#raise(INT_CONFIG) }, wires.observer);
    let length = 0x200;
    while (length < CONFIG + device.config.length) length *= 2;
    this.region = {
      name: `${this.name} mmio`,
      length,
      handler: { read: (offset, size) => this.#read(offset, size), write: (offset, value, size) => this.#write(offset, value, size) },
    };
  }

  reset(kind: 'cold' | 'warm'): void {
    this.#interruptStatus = 0;
    this.#irq.set(false);
    this.#guestPageSize = 0;
    this.#queueAlign.fill(0);
    this.endpoint.reset(kind);
  }

  save(): VirtioMmioState {
    return {
      version: 1,
      interruptStatus: this.#interruptStatus,
      guestPageSize: this.#guestPageSize,
      queueAlign: [...this.#queueAlign],
      endpoint: this.endpoint.save(),
    };
  }

  restore(state: VirtioMmioState): void {
    if (state.version !== 1) throw new VirtioError('bad-state', `${this.name}: state version ${String(state.version)}, known: 1`);
    this.#interruptStatus = state.interruptStatus;
    this.#guestPageSize = state.guestPageSize;
    this.#queueAlign.set(state.queueAlign);
    this.endpoint.restore(state.endpoint);
  }

  #read(offset: number, size: AccessSize): number {
    const { endpoint } = this;
    if (offset >= CONFIG) return endpoint.readConfig(offset - CONFIG, size);
    // 4.2.2.2: control registers take only aligned 32-bit accesses.
    if (size !== 4) return 0;
    const queue = endpoint.selectedQueue;
    switch (offset) {
      case MAGIC_VALUE:
        return MAGIC;
      case VERSION:
        return this.#legacy ? 1 : 2;
      case DEVICE_ID:
        return endpoint.device.deviceType;
      case VENDOR_ID:
        return VENDOR;
      case DEVICE_FEATURES:
        return this.#legacy && endpoint.deviceFeatureSelect > 0 ? 0 : endpoint.deviceFeatures(endpoint.deviceFeatureSelect);
      case QUEUE_NUM_MAX:
        return queue?.maxSize ?? 0;
      case QUEUE_PFN:
        return this.#legacy && queue?.enabled === true && this.#guestPageSize !== 0 ? queue.legacyAddress / this.#guestPageSize : 0;
      case QUEUE_READY:
        return !this.#legacy && queue?.enabled === true ? 1 : 0;
      case INTERRUPT_STATUS:
        return this.#interruptStatus;
      case STATUS:
        return endpoint.status;
      case SHM_LEN_LOW:
      case SHM_LEN_HIGH:
      case SHM_BASE_LOW:
      case SHM_BASE_HIGH:
        // 4.2.2.1: a region that does not exist has length -1.
        return 0xffff_ffff;
      case CONFIG_GENERATION:
        return this.#legacy ? 0 : endpoint.generation;
      default:
        return 0;
    }
  }

  #write(offset: number, value: number, size: AccessSize): void {
    const { endpoint } = this;
    if (offset >= CONFIG) {
      endpoint.writeConfig(offset - CONFIG, value, size);
      return;
    }
    if (size !== 4) return;
    switch (offset) {
      case DEVICE_FEATURES_SEL:
        endpoint.deviceFeatureSelect = value;
        break;
      case DRIVER_FEATURES:
        endpoint.setDriverFeatures(endpoint.driverFeatureSelect, value);
        break;
      case DRIVER_FEATURES_SEL:
        endpoint.driverFeatureSelect = value;
        break;
      case QUEUE_SEL:
        endpoint.queueSelect = value;
        break;
      case QUEUE_NUM:
        endpoint.selectedQueue?.setSize(value);
        break;
      case QUEUE_NOTIFY:
        endpoint.notify(value & 0xffff);
        break;
      case INTERRUPT_ACK:
        this.#interruptStatus &= ~value;
        if (this.#interruptStatus === 0) this.#irq.set(false);
        break;
      case STATUS:
        if ((value & 0xff) === 0) this.reset('warm');
        else endpoint.setStatus(value, this.#legacy);
        break;
      default:
        if (this.#legacy) this.#writeLegacy(offset, value);
        else this.#writeQueue(offset, value);
    }
  }

  #writeQueue(offset: number, value: number): void {
    const queue = this.endpoint.selectedQueue;
    switch (offset) {
      case QUEUE_READY:
        // 4.2.2.2: 0 takes the queue away from the device, as a ring reset does.
        if (value === 1) queue?.enable();
        else if (value === 0 && queue?.enabled === true) this.endpoint.resetQueue(queue.index);
        break;
      case QUEUE_DESC_LOW:
        this.#setAddress(QUEUE_DESC, 0, value);
        break;
      case QUEUE_DESC_HIGH:
        this.#setAddress(QUEUE_DESC, 1, value);
        break;
      case QUEUE_DRIVER_LOW:
        this.#setAddress(QUEUE_DRIVER, 0, value);
        break;
      case QUEUE_DRIVER_HIGH:
        this.#setAddress(QUEUE_DRIVER, 1, value);
        break;
      case QUEUE_DEVICE_LOW:
        this.#setAddress(QUEUE_DEVICE, 0, value);
        break;
      case QUEUE_DEVICE_HIGH:
        this.#setAddress(QUEUE_DEVICE, 1, value);
        break;
      case QUEUE_RESET:
        if (value === 1 && queue !== undefined) this.endpoint.resetQueue(queue.index);
        break;
    }
  }

  #writeLegacy(offset: number, value: number): void {
    const queue = this.endpoint.selectedQueue;
    switch (offset) {
      case GUEST_PAGE_SIZE:
        this.#guestPageSize = value;
        break;
      case QUEUE_ALIGN:
        if (queue !== undefined) this.#queueAlign[queue.index] = value;
        break;
      case QUEUE_PFN:
        if (queue === undefined) break;
        queue.disable();
        if (value === 0) break;
        queue.setLegacyLayout(value * this.#guestPageSize, this.#queueAlign[queue.index] || this.#guestPageSize || 4096);
        queue.enable();
        break;
    }
  }

  #setAddress(part: QueuePart, high: 0 | 1, value: number): void {
    this.endpoint.selectedQueue?.setAddressWord(part, high, value);
  }

  #raise(cause: number): void {
    this.#interruptStatus |= cause;
    this.#irq.set(true);
  }
}
