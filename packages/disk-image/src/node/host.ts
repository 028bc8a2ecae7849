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
