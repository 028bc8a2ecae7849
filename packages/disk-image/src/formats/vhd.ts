import { DiskImageError } from '../disk-image-error.js';
import { readBytes, viewOf } from '../image-file.js';
import type { ImageFile } from '../image-file.js';
import { ChunkedImage } from './chunked-image.js';

/** VHD images, fixed and dynamic: Microsoft's "Virtual Hard Disk Image Format Specification", October 2006. Big-endian. Read only. */

const FOOTER_BYTES = 512;
const TYPE_FIXED = 2;
const TYPE_DYNAMIC = 3;
const UNUSED = 0xffff_ffff;
/** Entries of the block allocation table: 2 TiB, the format's limit, in blocks of 512 KiB. */
const MAX_ENTRIES = 2 ** 22;

/** @throws DiskImageError for what is no VHD image, is damaged, or needs its parent */
export function openVhd(file: ImageFile): ChunkedImage {
  const corrupt = (why: string): DiskImageError => new DiskImageError('corrupt', `${file.name}: ${why}`);
  const footer = viewOf(readBytes(file, Math.max(0, file.length - FOOTER_BYTES), FOOTER_BYTES));
  if (text(footer, 0, 8) !== 'conectix') throw corrupt('it has no VHD footer');
  let sum = 0;
  for (let i = 0; i < FOOTER_BYTES; i++) if (i < 64 || i >= 68) sum += footer.getUint8(i);
  if (~sum >>> 0 !== footer.getUint32(64)) throw corrupt("its footer's checksum is wrong");
  const u64 = (view: DataView, at: number): number => view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
  const type = footer.getUint32(60);
  // What Virtual PC makes has the size in its geometry; everyone else, and this, takes the current size.
  const size = u64(footer, 48);
  if (!Number.isSafeInteger(size) || size === 0 || size % 512 !== 0) throw corrupt(`a disk of ${size} bytes`);
  const close = (): void => file.close();
  if (type === TYPE_FIXED) {
    if (size > file.length - FOOTER_BYTES) throw corrupt(`a disk of ${size} bytes in a file of ${file.length}`);
    return new ChunkedImage({ name: file.name, size, chunk: size, read: (_index, within, into) => file.read(within, into), close });
  }
  if (type !== TYPE_DYNAMIC) throw new DiskImageError('unsupported-format', `${file.name} is a VHD image of type ${type}; fixed and dynamic ones are read`);

  const headerAt = u64(footer, 16);
  if (headerAt + 1024 > file.length) throw corrupt(`its header at ${headerAt} does not lie in the file`);
  const header = viewOf(readBytes(file, headerAt, 1024));
  if (text(header, 0, 8) !== 'cxsparse') throw corrupt('it has no dynamic disk header');
  const tableAt = u64(header, 16);
  const entries = header.getUint32(28);
  const block = header.getUint32(32);
  if (block < 512 || block > 2 ** 30 || !Number.isInteger(Math.log2(block))) throw corrupt(`blocks of ${block} bytes`);
  if (entries > MAX_ENTRIES || entries * block < size || tableAt + entries * 4 > file.length) throw corrupt(`a table of ${entries} blocks of ${block} bytes at ${tableAt} for a disk of ${size}`);
  const table = viewOf(readBytes(file, tableAt, entries * 4));
  // Each block begins with a bitmap of its sectors, which dynamic disks set when they allocate; sectors without a bit are zeros.
  const bitmapBytes = Math.ceil(block / 512 / 8 / 512) * 512;
  return new ChunkedImage({
    name: file.name,
    size,
    chunk: block,
    read: (index, within, into) => {
      const sector = table.getUint32(4 * index);
      if (sector === UNUSED) return void into.fill(0);
      const at = sector * 512;
      if (at + bitmapBytes + block > file.length) throw corrupt(`block ${index} at ${at} does not lie in the file`);
      const bitmap = readBytes(file, at, bitmapBytes);
      file.read(at + bitmapBytes + within, into);
      for (let done = 0; done < into.length; ) {
        const bit = Math.floor((within + done) / 512);
        const n = Math.min(512 - ((within + done) % 512), into.length - done);
        if ((bitmap[bit >> 3] & (0x80 >>> (bit & 7))) === 0) into.fill(0, done, done + n);
        done += n;
      }
    },
    close,
  });
}

function text(view: DataView, at: number, length: number): string {
  return Array.from({ length }, (_, i) => String.fromCharCode(view.getUint8(at + i))).join('');
}
