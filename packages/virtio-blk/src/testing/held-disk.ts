import type { BlockBackend } from '@pckit/interfaces';

export interface HeldDiskOptions {
  readonly size?: number;
  readonly readOnly?: boolean;
  /** Nothing happens until `release`. Otherwise everything happens at once, and the disk says so. */
  readonly held?: boolean;
}

/** A disk in memory whose answers the test may hold back, and that fails when told to. */
export class HeldDisk implements BlockBackend {
  bytes: Uint8Array;
  readonly readOnly: boolean;
  readonly synchronous: boolean;
  /** Operations in the order in which they happened. */
  readonly log: string[] = [];
  failing: string | undefined;
  readonly #held: { readonly what: string; run(): void }[] = [];

  constructor(options: HeldDiskOptions = {}) {
    const size = options.size ?? 256 * 1024;
    this.bytes = new Uint8Array(size);
    for (let i = 0; i < size; i++) this.bytes[i] = (i >>> 9) + i * 7;
    this.readOnly = options.readOnly ?? false;
    this.synchronous = options.held !== true;
  }

  get size(): number {
    return this.bytes.length;
  }

  /** What waits, oldest first. */
  get held(): string[] {
    return this.#held.map(({ what }) => what);
  }

  read(offset: number, into: Uint8Array): Promise<void> | void {
    return this.#do(`read ${offset}+${into.length}`, () => into.set(this.bytes.subarray(offset, offset + into.length)));
  }

  write(offset: number, from: Uint8Array): Promise<void> | void {
    return this.#do(`write ${offset}+${from.length}`, () => this.bytes.set(from, offset));
  }

  flush(): Promise<void> | void {
    return this.#do('flush', () => undefined);
  }

  discard(offset: number, length: number): Promise<void> | void {
    return this.#do(`discard ${offset}+${length}`, () => this.bytes.fill(0xdd, offset, offset + length));
  }

  writeZeroes(offset: number, length: number, mayUnmap: boolean): Promise<void> | void {
    return this.#do(`zero ${offset}+${length}${mayUnmap ? ' unmap' : ''}`, () => this.bytes.fill(0, offset, offset + length));
  }

  /** Lets the operation at `index` happen. */
  release(index = 0): void {
    const [held] = this.#held.splice(index, 1);
    if (held === undefined) throw new Error(`no operation ${index} waits`);
    held.run();
  }

  /** Lets all happen, and all that follows from it. */
  async releaseAll(): Promise<void> {
    for (let idle = 0; idle < 10; idle++) {
      while (this.#held.length > 0) {
        this.release();
        idle = 0;
      }
      await Promise.resolve();
    }
  }

  #do(what: string, work: () => void): Promise<void> | void {
    const act = (): void => {
      this.log.push(what);
      if (this.failing !== undefined && what.startsWith(this.failing)) throw new Error(`injected: ${what}`);
      work();
    };
    if (this.synchronous) return act();
    return new Promise((resolve, reject) => {
      this.#held.push({
        what,
        run: () => {
          try {
            act();
            resolve();
          } catch (error) {
            reject(error as Error);
          }
        },
      });
    });
  }
}
