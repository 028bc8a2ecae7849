import { DiskImageError } from '../disk-image-error.js';
import { readBytes, viewOf } from '../image-file.js';
import type { ImageFile } from '../image-file.js';
import type { Qcow2Header } from './header.js';
import { putOffset } from './refcounts.js';
import type { Refcounts } from './refcounts.js';

/**
 * Where the guest's clusters are: QEMU's docs/interop/qcow2.txt, "Cluster mapping". Two levels of tables; those of the second are kept in memory once
 * they were looked at, and written by `commit`.
 */

const COPIED = 0x8000_0000;
const COMPRESSED = 0x4000_0000;
const OFFSET_HIGH = 0x00ff_ffff;
const OFFSET_LOW = 0xffff_fe00;
const ZERO = 1;
export const SUBCLUSTERS = 32;

/** What an entry says of a cluster. */
export type Cluster =
  | { readonly kind: 'none' }
  | { readonly kind: 'zero'; readonly at: number; readonly copied: boolean }
  | { readonly kind: 'data'; readonly at: number; readonly copied: boolean }
  /** Extended L2 entries: of each 32nd, one bit says that it is at `at` (0: there is no cluster yet), one that it is zeros. */
  | { readonly kind: 'parts'; readonly at: number; readonly copied: boolean; readonly allocated: number; readonly zero: number }
  /** `bytes` from `at` on hold it, and may hold more. */
  | { readonly kind: 'compressed'; readonly at: number; readonly bytes: number };

interface Table {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  dirty: boolean;
}

const NONE = { kind: 'none' } as const;

export class ClusterMap {
  readonly #cluster: number;
  readonly #entryBytes: number;
  readonly #perTable: number;
  readonly #l1: DataView;
  readonly #tables = new Map<number, Table>();
  /** L1 entries that changed: from, to. */
  #l1Dirty: [number, number] | undefined;

  constructor(
    private readonly file: ImageFile,
    private readonly header: Qcow2Header,
    l1: { readonly offset: number; readonly size: number } = { offset: header.l1Offset, size: header.l1Size },
  ) {
    this.#cluster = 2 ** header.clusterBits;
    this.#entryBytes = header.extendedL2 ? 16 : 8;
    this.#perTable = this.#cluster / this.#entryBytes;
    this.#l1 = viewOf(readBytes(file, l1.offset, l1.size * 8));
  }

  get l1Size(): number {
    return this.#l1.byteLength / 8;
  }

  /** Clusters that one table maps. */
  get perTable(): number {
    return this.#perTable;
  }

  /** Bytes that the tables in memory take. */
  get cached(): number {
    return this.#tables.size * this.#cluster;
  }

