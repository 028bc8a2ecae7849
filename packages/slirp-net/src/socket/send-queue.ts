/** Of a piece. */
const PIECE = 16_384;
/** Below this, what an empty queue is given is kept in an array of its own size: of many connections most write little. */
const SMALL = 4096;
/** Pieces that are kept for the next who need one. */
const MOST_KEPT = 256;

/** Pieces of memory for all connections. What is freed is used again: the engine's garbage collector runs for every few dozen megabytes of buffers. */
export class PiecePool {
  private readonly free: Uint8Array[] = [];

  take(): Uint8Array {
    return this.free.pop() ?? new Uint8Array(PIECE);
  }

  give(piece: Uint8Array): void {
    if (piece.length === PIECE && this.free.length < MOST_KEPT) this.free.push(piece);
  }
}

/** What was written and is not acknowledged yet, in pieces. */
export class SendQueue {
  private chunks: Uint8Array[] = [];
  /** Bytes of the first piece that are gone. */
  private skipped = 0;
  /** How much of the last piece is filled; 0 when it is full. */
  private filled = 0;
  private bytes = 0;
  /** Where the last look-up ended: the next is mostly right behind. */
  private cursor = 0;
  private cursorAt = 0;

  constructor(private readonly pool = new PiecePool()) {}

  get length(): number {
    return this.bytes;
  }

  /** Copies `data`. */
  push(data: Uint8Array): void {
    const { chunks } = this;
    this.bytes += data.length;
    if (chunks.length === 0 && data.length < SMALL) {
      chunks.push(data.slice());
      return;
    }
    for (let at = 0; at < data.length; ) {
      if (this.filled === 0) chunks.push(this.pool.take());
      const count = Math.min(PIECE - this.filled, data.length - at);
      chunks[chunks.length - 1].set(data.subarray(at, at + count), this.filled);
      this.filled = (this.filled + count) % PIECE;
      at += count;
    }
  }

  discard(count: number): void {
    this.bytes -= count;
    if (this.bytes === 0) {
      this.clear();
      return;
    }
    this.skipped += count;
    let gone = 0;
    while (this.skipped >= this.chunks[gone].length) {
      this.skipped -= this.chunks[gone].length;
      this.pool.give(this.chunks[gone++]);
    }
    if (gone > 0) this.chunks.splice(0, gone);
    this.cursor = 0;
    this.cursorAt = 0;
  }

  clear(): void {
    for (const chunk of this.chunks) this.pool.give(chunk);
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
