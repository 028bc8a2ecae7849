import type { BlockBackend } from '@pckit/interfaces';
import type { Decompressors } from '../decompressor.js';
import { DiskImageError } from '../disk-image-error.js';
import { readBytes, viewOf } from '../image-file.js';
import type { ImageFile } from '../image-file.js';
import { ChunkedImage } from './chunked-image.js';

/**
 * VMDK images: VMware's "Virtual Disk Format 5.0". A descriptor (a text) names extents, which are flat files or sparse ones; a monolithic sparse image holds
 * its descriptor itself. Little-endian; units are sectors. Read only.
 */

const MAX_DESCRIPTOR = 1 << 20;
const MAX_EXTENTS = 4096;
const MAX_DIRECTORY_BYTES = 32 << 20;
const FLAG_ZERO_GRAINS = 0x04;
const FLAG_COMPRESSED = 0x1_0000;
const AT_END = 0xffff_ffff;

export interface VmdkWires {
  /** Opens another file of the image, by the name that the descriptor has for it. */
  readonly openExtent: (name: string) => ImageFile;
  readonly decompressors?: Decompressors;
}

/** @throws DiskImageError for what is no VMDK image, is damaged, or needs its parent */
export function openVmdk(file: ImageFile, wires: VmdkWires): BlockBackend {
  const sparse = viewOf(readBytes(file, 0, 4)).getUint32(0) === 0x4b44_4d56;
  if (!sparse) {
    const descriptor = latin1(readBytes(file, 0, Math.min(file.length, MAX_DESCRIPTOR)));
    expectNoParent(file.name, descriptor);
    const disk = joinExtents(file, descriptor, wires);
    file.close();
    return disk;
  }
  const header = viewOf(readBytes(file, 0, 512));
  const at = u64(header, 28) * 512;
  const length = Math.min(u64(header, 36) * 512, MAX_DESCRIPTOR);
  if (at !== 0 && length !== 0 && at + length <= file.length) expectNoParent(file.name, latin1(readBytes(file, at, length)));
  return openSparse(file, wires.decompressors);
}

/** "Hosted sparse extents": a grain directory, grain tables, grains. */
function openSparse(file: ImageFile, decompressors: Decompressors | undefined): ChunkedImage {
  const corrupt = (why: string): DiskImageError => new DiskImageError('corrupt', `${file.name}: ${why}`);
  let header = viewOf(readBytes(file, 0, 512));
  // A stream-optimized extent has its directory at the end, and a copy of the header that says where.
  if (header.getUint32(56, true) === AT_END && header.getUint32(60, true) === AT_END) header = viewOf(readBytes(file, Math.max(0, file.length - 1024), 512));
  const flags = header.getUint32(8, true);
  const size = u64(header, 12) * 512;
  const grain = u64(header, 20) * 512;
  const perTable = header.getUint32(44, true);
  const directoryAt = u64(header, 56) * 512;
  const compressed = (flags & FLAG_COMPRESSED) !== 0;
  if (header.getUint32(0) !== 0x4b44_4d56 || header.getUint32(4, true) > 3) throw corrupt('it has no sparse extent header');
  if (!Number.isSafeInteger(size) || size === 0 || grain < 4096 || grain > 2 ** 24 || !Number.isInteger(Math.log2(grain)) || perTable < 1 || perTable > 512)
    throw corrupt(`a disk of ${size} bytes in grains of ${grain}, ${perTable} to a table`);
  if (compressed && header.getUint16(77, true) !== 1) throw new DiskImageError('unsupported-format', `${file.name} is compressed in a way that is not known here`);
  const tables = Math.ceil(size / grain / perTable);
  if (tables * 4 > MAX_DIRECTORY_BYTES || directoryAt + tables * 4 > file.length) throw corrupt(`a grain directory of ${tables} entries at ${directoryAt} does not lie in the file`);
  const directory = viewOf(readBytes(file, directoryAt, tables * 4));
  let cached: { index: number; view: DataView } | undefined;
  const tableOf = (index: number): DataView | undefined => {
    if (cached?.index === index) return cached.view;
    const at = directory.getUint32(4 * index, true) * 512;
    if (at === 0) return undefined;
    if (at + perTable * 4 > file.length) throw corrupt(`a grain table at ${at} does not lie in the file`);
    cached = { index, view: viewOf(readBytes(file, at, perTable * 4)) };
    return cached.view;
  };
  let inflated: { at: number; bytes: Uint8Array } | undefined;
  const inflate = (at: number): Uint8Array => {
    if (inflated?.at === at) return inflated.bytes;
    if (decompressors === undefined) throw new DiskImageError('unsupported-format', `${file.name} has compressed grains, which can't be read here`);
    // A grain marker: the grain's sector and its length compressed.
    const length = viewOf(readBytes(file, at, 12)).getUint32(8, true);
    if (length > 2 * grain || at + 12 + length > file.length) throw corrupt(`a compressed grain of ${length} bytes at ${at}`);
    try {
      inflated = { at, bytes: decompressors.inflate(readBytes(file, at + 12, length), grain) };
    } catch (error) {
      throw new DiskImageError('corrupt', `${file.name}: the compressed grain at ${at} is damaged`, { cause: error });
    }
    return inflated.bytes;
  };
  return new ChunkedImage({
    name: file.name,
    size,
    chunk: grain,
    read: (index, within, into) => {
      const entry = tableOf(Math.floor(index / perTable))?.getUint32(4 * (index % perTable), true) ?? 0;
      if (entry === 0 || (entry === 1 && (flags & FLAG_ZERO_GRAINS) !== 0)) return void into.fill(0);
      const at = entry * 512;
      if (at >= file.length) throw corrupt(`a grain at ${at} does not lie in the file`);
      if (compressed) into.set(inflate(at).subarray(within, within + into.length));
      else file.read(at + within, into);
    },
    close: () => file.close(),
  });
}

