import type { AccessSize, IoRegion } from '@pckit/interfaces';
import type { VirtioEndpoint } from './endpoint.js';
import { RegisterFields } from './register-fields.js';

// The legacy interface of a transitional PCI device: VIRTIO 1.2, 4.1.4.10 "Legacy Interfaces: A Note on PCI Device Layout". An I/O BAR;
// the driver gives a queue as one page frame number and all sizes are the device's.

const DEVICE_FEATURES = 0x00;
const GUEST_FEATURES = 0x04;
const QUEUE_ADDRESS = 0x08;
const QUEUE_SIZE = 0x0c;
const QUEUE_SELECT = 0x0e;
const QUEUE_NOTIFY = 0x10;
const DEVICE_STATUS = 0x12;
const ISR_STATUS = 0x13;
/** These two are there only while MSI-X is enabled, and device configuration follows. */
const CONFIG_VECTOR = 0x14;
const QUEUE_VECTOR = 0x16;
const CONFIG = 0x14;
const CONFIG_WITH_MSIX = 0x18;
const REGISTERS = new RegisterFields([4, 4, 4, 2, 2, 2, 1, 1, 2, 2]);

/** Queues are given in pages of this size and the used ring begins on one. */
const PAGE_SIZE = 4096;

/** What the registers share with the modern ones. */
export interface LegacyPciWires {
  msixEnabled(): boolean;
  takeIsr(): number;
  reset(): void;
  configVector(): number;
  setConfigVector(vector: number): void;
  queueVector(queue: number): number;
  setQueueVector(queue: number, vector: number): void;
}

export class LegacyPciRegisters {
  readonly region: IoRegion;

  constructor(
    private readonly endpoint: VirtioEndpoint,
    private readonly wires: LegacyPciWires,
  ) {
    let length = 32;
    while (length < CONFIG_WITH_MSIX + endpoint.device.config.length) length *= 2;
    this.region = {
      name: `${endpoint.device.name} legacy`,
      length,
      handler: { read: (offset, size) => this.#read(offset, size), write: (offset, value, size) => this.#write(offset, value, size) },
    };
  }

  #read(offset: number, size: AccessSize): number {
    const config = this.wires.msixEnabled() ? CONFIG_WITH_MSIX : CONFIG;
    return offset >= config ? this.endpoint.readConfig(offset - config, size) : REGISTERS.read(offset, size, this.#readRegister);
  }

  readonly #readRegister = (register: number): number => {
    const { endpoint, wires } = this;
    const queue = endpoint.selectedQueue;
    switch (register) {
      case DEVICE_FEATURES:
        return endpoint.deviceFeatures(0);
      case GUEST_FEATURES:
        return endpoint.driverFeatures(0);
      case QUEUE_ADDRESS:
        return queue?.enabled === true ? queue.legacyAddress / PAGE_SIZE : 0;
      case QUEUE_SIZE:
        return queue?.maxSize ?? 0;
      case QUEUE_SELECT:
        return endpoint.queueSelect;
      case DEVICE_STATUS:
        return endpoint.status;
      case ISR_STATUS:
        return wires.takeIsr();
      case CONFIG_VECTOR:
        return wires.configVector();
      case QUEUE_VECTOR:
        return wires.queueVector(endpoint.queueSelect);
      default:
        return 0;
    }
  };

  #write(offset: number, value: number, size: AccessSize): void {
    const { endpoint, wires } = this;
    const config = wires.msixEnabled() ? CONFIG_WITH_MSIX : CONFIG;
    if (offset >= config) {
      endpoint.writeConfig(offset - config, value, size);
      return;
    }
    if (!REGISTERS.covers(offset, size)) return;
    switch (offset) {
      case GUEST_FEATURES:
        endpoint.setDriverFeatures(0, value);
        break;
      case QUEUE_ADDRESS:
        this.#setQueueAddress(value);
        break;
      case QUEUE_SELECT:
        endpoint.queueSelect = value & 0xffff;
        break;
      case QUEUE_NOTIFY:
        endpoint.notify(value & 0xffff);
        break;
      case DEVICE_STATUS:
        if ((value & 0xff) === 0) wires.reset();
        else endpoint.setStatus(value, true);
        break;
      case CONFIG_VECTOR:
        wires.setConfigVector(value & 0xffff);
        break;
      case QUEUE_VECTOR:
        if (endpoint.selectedQueue !== undefined) wires.setQueueVector(endpoint.queueSelect, value & 0xffff);
        break;
    }
  }

  /** The page frame number of the queue; 0 takes it away. */
  #setQueueAddress(pageFrame: number): void {
    const queue = this.endpoint.selectedQueue;
    if (queue === undefined) return;
    queue.disable();
    if (pageFrame === 0) return;
    queue.setSize(queue.maxSize);
    queue.setLegacyLayout(pageFrame * PAGE_SIZE, PAGE_SIZE);
    queue.enable();
  }
}
