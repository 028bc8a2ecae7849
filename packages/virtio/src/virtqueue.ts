import type { GuestMemory } from '@pckit/interfaces';
import { type DescriptorChain, MAX_CHAIN } from './descriptor-chain.js';
import type { DriverErrorCode } from './virtio-device.js';

// A split virtqueue, the device's side: VIRTIO 1.2, 2.7.
//
// Everything here is the guest's and may be hostile. The rings' places are checked once, when the queue is enabled, against RAM
// that does not move; indices, chains and buffers are checked every time they are read. What breaks a rule stops the device
// (`QueueOwner.fail`), never throws, and no walk is longer than the queue or MAX_CHAIN.

// 2.7.5 "The Virtqueue Descriptor Table"
const DESC_SIZE = 16;
const DESC_F_NEXT = 1;
const DESC_F_WRITE = 2;
const DESC_F_INDIRECT = 4;
// 2.7.6 "The Virtqueue Available Ring": flags, idx, ring[size], used_event
const AVAIL_F_NO_INTERRUPT = 1;
const AVAIL_IDX = 2;
const AVAIL_RING = 4;
// 2.7.8 "The Virtqueue Used Ring": flags, idx, ring[size] of { id, len }, avail_event
const USED_IDX = 2;
const USED_RING = 4;

/** Places of the parts of `addresses`. */
const DESC = 0;
const DRIVER = 1;
const DEVICE = 2;

export type QueuePart = typeof DESC | typeof DRIVER | typeof DEVICE;
export const QUEUE_DESC: QueuePart = DESC;
export const QUEUE_DRIVER: QueuePart = DRIVER;
export const QUEUE_DEVICE: QueuePart = DEVICE;

/** What a queue needs of the transport that it belongs to. */
export interface QueueOwner {
  readonly memory: GuestMemory;
  readonly live: boolean;
  /** Negotiated VIRTIO_F_RING_EVENT_IDX and VIRTIO_F_RING_INDIRECT_DESC. */
  readonly eventIndex: boolean;
  readonly indirect: boolean;
  fail(queue: number, code: DriverErrorCode, detail: string): void;
  /** The device has used buffers and the driver wants to know. */
  interrupt(queue: number): void;
}

export type VirtqueueState = {
  readonly size: number;
  readonly enabled: boolean;
  /** Low and high words of the descriptor table's, available ring's and used ring's address. */
  readonly addresses: readonly number[];
  readonly lastAvailable: number;
  readonly usedIndex: number;
  readonly signalledUsed: number;
};

export class Virtqueue {
  /** Number of entries that the driver chose. */
  size: number;
  enabled = false;
  /** Low and high 32-bit words as the driver wrote them. */
  readonly #words = new Uint32Array(6);
  #descriptors = 0;
  #available = 0;
  #used = 0;
  /** Next entry of the available ring to look at, modulo 2^16. */
  #lastAvailable = 0;
  #usedIndex = 0;
  /** The used index when the driver was last interrupted or did not want to be. */
  #signalledUsed = 0;
  /** Chains that `pop` may still take in this turn. */
  #budget = 0;

  constructor(
    readonly index: number,
    readonly maxSize: number,
    private readonly owner: QueueOwner,
  ) {
    this.size = maxSize;
  }

  reset(): void {
    this.size = this.maxSize;
    this.enabled = false;
    this.#words.fill(0);
    this.#descriptors = this.#available = this.#used = 0;
    this.#lastAvailable = this.#usedIndex = this.#signalledUsed = 0;
    this.#budget = 0;
  }

  /** A 32-bit half of the address of one part, as the driver wrote it. */
  addressWord(part: QueuePart, high: 0 | 1): number {
    return this.#words[part * 2 + high] as number;
  }

  /** No effect while the queue is enabled: its rings are where they were checked to be. */
  setAddressWord(part: QueuePart, high: 0 | 1, value: number): void {
    if (!this.enabled) this.#words[part * 2 + high] = value;
  }

