import { DiskImageError } from '../disk-image-error.js';
import { readBytes, viewOf } from '../image-file.js';
import type { ImageFile } from '../image-file.js';
import type { Qcow2Header } from './header.js';

/** An internal snapshot, as the image lists it. */
export interface Qcow2Snapshot {
  readonly id: string;
  readonly name: string;
  /** As `Date.now()`. */
  readonly date: number;
  /** Bytes of a machine's state that lie behind the disk. */
  readonly stateBytes: number;
  readonly l1Offset: number;
  /** Entries. */
  readonly l1Size: number;
}

const ENTRY_BYTES = 40;
/** As QEMU's: 64 KiB of names and extra data, 16 MiB in all. */
const MAX_EXTRA = 1024;
const MAX_TABLE = 16 << 20;
const MAX_L1_BYTES = 32 << 20;

/** The snapshot table: QEMU's docs/interop/qcow2.txt, "Snapshots". @returns the snapshots, and how many bytes the table takes */
export function readSnapshots(file: ImageFile, header: Qcow2Header): { readonly snapshots: readonly Qcow2Snapshot[]; readonly bytes: number } {
  const snapshots: Qcow2Snapshot[] = [];
  let at = header.snapshotsOffset;
  for (let i = 0; i < header.snapshotCount; i++) {
    const entry = viewOf(readBytes(file, at, ENTRY_BYTES));
    const u64 = (offset: number): number => entry.getUint32(offset) * 2 ** 32 + entry.getUint32(offset + 4);
    const l1Offset = u64(0);
    const l1Size = entry.getUint32(8);
    const idLength = entry.getUint16(12);
    const nameLength = entry.getUint16(14);
    const extra = entry.getUint32(36);
    const end = at + ENTRY_BYTES + extra + idLength + nameLength;
    const bad = l1Offset % 2 ** header.clusterBits !== 0 || l1Size * 8 > MAX_L1_BYTES || l1Offset + l1Size * 8 > file.length;
    if (bad || extra > MAX_EXTRA || end > file.length || end - header.snapshotsOffset > MAX_TABLE)
      throw new DiskImageError('corrupt', `${file.name}: snapshot ${i} of ${header.snapshotCount} is damaged`);
    const text = (offset: number, length: number): string => new TextDecoder().decode(readBytes(file, offset, length));
    const extraData = viewOf(readBytes(file, at + ENTRY_BYTES, Math.min(extra, 8)));
    snapshots.push({
      id: text(at + ENTRY_BYTES + extra, idLength),
      name: text(at + ENTRY_BYTES + extra + idLength, nameLength),
      date: entry.getUint32(16) * 1000 + Math.floor(entry.getUint32(20) / 1e6),
      // Extra data: the size of the state in 64 bits, when there is any.
      stateBytes: extra >= 8 ? extraData.getUint32(0) * 2 ** 32 + extraData.getUint32(4) : entry.getUint32(32),
      l1Offset,
      l1Size,
    });
    at = Math.ceil(end / 8) * 8;
  }
  return { snapshots, bytes: at - header.snapshotsOffset };
}
