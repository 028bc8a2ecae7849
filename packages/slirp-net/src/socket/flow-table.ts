/** A flow that is found by the words of its addresses and ports. */
export interface Keyed {
  readonly key: Uint32Array;
  /** The next in its bucket. */
  nextInBucket: this | undefined;
}

const MIN_BUCKETS = 64;

/**
 * A hash table by a few 32-bit words, without a string or an object per look-up: fill `probe`, then `find`. The seed keeps a guest
 * from aiming all its flows at one bucket.
 */
export class FlowTable<T extends Keyed> {
  readonly probe = new Uint32Array(9);
  private buckets: (T | undefined)[] = new Array<T | undefined>(MIN_BUCKETS).fill(undefined);
  private count = 0;

  constructor(private readonly seed: number) {}

  get size(): number {
    return this.count;
  }

  /** The flow whose key is the first `words` of `probe`. */
  find(words: number): T | undefined {
    const { probe } = this;
    let flow = this.buckets[this.hash(probe, words) & (this.buckets.length - 1)];
    while (flow !== undefined) {
      const { key } = flow;
      if (key.length === words) {
        let i = 0;
        while (i < words && key[i] === probe[i]) i++;
        if (i === words) return flow;
      }
      flow = flow.nextInBucket;
    }
    return undefined;
  }

  /** The key must not be in use. */
  add(flow: T): void {
    if (this.count >= this.buckets.length) this.grow();
    this.link(flow);
    this.count++;
  }

  delete(flow: T): boolean {
    const index = this.hash(flow.key, flow.key.length) & (this.buckets.length - 1);
    let before: T | undefined;
    for (let at = this.buckets[index]; at !== undefined; at = at.nextInBucket) {
      if (at === flow) {
        if (before === undefined) this.buckets[index] = flow.nextInBucket;
        else before.nextInBucket = flow.nextInBucket;
        flow.nextInBucket = undefined;
        this.count--;
        return true;
      }
      before = at;
    }
    return false;
  }

  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (const head of this.buckets) {
      let flow = head;
      while (flow !== undefined) {
        const next: T | undefined = flow.nextInBucket;
        yield flow;
        flow = next;
      }
    }
  }

  private link(flow: T): void {
    const index = this.hash(flow.key, flow.key.length) & (this.buckets.length - 1);
    flow.nextInBucket = this.buckets[index];
    this.buckets[index] = flow;
  }

  private grow(): void {
    const flows = [...this];
    this.buckets = new Array<T | undefined>(this.buckets.length * 2).fill(undefined);
    for (const flow of flows) this.link(flow);
  }

  /** murmur3's mixing steps. */
  private hash(words: Uint32Array, length: number): number {
    let h = this.seed;
    for (let i = 0; i < length; i++) {
      let k = Math.imul(words[i], 0xcc9e2d51);
      k = (k << 15) | (k >>> 17);
      h ^= Math.imul(k, 0x1b873593);
      h = (h << 13) | (h >>> 19);
      h = (Math.imul(h, 5) + 0xe6546b64) | 0;
    }
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return (h ^ (h >>> 16)) >>> 0;
  }
}
