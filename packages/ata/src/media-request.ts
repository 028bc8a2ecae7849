import { DmaPieces } from '@pckit/interfaces';
import type { BlockBackend, GuestMemory, Settled } from '@pckit/interfaces';
import { AtaError } from './ata-error.js';
import { DmaSegments } from './dma-segments.js';

/** What the host has to do for one command. */
export type MediaWork = 'read' | 'write' | 'flush' | 'trim';

export type MediaRequestState = {
  readonly version: 1;
  readonly work: MediaWork;
  readonly offset: number;
  readonly length: number;
  readonly durable: boolean;
  readonly ranges: readonly number[];
  readonly segments: readonly number[] | null;
  readonly data: Uint8Array | null;
  readonly done: boolean;
  readonly ok: boolean;
  readonly dmaOk: boolean;
};

export interface MediaRequestOptions {
  readonly work: MediaWork;
  /** Bytes. */
  readonly offset?: number;
  readonly length?: number;
  readonly durable?: boolean;
  /** Offset and length of each range, in bytes: for `trim`. */
  readonly ranges?: readonly number[];
  /** Guest memory that the data comes from or goes to; otherwise it is in `data`. */
  readonly segments?: DmaSegments;
  readonly data?: Uint8Array;
}

/** Data moves through here when the guest's memory is in many pieces and the backend takes one: few large system calls instead of many small ones. */
const SCRATCH = 128 * 1024;

/**
 * A command's work on the host's side, from `start` to `land`. A synchronous backend's data moves at once, straight between it and guest memory; another's
 * through a buffer, so that guest memory changes at the door only.
 */
export class MediaRequest {
  readonly work: MediaWork;
  readonly offset: number;
  readonly length: number;
  readonly durable: boolean;
  readonly ranges: readonly number[];
  readonly segments: DmaSegments | undefined;
  data: Uint8Array | undefined;
  /** The backend has done its part. */
  done = false;
  /** The backend did not fail. */
  ok = true;
  /** All of the guest's memory was there. */
  dmaOk = true;

  constructor(options: MediaRequestOptions) {
    this.work = options.work;
    this.offset = options.offset ?? 0;
    this.length = options.length ?? 0;
    this.durable = options.durable ?? false;
    this.ranges = options.ranges ?? [];
    this.segments = options.segments;
    this.data = options.data;
  }

  /**
   * Begins the work, or does it: a synchronous backend has done it on return, and nothing is thrown for what it throws.
   * @param after what has to end first
   * @param pieces to be used for this call
   */
  start(backend: BlockBackend, memory: GuestMemory, after?: Promise<unknown>, pieces = new DmaPieces()): Promise<void> | void {
    if (this.done) return undefined;
    if (backend.synchronous === true) {
      try {
        this.#now(backend, memory, pieces);
      } catch {
        this.ok = false;
      }
      this.done = true;
      return undefined;
    }
    if (this.data === undefined && (this.work === 'read' || this.work === 'write')) {
      this.data = new Uint8Array(this.length);
      if (this.work === 'write' && this.segments !== undefined) this.dmaOk = this.segments.gather(memory, 0, this.data);
    }
    if (!this.dmaOk) {
      this.done = true;
      return undefined;
    }
    return after === undefined ? this.#later(backend) : after.then(() => this.#later(backend));
  }

  /** At the door: puts what was read where it belongs. `ok` and `dmaOk` are final afterwards. */
  land(result: Settled<void>, memory: GuestMemory): void {
    if (this.done) return;
    this.done = true;
    this.ok = result.ok;
    if (result.ok && this.work === 'read' && this.segments !== undefined && this.data !== undefined) this.dmaOk = this.segments.scatter(memory, 0, this.data);
  }

  save(): MediaRequestState {
    const { work, offset, length, durable, ranges, segments, data, done, ok, dmaOk } = this;
    return {
      version: 1,
      work,
      offset,
      length,
      durable,
      ranges,
      segments: segments?.save() ?? null,
      // What is still to be read is read again.
      data: data === undefined || (work === 'read' && !done) ? null : data.slice(),
      done,
      ok,
      dmaOk,
    };
  }

