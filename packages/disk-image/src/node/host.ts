import { readSync, writeSync } from 'node:fs';
import { DiskImageError } from '../disk-image-error.js';
import type { DiskImageErrorCode } from '../disk-image-error.js';

const CODES: Readonly<Record<string, DiskImageErrorCode>> = { ENOENT: 'not-found', EEXIST: 'exists', EROFS: 'read-only' };

/** Makes a system call, again if a signal interrupts it; what else the operating system says against it becomes an error of ours. */
export function host<T>(path: string, what: string, call: () => T): T {
  for (;;) {
    try {
      return call();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'EINTR') continue;
      throw new DiskImageError(CODES[code ?? ''] ?? 'host', `can't ${what} ${path}: ${message}`, { cause: error });
    }
  }
}

/** Fills `into` with a file's bytes from `offset` on; those past the end, or cut off behind our back, are zeros. */
export function readAll(path: string, fd: number, offset: number, into: Uint8Array): void {
  for (let done = 0; done < into.length; ) {
    const n = host(path, 'read', () => readSync(fd, into, done, into.length - done, offset + done));
    if (n === 0) {
      into.fill(0, done);
      return;
    }
    done += n;
  }
}

export function writeAll(path: string, fd: number, offset: number, from: Uint8Array): void {
  for (let done = 0; done < from.length; ) done += host(path, 'write', () => writeSync(fd, from, done, from.length - done, offset + done));
}
