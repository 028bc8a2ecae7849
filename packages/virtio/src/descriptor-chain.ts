import type { DmaPieces, GuestMemory } from '@pckit/interfaces';

/** Most descriptors in one chain, as in QEMU. A direct chain is also limited by its queue's size. */
export const MAX_CHAIN = 1024;

/**
 * A chain of buffers taken from a queue: first those that the device reads, then those that it writes. Every buffer was checked to
 * lie in guest RAM. The record is reused: `Virtqueue.pop` fills one that the caller owns, without allocating.
 */
export class DescriptorChain {
  /** Index of the first descriptor, which names the chain in the used ring. */
  head = 0;
  /** Number of buffers. */
  count = 0;
  /** Number of buffers that the device reads; they come first. */
  readableCount = 0;
  /** Bytes in the buffers that the device reads. */
  readableBytes = 0;
  /** Bytes in the buffers that the device writes. */
  writableBytes = 0;
  /** Guest-physical addresses and lengths; only the first `count` mean something. */
  addresses = new Float64Array(16);
  lengths = new Float64Array(16);

  clear(head: number): void {
    this.head = head;
    this.count = 0;
    this.readableCount = 0;
    this.readableBytes = 0;
    this.writableBytes = 0;
  }

  append(address: number, length: number, writable: boolean): void {
    const i = this.count;
    if (i === this.addresses.length) this.#grow();
    this.addresses[i] = address;
    this.lengths[i] = length;
    this.count = i + 1;
    if (writable) {
      this.writableBytes += length;
    } else {
      this.readableCount++;
      this.readableBytes += length;
    }
  }

  /**
   * Copies from the buffers that the device reads, starting `offset` bytes into them.
   * @returns how many bytes there were, at most `into.length`
   */
  read(memory: GuestMemory, offset: number, into: Uint8Array): number {
    let done = 0;
    let skip = offset;
    for (let i = 0; i < this.readableCount && done < into.length; i++) {
      const length = this.lengths[i] as number;
      if (skip >= length) {
        skip -= length;
        continue;
      }
      const n = Math.min(length - skip, into.length - done);
      const from = memory.borrow((this.addresses[i] as number) + skip, n, 'read');
      if (from === undefined) break;
      into.set(from, done);
      done += n;
      skip = 0;
    }
    return done;
  }

  /**
   * Copies into the buffers that the device writes, starting `offset` bytes into them.
   * @returns how many bytes fitted, at most `from.length`
   */
  write(memory: GuestMemory, offset: number, from: Uint8Array): number {
    let done = 0;
    let skip = offset;
    for (let i = this.readableCount; i < this.count && done < from.length; i++) {
      const length = this.lengths[i] as number;
      if (skip >= length) {
        skip -= length;
        continue;
      }
      const n = Math.min(length - skip, from.length - done);
      const into = memory.borrow((this.addresses[i] as number) + skip, n, 'write');
      if (into === undefined) break;
      into.set(done === 0 && n === from.length ? from : from.subarray(done, done + n));
      done += n;
      skip = 0;
    }
    return done;
  }

  /** Adds to `pieces` up to `length` bytes of the buffers that the device reads, from the `offset`th of all. @returns how many bytes were added */
  addReadable(memory: GuestMemory, offset: number, length: number, pieces: DmaPieces): number {
    return this.#add(memory, 0, this.readableCount, offset, length, pieces);
  }

  /** The same of the buffers that the device writes. */
  addWritable(memory: GuestMemory, offset: number, length: number, pieces: DmaPieces): number {
    return this.#add(memory, this.readableCount, this.count, offset, length, pieces);
  }

  #add(memory: GuestMemory, first: number, end: number, offset: number, wanted: number, pieces: DmaPieces): number {
    let done = 0;
    let skip = offset;
    for (let i = first; i < end && done < wanted; i++) {
      const length = this.lengths[i] as number;
      if (skip >= length) {
        skip -= length;
        continue;
      }
      const n = Math.min(length - skip, wanted - done);
      if (!pieces.add(memory, (this.addresses[i] as number) + skip, n)) break;
      done += n;
      skip = 0;
    }
    return done;
  }

  #grow(): void {
    const addresses = new Float64Array(this.addresses.length * 4);
    const lengths = new Float64Array(this.lengths.length * 4);
    addresses.set(this.addresses);
    lengths.set(this.lengths);
    this.addresses = addresses;
    this.lengths = lengths;
  }
}
