import type { IoRegion } from '@pckit/interfaces';
import { high, low } from './driver-port.js';
import type { DriverPort, RingAddresses } from './driver-port.js';

/** virtio-mmio as Linux's virtio_mmio.c drives it; the version register says which of the two. */
export class MmioPort implements DriverPort {
  readonly legacy: boolean;

  constructor(private readonly region: IoRegion) {
    if (this.#read(0x000) !== 0x74726976) throw new Error(`${region.name}: no magic`);
    const version = this.#read(0x004);
    if (version !== 1 && version !== 2) throw new Error(`${region.name}: version ${version}`);
    this.legacy = version === 1;
    if (this.legacy) this.#write(0x028, 4096);
  }

  get status(): number {
    return this.#read(0x070);
  }

  setStatus(status: number): void {
    this.#write(0x070, status);
    if (status === 0 && this.legacy) this.#write(0x028, 4096);
  }

  deviceFeatures(): bigint {
    let features = 0n;
    for (let select = 0; select < 2; select++) {
      this.#write(0x014, select);
      features |= BigInt(this.#read(0x010)) << BigInt(32 * select);
    }
    return features;
  }

  setDriverFeatures(features: bigint): void {
    for (let select = 0; select < 2; select++) {
      this.#write(0x024, select);
      this.#write(0x020, Number((features >> BigInt(32 * select)) & 0xffff_ffffn));
    }
  }

  queueMaxSize(queue: number): number {
    this.#write(0x030, queue);
    return this.#read(0x034);
  }

  setQueue(queue: number, size: number, rings: RingAddresses): void {
    this.#write(0x030, queue);
    this.#write(0x038, size);
    if (this.legacy) {
      this.#write(0x03c, 4096);
      this.#write(0x040, rings.descriptors / 4096);
      return;
    }
    this.#write(0x080, low(rings.descriptors));
    this.#write(0x084, high(rings.descriptors));
    this.#write(0x090, low(rings.available));
    this.#write(0x094, high(rings.available));
    this.#write(0x0a0, low(rings.used));
    this.#write(0x0a4, high(rings.used));
    this.#write(0x044, 1);
  }

  setVectors(): void {
    throw new Error('virtio-mmio has one interrupt');
  }

  notify(queue: number): void {
    this.#write(0x050, queue);
  }

  readConfig(offset: number, size: 1 | 2 | 4): number {
    return this.region.handler.read(0x100 + offset, size);
  }

  writeConfig(offset: number, value: number, size: 1 | 2 | 4): void {
    this.region.handler.write(0x100 + offset, value, size);
  }

  configGeneration(): number {
    return this.#read(0x0fc);
  }

  takeInterrupts(): number {
    const status = this.#read(0x060);
    this.#write(0x064, status);
    return status;
  }

  #read(offset: number): number {
    return this.region.handler.read(offset, 4);
  }

  #write(offset: number, value: number): void {
    this.region.handler.write(offset, value, 4);
  }
}
