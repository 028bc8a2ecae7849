import { DiskImageError } from '../disk-image-error.js';
import { readBytes, viewOf } from '../image-file.js';
import type { ImageFile } from '../image-file.js';

/**
 * The header of a qcow2 image: QEMU's docs/interop/qcow2.txt, "Header". Everything is big-endian. What a header may ask for is bounded here, so that
 * nothing further in reads or allocates without measure.
 */

export const QCOW2_MAGIC = 0x51_46_49_fb;

export const INCOMPATIBLE_DIRTY = 0x01;
export const INCOMPATIBLE_CORRUPT = 0x02;
const INCOMPATIBLE_DATA_FILE = 0x04;
const INCOMPATIBLE_COMPRESSION = 0x08;
const INCOMPATIBLE_EXTENDED_L2 = 0x10;
const INCOMPATIBLE_KNOWN = INCOMPATIBLE_DIRTY | INCOMPATIBLE_CORRUPT | INCOMPATIBLE_COMPRESSION | INCOMPATIBLE_EXTENDED_L2;
const AUTOCLEAR_BITMAPS = 0x01;

const EXTENSION_END = 0;
const EXTENSION_BACKING_FORMAT = 0xe279_2aca;

/** Offsets of fields that are written. */
export const HEADER_REFCOUNT_TABLE_OFFSET = 48;
export const HEADER_REFCOUNT_TABLE_CLUSTERS = 56;
export const HEADER_INCOMPATIBLE = 72;
export const HEADER_AUTOCLEAR = 88;

const V2_LENGTH = 72;
const V3_LENGTH = 104;
const MAX_HEADER_LENGTH = 4096;
const MAX_EXTENSIONS = 64;
/** As QEMU's: 32 MiB of L1 table, 8 MiB of refcount table, 65536 snapshots. */
const MAX_L1_BYTES = 32 << 20;
const MAX_REFCOUNT_TABLE_BYTES = 8 << 20;
const MAX_SNAPSHOTS = 65536;
const MAX_BACKING_NAME = 1023;

export interface Qcow2Header {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  /** Bytes that the guest sees. */
  readonly size: number;
  readonly backing: { readonly path: string; readonly format: string | undefined } | undefined;
  /** Entries. */
  readonly l1Size: number;
  readonly l1Offset: number;
  readonly refcountTableOffset: number;
  readonly refcountTableClusters: number;
  /** Bits of a refcount: 1 << order. */
  readonly refcountOrder: number;
  readonly snapshotCount: number;
  readonly snapshotsOffset: number;
  readonly incompatible: number;
  readonly lazyRefcounts: boolean;
  readonly hasBitmaps: boolean;
  readonly hasAutoclear: boolean;
  readonly compression: 'deflate' | 'zstd';
  readonly extendedL2: boolean;
}

