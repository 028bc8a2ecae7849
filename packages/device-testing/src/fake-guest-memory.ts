import type { GuestMemory, RamRange } from '@pckit/interfaces';

export interface FakeGuestMemoryOptions {
  /** RAM from address 0; 1 MiB when absent. */
  readonly length?: number;
  /** RAM elsewhere, as [start, length] pairs; replaces `length`. */
  readonly ranges?: readonly (readonly [start: number, length: number])[];
}

/** An announced write. */
export interface GuestWrite {
  readonly address: number;
  readonly length: number;
}

/** Guest RAM in one small buffer, which logs every write that is announced. */
export class FakeGuestMemory implements GuestMemory {
  readonly ranges: readonly RamRange[];
  readonly bytes: Uint8Array;
  /** Every write so far: scalars and borrows for writing, in order. */
  readonly writes: GuestWrite[] = [];
  readonly #view: DataView;

  constructor(options: FakeGuestMemoryOptions = {}) {
    const wanted = options.ranges ?? [[0, options.length ?? 1 << 20] as const];
    let offset = 0;
    this.ranges = [...wanted]
      .sort(([a], [b]) => a - b)
      .map(([start, length]) => {
        const range = { start, length, offset };
        offset += length;
        return range;
      });
    this.bytes = new Uint8Array(offset);
    this.#view = new DataView(this.bytes.buffer);
  }

  contains(address: number, length: number): boolean {
    return this.#offset(address, length) >= 0;
  }

  readU8(address: number): number {
    const offset = this.#offset(address, 1);
    return offset < 0 ? 0xff : this.#view.getUint8(offset);
  }

  readU16(address: number): number {
    const offset = this.#offset(address, 2);
    return offset < 0 ? 0xffff : this.#view.getUint16(offset, true);
  }

  readU32(address: number): number {
    const offset = this.#offset(address, 4);
    return offset < 0 ? 0xffff_ffff : this.#view.getUint32(offset, true);
  }

  readAddress(address: number): number {
    const offset = this.#offset(address, 8);
    if (offset < 0) return Infinity;
    const value = this.#view.getUint32(offset, true) + this.#view.getUint32(offset + 4, true) * 2 ** 32;
    return Number.isSafeInteger(value) ? value : Infinity;
  }

  writeU8(address: number, value: number): void {
    const offset = this.#announce(address, 1);
    if (offset >= 0) this.#view.setUint8(offset, value);
  }

  writeU16(address: number, value: number): void {
    const offset = this.#announce(address, 2);
    if (offset >= 0) this.#view.setUint16(offset, value, true);
  }

  writeU32(address: number, value: number): void {
    const offset = this.#announce(address, 4);
    if (offset >= 0) this.#view.setUint32(offset, value, true);
  }

  writeAddress(address: number, value: number): void {
    const offset = this.#announce(address, 8);
    if (offset < 0) return;
    this.#view.setUint32(offset, value % 2 ** 32, true);
    this.#view.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
  }

  borrow(address: number, length: number, intent: 'read' | 'write'): Uint8Array | undefined {
    const offset = intent === 'write' ? this.#announce(address, length) : this.#offset(address, length);
    return offset < 0 ? undefined : this.bytes.subarray(offset, offset + length);
  }

  #announce(address: number, length: number): number {
    const offset = this.#offset(address, length);
    if (offset >= 0) this.writes.push({ address, length });
    return offset;
  }

  #offset(address: number, length: number): number {
    for (const range of this.ranges) {
      const into = address - range.start;
      if (into >= 0 && length >= 0 && into + length <= range.length) return range.offset + into;
    }
    return -1;
  }
}
