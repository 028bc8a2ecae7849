import type { BlockBackend } from '@pckit/interfaces';

/**
 * Whether a disk holds a file system that Linux can boot from, and where, so that `pckit boot --disk debian.img` needs no `root=`.
 * Knows file systems by their magic numbers, on the whole disk or in the partitions of an MBR or a GPT.
 */
export interface RootFound {
  /** What follows the disk's name in `root=`: nothing, or a partition's number. */
  readonly partition: number | undefined;
  readonly fileSystem: 'ext4' | 'xfs' | 'btrfs';
}

const SECTOR = 512;

export async function findRoot(disk: BlockBackend): Promise<RootFound | undefined> {
  const whole = await fileSystemAt(disk, 0);
  if (whole !== undefined) return { partition: undefined, fileSystem: whole };
  for (const { number, start } of await partitions(disk)) {
    const fileSystem = await fileSystemAt(disk, start);
    if (fileSystem !== undefined) return { partition: number, fileSystem };
  }
  return undefined;
}

async function fileSystemAt(disk: BlockBackend, start: number): Promise<RootFound['fileSystem'] | undefined> {
  // ext2/3/4: s_magic at 1024 + 38H. The ext4 driver mounts all three.
  const ext = await read(disk, start + 1024, SECTOR);
  if (ext !== undefined && ext.getUint16(0x38, true) === 0xef53) return 'ext4';
  const xfs = await read(disk, start, SECTOR);
  if (xfs !== undefined && xfs.getUint32(0, false) === 0x58465342) return 'xfs';
  // btrfs: "_BHRfS_M" at 64 KiB + 40H.
  const btrfs = await read(disk, start + 65536, SECTOR);
  if (btrfs !== undefined && btrfs.getUint32(0x40, false) === 0x5f424852 && btrfs.getUint32(0x44, false) === 0x66535f4d) return 'btrfs';
  return undefined;
}

async function partitions(disk: BlockBackend): Promise<{ number: number; start: number }[]> {
  const mbr = await read(disk, 0, SECTOR);
  if (mbr === undefined || mbr.getUint16(510, true) !== 0xaa55) return [];
  const found: { number: number; start: number }[] = [];
  for (let index = 0; index < 4; index++) {
    const entry = 446 + 16 * index;
    const type = mbr.getUint8(entry + 4);
    // UEFI specification, 5.2.3: a protective MBR; the partitions are in the GPT.
    if (type === 0xee) return gptPartitions(disk);
    if (type !== 0) found.push({ number: index + 1, start: mbr.getUint32(entry + 8, true) * SECTOR });
  }
  return found;
}

async function gptPartitions(disk: BlockBackend): Promise<{ number: number; start: number }[]> {
  // UEFI specification, table 5-5: header at LBA 1; entries' LBA at 72, count at 80, size at 84.
  const header = await read(disk, SECTOR, SECTOR);
  if (header === undefined || header.getUint32(0, false) !== 0x45464920) return [];
  const entries = Number(header.getBigUint64(72, true)) * SECTOR;
  const count = Math.min(header.getUint32(80, true), 128);
  const size = header.getUint32(84, true);
  const found: { number: number; start: number }[] = [];
  if (size < 128 || size > 4096) return found;
  for (let index = 0; index < count; index++) {
    const at = entries + index * size;
    const sector = await read(disk, at - (at % SECTOR), SECTOR * 2);
    if (sector === undefined) break;
    const offset = at % SECTOR;
    const used = sector.getBigUint64(offset, true) !== 0n || sector.getBigUint64(offset + 8, true) !== 0n;
    if (used) found.push({ number: index + 1, start: Number(sector.getBigUint64(offset + 32, true)) * SECTOR });
  }
  return found;
}

/** @returns undefined when the disk ends before */
async function read(disk: BlockBackend, offset: number, length: number): Promise<DataView | undefined> {
  if (!Number.isSafeInteger(offset) || offset + length > disk.size) return undefined;
  const bytes = new Uint8Array(length);
  await disk.read(offset, bytes);
  return new DataView(bytes.buffer);
}
