import type { GuestMemory } from './guest-memory.js';
import type { BlockBackend } from './ingress.js';

/**
 * The pieces of guest RAM that one transfer goes through, in order; neighbours are one piece. Reused from transfer to transfer: `clear`, `add` all,
 * `borrow`.
 */
export class DmaPieces {
  /** How many there are. */
  count = 0;
  readonly #addresses: number[] = [];
  readonly #lengths: number[] = [];
  readonly #views: Uint8Array[] = [];

  clear(): void {
    this.count = 0;
  }

  /** Appends `length` bytes. @returns false when they aren't all in one range of RAM */
  add(memory: GuestMemory, address: number, length: number): boolean {
    const last = this.count - 1;
    if (last >= 0 && this.#addresses[last] + this.#lengths[last] === address && memory.contains(this.#addresses[last], this.#lengths[last] + length)) {
      this.#lengths[last] += length;
      return true;
    }
    if (!memory.contains(address, length)) return false;
    this.#addresses[this.count] = address;
    this.#lengths[this.count] = length;
    this.count++;
    return true;
  }

  /**
   * Has a synchronous backend read all of them by one operation.
   * @returns false, and nothing is done, when there are several and the backend takes one buffer
   */
  readFrom(backend: BlockBackend, offset: number, memory: GuestMemory): boolean {
    if (this.count !== 1 && backend.readv === undefined) return false;
    const views = this.borrow(memory, 'write');
    if (this.count === 1) backend.read(offset, views[0]);
    else backend.readv?.(offset, views);
    return true;
  }

  /** Has it write them in the same way. */
  writeTo(backend: BlockBackend, offset: number, memory: GuestMemory): boolean {
    if (this.count !== 1 && backend.writev === undefined) return false;
    const views = this.borrow(memory, 'read');
    if (this.count === 1) backend.write(offset, views[0]);
    else backend.writev?.(offset, views);
    return true;
  }

  /** A view of each; with `'write'` all of them are announced. Borrowed as by `GuestMemory.borrow`, and the array until the next call. */
  borrow(memory: GuestMemory, intent: 'read' | 'write'): readonly Uint8Array[] {
    const views = this.#views;
    views.length = this.count;
    for (let i = 0; i < this.count; i++) views[i] = memory.borrow(this.#addresses[i], this.#lengths[i], intent) as Uint8Array;
    return views;
  }
}
