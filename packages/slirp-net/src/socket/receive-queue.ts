const CHUNK = 65_536;
const MIN_CHUNK = 512;
/** Pieces out of order that are kept: 2 MiB of window make 1440 segments of 1460 bytes. */
const MAX_PIECES = 2048;

interface Piece {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** What a guest sent: in order, gathered into large pieces for the host; and beyond a gap, sorted and disjoint. */
export class ReceiveQueue {
  /** RCV.NXT */
  next = 0;
  /** Where the latest out-of-order segment begins: its block is named first (RFC 2018 4). */
  latest = 0;
  private chunk: Uint8Array | undefined;
  private used = 0;
  private hint = MIN_CHUNK;
  private readonly pieces: Piece[] = [];

  constructor(private readonly deliver: (bytes: Uint8Array) => void) {}

  /** Bytes in order that were not delivered yet. */
  get pending(): number {
    return this.used;
  }

  get gaps(): boolean {
    return this.pieces.length > 0;
  }

  /** Takes a segment's data, whose part before `next` and beyond `edge` is cut off. @returns whether `next` moved */
  add(seq: number, bytes: Uint8Array, start: number, end: number, edge: number): boolean {
    const early = Math.max(0, (this.next - seq) | 0);
    const late = Math.max(0, (seq + (end - start) - edge) | 0);
    const from = start + early;
    const to = end - late;
    if (from >= to) return false;
    if (((seq - this.next) | 0) > 0) {
      this.keep(seq, bytes, from, to);
      return false;
    }
    this.append(bytes, from, to);
    if (this.pieces.length > 0) this.join();
    return true;
  }

  /** Gives the host what is in order. */
  flush(): void {
    const { chunk, used } = this;
    if (chunk === undefined) return;
    this.chunk = undefined;
    this.used = 0;
    // An interactive connection gets pieces of its own size, a busy one large ones.
    this.hint = used === chunk.length ? Math.min(CHUNK, 2 * chunk.length) : Math.max(MIN_CHUNK, used);
    this.deliver(used === chunk.length ? chunk : chunk.subarray(0, used));
  }

  clear(): void {
    this.chunk = undefined;
    this.used = 0;
    this.pieces.length = 0;
  }

  /** Fills in the blocks of a SACK option (RFC 2018 3): the latest first, then the others in order. @returns how many */
  blocks(starts: Int32Array, ends: Int32Array, max: number): number {
    let count = 0;
    const { pieces } = this;
    for (let pass = 0; pass < 2; pass++) {
      for (let i = 0; i < pieces.length && count < max; ) {
        const { start } = pieces[i];
        let end = start + pieces[i].bytes.length;
        for (i++; i < pieces.length && ((pieces[i].start - end) | 0) === 0; i++) end += pieces[i].bytes.length;
        const isLatest = ((this.latest - start) | 0) >= 0 && ((this.latest - end) | 0) < 0;
        if (isLatest !== (pass === 0)) continue;
        starts[count] = start;
        ends[count] = end;
        count++;
      }
    }
    return count;
  }

  private append(bytes: Uint8Array, from: number, to: number): void {
    let at = from;
    this.next = (this.next + (to - from)) | 0;
    while (at < to) {
      if (this.chunk === undefined) this.chunk = new Uint8Array(Math.max(Math.min(to - at, CHUNK), this.hint));
      const count = Math.min(to - at, this.chunk.length - this.used);
      this.chunk.set(bytes.subarray(at, at + count), this.used);
      this.used += count;
      at += count;
      if (this.used === this.chunk.length) this.flush();
    }
  }

  /** Keeps the parts of a segment that are not there yet. */
  private keep(seq: number, bytes: Uint8Array, from: number, to: number): void {
    this.latest = seq;
    const { pieces } = this;
    let start = seq;
    let at = from;
    let index = 0;
    while (at < to && pieces.length < MAX_PIECES) {
      while (index < pieces.length && ((pieces[index].start + pieces[index].bytes.length - start) | 0) <= 0) index++;
      const next = pieces[index] as Piece | undefined;
      const gap = next === undefined ? to - at : Math.min(to - at, (next.start - start) | 0);
      if (gap > 0) {
        pieces.splice(index, 0, { start, bytes: bytes.slice(at, at + gap) });
        at += gap;
        start = (start + gap) | 0;
        index++;
        continue;
      }
      const covered = ((next as Piece).start + (next as Piece).bytes.length - start) | 0;
      at += covered;
      start = (start + covered) | 0;
    }
  }

  private join(): void {
    const { pieces } = this;
    let gone = 0;
    for (; gone < pieces.length; gone++) {
      const { start, bytes } = pieces[gone];
      const early = (this.next - start) | 0;
      if (early < 0) break;
      if (early < bytes.length) this.append(bytes, early, bytes.length);
    }
    pieces.splice(0, gone);
  }
}
