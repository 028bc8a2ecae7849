import { closeSync, constants, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import type { BlockBackend } from '@pckit/interfaces';
import { DiskImageError, checkRange } from '../disk-image-error.js';
import { detectFormat, HEAD_BYTES } from '../formats/detect.js';
import { SECTOR } from '../sectors.js';
import { FileLock } from './file-lock.js';
import { host } from './host.js';

// A raw image: the file's bytes are the disk's. Positional system calls, synchronous: a promise costs more than the transfer (see
// README), and a synchronous backend moves data straight into the guest's memory.

/** Zeros are looked for, and written, in pieces of this size. */
const CHUNK = 64 * 1024;

export interface RawFileOptions {
  readonly readOnly?: boolean;
  /** A writable image is locked against a second pckit (`FILE.lock`). Default true. */
  readonly lock?: boolean;
  /** Take a file for raw though it looks like another format. Default false. */
  readonly force?: boolean;
  /** Nobody said that the image is raw: a guest's write that would make it look like another format fails. Default false. */
  readonly guessed?: boolean;
}

/**
 * A raw disk image in a file. A file that doesn't end at a sector is taken as if zeros followed, as QEMU does; a write into its last
 * sector makes it longer. Holes stay holes under `writeZeroes`; there is no `discard`, as Node can't punch any.
 */
export class RawFile implements BlockBackend {
  readonly path: string;
  readonly size: number;
  readonly readOnly: boolean;
  readonly synchronous = true;
  readonly #fd: number;
  readonly #lock: FileLock | undefined;
  readonly #guessed: boolean;
  #chunk: Uint8Array | undefined;
  #open = true;

  constructor(path: string, options: RawFileOptions = {}) {
    this.path = path;
    this.readOnly = options.readOnly ?? false;
    this.#guessed = options.guessed ?? false;
    this.#fd = host(path, 'open', () => openSync(path, this.readOnly ? constants.O_RDONLY : constants.O_RDWR));
    try {
      const stat = fstatSync(this.#fd);
      if (!stat.isFile()) throw new DiskImageError('unsupported-format', `${path} is not a regular file`);
      if (stat.size === 0) throw new DiskImageError('bad-size', `${path} is empty: a disk has at least one sector`);
      this.size = Math.ceil(stat.size / SECTOR) * SECTOR;
      if (options.force !== true) this.#refuseOtherFormats();
      if (!this.readOnly && options.lock !== false) this.#lock = new FileLock(path);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  read(offset: number, into: Uint8Array): void {
    this.#check(offset, into.length);
    for (let done = 0; done < into.length; ) {
      const n = host(this.path, 'read', () => readSync(this.#fd, into, done, into.length - done, offset + done));
      if (n === 0) {
        // Past the end: the rest of the last sector, or the file was made shorter behind our back.
        into.fill(0, done);
        return;
      }
      done += n;
    }
  }

  write(offset: number, from: Uint8Array): void {
    this.#checkWrite(offset, from.length);
    if (this.#guessed && offset === 0) this.#expectRaw(from);
    for (let done = 0; done < from.length; ) done += host(this.path, 'write', () => writeSync(this.#fd, from, done, from.length - done, offset + done));
  }

  flush(): void {
    this.#check(0, 0);
    if (!this.readOnly) host(this.path, 'flush', () => fdatasyncSync(this.#fd));
  }

  writeZeroes(offset: number, length: number, _mayUnmap = true): void {
    this.#checkWrite(offset, length);
    const chunk = (this.#chunk ??= new Uint8Array(CHUNK));
    for (let done = 0; done < length; ) {
      const part = chunk.subarray(0, Math.min(CHUNK, length - done));
      this.read(offset + done, part);
      if (part.some((byte) => byte !== 0)) this.write(offset + done, part.fill(0));
      done += part.length;
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#lock?.release();
    closeSync(this.#fd);
  }

  #refuseOtherFormats(): void {
    const head = new Uint8Array(Math.min(HEAD_BYTES, this.size));
    readSync(this.#fd, head, 0, head.length, 0);
    const detected = detectFormat(head, new Uint8Array(0));
    const format = 'other' in detected ? detected.other : detected.format === 'raw' ? undefined : `a ${detected.format} image`;
    if (format !== undefined) throw new DiskImageError('unsupported-format', `${this.path} looks like ${format}, not like a raw one`);
  }

  /** The next one to open the image would take it for what the guest says it is: with a backing file of the guest's choice, for one. */
  #expectRaw(head: Uint8Array): void {
    const detected = detectFormat(head, new Uint8Array(0));
    if (!('format' in detected) || detected.format === 'raw') return;
    throw new DiskImageError('unsupported-format', `${this.path}: the guest writes the beginning of another format; format=raw allows it`);
  }

  #checkWrite(offset: number, length: number): void {
    if (this.readOnly) throw new DiskImageError('read-only', `${this.path} is open for reading only`);
    this.#check(offset, length);
  }

  #check(offset: number, length: number): void {
    if (!this.#open) throw new DiskImageError('closed', `${this.path} was closed`);
    checkRange(this.path, this.size, offset, length);
  }
}

/** Makes a file of `size` zeros without writing them. An existing file is not touched. */
export function createRawFile(path: string, size: number): void {
  if (!Number.isSafeInteger(size) || size <= 0 || size % SECTOR !== 0) throw new DiskImageError('bad-size', `${path}: ${size} bytes are not a multiple of ${SECTOR}`);
  const fd = host(path, 'create', () => openSync(path, 'wx'));
  try {
    host(path, 'create', () => ftruncateSync(fd, size));
  } finally {
    closeSync(fd);
  }
}
