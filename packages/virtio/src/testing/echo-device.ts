import type { DeviceState } from '@pckit/interfaces';
import { DescriptorChain } from '../descriptor-chain.js';
import type { VirtioDevice, VirtioHost } from '../virtio-device.js';

export interface EchoDeviceOptions {
  readonly queueSizes?: readonly number[];
  /** Give nothing back until `finish`. */
  readonly hold?: boolean;
}

export type EchoDeviceState = DeviceState & { readonly served: number; readonly config: Uint8Array };

/** The least device: copies what it reads of a chain to where it may write. For tests of transports. */
export class EchoDevice implements VirtioDevice<EchoDeviceState> {
  readonly name = 'echo';
  /** Entropy's number, so that it can be transitional. */
  readonly deviceType = 4;
  readonly pciClass = 0x00ff00;
  readonly features = 1n << 3n;
  readonly queueSizes: readonly number[];
  readonly config = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
  /** What `start` was told; undefined while the driver isn't ready. */
  started: bigint | undefined;
  /** Chains given back. */
  served = 0;
  /** Times the driver rang, or would have. */
  notified = 0;
  readonly held: { readonly queue: number; readonly head: number }[] = [];
  host!: VirtioHost;
  readonly #hold: boolean;
  readonly #chain = new DescriptorChain();

  constructor(options: EchoDeviceOptions = {}) {
    this.queueSizes = options.queueSizes ?? [16, 8];
    this.#hold = options.hold ?? false;
  }

  attach(host: VirtioHost): void {
    this.host = host;
  }

  reset(_kind: 'cold' | 'warm'): void {
    this.started = undefined;
    this.served = 0;
    this.notified = 0;
    this.held.length = 0;
    this.config.set([1, 2, 3, 4, 5, 6, 7, 8]);
  }

  start(features: bigint): void {
    this.started = features;
  }

  writeConfig(offset: number, value: number, size: number): void {
    for (let i = 0; i < size; i++) this.config[offset + i] = Math.floor(value / 2 ** (8 * i));
  }

  notify(index: number): void {
    this.notified++;
    const queue = this.host.queues[index];
    if (queue === undefined) return;
    const chain = this.#chain;
    while (queue.pop(chain)) {
      if (this.#hold) {
        this.held.push({ queue: index, head: chain.head });
        continue;
      }
      const bytes = new Uint8Array(Math.min(chain.readableBytes, chain.writableBytes, 65536));
      chain.read(this.host.memory, 0, bytes);
      queue.push(chain.head, chain.write(this.host.memory, 0, bytes));
      this.served++;
    }
    queue.signal();
  }

  /** Gives back what is held, or the first `count` of it. */
  finish(count = this.held.length): void {
    for (const { queue, head } of this.held.splice(0, count)) {
      this.host.queues[queue]?.push(head, 0);
      this.host.queues[queue]?.signal();
      this.served++;
    }
  }

  save(): EchoDeviceState {
    return { version: 1, served: this.served, config: this.config.slice() };
  }

  restore(state: EchoDeviceState): void {
    if (state.version !== 1) throw new Error(`echo: state version ${state.version}`);
    this.served = state.served;
    this.config.set(state.config);
  }
}
