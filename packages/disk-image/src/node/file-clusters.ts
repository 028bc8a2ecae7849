import { closeSync, existsSync, fdatasyncSync, openSync, readSync, writeSync } from 'node:fs';
import type { OverlayStore } from '../overlay-disk.js';
import { DiskImageError } from '../disk-image-error.js';
import { SECTOR } from '../sectors.js';
import { FileLock } from './file-lock.js';
import { host } from './host.js';

// An overlay in a file of its own, which outlives the process. The format is ours:
//
//   0     "PCKITOVL", version (u32, 1), sector size (u32, 512), the base's size (u64)
//   4096  one bit for each sector of the base, set if the overlay has it; least significant bit first; padded to 4096
//   then  the sectors, each at its own place (the file is sparse)
//
// All numbers are little-endian. A sector's bit is written by `flush`, after its data is durable: after a crash the overlay holds what
// was flushed, and of later writes perhaps some.

const MAGIC = 'PCKITOVL';
const VERSION = 1;
const HEADER = 4096;
const HEADER_USED = 24;
const ZEROS = 64 * 1024;

export class FileClusters implements OverlayStore {
  readonly #fd: number;
  readonly #lock: FileLock;
  readonly #bitmap: Uint8Array;
  readonly #dataAt: number;
  /** Pages of the bitmap that differ from the file's. */
  readonly #dirty = new Set<number>();
  #open = true;

  /** Opens the overlay, or makes it. @param size of the base */
  constructor(
    readonly path: string,
    size: number,
  ) {
    const sectors = size / SECTOR;
    const bitmapLength = Math.ceil(sectors / 8 / HEADER) * HEADER;
    this.#bitmap = new Uint8Array(bitmapLength);
    this.#dataAt = HEADER + bitmapLength;
    this.#lock = new FileLock(path);
    const exists = existsSync(path);
    try {
      this.#fd = host(path, 'open', () => openSync(path, exists ? 'r+' : 'wx+'));
    } catch (error) {
      this.#lock.release();
      throw error;
    }
    try {
      if (exists) this.#load(path, size);
      else writeSync(this.#fd, header(size), 0, HEADER_USED, 0);
    } catch (error) {
      this.#lock.release();
      closeSync(this.#fd);
      throw error;
    }
  }

  run(sector: number, limit: number): number {
    const kept = this.#has(sector);
    let n = 1;
    while (n < limit && this.#has(sector + n) === kept) n++;
    return kept ? n : -n;
  }

  read(offset: number, into: Uint8Array): void {
    for (let done = 0; done < into.length; ) {
      const n = host(this.path, 'read', () => readSync(this.#fd, into, done, into.length - done, this.#dataAt + offset + done));
      if (n === 0) {
        into.fill(0, done);
        return;
      }
      done += n;
    }
  }

  write(offset: number, from: Uint8Array): void {
    for (let done = 0; done < from.length; ) {
      done += host(this.path, 'write', () => writeSync(this.#fd, from, done, from.length - done, this.#dataAt + offset + done));
    }
    for (let sector = offset / SECTOR, end = sector + from.length / SECTOR; sector < end; sector++) this.#set(sector);
  }

  zero(offset: number, length: number): void {
    const zeros = new Uint8Array(Math.min(ZEROS, length));
    for (let done = 0; done < length; done += zeros.length) this.write(offset + done, zeros.subarray(0, Math.min(zeros.length, length - done)));
  }

  flush(): void {
    host(this.path, 'flush', () => {
      fdatasyncSync(this.#fd);
      if (this.#dirty.size === 0) return;
      for (const page of this.#dirty) writeSync(this.#fd, this.#bitmap, page * HEADER, HEADER, HEADER + page * HEADER);
      fdatasyncSync(this.#fd);
      this.#dirty.clear();
    });
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    try {
      this.flush();
    } finally {
      this.#lock.release();
      closeSync(this.#fd);
    }
  }

  #load(path: string, size: number): void {
    const found = Buffer.alloc(HEADER_USED);
    if (readSync(this.#fd, found, 0, HEADER_USED, 0) < HEADER_USED || found.toString('latin1', 0, MAGIC.length) !== MAGIC)
      throw new DiskImageError('unsupported-format', `${path} is not an overlay of pckit's`);
    if (found.readUInt32LE(8) !== VERSION || found.readUInt32LE(12) !== SECTOR)
      throw new DiskImageError('unsupported-format', `${path} is an overlay of version ${found.readUInt32LE(8)} with sectors of ${found.readUInt32LE(12)}; known: ${VERSION}, ${SECTOR}`);
    const baseSize = Number(found.readBigUInt64LE(16));
    if (baseSize !== size) throw new DiskImageError('bad-size', `${path} is an overlay of a disk of ${baseSize} bytes, not of ${size}`);
    for (let done = 0; done < this.#bitmap.length; ) {
      const n = readSync(this.#fd, this.#bitmap, done, this.#bitmap.length - done, HEADER + done);
      if (n === 0) break;
      done += n;
    }
  }

  #has(sector: number): boolean {
    return (((this.#bitmap[sector >>> 3] as number) >>> (sector & 7)) & 1) !== 0;
  }

  #set(sector: number): void {
    const at = sector >>> 3;
    const value = (this.#bitmap[at] as number) | (1 << (sector & 7));
    if (value === this.#bitmap[at]) return;
    this.#bitmap[at] = value;
    this.#dirty.add(Math.floor(at / HEADER));
  }
}

function header(size: number): Buffer {
  const bytes = Buffer.alloc(HEADER_USED);
  bytes.write(MAGIC, 'latin1');
  bytes.writeUInt32LE(VERSION, 8);
  bytes.writeUInt32LE(SECTOR, 12);
  bytes.writeBigUInt64LE(BigInt(size), 16);
  return bytes;
}
