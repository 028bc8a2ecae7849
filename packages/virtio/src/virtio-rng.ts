import type { Entropy } from '@pckit/interfaces';
import { DescriptorChain } from './descriptor-chain.js';
import { VIRTIO_ID_ENTROPY, VirtioError } from './virtio-device.js';
import type { VirtioDevice, VirtioHost } from './virtio-device.js';

// The entropy device: VIRTIO 1.2, 5.4. One queue of buffers that are filled with random bytes and given back at once. Where the
// bytes come from, and that they are the same in every deterministic run, is the `Entropy`'s business; the device has no state.

/** The device may use less of a buffer than there is (5.4.6.2); this much bounds the work of one request. */
const MAX_FILL = 64 * 1024;

export interface VirtioRngWires {
  readonly entropy: Entropy;
}

export interface VirtioRngOptions {
  /** Default `virtio-rng`. */
  readonly name?: string;
}

export type VirtioRngState = { readonly version: 1 };

export class VirtioRng implements VirtioDevice<VirtioRngState> {
  readonly name: string;
  readonly deviceType = VIRTIO_ID_ENTROPY;
  /** "Other" device, as QEMU's. */
  readonly pciClass = 0x00ff00;
  readonly features = 0n;
  readonly queueSizes: readonly number[] = [8];
  readonly config = new Uint8Array(0);
  readonly #entropy: Entropy;
  readonly #chain = new DescriptorChain();
  #host: VirtioHost | undefined;

  constructor(wires: VirtioRngWires, options: VirtioRngOptions = {}) {
    this.#entropy = wires.entropy;
    this.name = options.name ?? 'virtio-rng';
  }

  attach(host: VirtioHost): void {
    this.#host = host;
  }

  reset(_kind: 'cold' | 'warm'): void {}

  start(_features: bigint): void {}

  notify(index: number): void {
    const queue = this.#host?.queues[index];
    if (queue === undefined) return;
    const chain = this.#chain;
    while (queue.pop(chain)) queue.push(chain.head, this.#fill(chain));
    queue.signal();
  }

  save(): VirtioRngState {
    return { version: 1 };
  }

  restore(state: VirtioRngState): void {
    if (state.version !== 1) throw new VirtioError('bad-state', `${this.name}: state version ${String(state.version)}, known: 1`);
  }

  /** @returns bytes written. */
  #fill(chain: DescriptorChain): number {
    const { memory } = this.#host as VirtioHost;
    let filled = 0;
    for (let i = chain.readableCount; i < chain.count && filled < MAX_FILL; i++) {
      const length = Math.min(chain.lengths[i] as number, MAX_FILL - filled);
      const buffer = memory.borrow(chain.addresses[i] as number, length, 'write');
      if (buffer === undefined) break;
      this.#entropy.fill(buffer);
      filled += length;
    }
    return filled;
  }
}
