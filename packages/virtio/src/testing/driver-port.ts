/** Where a driver puts a queue's parts. */
export interface RingAddresses {
  readonly descriptors: number;
  readonly available: number;
  readonly used: number;
}

/** A transport from the driver's side. `PciPort`, `LegacyPciPort` and `MmioPort` drive the registers as Linux does. */
export interface DriverPort {
  /** Legacy: no FEATURES_OK, no VERSION_1, rings in one piece of 4096-byte pages. */
  readonly legacy: boolean;
  readonly status: number;
  setStatus(status: number): void;
  deviceFeatures(): bigint;
  setDriverFeatures(features: bigint): void;
  /** 0 if there is no such queue. */
  queueMaxSize(queue: number): number;
  setQueue(queue: number, size: number, rings: RingAddresses): void;
  setVectors(config: number, queues: number[]): void;
  notify(queue: number): void;
  readConfig(offset: number, size: 1 | 2 | 4): number;
  writeConfig(offset: number, value: number, size: 1 | 2 | 4): void;
  configGeneration(): number;
  /** Reads and clears why the device interrupted: 1 queue, 2 configuration. */
  takeInterrupts(): number;
}

export function low(address: number): number {
  return address % 0x1_0000_0000;
}

export function high(address: number): number {
  return Math.floor(address / 0x1_0000_0000);
}
