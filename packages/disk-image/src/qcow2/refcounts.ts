import { DiskImageError } from '../disk-image-error.js';
import { readBytes, viewOf } from '../image-file.js';
import type { ImageFile } from '../image-file.js';
import { HEADER_REFCOUNT_TABLE_OFFSET } from './header.js';
import type { Qcow2Header } from './header.js';

/**
 * Who uses which cluster of the file: QEMU's docs/interop/qcow2.txt, "Host cluster management". The table and its blocks are kept in memory and written
 * by `commit`, which the disk calls in an order that leaves the file right at every moment: counts go up before anything refers to a
 * cluster, and down (`release`) only after nothing does.
 */

interface Block {
  readonly bytes: Uint8Array;
  dirty: boolean;
}

const MAX_TABLE_BYTES = 8 << 20;

export class Refcounts {
  readonly #cluster: number;
  readonly #order: number;
  readonly #perBlock: number;
  /** Offsets of the blocks; 0 where there is none. */
  readonly #table: number[] = [];
  readonly #blocks = new Map<number, Block>();
  #tableOffset: number;
  #tableClusters: number;
  #tableDirty = false;
  /** The first cluster behind everything in use. */
  #end: number;
  /** Below it nothing is free. */
  #hint = 0;
  #released: number[] = [];

