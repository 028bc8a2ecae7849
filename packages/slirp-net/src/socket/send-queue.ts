/** Below this, what is written is gathered into larger pieces: a thousand small writes must not become a thousand pieces. */
const SMALL = 4096;
const GATHER = 16_384;

/** What was written and is not acknowledged yet: the writer's own arrays, and positions in them. */
export class SendQueue {
  private chunks: Uint8Array[] = [];
  /** Bytes of the first piece that are gone. */
  private skipped = 0;
  /** How much of the last piece is filled, when it is one of ours; 0 otherwise. */
  private filled = 0;
  private bytes = 0;
  /** Where the last look-up ended: the next is mostly right behind. */
  private cursor = 0;
  private cursorAt = 0;

  get length(): number {
    return this.bytes;
  }

  /** The array is the queue's from here on. */
  push(data: Uint8Array): void {
    this.bytes += data.length;
    if (data.length >= SMALL) {
      this.seal();
      this.chunks.push(data);
      return;
    }
    let rest = data;
    const last = this.chunks.at(-1);
    if (this.filled > 0 && last !== undefined) {
      const fits = rest.subarray(0, last.length - this.filled);
      last.set(fits, this.filled);
      this.filled += fits.length;
      rest = rest.subarray(fits.length);
    }
    if (rest.length === 0) return;
    this.seal();
    // The first small write is kept as it is; a second one in a row begins to gather.
    if (this.chunks.length === 0) {
      this.chunks.push(rest);
      return;
    }
    const piece = new Uint8Array(GATHER);
    piece.set(rest);
    this.chunks.push(piece);
    this.filled = rest.length;
  }

  private seal(): void {
    if (this.filled === 0) return;
    const index = this.chunks.length - 1;
    this.chunks[index] = this.chunks[index].subarray(0, this.filled);
    this.filled = 0;
  }

  discard(count: number): void {
    this.bytes -= count;
    if (this.bytes === 0) {
      this.clear();
      return;
    }
    this.skipped += count;
    let gone = 0;
    while (this.skipped >= this.chunks[gone].length) this.skipped -= this.chunks[gone++].length;
    if (gone > 0) this.chunks.splice(0, gone);
    this.cursor = 0;
    this.cursorAt = 0;
  }

  clear(): void {
    // A fresh array: an idle connection holds no grown backing store.
    if (this.chunks.length > 0) this.chunks = [];
    this.bytes = 0;
    this.skipped = 0;
    this.filled = 0;
    this.cursor = 0;
    this.cursorAt = 0;
  }

  /** Copies `length` bytes from position `offset` on. */
  copy(offset: number, length: number, into: Uint8Array, at: number): void {
    let position = offset + this.skipped;
    let index = 0;
    let start = 0;
    if (position >= this.cursorAt) {
      index = this.cursor;
      start = this.cursorAt;
    }
    const { chunks } = this;
    while (position >= start + chunks[index].length) start += chunks[index++].length;
    this.cursor = index;
    this.cursorAt = start;
    let to = at;
    let rest = length;
    while (rest > 0) {
      const chunk = chunks[index];
      const from = position - start;
      const count = Math.min(rest, chunk.length - from);
      into.set(from === 0 && count === chunk.length ? chunk : chunk.subarray(from, from + count), to);
      to += count;
      rest -= count;
      position += count;
      if (rest > 0) start += chunks[index++].length;
    }
  }
}
