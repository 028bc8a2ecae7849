import { closeSync, constants, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, readv, readvSync, writev, writevSync } from 'node:fs';
import type { BlockBackend } from '@pckit/interfaces';
import { DiskImageError, checkRange } from '../disk-image-error.js';
import { detectFormat, HEAD_BYTES } from '../formats/detect.js';
import { SECTOR } from '../sectors.js';
import { FileLock } from './file-lock.js';
import { host, readAll, writeAll } from './host.js';

// A raw image: the file's bytes are the disk's. Positional system calls, synchronous: a promise costs more than the transfer (see
// README), and a synchronous backend moves data straight into the guest's memory.

/** Most buffers in one system call: IOV_MAX of Linux and macOS. */
const MAX_BUFFERS = 1024;
/** Zeros are looked for, and written, in pieces of this size. */
const CHUNK = 64 * 1024;

/** `readv` or `writev`. */
type VectorCall = (fd: number, buffers: readonly Uint8Array[], position: number, done: (error: Error | null, moved: number) => void) => void;

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
    readAll(this.path, this.#fd, offset, into);
  }

  readv(offset: number, into: readonly Uint8Array[]): void {
    this.#check(offset, bytesIn(into));
    this.#each(offset, into, (at, part) => host(this.path, 'read', () => readvSync(this.#fd, part, at)), (at, rest) => readAll(this.path, this.#fd, at, rest));
  }

  write(offset: number, from: Uint8Array): void {
    this.#checkWrite(offset, from.length);
    if (this.#guessed && offset === 0) this.#expectRaw(from);
    writeAll(this.path, this.#fd, offset, from);
  }

  writev(offset: number, from: readonly Uint8Array[]): void {
    this.#checkWrite(offset, bytesIn(from));
    if (this.#guessed && offset === 0) this.#expectRaw(headOf(from));
    this.#each(offset, from, (at, part) => host(this.path, 'write', () => writevSync(this.#fd, part, at)), (at, rest) => writeAll(this.path, this.#fd, at, rest));
  }

  async readvBeside(offset: number, into: readonly Uint8Array[]): Promise<void> {
    const length = bytesIn(into);
    this.#check(offset, length);
    // What is short, or fails, is done again from the start by calls that say why.
    if (into.length > MAX_BUFFERS || !(await this.#whole(readv, offset, into, length))) this.readv(offset, into);
  }

  async writevBeside(offset: number, from: readonly Uint8Array[]): Promise<void> {
    const length = bytesIn(from);
    this.#checkWrite(offset, length);
    // A look at the first bytes is worth something only if the guest can't change them afterwards.
    const looks = this.#guessed && offset === 0;
    if (looks || from.length > MAX_BUFFERS || !(await this.#whole(writev, offset, from, length))) this.writev(offset, from);
  }

  #whole(call: VectorCall, offset: number, buffers: readonly Uint8Array[], length: number): Promise<boolean> {
    return new Promise((done) => {
      call(this.#fd, buffers, offset, (error, moved) => {
        done(error === null && moved === length);
      });
    });
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

  /** Moves all `buffers`: as many by one `call` as it takes, and what it left of a buffer by `finish`. */
  #each(offset: number, buffers: readonly Uint8Array[], call: (at: number, part: readonly Uint8Array[]) => number, finish: (at: number, rest: Uint8Array) => void): void {
    let at = offset;
    for (let next = 0; next < buffers.length; ) {
      const part = next === 0 && buffers.length <= MAX_BUFFERS ? buffers : buffers.slice(next, next + MAX_BUFFERS);
      let moved = call(at, part);
      at += moved;
      const end = next + part.length;
      for (; next < end && moved >= buffers[next].length; next++) moved -= buffers[next].length;
      if (next === end) continue;
      const rest = buffers[next++].subarray(moved);
      finish(at, rest);
      at += rest.length;
    }
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

function bytesIn(buffers: readonly Uint8Array[]): number {
  let length = 0;
  for (const buffer of buffers) length += buffer.length;
  return length;
}

/** A copy of as much of the beginning as a format is known by. */
function headOf(buffers: readonly Uint8Array[]): Uint8Array {
  const head = new Uint8Array(Math.min(HEAD_BYTES, bytesIn(buffers)));
  let done = 0;
  for (const buffer of buffers) {
    if (done === head.length) break;
    head.set(buffer.subarray(0, head.length - done), done);
    done += Math.min(buffer.length, head.length - done);
  }
  return head;
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
