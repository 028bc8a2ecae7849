import type { BlockBackend } from '@pckit/interfaces';
import type { Decompressors } from '../decompressor.js';
import { DiskImageError, checkRange } from '../disk-image-error.js';
import { readBytes, viewOf } from '../image-file.js';
import type { ImageFile } from '../image-file.js';
import { expectConsistent, recount } from './check.js';
import { ClusterMap, SUBCLUSTERS } from './cluster-map.js';
import type { Cluster } from './cluster-map.js';
import { HEADER_AUTOCLEAR, HEADER_INCOMPATIBLE, INCOMPATIBLE_CORRUPT, INCOMPATIBLE_DIRTY, readHeader } from './header.js';
import type { Qcow2Header } from './header.js';
import { Refcounts } from './refcounts.js';
import { readSnapshots } from './snapshots.js';
import type { Qcow2Snapshot } from './snapshots.js';

/**
 * A disk in a qcow2 image, versions 2 and 3: QEMU's docs/interop/qcow2.txt.
 *
 * Data is written to the file at once; tables and refcounts stay in memory until `flush`, which writes them in an order that leaves the image right
 * at every moment: counts up, tables, L1, counts down. A crash loses what was not flushed and nothing else, and leaks clusters only if it comes in
 * the middle of a flush.
 */

export interface Qcow2DiskOptions {
  readonly readOnly?: boolean;
  /** What the header names as backing file, opened; reading past its end gives zeros. */
  readonly backing?: BlockBackend;
  /** For compressed clusters; without them those can't be read. */
  readonly decompressors?: Decompressors;
}

/** Tables in memory above this are committed and forgotten. */
const MAX_CACHED = 32 << 20;

export class Qcow2Disk implements BlockBackend {
  readonly size: number;
  readonly readOnly: boolean;
  readonly synchronous = true;
  readonly header: Qcow2Header;
  readonly snapshots: readonly Qcow2Snapshot[];

  readonly #cluster: number;
  readonly #map: ClusterMap;
  readonly #refcounts: Refcounts;
  readonly #backing: BlockBackend | undefined;
  readonly #decompressors: Decompressors | undefined;
  /** The last compressed cluster that was read. */
  #inflated: { readonly at: number; readonly bytes: Uint8Array } | undefined;
  #open = true;

  /** The file is the disk's from now on, also when this throws. */
  constructor(
    private readonly file: ImageFile,
    options: Qcow2DiskOptions = {},
  ) {
    this.readOnly = options.readOnly ?? false;
    this.#backing = options.backing;
    this.#decompressors = options.decompressors;
    this.header = readHeader(file);
    const { header } = this;
    if (header.backing !== undefined && options.backing === undefined) throw new DiskImageError('bad-option', `${file.name} needs its backing file ${header.backing.path}`);
    if (options.backing !== undefined && options.backing.synchronous !== true) throw new DiskImageError('bad-option', `${file.name}: the backing disk must be synchronous`);
    this.#cluster = 2 ** header.clusterBits;
    // A size that doesn't end at a sector is rounded up, as QEMU does; what is behind it is zeros.
    this.size = Math.ceil(header.size / 512) * 512;
    this.#refcounts = new Refcounts(file, header);
    this.snapshots = readSnapshots(file, header).snapshots;
    if (!this.readOnly) this.#prepareToWrite();
    this.#map = new ClusterMap(file, header);
  }

  read(offset: number, into: Uint8Array): void {
    this.#check(offset, into.length);
    this.#forEachCluster(offset, into, (index, within, part) => this.#readCluster(index, this.#map.get(index), within, part));
    this.#limitCache();
  }

  write(offset: number, from: Uint8Array): void {
    this.#checkWrite(offset, from.length);
    this.#forEachCluster(offset, from, (index, within, part) => this.#writeCluster(index, within, part));
    this.#limitCache();
  }

  flush(): void {
    this.#check(0, 0);
    if (!this.readOnly) this.#commit();
    this.file.flush();
  }

  /** Reads as zeros afterwards, also over a backing file. */
  discard(offset: number, length: number): void {
    this.writeZeroes(offset, length, true);
  }