  /** What an L1 entry says: where the table is (0: there is none), and whether it is this disk's alone. */
  l1(index: number): { readonly at: number; readonly copied: boolean } {
    const high = this.#l1.getUint32(8 * index);
    const at = (high & OFFSET_HIGH) * 2 ** 32 + ((this.#l1.getUint32(8 * index + 4) & OFFSET_LOW) >>> 0);
    if (at !== 0) this.#expectInFile('an L2 table', at);
    return { at, copied: (high & COPIED) !== 0 };
  }

  get(index: number): Cluster {
    const { at } = this.l1(Math.floor(index / this.#perTable));
    if (at === 0) return NONE;
    return this.#decode(this.#table(at), index % this.#perTable);
  }

  /** Makes a cluster what `cluster` says. A table of others is copied first. */
  set(index: number, cluster: Exclude<Cluster, { readonly kind: 'compressed' }>, refcounts: Refcounts): void {
    const table = this.#ownTable(Math.floor(index / this.#perTable), refcounts);
    const at = (index % this.#perTable) * this.#entryBytes;
    table.dirty = true;
    const { view } = table;
    const offset = cluster.kind === 'none' ? 0 : cluster.at;
    putOffset(view, at, offset);
    if (offset !== 0) view.setUint32(at, view.getUint32(at) | COPIED);
    if (this.header.extendedL2) {
      const parts = cluster.kind === 'parts' ? cluster : { allocated: cluster.kind === 'data' ? 0xffff_ffff : 0, zero: cluster.kind === 'zero' ? 0xffff_ffff : 0 };
      view.setUint32(at + 8, parts.zero);
      view.setUint32(at + 12, parts.allocated);
    } else if (cluster.kind === 'zero') {
      view.setUint32(at + 4, view.getUint32(at + 4) | ZERO);
    }
  }

  get dirty(): boolean {
    return this.#l1Dirty !== undefined || [...this.#tables.values()].some(({ dirty }) => dirty);
  }

  /** Writes tables, then what names them. */
  commit(): void {
    for (const [offset, table] of this.#tables) {
      if (!table.dirty) continue;
      this.file.write(offset, table.bytes);
      table.dirty = false;
    }
    if (this.#l1Dirty === undefined) return;
    this.file.flush();
    const [from, to] = this.#l1Dirty;
    this.file.write(this.header.l1Offset + 8 * from, new Uint8Array(this.#l1.buffer, this.#l1.byteOffset + 8 * from, 8 * (to - from)));
    this.#l1Dirty = undefined;
  }

  /** Gives memory back; everything was committed. */
  forget(): void {
    this.#tables.clear();
  }

  #decode({ view }: Table, index: number): Cluster {
    const at = index * this.#entryBytes;
    const high = view.getUint32(at);
    const low = view.getUint32(at + 4);
    if ((high & COMPRESSED) !== 0) return this.#compressed(high, low);
    const offset = (high & OFFSET_HIGH) * 2 ** 32 + ((low & OFFSET_LOW) >>> 0);
    if (offset !== 0) this.#expectInFile('a cluster', offset);
    const copied = (high & COPIED) !== 0;
    if (this.header.extendedL2) {
      const zero = view.getUint32(at + 8);
      const allocated = view.getUint32(at + 12);
      if ((zero & allocated) !== 0 || (offset === 0 && allocated !== 0)) throw this.#corrupt(`the L2 entry of a cluster at ${offset} contradicts itself`);
      return offset === 0 && zero === 0 ? NONE : { kind: 'parts', at: offset, copied, allocated, zero };
    }
    if (this.header.version === 3 && (low & ZERO) !== 0) return { kind: 'zero', at: offset, copied };
    return offset === 0 ? NONE : { kind: 'data', at: offset, copied };
  }

  /** "Compressed Clusters Descriptor": the offset's width, and so the count's, depends on the clusters' size. */
  #compressed(high: number, low: number): Cluster {
    const offsetBits = 62 - (this.header.clusterBits - 8);
    const highBits = offsetBits - 32;
    const at = (high & (2 ** highBits - 1)) * 2 ** 32 + low;
    const sectors = ((high & 0x3fff_ffff) >>> highBits) + 1;
    const bytes = sectors * 512 - (at % 512);
    if (at < this.#cluster || at >= this.file.length) throw this.#corrupt(`a compressed cluster at ${at} does not lie in the file`);
    return { kind: 'compressed', at, bytes };
  }

  #table(offset: number): Table {
    let table = this.#tables.get(offset);
    if (table === undefined) {
      const bytes = readBytes(this.file, offset, this.#cluster);
      table = { bytes, view: viewOf(bytes), dirty: false };
      this.#tables.set(offset, table);
    }
    return table;
  }

  /** The table for writing: new, or a copy, when it is not this disk's alone. */
  #ownTable(index: number, refcounts: Refcounts): Table {
    const { at, copied } = this.l1(index);
    if (at !== 0 && copied) return this.#table(at);
    const offset = refcounts.allocate();
    const bytes = at === 0 ? new Uint8Array(this.#cluster) : this.#table(at).bytes.slice();
    const table = { bytes, view: viewOf(bytes), dirty: true };
    this.#tables.set(offset, table);
    if (at !== 0) refcounts.release(at);
    putOffset(this.#l1, 8 * index, offset);
    this.#l1.setUint32(8 * index, this.#l1.getUint32(8 * index) | COPIED);
    const [from, to] = this.#l1Dirty ?? [index, index];
    this.#l1Dirty = [Math.min(from, index), Math.max(to, index + 1)];
    return table;
  }

  #expectInFile(what: string, at: number): void {
    if (at % this.#cluster === 0 && (at < this.file.length || this.#tables.has(at))) return;
    throw this.#corrupt(`${what} at ${at} does not lie in the file of ${this.file.length} bytes`);
  }

  #corrupt(why: string): DiskImageError {
    return new DiskImageError('corrupt', `${this.file.name}: ${why}`);
  }
}