  static restore(state: MediaRequestState): MediaRequest {
    if (state.version !== 1) throw new AtaError('bad-state', `request: state version ${String(state.version)}, known: 1`);
    const { work, offset, length, durable, ranges } = state;
    const request = new MediaRequest({
      work,
      offset,
      length,
      durable,
      ranges,
      ...(state.segments === null ? {} : { segments: DmaSegments.restore(state.segments) }),
      ...(state.data === null ? {} : { data: state.data.slice() }),
    });
    request.done = state.done;
    request.ok = state.ok;
    request.dmaOk = state.dmaOk;
    return request;
  }

  #now(backend: BlockBackend, memory: GuestMemory, pieces: DmaPieces): void {
    switch (this.work) {
      case 'read':
      case 'write':
        if (this.segments === undefined) {
          const data = (this.data ??= new Uint8Array(this.length));
          if (this.work === 'read') backend.read(this.offset, data);
          else backend.write(this.offset, data);
        } else {
          this.#direct(backend, memory, this.segments, pieces);
        }
        if (this.durable && this.dmaOk) backend.flush();
        return;
      case 'flush':
        backend.flush();
        return;
      case 'trim':
        for (let i = 0; i < this.ranges.length; i += 2) backend.discard?.(this.ranges[i], this.ranges[i + 1]);
        return;
    }
  }

  #direct(backend: BlockBackend, memory: GuestMemory, segments: DmaSegments, pieces: DmaPieces): void {
    const reads = this.work === 'read';
    pieces.clear();
    if (segments.addTo(pieces, memory, this.length)) {
      if (reads ? pieces.readFrom(backend, this.offset, memory) : pieces.writeTo(backend, this.offset, memory)) return;
    } else if (segments.lengths.length === 1) {
      this.dmaOk = false;
      return;
    }
    const scratch = new Uint8Array(Math.min(SCRATCH, this.length));
    for (let done = 0; done < this.length && this.dmaOk; ) {
      const part = scratch.subarray(0, Math.min(SCRATCH, this.length - done));
      if (reads) {
        backend.read(this.offset + done, part);
        this.dmaOk = segments.scatter(memory, done, part);
      } else {
        this.dmaOk = segments.gather(memory, done, part);
        if (this.dmaOk) backend.write(this.offset + done, part);
      }
      done += part.length;
    }
  }

  async #later(backend: BlockBackend): Promise<void> {
    switch (this.work) {
      case 'read':
        return backend.read(this.offset, this.data as Uint8Array);
      case 'write':
        await backend.write(this.offset, this.data as Uint8Array);
        if (this.durable) await backend.flush();
        return;
      case 'flush':
        return backend.flush();
      case 'trim':
        for (let i = 0; i < this.ranges.length; i += 2) await backend.discard?.(this.ranges[i], this.ranges[i + 1]);
    }
  }
}

/**
 * The order of work on one backend: what was under way when the device was reset ends before anything new begins, so that an old write does not land
 * on a new one.
 */
export class MediaQueue {
  readonly #works = new Set<Promise<void>>();
  readonly #pieces = new DmaPieces();
  #barrier: Promise<unknown> | undefined;

  constructor(private readonly backend: BlockBackend) {}

  start(request: MediaRequest, memory: GuestMemory): Promise<void> | void {
    const work = request.start(this.backend, memory, this.#barrier, this.#pieces);
    if (work !== undefined) {
      const over = (): void => {
        this.#works.delete(work);
      };
      this.#works.add(work);
      work.then(over, over);
    }
    return work;
  }

  /** The device was reset. */
  raiseBarrier(): void {
    if (this.#works.size === 0) return;
    const barrier = Promise.allSettled([...this.#works]);
    this.#barrier = barrier;
    void barrier.then(() => {
      if (this.#barrier === barrier) this.#barrier = undefined;
    });
  }
}
