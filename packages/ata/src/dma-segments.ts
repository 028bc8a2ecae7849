import type { DmaPieces, GuestMemory } from '@pckit/interfaces';

/** Where in guest memory the data of one command lies: what a PRD table said, in order. */
export class DmaSegments {
  readonly addresses: number[] = [];
  readonly lengths: number[] = [];
  /** Bytes. */
  total = 0;

  add(address: number, length: number): void {
    this.addresses.push(address);
    this.lengths.push(length);
    this.total += length;
  }

  /** Copies `bytes` to the segments, from the `at`th byte of all on. @returns false when some of it is not RAM */
  scatter(memory: GuestMemory, at: number, bytes: Uint8Array): boolean {
    return this.#walk(memory, at, bytes.length, 'write', (view, done) => view.set(bytes.subarray(done, done + view.length)));
  }

  /** Fills `into` from the segments. @returns false when some of it is not RAM */
  gather(memory: GuestMemory, at: number, into: Uint8Array): boolean {
    return this.#walk(memory, at, into.length, 'read', (view, done) => into.set(view, done));
  }

  /** Adds the first `length` bytes of all to `pieces`. @returns false when there are fewer, or some of them aren't RAM */
  addTo(pieces: DmaPieces, memory: GuestMemory, length: number): boolean {
    let left = length;
    for (let i = 0; i < this.addresses.length && left > 0; i++) {
      const n = Math.min(this.lengths[i], left);
      if (n > 0 && !pieces.add(memory, this.addresses[i], n)) return false;
      left -= n;
    }
    return left === 0;
  }

  save(): number[] {
    return this.addresses.flatMap((address, i) => [address, this.lengths[i]]);
  }

  static restore(pairs: readonly number[]): DmaSegments {
    const segments = new DmaSegments();
    for (let i = 0; i + 1 < pairs.length; i += 2) segments.add(pairs[i], pairs[i + 1]);
    return segments;
  }

  #walk(memory: GuestMemory, at: number, length: number, intent: 'read' | 'write', visit: (view: Uint8Array, done: number) => void): boolean {
    let skip = at;
    let done = 0;
    for (let i = 0; i < this.addresses.length && done < length; i++) {
      const within = Math.min(skip, this.lengths[i]);
      skip -= within;
      const n = Math.min(this.lengths[i] - within, length - done);
      if (n <= 0) continue;
      const view = memory.borrow(this.addresses[i] + within, n, intent);
      if (view === undefined) return false;
      visit(view, done);
      done += n;
    }
    return done === length;
  }
}
