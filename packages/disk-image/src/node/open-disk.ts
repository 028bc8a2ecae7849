import { realpathSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import type { BlockBackend } from '@pckit/interfaces';
import { DiskImageError } from '../disk-image-error.js';
import { detectFormat, DISK_FORMATS, HEAD_BYTES, TAIL_BYTES } from '../formats/detect.js';
import type { DiskFormat } from '../formats/detect.js';
import { openVhd } from '../formats/vhd.js';
import { openVhdx } from '../formats/vhdx.js';
import { openVmdk } from '../formats/vmdk.js';
import { readBytes } from '../image-file.js';
import { OverlayDisk } from '../overlay-disk.js';
import { readHeader } from '../qcow2/header.js';
import { Qcow2Disk } from '../qcow2/qcow2-disk.js';
import { nodeDecompressors } from './decompressors.js';
import { FileClusters } from './file-clusters.js';
import { host } from './host.js';
import { OsFile } from './os-file.js';
import { RawFile } from './raw-file.js';

export interface OpenDiskOptions {
  readonly readOnly?: boolean;
  /** Leave the image as it is and keep what is written in memory (`true`) or in this file. */
  readonly overlay?: boolean | string;
  /** What the file is. Found out by its magic numbers when absent; a raw image then never becomes anything else by what a guest writes. */
  readonly format?: DiskFormat;
}

/** An open disk image. */
export type OpenDisk = BlockBackend & { close(): void };

/** Backing files of backing files. */
const MAX_DEPTH = 32;
/** What QEMU would take for a protocol, or for a description of a disk. */
const NO_PATH = /^[a-z][a-z0-9+.-]*:/i;

/** Opens a disk image. It is the caller's to close. */
export function openDisk(path: string, options: OpenDiskOptions = {}): OpenDisk {
  const { readOnly = false, overlay = false } = options;
  if (readOnly || overlay === false) return openImage(path, { ...options, readOnly }, []);
  const base = openImage(path, { ...options, readOnly: true }, []);
  try {
    if (overlay === true) return new OverlayDisk(base) as OverlayDisk & { close(): void };
    return new OverlayDisk(base, { store: new FileClusters(overlay, base.size) }) as OverlayDisk & { close(): void };
  } catch (error) {
    base.close();
    throw error;
  }
}

/** What the file is, by its magic numbers. @throws DiskImageError for what is no disk, or none that is read here */
export function formatOf(path: string): DiskFormat {
  const file = new OsFile(path, { readOnly: true });
  try {
    if (file.length === 0) throw new DiskImageError('bad-size', `${path} is empty: a disk has at least one sector`);
    const detected = detectFormat(readBytes(file, 0, HEAD_BYTES), readBytes(file, Math.max(0, file.length - TAIL_BYTES), TAIL_BYTES));
    if ('format' in detected) return detected.format;
    throw new DiskImageError('unsupported-format', `${path} looks like ${detected.other}, not like a disk that is read here; format=raw takes it as it is`);
  } finally {
    file.close();
  }
}

/** @param above the images that lead to this one, as backing files */
function openImage(path: string, options: { readonly readOnly: boolean; readonly format?: DiskFormat }, above: readonly string[]): OpenDisk {
  const { readOnly } = options;
  const format = options.format ?? formatOf(path);
  if (format === 'raw') return new RawFile(path, { readOnly, force: true, guessed: options.format === undefined });
  if (!readOnly && format !== 'qcow2') throw new DiskImageError('read-only', `${path} is a ${format.toUpperCase()} image, which is only read`);
  const file = new OsFile(path, { readOnly });
  try {
    switch (format) {
      case 'qcow2':
        return openQcow2(file, readOnly, above);
      case 'vmdk':
        return openVmdk(file, { decompressors: nodeDecompressors, openExtent: (name) => new OsFile(besides(path, name), { readOnly: true }) }) as OpenDisk;
      case 'vhd':
        return openVhd(file);
      case 'vhdx':
        return openVhdx(file);
    }
  } catch (error) {
    file.close();
    throw error;
  }
}

function openQcow2(file: OsFile, readOnly: boolean, above: readonly string[]): Qcow2Disk {
  const own = host(file.name, 'find', () => realpathSync(file.name));
  const { backing } = readHeader(file);
  if (backing === undefined) return new Qcow2Disk(file, { readOnly, decompressors: nodeDecompressors });
  if (above.includes(own)) throw new DiskImageError('corrupt', `${file.name} is its own backing file, by way of ${above.length} others`);
  if (above.length >= MAX_DEPTH) throw new DiskImageError('corrupt', `${file.name}: more than ${MAX_DEPTH} backing files one behind another`);
  const format = DISK_FORMATS.find((known) => known === (backing.format === 'vpc' ? 'vhd' : backing.format));
  if (backing.format !== undefined && format === undefined) throw new DiskImageError('unsupported-format', `${file.name}: its backing file is in the format ${JSON.stringify(backing.format)}`);
  const base = openImage(besides(file.name, backing.path), { readOnly: true, ...(format === undefined ? {} : { format }) }, [...above, own]);
  try {
    return new Qcow2Disk(file, { readOnly, backing: base, decompressors: nodeDecompressors });
  } catch (error) {
    base.close();
    throw error;
  }
}

/** A file that an image names: beside the image, unless the name is absolute. */
function besides(image: string, name: string): string {
  if (NO_PATH.test(name)) throw new DiskImageError('unsupported-format', `${image} names ${JSON.stringify(name)}, which is no file`);
  return isAbsolute(name) ? name : resolve(dirname(image), name);
}
