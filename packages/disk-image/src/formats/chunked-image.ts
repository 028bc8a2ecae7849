import type { BlockBackend } from '@pckit/interfaces';
import { DiskImageError, checkRange } from '../disk-image-error.js';

export interface Chunks {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Bytes of a chunk; the disk is cut into them from its beginning. */
  readonly chunk: number;
  /** Fills `into` with what chunk `index` holds from `within` on; it ends within the chunk. */
  readonly read: (index: number, within: number, into: Uint8Array) => void;
  readonly close: () => void;
}

/** A write-protected disk in an image that is cut into chunks. */
export class ChunkedImage implements BlockBackend {
  readonly readOnly = true;
  readonly synchronous = true;
  readonly size: number;
  #open = true;

  constructor(private readonly chunks: Chunks) {
    this.size = chunks.size;
  }

  read(offset: number, into: Uint8Array): void {
    this.#check(offset, into.length);
    const { chunk } = this.chunks;
    for (let done = 0; done < into.length; ) {
      const within = (offset + done) % chunk;
      const part = into.subarray(done, done + Math.min(chunk - within, into.length - done));
      this.chunks.read(Math.floor((offset + done) / chunk), within, part);
      done += part.length;
    }
  }

  write(): void {
    throw new DiskImageError('read-only', `${this.chunks.name} is in a format that is only read`);
  }

  flush(): void {
    this.#check(0, 0);
  }

  close(): void {
    if (this.#open) this.chunks.close();
    this.#open = false;
  }

  #check(offset: number, length: number): void {
    if (!this.#open) throw new DiskImageError('closed', `${this.chunks.name} was closed`);
    checkRange(this.chunks.name, this.size, offset, length);
  }
}
