/**
 * The "newc" cpio format, as Linux unpacks it (Documentation/driver-api/early-userspace/buffer-format.rst): a 110-byte header
 * of ASCII hex fields, the name with its NUL, the data; name and data each padded to 4 bytes. The archive ends at TRAILER!!!.
 */
import { ImageError } from './image-error.js';

export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;

const HEADER_LENGTH = 110;
const TRAILER = 'TRAILER!!!';

export interface CpioEntry {
  /** Without a leading slash. */
  readonly path: string;
  /** Type and permissions, as st_mode. */
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds since 1970. */
  readonly mtime?: number;
  /** A file's contents; a symbolic link's target. */
  readonly data?: Uint8Array;
  /** Major and minor number of a device node. */
  readonly device?: readonly [number, number];
}

const align4 = (length: number): number => (length + 3) & ~3;

/** @param padTo length of the archive is a multiple of this; 512 is what cpio and gen_init_cpio do */
export function writeCpio(entries: Iterable<CpioEntry>, padTo = 512): Uint8Array {
  const encoder = new TextEncoder();
  const prepared: { readonly entry: CpioEntry; readonly name: Uint8Array; readonly data: Uint8Array }[] = [];
  const seen = new Set<string>();
  let total = 0;
  const empty = new Uint8Array(0);
  const prepare = (entry: CpioEntry): void => {
    const name = encoder.encode(`${entry.path}\0`);
    const data = entry.data ?? empty;
    prepared.push({ entry, name, data });
    total = align4(align4(total + HEADER_LENGTH + name.length) + data.length);
  };
  for (const entry of entries) {
    if (entry.path === '' || entry.path.startsWith('/') || entry.path === TRAILER || entry.path.includes('\0')) {
      throw new ImageError('bad-option', `cpio: ${JSON.stringify(entry.path)} can't be an entry's path`);
    }
    if (seen.has(entry.path)) throw new ImageError('bad-option', `cpio: two entries for ${entry.path}`);
    seen.add(entry.path);
    prepare(entry);
  }
  prepare({ path: TRAILER, mode: 0 });

  const archive = new Uint8Array(Math.ceil(total / padTo) * padTo);
  let at = 0;
  let inode = 0;
  for (const { entry, name, data } of prepared) {
    const isTrailer = entry.path === TRAILER;
    const isDirectory = (entry.mode & S_IFMT) === S_IFDIR;
    const fields = [
      isTrailer ? 0 : ++inode,
      entry.mode,
      entry.uid ?? 0,
      entry.gid ?? 0,
      isDirectory ? 2 : 1, // c_nlink
      entry.mtime ?? 0,
      data.length,
      0, // c_maj, c_min: of the device that the file came from
      0,
      entry.device?.[0] ?? 0,
      entry.device?.[1] ?? 0,
      name.length,
      0, // c_check: only in the "070702" flavour
    ];
    const header = '070701' + fields.map((field) => (field >>> 0).toString(16).padStart(8, '0')).join('');
    encoder.encodeInto(header, archive.subarray(at));
    archive.set(name, at + HEADER_LENGTH);
    at = align4(at + HEADER_LENGTH + name.length);
    archive.set(data, at);
    at = align4(at + data.length);
  }
  return archive;
}

/** The entries of one archive; data are views into `archive`. What follows the trailer is left alone. */
export function* readCpio(archive: Uint8Array): Generator<CpioEntry, void, undefined> {
  const decoder = new TextDecoder();
  let at = 0;
  for (;;) {
    if (at + HEADER_LENGTH > archive.length) throw new ImageError('truncated', `cpio: no header at ${at}, and no trailer before`);
    const header = decoder.decode(archive.subarray(at, at + HEADER_LENGTH));
    if (!/^07070[12][0-9a-fA-F]{104}$/.test(header)) throw new ImageError('malformed', `cpio: no newc header at ${at}`);
    const field = (index: number): number => Number.parseInt(header.slice(6 + index * 8, 14 + index * 8), 16);
    const nameLength = field(11);
    const dataLength = field(6);
    const dataAt = align4(at + HEADER_LENGTH + nameLength);
    if (nameLength < 1) throw new ImageError('malformed', `cpio: entry at ${at} has no name`);
    if (at + HEADER_LENGTH + nameLength > archive.length || dataAt + dataLength > archive.length) {
      throw new ImageError('truncated', `cpio: entry at ${at} needs ${nameLength} + ${dataLength} bytes, the archive ends at ${archive.length}`);
    }
    if (archive[at + HEADER_LENGTH + nameLength - 1] !== 0) throw new ImageError('malformed', `cpio: name at ${at} has no end`);
    const path = decoder.decode(archive.subarray(at + HEADER_LENGTH, at + HEADER_LENGTH + nameLength - 1));
    if (path === TRAILER) return;
    const mode = field(1);
    const type = mode & S_IFMT;
    yield {
      path,
      mode,
      uid: field(2),
      gid: field(3),
      mtime: field(5),
      data: archive.subarray(dataAt, dataAt + dataLength),
      ...(type === S_IFBLK || type === S_IFCHR ? { device: [field(9), field(10)] as const } : {}),
    };
    at = dataAt + align4(dataLength);
  }
}
