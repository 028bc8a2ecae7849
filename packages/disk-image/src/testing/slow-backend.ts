import type { BlockBackend } from '@pckit/interfaces';

/** One operation on a backend, as a test sees it. */
export interface BlockOperation {
  readonly kind: 'read' | 'write' | 'flush' | 'discard' | 'writeZeroes';
  readonly offset: number;
  readonly length: number;
}

interface Held {
  readonly operation: BlockOperation;
  run(): void;
  fail(error: Error): void;
}

/**
 * Makes another backend asynchronous: every operation waits, and nothing of it happens, until the test lets it go. So a test decides in
 * which order the host answers.
 */
export class SlowBackend implements BlockBackend {
  readonly discard?: (offset: number, length: number) => Promise<void>;
  readonly writeZeroes?: (offset: number, length: number, mayUnmap: boolean) => Promise<void>;
  readonly #held: Held[] = [];

  constructor(private readonly backend: BlockBackend) {
    const { discard, writeZeroes } = backend;
    if (discard !== undefined) this.discard = (offset, length) => this.#hold({ kind: 'discard', offset, length }, () => discard.call(backend, offset, length));
    if (writeZeroes !== undefined)
      this.writeZeroes = (offset, length, mayUnmap) => this.#hold({ kind: 'writeZeroes', offset, length }, () => writeZeroes.call(backend, offset, length, mayUnmap));
  }

  get size(): number {
    return this.backend.size;
  }

  get readOnly(): boolean {
    return this.backend.readOnly;
  }

  /** What waits, oldest first. */
  get held(): readonly BlockOperation[] {
    return this.#held.map(({ operation }) => operation);
  }

  read(offset: number, into: Uint8Array): Promise<void> {
    return this.#hold({ kind: 'read', offset, length: into.length }, () => this.backend.read(offset, into));
  }

  write(offset: number, from: Uint8Array): Promise<void> {
    return this.#hold({ kind: 'write', offset, length: from.length }, () => this.backend.write(offset, from));
  }

  flush(): Promise<void> {
    return this.#hold({ kind: 'flush', offset: 0, length: 0 }, () => this.backend.flush());
  }

  /** Lets the operation at `index` of `held` happen; the oldest by default. */
  release(index = 0): void {
    this.#take(index).run();
  }

  /** Lets all that wait happen, in order. */
  releaseAll(): void {
    while (this.#held.length > 0) this.release();
  }

  /** Fails the operation at `index`; nothing of it happens. */
  abort(index = 0, error = new Error('aborted')): void {
    this.#take(index).fail(error);
  }

  #take(index: number): Held {
    const [held] = this.#held.splice(index, 1);
    if (held === undefined) throw new Error(`no operation ${index} waits; ${this.#held.length} do`);
    return held;
  }

  #hold(operation: BlockOperation, work: () => Promise<void> | void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#held.push({
        operation,
        run: () => {
          try {
            resolve(work());
          } catch (error) {
            reject(error as Error);
          }
        },
        fail: reject,
      });
    });
  }
}