  /** All three parts at once, from a legacy page frame number (VIRTIO 1.2, 2.7.2 "Legacy Interfaces: Virtqueue Layout"). */
  setLegacyLayout(base: number, align: number): void {
    const available = base + DESC_SIZE * this.size;
    const used = Math.ceil((available + AVAIL_RING + 2 * this.size + 2) / align) * align;
    this.#setAddress(DESC, base);
    this.#setAddress(DRIVER, available);
    this.#setAddress(DEVICE, used);
  }

  /** Where the rings begin, for a legacy driver to read back. */
  get legacyAddress(): number {
    return this.#descriptors;
  }

  /** The driver may change the size of a queue that is not enabled. */
  setSize(size: number): void {
    if (!this.enabled) this.size = size;
  }

  /** Makes the queue usable, if its rings lie in RAM; otherwise the device fails and the queue stays off. */
  enable(): void {
    if (this.enabled) return;
    const { size } = this;
    if (size === 0 || size > this.maxSize || (size & (size - 1)) !== 0) {
      this.owner.fail(this.index, 'ring-size', `queue size ${size}, must be a power of two up to ${this.maxSize}`);
      return;
    }
    this.#locate();
    if (
      !this.#check('descriptor table', this.#descriptors, DESC_SIZE * size, 16) ||
      !this.#check('available ring', this.#available, AVAIL_RING + 2 * size + 2, 2) ||
      !this.#check('used ring', this.#used, USED_RING + 8 * size + 2, 4)
    )
      return;
    this.enabled = true;
  }

  /** Legacy: the driver takes the queue away. */
  disable(): void {
    const { size } = this;
    this.reset();
    this.size = size;
  }

  /**
   * Begins a turn: `pop` will yield at most `size` chains until the next. Without the limit a buffer that overlaps the available
   * ring could feed the device for ever.
   */
  begin(): void {
    this.#budget = this.size;
  }

