import type { BlockBackend } from '@pckit/interfaces';
import { DiskImageError, checkRange } from './disk-image-error.js';
import { SECTOR } from './sectors.js';
import { MemoryClusters } from './memory-clusters.js';
import type { MemoryClustersState } from './memory-clusters.js';

/**
 * Where an overlay keeps what was written, by sectors: which were, and their contents. Always synchronous. Ranges are in bytes, multiples
 * of 512.
 */
export interface OverlayStore {
  /** How many sectors from `sector` on, up to `limit`, are alike: kept here (positive) or not (negative). */
  run(sector: number, limit: number): number;
  /** All of the range is kept here. */
  read(offset: number, into: Uint8Array): void;
  write(offset: number, from: Uint8Array): void;
  /** The range reads as zeros from now on. */
  zero(offset: number, length: number): void;
  flush(): void;
  close?(): void;
}

export interface OverlayDiskOptions {
  /** Default: in memory. */
  readonly store?: OverlayStore;
}

export type OverlayDiskState = { readonly version: 1; readonly clusters: MemoryClustersState };

/**
 * A disk that reads from `base` what was never written and leaves `base` as it is. What is written is kept by sectors, so a write never
 * has to read first, and two writes side by side can't meet in one cluster. Reads are asynchronous only if the base is.
 */
export class OverlayDisk implements BlockBackend {
  readonly size: number;
  readonly readOnly = false;
  readonly synchronous: boolean;
  readonly #base: BlockBackend;
  readonly #store: OverlayStore;

  constructor(base: BlockBackend, options: OverlayDiskOptions = {}) {
    this.#base = base;
    this.size = base.size;
    this.synchronous = base.synchronous === true;
    this.#store = options.store ?? new MemoryClusters();
  }

  read(offset: number, into: Uint8Array): Promise<void> | void {
    this.#check(offset, into.length);
    if (this.synchronous) {
      this.#eachRun(offset, into, (at, part, kept) => (kept ? this.#store.read(at, part) : this.#base.read(at, part)));
      return undefined;
    }
    const sectors = into.length / SECTOR;
    const first = sectors === 0 ? 0 : this.#store.run(offset / SECTOR, sectors);
    if (first === sectors) {
      this.#store.read(offset, into);
      return undefined;
    }
    // What was written in the meantime shows too: it is the later state of the disk.
    return Promise.resolve(this.#base.read(offset, into)).then(() => {
      this.#eachRun(offset, into, (at, part, kept) => {
        if (kept) this.#store.read(at, part);
      });
    });
  }

  write(offset: number, from: Uint8Array): void {
    this.#check(offset, from.length);
    this.#store.write(offset, from);
  }

  flush(): void {
    this.#store.flush();
  }

  /** The range reads as zeros; whole clusters give their memory back. */
  discard(offset: number, length: number): void {
    this.writeZeroes(offset, length);
  }

  writeZeroes(offset: number, length: number, _mayUnmap = true): void {
    this.#check(offset, length);
    this.#store.zero(offset, length);
  }

  close(): Promise<void> | void {
    this.#store.close?.();
    return this.#base.close?.();
  }

  /** What was written, for a snapshot. Only of an overlay in memory. */
  save(): OverlayDiskState {
    return { version: 1, clusters: this.#memory().save() };
  }

  restore(state: OverlayDiskState): void {
    if (state.version !== 1) throw new DiskImageError('bad-option', `overlay state version ${String(state.version)}, known: 1`);
    this.#memory().restore(state.clusters);
  }

  #memory(): MemoryClusters {
    if (!(this.#store instanceof MemoryClusters)) throw new DiskImageError('bad-option', 'only an overlay in memory is saved; one in a file is there already');
    return this.#store;
  }

  #check(offset: number, length: number): void {
    checkRange('overlay', this.size, offset, length);
    if (offset % SECTOR !== 0 || length % SECTOR !== 0) throw new DiskImageError('out-of-range', `overlay: ${length} bytes at ${offset} are not whole sectors of ${SECTOR}`);
  }

  #eachRun(offset: number, into: Uint8Array, run: (at: number, part: Uint8Array, kept: boolean) => void): void {
    for (let done = 0; done < into.length; ) {
      const sectors = this.#store.run((offset + done) / SECTOR, (into.length - done) / SECTOR);
      const length = Math.abs(sectors) * SECTOR;
      run(offset + done, into.subarray(done, done + length), sectors > 0);
      done += length;
    }
  }
}
