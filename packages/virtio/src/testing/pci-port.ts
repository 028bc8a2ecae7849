import type { IoRegion, PciFunction } from '@pckit/interfaces';
import { high, low } from './driver-port.js';
import type { DriverPort, RingAddresses } from './driver-port.js';

interface Part {
  readonly region: IoRegion;
  readonly offset: number;
  /** Bytes of the body after the common part: the notify multiplier. */
  readonly extra: number;
}

/** The modern PCI interface, found through the capabilities as Linux's virtio_pci_modern_dev.c does. */
export class PciPort implements DriverPort {
  readonly legacy = false;
  readonly #common: Part;
  readonly #notify: Part;
  readonly #isr: Part;
  readonly #device: Part | undefined;

  constructor(pci: PciFunction) {
    const part = (type: number): Part | undefined => {
      const body = pci.capabilities?.find((capability) => capability.id === 0x09 && capability.body[1] === type)?.body;
      if (body === undefined) return undefined;
      const view = new DataView(body.buffer, body.byteOffset, body.length);
      const region = pci.bars.find((bar) => bar.index === body[2])?.region;
      if (region === undefined) throw new Error(`capability of type ${type} names bar ${body[2]}, which ${pci.name} lacks`);
      return { region, offset: view.getUint32(6, true), extra: body.length >= 18 ? view.getUint32(14, true) : 0 };
    };
    const need = (type: number): Part => {
      const found = part(type);
      if (found === undefined) throw new Error(`${pci.name} has no virtio capability of type ${type}`);
      return found;
    };
    this.#common = need(1);
    this.#notify = need(2);
    this.#isr = need(3);
    this.#device = part(4);
    pci.onBusMaster?.(true);
  }

  get status(): number {
    return this.#read(0x14, 1);
  }

  setStatus(status: number): void {
    this.#write(0x14, status, 1);
  }

  deviceFeatures(): bigint {
    let features = 0n;
    for (let select = 0; select < 2; select++) {
      this.#write(0x00, select, 4);
      features |= BigInt(this.#read(0x04, 4)) << BigInt(32 * select);
    }
    return features;
  }

  setDriverFeatures(features: bigint): void {
    for (let select = 0; select < 2; select++) {
      this.#write(0x08, select, 4);
      this.#write(0x0c, Number((features >> BigInt(32 * select)) & 0xffff_ffffn), 4);
    }
  }

  queueMaxSize(queue: number): number {
    this.#write(0x16, queue, 2);
    return this.#read(0x18, 2);
  }

  setQueue(queue: number, size: number, rings: RingAddresses): void {
    this.#write(0x16, queue, 2);
    this.#write(0x18, size, 2);
    this.#write(0x20, low(rings.descriptors), 4);
    this.#write(0x24, high(rings.descriptors), 4);
    this.#write(0x28, low(rings.available), 4);
    this.#write(0x2c, high(rings.available), 4);
    this.#write(0x30, low(rings.used), 4);
    this.#write(0x34, high(rings.used), 4);
    this.#write(0x1c, 1, 2);
  }

  setVectors(config: number, queues: number[]): void {
    this.#write(0x10, config, 2);
    queues.forEach((vector, queue) => {
      this.#write(0x16, queue, 2);
      this.#write(0x1a, vector, 2);
    });
  }

  notify(queue: number): void {
    this.#write(0x16, queue, 2);
    this.#notify.region.handler.write(this.#notify.offset + this.#read(0x1e, 2) * this.#notify.extra, queue, 2);
  }

  readConfig(offset: number, size: 1 | 2 | 4): number {
    return this.#device?.region.handler.read(this.#device.offset + offset, size) ?? 0;
  }

  writeConfig(offset: number, value: number, size: 1 | 2 | 4): void {
    this.#device?.region.handler.write(this.#device.offset + offset, value, size);
  }

  configGeneration(): number {
    return this.#read(0x15, 1);
  }

  takeInterrupts(): number {
    return this.#isr.region.handler.read(this.#isr.offset, 1);
  }

  #read(offset: number, size: 1 | 2 | 4): number {
    return this.#common.region.handler.read(this.#common.offset + offset, size);
  }

  #write(offset: number, value: number, size: 1 | 2 | 4): void {
    this.#common.region.handler.write(this.#common.offset + offset, value, size);
  }
}