  /** Takes the next chain into `chain`. @returns false when there is none, the turn is over, or the driver broke a rule. */
  pop(chain: DescriptorChain): boolean {
    if (!this.enabled || this.#budget === 0 || !this.owner.live) return false;
    const { memory } = this.owner;
    let available = memory.readU16(this.#available + AVAIL_IDX);
    if (available === this.#lastAvailable) {
      if (!this.owner.eventIndex) return false;
      // 2.7.10: ask for a notification of the next entry, then look again, as it may have come in between.
      memory.writeU16(this.#used + USED_RING + 8 * this.size, this.#lastAvailable);
      available = memory.readU16(this.#available + AVAIL_IDX);
      if (available === this.#lastAvailable) return false;
    }
    if (((available - this.#lastAvailable) & 0xffff) > this.size) {
      this.owner.fail(this.index, 'available-index', `available index ${available} is more than ${this.size} past ${this.#lastAvailable}`);
      return false;
    }
    const head = memory.readU16(this.#available + AVAIL_RING + 2 * (this.#lastAvailable & (this.size - 1)));
    if (!this.#walk(head, chain)) return false;
    this.#lastAvailable = (this.#lastAvailable + 1) & 0xffff;
    this.#budget--;
    return true;
  }

  /** Takes back the last `count` calls of `pop` in this turn, of which none was pushed: the chains stand in the queue as before. */
  unpop(count: number): void {
    this.#lastAvailable = (this.#lastAvailable - count) & 0xffff;
    this.#budget += count;
  }

  /** Gives a chain back to the driver. @param written bytes that the device wrote from the start of its writable buffers */
  push(head: number, written: number): void {
    if (!this.enabled || !this.owner.live) return;
    const { memory } = this.owner;
    const entry = this.#used + USED_RING + 8 * (this.#usedIndex & (this.size - 1));
    memory.writeU32(entry, head);
    memory.writeU32(entry + 4, written);
    this.#usedIndex = (this.#usedIndex + 1) & 0xffff;
    memory.writeU16(this.#used + USED_IDX, this.#usedIndex);
  }

  /** After one or more `push`: interrupts the driver unless it asked not to be. */
  signal(): void {
    if (!this.enabled || !this.owner.live || this.#usedIndex === this.#signalledUsed) return;
    const { memory, eventIndex } = this.owner;
    const old = this.#signalledUsed;
    this.#signalledUsed = this.#usedIndex;
    if (eventIndex) {
      // 2.7.7.2: interrupt when used_event lies among the entries added since the last time.
      const event = memory.readU16(this.#available + AVAIL_RING + 2 * this.size);
      if (((this.#usedIndex - event - 1) & 0xffff) >= ((this.#usedIndex - old) & 0xffff)) return;
    } else if ((memory.readU16(this.#available) & AVAIL_F_NO_INTERRUPT) !== 0) {
      return;
    }
    this.owner.interrupt(this.index);
  }

  save(): VirtqueueState {
    return {
      size: this.size,
      enabled: this.enabled,
      addresses: [...this.#words],
      lastAvailable: this.#lastAvailable,
      usedIndex: this.#usedIndex,
      signalledUsed: this.#signalledUsed,
    };
  }

  restore(state: VirtqueueState): void {
    this.size = state.size;
    this.enabled = state.enabled;
    this.#words.set(state.addresses);
    this.#locate();
    this.#lastAvailable = state.lastAvailable;
    this.#usedIndex = state.usedIndex;
    this.#signalledUsed = state.signalledUsed;
    this.#budget = 0;
  }

  #walk(head: number, chain: DescriptorChain): boolean {
    const { memory } = this.owner;
    chain.clear(head);
    let table = this.#descriptors;
    let entries = this.size;
    let steps = 0;
    let indirect = false;
    let index = head;
    for (;;) {
      if (index >= entries) return this.#fail('descriptor-index', `descriptor ${index} of ${entries}, chain ${head}`);
      // A chain with a loop is longer than its table.
      if (++steps > entries || chain.count >= MAX_CHAIN) return this.#fail('chain-length', `chain ${head} has a loop or over ${chain.count} buffers`);
      const at = table + DESC_SIZE * index;
      const address = memory.readAddress(at);
      const length = memory.readU32(at + 8);
      const flags = memory.readU16(at + 12);
      if ((flags & DESC_F_INDIRECT) !== 0) {
        // 2.7.5.3: one table, last in the chain, not within another.
        if (!this.owner.indirect || indirect || (flags & DESC_F_NEXT) !== 0)
          return this.#fail('indirect', `chain ${head}: indirect descriptor ${index} with flags ${flags} is not allowed here`);
        if (length === 0 || length % DESC_SIZE !== 0 || !memory.contains(address, length))
          return this.#fail('indirect', `chain ${head}: indirect table of ${length} bytes at 0x${address.toString(16)}`);
        indirect = true;
        table = address;
        entries = length / DESC_SIZE;
        steps = 0;
        index = 0;
        continue;
      }
      // QEMU stops on an empty buffer too; no driver makes one.
      if (length === 0) return this.#fail('descriptor-length', `chain ${head}: descriptor ${index} is empty`);
      if (!memory.contains(address, length))
        return this.#fail('descriptor-address', `chain ${head}: ${length} bytes at 0x${address.toString(16)} are not RAM`);
      const writable = (flags & DESC_F_WRITE) !== 0;
      // 2.7.4.2: device-readable elements come first.
      if (!writable && chain.count !== chain.readableCount) return this.#fail('descriptor-order', `chain ${head}: descriptor ${index} is readable after a writable one`);
      chain.append(address, length, writable);
      if ((flags & DESC_F_NEXT) === 0) return true;
      index = memory.readU16(at + 14);
    }
  }

  #fail(code: DriverErrorCode, detail: string): false {
    this.owner.fail(this.index, code, detail);
    return false;
  }

  #check(part: string, address: number, length: number, align: number): boolean {
    if (address % align === 0 && this.owner.memory.contains(address, length)) return true;
    return this.#fail('ring-address', `${part} of ${length} bytes at 0x${address.toString(16)} is not aligned to ${align} or not RAM`);
  }

  #setAddress(part: QueuePart, address: number): void {
    this.#words[part * 2] = address % 0x1_0000_0000;
    this.#words[part * 2 + 1] = Math.floor(address / 0x1_0000_0000);
  }

  #locate(): void {
    this.#descriptors = this.#address(DESC);
    this.#available = this.#address(DRIVER);
    this.#used = this.#address(DEVICE);
  }

  #address(part: QueuePart): number {
    return (this.#words[part * 2 + 1] as number) * 0x1_0000_0000 + (this.#words[part * 2] as number);
  }
}