  constructor(
    private readonly file: ImageFile,
    header: Qcow2Header,
  ) {
    this.#cluster = 2 ** header.clusterBits;
    this.#order = header.refcountOrder;
    this.#perBlock = (this.#cluster * 8) / 2 ** this.#order;
    this.#tableOffset = header.refcountTableOffset;
    this.#tableClusters = header.refcountTableClusters;
    const table = viewOf(readBytes(file, this.#tableOffset, this.#tableClusters * this.#cluster));
    for (let at = 0; at < table.byteLength; at += 8) this.#table.push(this.#checked(table.getUint32(at) * 2 ** 32 + table.getUint32(at + 4)));
    while (this.#table.at(-1) === 0) this.#table.pop();
    this.#end = Math.ceil(file.length / this.#cluster);
  }

  /** Clusters of the file, with those that are allocated and not yet written. */
  get clusters(): number {
    return this.#end;
  }

  get(cluster: number): number {
    const block = this.#block(Math.floor(cluster / this.#perBlock));
    return block === undefined ? 0 : readCount(block.bytes, cluster % this.#perBlock, this.#order);
  }

  set(cluster: number, count: number): void {
    if (Math.log2(count) >= 2 ** this.#order) throw new DiskImageError('corrupt', `${this.file.name}: cluster ${cluster} is used ${count} times, more than its refcount can say`);
    const index = Math.floor(cluster / this.#perBlock);
    const block = this.#block(index) ?? this.#addBlock(index);
    writeCount(block.bytes, cluster % this.#perBlock, this.#order, count);
    block.dirty = true;
    if (count === 0) this.#hint = Math.min(this.#hint, cluster);
  }

  /** @returns the offset of `count` clusters side by side, each used once */
  allocate(count = 1): number {
    let run = 0;
    let at = this.#hint;
    for (; at < this.#end && run < count; at++) {
      if (this.get(at) !== 0) run = 0;
      else run++;
    }
    let first = at - run;
    if (count === 1) this.#hint = Math.min(at, this.#end);
    if (run < count) {
      first = this.#end - run;
      this.#end = first + count;
    }
    for (let i = 0; i < count; i++) this.set(first + i, 1);
    return first * this.#cluster;
  }

  /** One user less, from the next `commitReleases` on. */
  release(offset: number): void {
    this.#released.push(Math.floor(offset / this.#cluster));
  }

  get dirty(): boolean {
    return this.#tableDirty || this.#released.length > 0 || [...this.#blocks.values()].some(({ dirty }) => dirty);
  }

  /** Writes blocks and table. Durable when it returns. */
  commit(): void {
    this.#growTable();
    this.#writeBlocks();
    if (!this.#tableDirty) return;
    const bytes = new Uint8Array(this.#tableClusters * this.#cluster);
    const view = viewOf(bytes);
    this.#table.forEach((offset, i) => putOffset(view, 8 * i, offset));
    // New blocks lie in the file before the table names them.
    this.file.flush();
    this.file.write(this.#tableOffset, bytes);
    this.file.flush();
    const field = new Uint8Array(12);
    putOffset(viewOf(field), 0, this.#tableOffset);
    viewOf(field).setUint32(8, this.#tableClusters);
    this.file.write(HEADER_REFCOUNT_TABLE_OFFSET, field);
    this.file.flush();
    this.#tableDirty = false;
  }

  /** Takes back what was released; nothing in the file refers to it any more. */
  commitReleases(): void {
    const released = this.#released;
    this.#released = [];
    for (const cluster of released) this.set(cluster, Math.max(0, this.get(cluster) - 1));
    this.#writeBlocks();
  }

  #writeBlocks(): void {
    for (const [index, block] of this.#blocks) {
      if (!block.dirty) continue;
      this.file.write(this.#table[index], block.bytes);
      block.dirty = false;
    }
  }

  /** A table that doesn't fit its clusters any more moves. */
  #growTable(): void {
    if (this.#table.length * 8 <= this.#tableClusters * this.#cluster) return;
    const old = { offset: this.#tableOffset, clusters: this.#tableClusters };
    // Room for as much again: the clusters of the new table may need blocks themselves.
    const clusters = Math.ceil((2 * 8 * (this.#table.length + 8)) / this.#cluster);
    if (clusters * this.#cluster > MAX_TABLE_BYTES) throw new DiskImageError('out-of-range', `${this.file.name}: the refcount table can't grow to ${clusters} clusters`);
    this.#tableOffset = this.allocate(clusters);
    this.#tableClusters = clusters;
    this.#tableDirty = true;
    for (let i = 0; i < old.clusters; i++) this.release(old.offset + i * this.#cluster);
    if (this.#table.length * 8 > clusters * this.#cluster) this.#growTable();
  }

  #block(index: number): Block | undefined {
    const cached = this.#blocks.get(index);
    if (cached !== undefined) return cached;
    const offset = this.#table[index] ?? 0;
    if (offset === 0) return undefined;
    const block = { bytes: readBytes(this.file, offset, this.#cluster), dirty: false };
    this.#blocks.set(index, block);
    return block;
  }

  /** A new block, behind everything, which counts itself or has another count it. */
  #addBlock(index: number): Block {
    const block = { bytes: new Uint8Array(this.#cluster), dirty: true };
    const cluster = this.#end++;
    while (this.#table.length <= index) this.#table.push(0);
    this.#table[index] = cluster * this.#cluster;
    this.#tableDirty = true;
    this.#blocks.set(index, block);
    this.set(cluster, 1);
    return block;
  }

  #checked(offset: number): number {
    if (offset % this.#cluster !== 0 || offset + (offset === 0 ? 0 : this.#cluster) > Math.ceil(this.file.length / this.#cluster) * this.#cluster)
      throw new DiskImageError('corrupt', `${this.file.name}: a refcount block at ${offset} does not lie in the file`);
    return offset;
  }

  /** Offsets of the table's clusters and of the blocks. */
  *ownClusters(): Generator<number> {
    for (let i = 0; i < this.#tableClusters; i++) yield this.#tableOffset + i * this.#cluster;
    for (const offset of this.#table) if (offset !== 0) yield offset;
  }
}

export function putOffset(view: DataView, at: number, offset: number): void {
  view.setUint32(at, Math.floor(offset / 2 ** 32));
  view.setUint32(at + 4, offset >>> 0);
}

/** Counts of less than a byte begin at its lowest bits. */
function readCount(bytes: Uint8Array, index: number, order: number): number {
  const view = viewOf(bytes);
  switch (order) {
    case 3:
      return bytes[index];
    case 4:
      return view.getUint16(2 * index);
    case 5:
      return view.getUint32(4 * index);
    case 6:
      return view.getUint32(8 * index) * 2 ** 32 + view.getUint32(8 * index + 4);
    default: {
      const bits = 1 << order;
      return (bytes[(index * bits) >> 3] >>> ((index * bits) & 7)) & ((1 << bits) - 1);
    }
  }
}

function writeCount(bytes: Uint8Array, index: number, order: number, count: number): void {
  const view = viewOf(bytes);
  switch (order) {
    case 3:
      bytes[index] = count;
      return;
    case 4:
      return view.setUint16(2 * index, count);
    case 5:
      return view.setUint32(4 * index, count);
    case 6:
      return putOffset(view, 8 * index, count);
    default: {
      const bits = 1 << order;
      const shift = (index * bits) & 7;
      const mask = ((1 << bits) - 1) << shift;
      const at = (index * bits) >> 3;
      bytes[at] = (bytes[at] & ~mask) | (count << shift);
    }
  }
}
