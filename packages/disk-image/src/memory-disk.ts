import type { BlockBackend } from '@pckit/interfaces';
import { DiskImageError, checkRange } from './disk-image-error.js';

export interface MemoryDiskOptions {
  readonly readOnly?: boolean;
}

/** A disk in memory. */
export class MemoryDisk implements BlockBackend {
  readonly size: number;
  readonly readOnly: boolean;
  readonly synchronous = true;
  /** The contents, not a copy. */
  readonly bytes: Uint8Array;

  /** @param contents the bytes themselves (used in place), or a size in bytes of zeros */
  constructor(contents: Uint8Array | number, options: MemoryDiskOptions = {}) {
    this.bytes = typeof contents === 'number' ? new Uint8Array(contents) : contents;
    this.size = this.bytes.length;
    this.readOnly = options.readOnly ?? false;
    if (this.size % 512 !== 0) throw new DiskImageError('bad-size', `memory disk of ${this.size} bytes: not a multiple of 512`);
  }

  read(offset: number, into: Uint8Array): void {
    checkRange('memory disk', this.size, offset, into.length);
    into.set(this.bytes.subarray(offset, offset + into.length));
  }

  write(offset: number, from: Uint8Array): void {
    this.#checkWrite(offset, from.length);
    this.bytes.set(from, offset);
  }

  readv(offset: number, into: readonly Uint8Array[]): void {
    let at = offset;
    for (const buffer of into) {
      this.read(at, buffer);
      at += buffer.length;
    }
  }

  writev(offset: number, from: readonly Uint8Array[]): void {
    let at = offset;
    for (const buffer of from) {
      this.write(at, buffer);
      at += buffer.length;
    }
  }

  flush(): void {}

  discard(offset: number, length: number): void {
    this.writeZeroes(offset, length);
  }

  writeZeroes(offset: number, length: number, _mayUnmap = true): void {
    this.#checkWrite(offset, length);
    this.bytes.fill(0, offset, offset + length);
  }

  #checkWrite(offset: number, length: number): void {
    if (this.readOnly) throw new DiskImageError('read-only', 'memory disk is read-only');
    checkRange('memory disk', this.size, offset, length);
  }
}