interface Extent {
  readonly start: number;
  readonly size: number;
  readonly read: (offset: number, into: Uint8Array) => void;
  readonly close: () => void;
}

/** "The extent description": `RW 4192256 SPARSE "disk-s001.vmdk"`, `RW 8388608 FLAT "disk-flat.vmdk" 0`. */
function joinExtents(file: ImageFile, descriptor: string, { openExtent, decompressors }: VmdkWires): BlockBackend {
  const extents: Extent[] = [];
  let size = 0;
  try {
    for (const line of descriptor.split(/\r?\n/)) {
      const match = /^(?:RW|RDONLY) (\d{1,15}) (FLAT|SPARSE|ZERO)(?: "([^"]+)"(?: (\d{1,15}))?)?\s*$/.exec(line);
      if (match === null) {
        if (/^(?:RW|RDONLY|NOACCESS) /.test(line)) throw new DiskImageError('unsupported-format', `${file.name} has an extent that is not known here: ${line.slice(0, 80)}`);
        continue;
      }
      if (extents.length === MAX_EXTENTS) throw new DiskImageError('corrupt', `${file.name} has more than ${MAX_EXTENTS} extents`);
      const length = Number(match[1]) * 512;
      extents.push({ start: size, size: length, ...openOne(file.name, { kind: match[2], name: match[3], from: Number(match[4] ?? 0) * 512, length }, openExtent, decompressors) });
      size += length;
    }
    if (extents.length === 0 || size === 0 || !Number.isSafeInteger(size)) throw new DiskImageError('corrupt', `${file.name} describes no extents`);
  } catch (error) {
    for (const extent of extents) extent.close();
    throw error;
  }
  return new ChunkedImage({
    name: file.name,
    size,
    chunk: size,
    read: (_index, within, into) => {
      for (let done = 0; done < into.length; ) {
        const at = within + done;
        const extent = extents.find(({ start, size: length }) => at >= start && at < start + length) as Extent;
        const part = into.subarray(done, done + Math.min(extent.start + extent.size - at, into.length - done));
        extent.read(at - extent.start, part);
        done += part.length;
      }
    },
    close: () => extents.forEach((extent) => extent.close()),
  });
}

function openOne(
  image: string,
  { kind, name, from, length }: { readonly kind: string | undefined; readonly name: string | undefined; readonly from: number; readonly length: number },
  openExtent: VmdkWires['openExtent'],
  decompressors: Decompressors | undefined,
): Pick<Extent, 'read' | 'close'> {
  if (kind === 'ZERO') return { read: (_offset, into) => void into.fill(0), close: () => undefined };
  if (name === undefined) throw new DiskImageError('corrupt', `${image} has an extent without a file`);
  const extent = openExtent(name);
  try {
    if (kind === 'FLAT') {
      if (from + length > extent.length) throw new DiskImageError('corrupt', `${image}: ${extent.name} of ${extent.length} bytes ends before its extent of ${length} at ${from}`);
      return { read: (offset, into) => extent.read(from + offset, into), close: () => extent.close() };
    }
    const sparse = openSparse(extent, decompressors);
    if (sparse.size < length) throw new DiskImageError('corrupt', `${image}: ${extent.name} holds ${sparse.size} bytes of an extent of ${length}`);
    return { read: (offset, into) => sparse.read(offset, into), close: () => sparse.close() };
  } catch (error) {
    extent.close();
    throw error;
  }
}

function expectNoParent(name: string, descriptor: string): void {
  const parent = /^parentCID=([0-9a-fA-F]{1,8})/m.exec(descriptor)?.[1];
  if (parent !== undefined && Number.parseInt(parent, 16) !== 0xffff_ffff) throw new DiskImageError('unsupported-format', `${name} is a difference to another image; those that stand alone are read`);
}

function u64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
