import type { OverlayStore } from './overlay-disk.js';
import { SECTOR } from './sectors.js';

/** Bytes that are allocated at a time. */
export const CLUSTER = 64 * 1024;
const SECTORS = CLUSTER / SECTOR;

interface Cluster {
  /** One bit for each sector. */
  readonly valid: Uint32Array;
  /** Absent: all zeros, all valid. */
  data: Uint8Array | undefined;
}

export type MemoryClustersState = readonly { readonly index: number; readonly valid: readonly number[]; readonly data: Uint8Array | null }[];

/** An overlay's sectors in memory, allocated in clusters of 64 KiB; a cluster of zeros takes none. */
export class MemoryClusters implements OverlayStore {
  readonly #clusters = new Map<number, Cluster>();

  /** Bytes of data held. */
  get allocated(): number {
    let bytes = 0;
    for (const cluster of this.#clusters.values()) bytes += cluster.data?.length ?? 0;
    return bytes;
  }

  run(sector: number, limit: number): number {
    const kept = this.#has(sector);
    let n = 1;
    while (n < limit) {
      const at = sector + n;
      // A cluster that is absent altogether, or zeros, is skipped at once.
      if (at % SECTORS === 0) {
        const cluster = this.#clusters.get(at / SECTORS);
        if (cluster === undefined || cluster.data === undefined) {
          if (kept !== (cluster !== undefined)) break;
          n = Math.min(limit, n + SECTORS);
          continue;
        }
      }
      if (this.#has(at) !== kept) break;
      n++;
    }
    return kept ? n : -n;
  }

  read(offset: number, into: Uint8Array): void {
    for (let done = 0; done < into.length; ) {
      const within = (offset + done) % CLUSTER;
      const n = Math.min(CLUSTER - within, into.length - done);
      const data = this.#clusters.get(Math.floor((offset + done) / CLUSTER))?.data;
      if (data === undefined) into.fill(0, done, done + n);
      else into.set(data.subarray(within, within + n), done);
      done += n;
    }
  }

  write(offset: number, from: Uint8Array): void {
    for (let done = 0; done < from.length; ) {
      const within = (offset + done) % CLUSTER;
      const n = Math.min(CLUSTER - within, from.length - done);
      const cluster = this.#cluster(Math.floor((offset + done) / CLUSTER));
      (cluster.data as Uint8Array).set(from.subarray(done, done + n), within);
      validate(cluster, within / SECTOR, n / SECTOR);
      done += n;
    }
  }

  zero(offset: number, length: number): void {
    for (let done = 0; done < length; ) {
      const index = Math.floor((offset + done) / CLUSTER);
      const within = (offset + done) % CLUSTER;
      const n = Math.min(CLUSTER - within, length - done);
      if (n === CLUSTER) {
        this.#clusters.set(index, { valid: new Uint32Array(SECTORS / 32).fill(0xffff_ffff), data: undefined });
      } else if (this.#clusters.get(index)?.data !== undefined || !this.#clusters.has(index)) {
        const cluster = this.#cluster(index);
        (cluster.data as Uint8Array).fill(0, within, within + n);
        validate(cluster, within / SECTOR, n / SECTOR);
      }
      done += n;
    }
  }

  flush(): void {}

  save(): MemoryClustersState {
    return [...this.#clusters.entries()]
      .sort(([a], [b]) => a - b)
      .map(([index, cluster]) => ({ index, valid: [...cluster.valid], data: cluster.data?.slice() ?? null }));
  }

  restore(state: MemoryClustersState): void {
    this.#clusters.clear();
    for (const { index, valid, data } of state) this.#clusters.set(index, { valid: Uint32Array.from(valid), data: data?.slice() });
  }

  #has(sector: number): boolean {
    const valid = this.#clusters.get(Math.floor(sector / SECTORS))?.valid;
    if (valid === undefined) return false;
    const bit = sector % SECTORS;
    return (((valid[bit >>> 5] as number) >>> (bit & 31)) & 1) !== 0;
  }

  /** A cluster with data to write into. */
  #cluster(index: number): Cluster {
    let cluster = this.#clusters.get(index);
    if (cluster === undefined) {
      cluster = { valid: new Uint32Array(SECTORS / 32), data: new Uint8Array(CLUSTER) };
      this.#clusters.set(index, cluster);
    } else {
      cluster.data ??= new Uint8Array(CLUSTER);
    }
    return cluster;
  }
}

function validate(cluster: Cluster, first: number, count: number): void {
  for (let bit = first; bit < first + count; bit++) cluster.valid[bit >>> 5] = (cluster.valid[bit >>> 5] as number) | (1 << (bit & 31));
}
