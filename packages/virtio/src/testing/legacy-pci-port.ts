import type { IoRegion, PciFunction } from '@pckit/interfaces';
import type { DriverPort, RingAddresses } from './driver-port.js';

/** The legacy I/O BAR of a transitional device, as Linux's virtio_pci_legacy_dev.c drives it. */
export class LegacyPciPort implements DriverPort {
  readonly legacy = true;
  readonly #region: IoRegion;
  readonly #config: number;

  /** @param msix whether MSI-X is enabled, which moves device configuration */
  constructor(pci: PciFunction, msix = false) {
    const bar = pci.bars.find(({ index, kind }) => index === 0 && kind === 'io');
    if (bar === undefined) throw new Error(`${pci.name} has no legacy I/O bar`);
    this.#region = bar.region;
    this.#config = msix ? 0x18 : 0x14;
  }

  get status(): number {
    return this.#region.handler.read(0x12, 1);
  }

  setStatus(status: number): void {
    this.#region.handler.write(0x12, status, 1);
  }

  deviceFeatures(): bigint {
    return BigInt(this.#region.handler.read(0x00, 4));
  }

  setDriverFeatures(features: bigint): void {
    this.#region.handler.write(0x04, Number(features & 0xffff_ffffn), 4);
  }

  queueMaxSize(queue: number): number {
    this.#region.handler.write(0x0e, queue, 2);
    return this.#region.handler.read(0x0c, 2);
  }

  setQueue(queue: number, _size: number, rings: RingAddresses): void {
    this.#region.handler.write(0x0e, queue, 2);
    this.#region.handler.write(0x08, rings.descriptors / 4096, 4);
  }

  setVectors(config: number, queues: number[]): void {
    this.#region.handler.write(0x14, config, 2);
    queues.forEach((vector, queue) => {
      this.#region.handler.write(0x0e, queue, 2);
      this.#region.handler.write(0x16, vector, 2);
    });
  }

  notify(queue: number): void {
    this.#region.handler.write(0x10, queue, 2);
  }

  readConfig(offset: number, size: 1 | 2 | 4): number {
    return this.#region.handler.read(this.#config + offset, size);
  }

  writeConfig(offset: number, value: number, size: 1 | 2 | 4): void {
    this.#region.handler.write(this.#config + offset, value, size);
  }

  configGeneration(): number {
    return 0;
  }

  takeInterrupts(): number {
    return this.#region.handler.read(0x13, 1);
  }
}
