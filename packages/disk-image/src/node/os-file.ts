import { closeSync, constants, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { DiskImageError } from '../disk-image-error.js';
import type { ImageFile } from '../image-file.js';
import { FileLock } from './file-lock.js';
import { host } from './host.js';

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
    for (let done = 0; done < into.length; ) {
      const n = host(this.name, 'read', () => readSync(this.#fd, into, done, into.length - done, offset + done));
      if (n === 0) {
        into.fill(0, done);
        return;
      }
      done += n;
    }
  }

  write(offset: number, from: Uint8Array): void {
    for (let done = 0; done < from.length; ) done += host(this.name, 'write', () => writeSync(this.#fd, from, done, from.length - done, offset + done));
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
