import { DiskImageError } from '../disk-image-error.js';
import { readBytes, viewOf } from '../image-file.js';
import type { ImageFile } from '../image-file.js';
import { ChunkedImage } from './chunked-image.js';

/** VHDX images: [MS-VHDX] revision 8.0; section numbers in comments. Little-endian. Read only, and only after a clean close: a log is not replayed. */

const HEADER_1 = 0x1_0000;
const HEADER_2 = 0x2_0000;
const REGION_TABLES = [0x3_0000, 0x4_0000] as const;
const MAX_REGIONS = 2047;
const MAX_METADATA = 2047;
/** As many blocks as 64 TiB, the format's limit, has at 1 MiB. */
const MAX_BLOCKS = 2 ** 26;
const MAX_BAT_BYTES = 64 << 20;

const BAT_GUID = '2dc27766f62342009d64115e9bfd4a08';
const METADATA_GUID = '8b7ca20647904b9ab8fe575f050f886e';
const FILE_PARAMETERS = 'caa16737fa364d43b3b633f0aa44e76b';
const VIRTUAL_DISK_SIZE = '2fa54224cd1b4876b2115dbed83bf4b8';
const LOGICAL_SECTOR_SIZE = '8141bf1da96f4709ba47f233a8faab5f';
/** A parent's sector bitmaps come after as many payload blocks. */
const CHUNK_SECTORS = 2 ** 23;
const BLOCK_FULLY_PRESENT = 6;

/** @throws DiskImageError for what is no VHDX image, is damaged, has a log or needs its parent */
export function openVhdx(file: ImageFile): ChunkedImage {
  const corrupt = (why: string): DiskImageError => new DiskImageError('corrupt', `${file.name}: ${why}`);
  const unsupported = (what: string): DiskImageError => new DiskImageError('unsupported-format', `${file.name} ${what}`);
  const u64 = (view: DataView, at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;

  // 2.2.2: of two headers the one with the higher sequence number counts.
  const headers = [HEADER_1, HEADER_2]
    .map((at) => viewOf(readBytes(file, at, 4096)))
    .filter((view) => view.getUint32(0) === 0x6865_6164 && view.getUint16(66, true) === 1 && crc32c(view, 4) === view.getUint32(4, true));
  const header = headers.sort((a, b) => u64(b, 8) - u64(a, 8))[0];
  if (header === undefined) throw corrupt('it has no valid header');
  if (guid(header, 48) !== '0'.repeat(32)) throw unsupported('was not closed and has a log, which is not replayed here: open it once with what made it, or "qemu-img check -r all"');

  const regions = new Map<string, { at: number; length: number }>();
  const regionTable = REGION_TABLES.map((at) => viewOf(readBytes(file, at, 0x1_0000))).find((view) => view.getUint32(0) === 0x7265_6769 && crc32c(view, 4) === view.getUint32(4, true));
  if (regionTable === undefined) throw corrupt('it has no valid region table');
  const regionCount = regionTable.getUint32(8, true);
  if (regionCount > MAX_REGIONS) throw corrupt(`${regionCount} regions`);
  for (let i = 0; i < regionCount; i++) {
    const entry = 16 + 32 * i;
    const region = { at: u64(regionTable, entry + 16), length: regionTable.getUint32(entry + 24, true) };
    if (region.at + region.length > file.length) throw corrupt(`a region (${region.length} bytes at ${region.at}) does not lie in the file`);
    const id = guid(regionTable, entry);
    if (id !== BAT_GUID && id !== METADATA_GUID && (regionTable.getUint32(entry + 28, true) & 1) !== 0) throw unsupported('has a required region that is not known here');
    regions.set(id, region);
  }
  const bat = regions.get(BAT_GUID);
  const metadata = regions.get(METADATA_GUID);
  if (bat === undefined || metadata === undefined || bat.length > MAX_BAT_BYTES || metadata.length < 0x1_0000) throw corrupt('it has no block allocation table or no metadata');

  // 2.6: what the disk is.
  const items = new Map<string, DataView>();
  const table = viewOf(readBytes(file, metadata.at, 0x1_0000));
  const count = table.getUint16(10, true);
  if (table.getUint32(0) !== 0x6d65_7461 || count > MAX_METADATA) throw corrupt('its metadata table is damaged');
  for (let i = 0; i < count; i++) {
    const entry = 32 + 32 * i;
    const offset = table.getUint32(entry + 16, true);
    const length = table.getUint32(entry + 20, true);
    if (offset + length > metadata.length) throw corrupt('a metadata item does not lie in its region');
    items.set(guid(table, entry), viewOf(readBytes(file, metadata.at + offset, Math.max(8, Math.min(length, 64)))));
  }
  const item = (id: string, what: string): DataView => {
    const found = items.get(id);
    if (found === undefined) throw corrupt(`its metadata lacks the ${what}`);
    return found;
  };
  const parameters = item(FILE_PARAMETERS, 'file parameters');
  const block = parameters.getUint32(0, true);
  const size = u64(item(VIRTUAL_DISK_SIZE, 'size of the disk'), 0);
  const sector = item(LOGICAL_SECTOR_SIZE, 'sector size').getUint32(0, true);
  if ((parameters.getUint32(4, true) & 2) !== 0) throw unsupported('is a differencing image; those that stand alone are read');
  if (block < 2 ** 20 || block > 2 ** 28 || !Number.isInteger(Math.log2(block)) || (sector !== 512 && sector !== 4096)) throw corrupt(`blocks of ${block} bytes with sectors of ${sector}`);
  const blocks = Math.ceil(size / block);
  const ratio = (CHUNK_SECTORS * sector) / block;
  // 2.5.1: after every `ratio` payload entries there is one for a sector bitmap.
  const entryOf = (index: number): number => index + Math.floor(index / ratio);
  if (!Number.isSafeInteger(size) || size === 0 || size % 512 !== 0 || blocks > MAX_BLOCKS || (entryOf(blocks - 1) + 1) * 8 > bat.length)
    throw corrupt(`a disk of ${size} bytes with a block allocation table of ${bat.length}`);
  const entries = viewOf(readBytes(file, bat.at, bat.length));
  return new ChunkedImage({
    name: file.name,
    size,
    chunk: block,
    read: (index, within, into) => {
      const at = 8 * entryOf(index);
      const state = entries.getUint32(at, true) & 7;
      // 2.5.1.1: not present, undefined, zero and unmapped blocks read as zeros.
      if (state !== BLOCK_FULLY_PRESENT) return void into.fill(0);
      const offset = Math.floor(entries.getUint32(at, true) / 2 ** 20) * 2 ** 20 + entries.getUint32(at + 4, true) * 2 ** 32;
      if (offset < 2 ** 20 || offset >= file.length) throw corrupt(`block ${index} at ${offset} does not lie in the file`);
      file.read(offset + within, into);
    },
    close: () => file.close(),
  });
}

/** The sixteen bytes as they stand in the file, with the first three fields turned around as a GUID is written. */
function guid(view: DataView, at: number): string {
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  return order.map((i) => view.getUint8(at + i).toString(16).padStart(2, '0')).join('');
}

/** CRC-32C (2.2.2) of all of `view`, with the four bytes of the checksum itself taken as zeros. */
function crc32c(view: DataView, checksumAt: number): number {
  let crc = 0xffff_ffff;
  for (let i = 0; i < view.byteLength; i++) {
    crc ^= i >= checksumAt && i < checksumAt + 4 ? 0 : view.getUint8(i);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return ~crc >>> 0;
}
