import type { BlockBackend } from '@pckit/interfaces';
import type { BlockOperation } from './slow-backend.js';

/** Fails the operations that the test says, and logs all of them; the rest go to another backend. As synchronous as that one is. */
export class FaultyBackend implements BlockBackend {
  readonly log: BlockOperation[] = [];
  /** Says which operations fail. */
  fails: (operation: BlockOperation) => boolean = () => false;
  readonly discard?: (offset: number, length: number) => Promise<void> | void;
  readonly writeZeroes?: (offset: number, length: number, mayUnmap: boolean) => Promise<void> | void;

  constructor(private readonly backend: BlockBackend) {
    const { discard, writeZeroes } = backend;
    if (discard !== undefined) this.discard = (offset, length) => this.#do({ kind: 'discard', offset, length }, () => discard.call(backend, offset, length));
    if (writeZeroes !== undefined)
      this.writeZeroes = (offset, length, mayUnmap) => this.#do({ kind: 'writeZeroes', offset, length }, () => writeZeroes.call(backend, offset, length, mayUnmap));
  }

  get size(): number {
    return this.backend.size;
  }

  get readOnly(): boolean {
    return this.backend.readOnly;
  }

  get synchronous(): boolean {
    return this.backend.synchronous === true;
  }

  read(offset: number, into: Uint8Array): Promise<void> | void {
    return this.#do({ kind: 'read', offset, length: into.length }, () => this.backend.read(offset, into));
  }

  write(offset: number, from: Uint8Array): Promise<void> | void {
    return this.#do({ kind: 'write', offset, length: from.length }, () => this.backend.write(offset, from));
  }

  flush(): Promise<void> | void {
    return this.#do({ kind: 'flush', offset: 0, length: 0 }, () => this.backend.flush());
  }

  #do(operation: BlockOperation, work: () => Promise<void> | void): Promise<void> | void {
    this.log.push(operation);
    if (!this.fails(operation)) return work();
    const error = new Error(`injected: ${operation.kind} of ${operation.length} bytes at ${operation.offset}`);
    if (this.synchronous) throw error;
    return Promise.reject(error);
  }
}
