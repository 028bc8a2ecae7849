/** Ranges that a peer may name; a guest that names more has them forgotten, which costs it retransmissions only. */
const MAX_RANGES = 128;

/** What the other side has received beyond its acknowledgement (RFC 2018, RFC 6675 3). Sorted, disjoint ranges of sequence numbers. */
export class Scoreboard {
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  bytes = 0;

  get count(): number {
    return this.starts.length;
  }

  clear(): void {
    this.starts.length = 0;
    this.ends.length = 0;
    this.bytes = 0;
  }

  /** @returns whether anything of it is news */
  add(start: number, end: number): boolean {
    const { starts, ends } = this;
    let first = 0;
    while (first < starts.length && ((ends[first] - start) | 0) < 0) first++;
    let last = first;
    let from = start;
    let to = end;
    let merged = 0;
    while (last < starts.length && ((starts[last] - end) | 0) <= 0) {
      if (((starts[last] - from) | 0) < 0) from = starts[last];
      if (((ends[last] - to) | 0) > 0) to = ends[last];
      merged += (ends[last] - starts[last]) | 0;
      last++;
    }
    const total = (to - from) | 0;
    if (total === merged) return false;
    if (last === first && starts.length >= MAX_RANGES) return false;
    starts.splice(first, last - first, from);
    ends.splice(first, last - first, to);
    this.bytes += total - merged;
    return true;
  }

  /** Everything below `una` is acknowledged. */
  trim(una: number): void {
    const { starts, ends } = this;
    let gone = 0;
    while (gone < starts.length && ((ends[gone] - una) | 0) <= 0) {
      this.bytes -= (ends[gone] - starts[gone]) | 0;
      gone++;
    }
    if (gone > 0) {
      starts.splice(0, gone);
      ends.splice(0, gone);
    }
    if (starts.length > 0 && ((starts[0] - una) | 0) < 0) {
      this.bytes -= (una - starts[0]) | 0;
      starts[0] = una;
    }
  }

  /** The first sequence number from `seq` on that is not in a range. */
  skip(seq: number): number {
    const { starts, ends } = this;
    for (let i = 0; i < starts.length; i++) {
      if (((starts[i] - seq) | 0) > 0) return seq;
      if (((ends[i] - seq) | 0) > 0) return ends[i];
    }
    return seq;
  }

  /** Where the first range above `seq` begins; undefined: there is none. */
  nextStart(seq: number): number | undefined {
    for (const start of this.starts) if (((start - seq) | 0) > 0) return start;
    return undefined;
  }

  /** Bytes of the ranges below `seq`. */
  below(seq: number): number {
    let sum = 0;
    for (let i = 0; i < this.starts.length; i++) {
      if (((this.starts[i] - seq) | 0) >= 0) break;
      sum += Math.min((this.ends[i] - this.starts[i]) | 0, (seq - this.starts[i]) | 0);
    }
    return sum;
  }

  /**
   * RFC 6675 4, IsLost: below this everything that is not in a range is lost, as DupThresh (3) ranges or more than two segments' worth of bytes
   * lie above. undefined: nothing is.
   */
  lostBelow(mss: number): number | undefined {
    let bytes = 0;
    for (let i = this.starts.length - 1; i >= 0; i--) {
      bytes += (this.ends[i] - this.starts[i]) | 0;
      if (this.starts.length - i >= 3 || bytes > 2 * mss) return this.starts[i];
    }
    return undefined;
  }
}
