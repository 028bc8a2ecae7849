/**
 * Where each register of a block begins, by byte: drivers access a register at its own width (VIRTIO 1.2, 4.1.3.1), and what else a
 * guest reads is put together of the registers' bytes.
 */
export class RegisterFields {
  readonly #starts: Uint8Array;

  /** @param widths of the registers from offset 0 on, without gaps */
  constructor(widths: readonly number[]) {
    this.#starts = Uint8Array.from(widths.flatMap((width, i) => new Array<number>(width).fill(widths.slice(0, i).reduce((sum, w) => sum + w, 0))));
  }

  get length(): number {
    return this.#starts.length;
  }

  /** Whether a write at `offset` hits one whole register. */
  covers(offset: number, size: number): boolean {
    return offset < this.length && this.#starts[offset] === offset && this.#width(offset) <= size;
  }

  /** Reads `size` bytes through `read`, which is called once for each register touched; zero beyond the last. */
  read(offset: number, size: number, read: (register: number) => number): number {
    let value = 0;
    for (let at = offset; at < offset + size && at < this.length; ) {
      const start = this.#starts[at] as number;
      const end = Math.min(start + this.#width(start), offset + size);
      const part = Math.floor(read(start) / 2 ** (8 * (at - start))) % 2 ** (8 * (end - at));
      value += part * 2 ** (8 * (at - offset));
      at = end;
    }
    return value;
  }

  #width(start: number): number {
    let width = 1;
    while (this.#starts[start + width] === start) width++;
    return width;
  }
}
