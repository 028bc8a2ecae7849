import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { DiskImageError } from '../disk-image-error.js';

/**
 * Says to others of our kind that an image is in use: two machines on one writable image destroy its file system. Node has no flock, so
 * it is a file beside the image with the process's number in it, which counts while that process lives. Other programs know nothing of it.
 */
export class FileLock {
  readonly #path: string;
  #held = false;

  constructor(image: string) {
    this.#path = `${image}.lock`;
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        const fd = openSync(this.#path, 'wx');
        writeSync(fd, `${process.pid}\n`);
        closeSync(fd);
        this.#held = true;
        return;
      } catch (error) {
        // A folder that can't be written to holds no lock; the image may be writable all the same.
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return;
      }
      const owner = this.#owner();
      if (owner !== undefined && alive(owner))
        throw new DiskImageError('in-use', `${image} is in use by process ${owner}; if that is wrong, delete ${this.#path}`);
      rmSync(this.#path, { force: true });
    }
  }

  release(): void {
    if (this.#held) rmSync(this.#path, { force: true });
    this.#held = false;
  }

  #owner(): number | undefined {
    try {
      const pid = Number.parseInt(readFileSync(this.#path, 'latin1'), 10);
      return pid > 0 ? pid : undefined;
    } catch {
      return undefined;
    }
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
