import type { BlockBackend } from '@pckit/interfaces';

export interface HeldDiskOptions {
  readonly size?: number;
  readonly readOnly?: boolean;
  /** Nothing happens until `release`. Otherwise everything happens at once, and the disk says so. */
  readonly held?: boolean;
  /** Takes many buffers in one operation. */
  readonly vectored?: boolean;
}

/** A disk in memory whose answers the test may hold back, and that fails when told to. */
export class HeldDisk implements BlockBackend {
  bytes: Uint8Array;
  readonly readOnly: boolean;
  readonly synchronous: boolean;
  readonly readv?: (offset: number, into: readonly Uint8Array[]) => void;
  readonly writev?: (offset: number, from: readonly Uint8Array[]) => void;
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
    if (options.vectored !== true) return;
    this.readv = (offset, into) => this.#each('readv', offset, into, (buffer, at) => buffer.set(this.bytes.subarray(at, at + buffer.length)));
    this.writev = (offset, from) => this.#each('writev', offset, from, (buffer, at) => this.bytes.set(buffer, at));
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

  #each(what: string, offset: number, buffers: readonly Uint8Array[], move: (buffer: Uint8Array, at: number) => void): void {
    void this.#do(`${what} ${offset}+${buffers.map(({ length }) => length).join('+')}`, () => {
      let at = offset;
      for (const buffer of buffers) {
        move(buffer, at);
        at += buffer.length;
      }
    });
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