/** @throws DiskImageError for what is no qcow2 image, is damaged, or needs what isn't here */
export function readHeader(file: ImageFile): Qcow2Header {
  const corrupt = (why: string): never => {
    throw new DiskImageError('corrupt', `${file.name}: ${why}`);
  };
  const unsupported = (what: string): never => {
    throw new DiskImageError('unsupported-format', `${file.name} ${what}`);
  };
  const head = viewOf(readBytes(file, 0, 112));
  if (file.length < V2_LENGTH || head.getUint32(0) !== QCOW2_MAGIC) unsupported('is not a qcow2 image');
  const version = head.getUint32(4);
  if (version !== 2 && version !== 3) return unsupported(`is a qcow image of version ${version}; 2 and 3 are read`);
  const u64 = (at: number): number => head.getUint32(at) * 2 ** 32 + head.getUint32(at + 4);
  const clusterBits = head.getUint32(20);
  if (clusterBits < 9 || clusterBits > 21) corrupt(`clusters of 2^${clusterBits} bytes; they have 2^9 to 2^21`);
  const cluster = 2 ** clusterBits;

  const v3 = version === 3;
  const headerLength = v3 ? head.getUint32(100) : V2_LENGTH;
  if (v3 && (headerLength < V3_LENGTH || headerLength > Math.min(MAX_HEADER_LENGTH, cluster) || headerLength % 8 !== 0)) corrupt(`a header of ${headerLength} bytes`);
  const incompatible = v3 ? head.getUint32(76) : 0;
  const unknown = v3 ? head.getUint32(72) * 2 ** 32 + ((incompatible & ~INCOMPATIBLE_KNOWN) >>> 0) : 0;
  if ((incompatible & INCOMPATIBLE_DATA_FILE) !== 0) unsupported('keeps its data in another file, which is not supported');
  if (unknown !== 0) unsupported(`has incompatible features (0x${unknown.toString(16)}) that are not known here`);
  if (head.getUint32(32) !== 0) unsupported('is encrypted, which is not supported');
  const refcountOrder = v3 ? head.getUint32(96) : 4;
  if (refcountOrder > 6) corrupt(`refcounts of 2^${refcountOrder} bits; they have 64 at most`);
  const extendedL2 = (incompatible & INCOMPATIBLE_EXTENDED_L2) !== 0;
  if (extendedL2 && clusterBits < 14) corrupt(`extended L2 entries with clusters of 2^${clusterBits} bytes; they take 2^14 at least`);
  const compressionType = (incompatible & INCOMPATIBLE_COMPRESSION) !== 0 && headerLength > 104 ? head.getUint8(104) : 0;
  if (compressionType > 1) unsupported(`is compressed in a way (${compressionType}) that is not known here`);

  const size = u64(24);
  const l1Size = head.getUint32(36);
  const l1Offset = u64(40);
  const entriesPerL2 = cluster / (extendedL2 ? 16 : 8);
  const l1Needed = Math.ceil(size / cluster / entriesPerL2);
  if (!Number.isSafeInteger(size) || l1Needed * 8 > MAX_L1_BYTES) corrupt(`a disk of ${size} bytes is more than its clusters of ${cluster} can hold`);
  if (l1Size * 8 > MAX_L1_BYTES || l1Size < l1Needed) corrupt(`an L1 table of ${l1Size} entries for a disk that needs ${l1Needed}`);
  const refcountTableOffset = u64(48);
  const refcountTableClusters = head.getUint32(56);
  if (refcountTableClusters === 0 || refcountTableClusters * cluster > MAX_REFCOUNT_TABLE_BYTES) corrupt(`a refcount table of ${refcountTableClusters} clusters`);
  const snapshotCount = head.getUint32(60);
  const snapshotsOffset = u64(64);
  if (snapshotCount > MAX_SNAPSHOTS) corrupt(`${snapshotCount} snapshots`);
  const within = (what: string, at: number, bytes: number, aligned = true): void => {
    if ((aligned && at % cluster !== 0) || at < cluster || at + bytes > file.length) corrupt(`its ${what} (${bytes} bytes at ${at}) does not lie in the file of ${file.length} bytes`);
  };
  if (l1Size > 0) within('L1 table', l1Offset, l1Size * 8);
  within('refcount table', refcountTableOffset, refcountTableClusters * cluster);
  if (snapshotCount > 0) within('snapshot table', snapshotsOffset, snapshotCount * 40);

  const format = backingFormat(file, headerLength, cluster, corrupt);
  const nameAt = u64(8);
  const nameLength = head.getUint32(16);
  if (nameAt !== 0 && (nameLength > MAX_BACKING_NAME || nameAt < headerLength || nameAt + nameLength > cluster)) corrupt(`the name of its backing file (${nameLength} bytes at ${nameAt}) does not lie in its header`);
  const path = nameAt === 0 || nameLength === 0 ? '' : new TextDecoder().decode(readBytes(file, nameAt, nameLength));
  return {
    version,
    clusterBits,
    size,
    backing: path === '' ? undefined : { path, format },
    l1Size,
    l1Offset,
    refcountTableOffset,
    refcountTableClusters,
    refcountOrder,
    snapshotCount,
    snapshotsOffset,
    incompatible,
    lazyRefcounts: v3 && (head.getUint32(84) & 1) !== 0,
    hasBitmaps: v3 && (head.getUint32(92) & AUTOCLEAR_BITMAPS) !== 0,
    hasAutoclear: v3 && (head.getUint32(88) | head.getUint32(92)) !== 0,
    compression: compressionType === 1 ? 'zstd' : 'deflate',
    extendedL2,
  };
}

/** "Header extensions": type and length, padded to eight bytes. */
function backingFormat(file: ImageFile, start: number, cluster: number, corrupt: (why: string) => never): string | undefined {
  let at = start;
  for (let i = 0; i < MAX_EXTENSIONS && at + 8 <= cluster; i++) {
    const head = viewOf(readBytes(file, at, 8));
    const type = head.getUint32(0);
    const length = head.getUint32(4);
    if (type === EXTENSION_END) return undefined;
    if (at + 8 + length > cluster) corrupt(`a header extension of ${length} bytes at ${at} reaches past its cluster`);
    if (type === EXTENSION_BACKING_FORMAT) return new TextDecoder().decode(readBytes(file, at + 8, Math.min(length, 16)));
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return undefined;
}
