import { closeSync, constants, fdatasyncSync, fstatSync, openSync } from 'node:fs';
import { DiskImageError } from '../disk-image-error.js';
import type { ImageFile } from '../image-file.js';
import { FileLock } from './file-lock.js';
import { host, readAll, writeAll } from './host.js';

/** A file of the operating system as an `ImageFile`; locked, while it may be written, against a second machine. */
export class OsFile implements ImageFile {
  readonly #fd: number;
  readonly #lock: FileLock | undefined;
  #length: number;

  constructor(
    readonly name: string,
    private readonly options: { readonly readOnly: boolean },
  ) {
    this.#fd = host(name, 'open', () => openSync(name, options.readOnly ? constants.O_RDONLY : constants.O_RDWR));
    try {
      const stat = fstatSync(this.#fd);
      if (!stat.isFile()) throw new DiskImageError('unsupported-format', `${name} is not a regular file`);
      this.#length = stat.size;
      if (!options.readOnly) this.#lock = new FileLock(name);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  get length(): number {
    return this.#length;
  }

  read(offset: number, into: Uint8Array): void {
    readAll(this.name, this.#fd, offset, into);
  }

  write(offset: number, from: Uint8Array): void {
    writeAll(this.name, this.#fd, offset, from);
    this.#length = Math.max(this.#length, offset + from.length);
  }

  flush(): void {
    if (!this.options.readOnly) host(this.name, 'flush', () => fdatasyncSync(this.#fd));
  }

  close(): void {
    this.#lock?.release();
    closeSync(this.#fd);
  }
}
