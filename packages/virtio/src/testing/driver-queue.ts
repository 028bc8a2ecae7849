import type { GuestMemory } from '@pckit/interfaces';
import type { RingAddresses } from './driver-port.js';
import type { GuestArena } from './guest-arena.js';

const DESC_F_NEXT = 1;
const DESC_F_WRITE = 2;
const DESC_F_INDIRECT = 4;
const AVAIL_F_NO_INTERRUPT = 1;
const USED_F_NO_NOTIFY = 1;

export interface DriverQueueOptions {
  readonly eventIndex: boolean;
  readonly indirect: boolean;
  notify(): void;
}

/** A chain that the device gave back. */
export interface UsedChain {
  readonly head: number;
  /** Bytes that the device says it wrote. */
  readonly written: number;
  /** Contents of the device-writable buffers, one after the other. */
  readonly data: Uint8Array;
}

interface Piece {
  readonly address: number;
  readonly length: number;
  readonly writable: boolean;
}

/** The driver's side of a split queue, as Linux's virtio_ring.c keeps it. */
export class DriverQueue {
  readonly memory: GuestMemory;
  /** Rings that the driver left out because the device did not want them. */
  suppressedKicks = 0;
  readonly #freeDescriptors: number[];
  readonly #pending = new Map<number, { readonly pieces: readonly Piece[]; readonly descriptors: readonly number[]; readonly table: Piece | undefined }>();
  #availableIndex = 0;
  #kickedIndex = 0;
  #lastUsed = 0;

  constructor(
    private readonly arena: GuestArena,
    readonly index: number,
    readonly size: number,
    readonly rings: RingAddresses,
    private readonly options: DriverQueueOptions,
  ) {
    this.memory = arena.memory;
    this.#freeDescriptors = Array.from({ length: size }, (_, i) => size - 1 - i);
  }

  /** Free descriptors. */
  get room(): number {
    return this.#freeDescriptors.length;
  }

  /** Chains that the device has not given back. */
  get outstanding(): number {
    return this.#pending.size;
  }

  /**
   * Makes a chain of `out` buffers for the device to read and `into` lengths for it to write, and makes it available.
   * @param indirect through an indirect table; default when negotiated and there is more than one buffer, as Linux does
   * @returns the chain's head
   */
  add(out: readonly Uint8Array[], into: readonly number[], indirect = this.options.indirect && out.length + into.length > 1): number {
    const pieces: Piece[] = [
      ...out.map((bytes) => {
        const address = this.arena.allocate(bytes.length);
        this.arena.write(address, bytes);
        return { address, length: bytes.length, writable: false };
      }),
      ...into.map((length) => ({ address: this.arena.allocate(length), length, writable: true })),
    ];
    const needed = indirect ? 1 : pieces.length;
    if (this.room < needed) throw new Error(`queue ${this.index}: ${needed} descriptors needed, ${this.room} free`);
    const descriptors = Array.from({ length: needed }, () => this.#freeDescriptors.pop() as number);
    let table: Piece | undefined;
    if (indirect) {
      table = { address: this.arena.allocate(16 * pieces.length), length: 16 * pieces.length, writable: false };
      pieces.forEach((piece, i) => this.#descriptor((table as Piece).address + 16 * i, piece, i + 1 < pieces.length ? i + 1 : undefined));
      const at = this.rings.descriptors + 16 * (descriptors[0] as number);
      this.#descriptor(at, table, undefined);
      this.memory.writeU16(at + 12, DESC_F_INDIRECT);
    } else {
      pieces.forEach((piece, i) => this.#descriptor(this.rings.descriptors + 16 * (descriptors[i] as number), piece, descriptors[i + 1]));
    }
    const head = descriptors[0] as number;
    this.#pending.set(head, { pieces, descriptors, table });
    this.memory.writeU16(this.rings.available + 4 + 2 * (this.#availableIndex % this.size), head);
    this.#availableIndex = (this.#availableIndex + 1) & 0xffff;
    this.memory.writeU16(this.rings.available + 2, this.#availableIndex);
    return head;
  }

  /** Rings if the device wants to know. @returns whether it did */
  kick(): boolean {
    const before = this.#kickedIndex;
    this.#kickedIndex = this.#availableIndex;
    const wanted = this.options.eventIndex
      ? ((this.#availableIndex - this.memory.readU16(this.rings.used + 4 + 8 * this.size) - 1) & 0xffff) < ((this.#availableIndex - before) & 0xffff)
      : (this.memory.readU16(this.rings.used) & USED_F_NO_NOTIFY) === 0;
    if (wanted) this.options.notify();
    else this.suppressedKicks++;
    return wanted;
  }

  /** Without event index: whether the device may interrupt. */
  enableInterrupts(enabled: boolean): void {
    this.memory.writeU16(this.rings.available, enabled ? 0 : AVAIL_F_NO_INTERRUPT);
  }

  /** With event index: interrupt once the used index passes this much beyond what was collected. */
  interruptAfter(count: number): void {
    this.memory.writeU16(this.rings.available + 4 + 2 * this.size, (this.#lastUsed + count - 1) & 0xffff);
  }

  /** Takes what the device gave back, in its order. */
  collect(): UsedChain[] {
    const chains: UsedChain[] = [];
    while (this.#lastUsed !== this.memory.readU16(this.rings.used + 2)) {
      const at = this.rings.used + 4 + 8 * (this.#lastUsed % this.size);
      const head = this.memory.readU32(at);
      const written = this.memory.readU32(at + 4);
      const pending = this.#pending.get(head);
      if (pending === undefined) throw new Error(`queue ${this.index}: the device gave back ${head}, which it was not given`);
      this.#pending.delete(head);
      const writable = pending.pieces.filter((piece) => piece.writable);
      const data = new Uint8Array(writable.reduce((sum, piece) => sum + piece.length, 0));
      let done = 0;
      for (const piece of writable) {
        data.set(this.arena.read(piece.address, piece.length), done);
        done += piece.length;
      }
      for (const piece of pending.pieces) this.arena.release(piece.address, piece.length);
      if (pending.table !== undefined) this.arena.release(pending.table.address, pending.table.length);
      this.#freeDescriptors.push(...pending.descriptors);
      chains.push({ head, written, data });
      this.#lastUsed = (this.#lastUsed + 1) & 0xffff;
    }
    if (this.options.eventIndex) this.memory.writeU16(this.rings.available + 4 + 2 * this.size, this.#lastUsed);
    return chains;
  }

  #descriptor(at: number, piece: Piece, next: number | undefined): void {
    this.memory.writeAddress(at, piece.address);
    this.memory.writeU32(at + 8, piece.length);
    this.memory.writeU16(at + 12, (piece.writable ? DESC_F_WRITE : 0) | (next !== undefined ? DESC_F_NEXT : 0));
    this.memory.writeU16(at + 14, next ?? 0);
  }
}