  writeZeroes(offset: number, length: number, _mayUnmap = true): void {
    this.#checkWrite(offset, length);
    const zeros = new Uint8Array(Math.min(this.#cluster, length));
    for (let done = 0; done < length; ) {
      const at = offset + done;
      const within = at % this.#cluster;
      const n = Math.min(this.#cluster - within, length - done);
      // The last cluster is whole when the disk ends in it.
      const whole = within === 0 && (n === this.#cluster || at + n === this.size);
      if (!whole || !this.#zeroCluster(Math.floor(at / this.#cluster))) this.#writeCluster(Math.floor(at / this.#cluster), within, zeros.subarray(0, n));
      done += n;
    }
    this.#limitCache();
  }

  close(): void {
    if (!this.#open) return;
    try {
      if (!this.readOnly) this.#commit();
    } finally {
      this.#open = false;
      this.file.close();
      void this.#backing?.close?.();
    }
  }

  // Reading

  #readCluster(index: number, cluster: Cluster, within: number, into: Uint8Array): void {
    switch (cluster.kind) {
      case 'none':
        return this.#readBacking(index * this.#cluster + within, into);
      case 'zero':
        into.fill(0);
        return;
      case 'data':
        return this.file.read(cluster.at + within, into);
      case 'compressed':
        into.set(this.#inflate(cluster).subarray(within, within + into.length));
        return;
      case 'parts': {
        const bytes = this.#cluster / SUBCLUSTERS;
        for (let done = 0; done < into.length; ) {
          const at = within + done;
          const part = into.subarray(done, done + Math.min(bytes - (at % bytes), into.length - done));
          const bit = 1 << Math.floor(at / bytes);
          if ((cluster.allocated & bit) !== 0) this.file.read(cluster.at + at, part);
          else if ((cluster.zero & bit) !== 0) part.fill(0);
          else this.#readBacking(index * this.#cluster + at, part);
          done += part.length;
        }
      }
    }
  }

  #readBacking(offset: number, into: Uint8Array): void {
    const backing = this.#backing;
    const n = backing === undefined ? 0 : Math.max(0, Math.min(into.length, backing.size - offset));
    if (backing !== undefined && n > 0) void backing.read(offset, into.subarray(0, n));
    into.fill(0, n);
  }

  #inflate({ at, bytes }: { readonly at: number; readonly bytes: number }): Uint8Array {
    if (this.#inflated?.at === at) return this.#inflated.bytes;
    if (this.#decompressors === undefined) throw new DiskImageError('unsupported-format', `${this.file.name} has compressed clusters, which can't be read here`);
    const compressed = readBytes(this.file, at, Math.min(bytes, this.file.length - at));
    let inflated: Uint8Array;
    try {
      inflated = this.header.compression === 'zstd' ? this.#decompressors.zstd(compressed, this.#cluster) : this.#decompressors.inflateRaw(compressed, this.#cluster);
    } catch (error) {
      throw new DiskImageError('corrupt', `${this.file.name}: the compressed cluster at ${at} is damaged`, { cause: error });
    }
    this.#inflated = { at, bytes: inflated };
    return inflated;
  }

  // Writing

  #writeCluster(index: number, within: number, from: Uint8Array): void {
    const old = this.#map.get(index);
    if (old.kind === 'data' && old.copied) return this.file.write(old.at + within, from);
    if (this.header.extendedL2) return this.#writeParts(index, old, within, from);
    // A preallocated cluster of zeros is written in its place.
    const reuse = old.kind === 'zero' && old.at !== 0 && old.copied;
    const end = this.file.length;
    const at = reuse ? old.at : this.#refcounts.allocate();
    const holdsZeros = old.kind === 'zero' || (old.kind === 'none' && (this.#backing === undefined || index * this.#cluster >= this.#backing.size));
    if (holdsZeros && !reuse && at >= end) {
      // Behind the end of the file there are zeros already.
      this.file.write(at + within, from);
    } else {
      const whole = from.length === this.#cluster ? from : this.#whole(index, old, within, from);
      this.file.write(at, whole);
    }
    this.#map.set(index, { kind: 'data', at, copied: true }, this.#refcounts);
    if (!reuse) this.#release(old);
  }

  /** The cluster with `from` in it. */
  #whole(index: number, old: Cluster, within: number, from: Uint8Array): Uint8Array {
    const whole = new Uint8Array(this.#cluster);
    this.#readCluster(index, old, 0, whole);
    whole.set(from, within);
    return whole;
  }

  /** With extended L2 entries only the parts that are touched need to be whole. */
  #writeParts(index: number, old: Cluster, within: number, from: Uint8Array): void {
    const bytes = this.#cluster / SUBCLUSTERS;
    const own = old.kind === 'parts' && old.at !== 0 && old.copied;
    // Data that others have, too, moves as a whole.
    const moves = !own && (old.kind === 'compressed' || (old.kind === 'parts' && old.allocated !== 0));
    const first = moves ? 0 : Math.floor(within / bytes);
    const last = moves ? SUBCLUSTERS - 1 : Math.floor((within + from.length - 1) / bytes);
    const mask = bitsFrom(first, last);
    const before = old.kind === 'parts' ? old : { allocated: 0, zero: 0 };
    const at = own ? old.at : this.#refcounts.allocate();
    if (own && ((before.allocated & mask) >>> 0) === mask) {
      this.file.write(at + within, from);
      return;
    }
    const span = new Uint8Array((last - first + 1) * bytes);
    this.#readCluster(index, old, first * bytes, span);
    span.set(from, within - first * bytes);
    this.file.write(at + first * bytes, span);
    this.#map.set(index, { kind: 'parts', at, copied: true, allocated: (before.allocated | mask) >>> 0, zero: (before.zero & ~mask) >>> 0 }, this.#refcounts);
    if (!own) this.#release(old);
  }

  /** @returns false where the format has no clusters of zeros over what is behind */
  #zeroCluster(index: number): boolean {
    const old = this.#map.get(index);
    if (this.header.version === 2 && this.#backing !== undefined) return false;
    if (old.kind === 'none' && this.#backing === undefined) return true;
    if (old.kind === 'zero') return true;
    if (old.kind === 'parts' && old.at === 0 && old.zero === 0xffff_ffff) return true;
    this.#map.set(index, this.header.version === 2 ? { kind: 'none' } : { kind: 'zero', at: 0, copied: false }, this.#refcounts);
    this.#release(old);
    return true;
  }

  #release(old: Cluster): void {
    if (old.kind === 'compressed') {
      // Each cluster of the file that it touches is counted once for it.
      for (let at = old.at - (old.at % this.#cluster); at < Math.min(old.at + old.bytes, this.file.length); at += this.#cluster) this.#refcounts.release(at);
    } else if (old.kind !== 'none' && old.at !== 0) {
      this.#refcounts.release(old.at);
    }
  }

  #commit(): void {
    if (!this.#map.dirty && !this.#refcounts.dirty) return;
    this.#refcounts.commit();
    this.file.flush();
    this.#map.commit();
    this.file.flush();
    this.#refcounts.commitReleases();
  }

  #limitCache(): void {
    if (this.#map.cached <= MAX_CACHED) return;
    if (!this.readOnly) this.#commit();
    this.#map.forget();
  }

  #prepareToWrite(): void {
    const { header, file } = this;
    if ((header.incompatible & INCOMPATIBLE_CORRUPT) !== 0) throw new DiskImageError('corrupt', `${file.name} is marked as corrupt: "qemu-img check -r all ${file.name}" repairs it`);
    if (header.hasBitmaps) throw new DiskImageError('unsupported-format', `${file.name} has dirty bitmaps, which writing would make wrong`);
    if ((header.incompatible & INCOMPATIBLE_DIRTY) !== 0) {
      recount(file, header, this.#refcounts);
      this.#refcounts.commit();
      file.flush();
      const field = new Uint8Array(4);
      viewOf(field).setUint32(0, header.incompatible & ~INCOMPATIBLE_DIRTY);
      file.write(HEADER_INCOMPATIBLE + 4, field);
      file.flush();
    }
    expectConsistent(file, header, this.#refcounts);
    // "autoclear_features": what isn't known here can't be kept right.
    if (header.hasAutoclear) file.write(HEADER_AUTOCLEAR, new Uint8Array(8));
  }

  #forEachCluster(offset: number, bytes: Uint8Array, visit: (index: number, within: number, part: Uint8Array) => void): void {
    for (let done = 0; done < bytes.length; ) {
      const within = (offset + done) % this.#cluster;
      const part = bytes.subarray(done, done + Math.min(this.#cluster - within, bytes.length - done));
      visit(Math.floor((offset + done) / this.#cluster), within, part);
      done += part.length;
    }
  }

  #checkWrite(offset: number, length: number): void {
    if (this.readOnly) throw new DiskImageError('read-only', `${this.file.name} is open for reading only`);
    this.#check(offset, length);
  }

  #check(offset: number, length: number): void {
    if (!this.#open) throw new DiskImageError('closed', `${this.file.name} was closed`);
    checkRange(this.file.name, this.size, offset, length);
  }
}

function bitsFrom(first: number, last: number): number {
  let mask = 0;
  for (let bit = first; bit <= last; bit++) mask |= 1 << bit;
  return mask >>> 0;
}
