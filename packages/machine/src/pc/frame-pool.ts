/** Of a frame without offload; larger ones are those that the card cuts. */
const SMALL = 2048;
const LARGE = 66_560;
/** Buffers that are kept. */
const MOST_SMALL = 512;
const MOST_LARGE = 32;

/**
 * Copies of frames, in buffers that are used again: an array for each frame is memory outside of the engine's heap, and for every few dozen megabytes of that its
 * garbage collector goes over the whole heap.
 */
export class FramePool {
  readonly #small: Uint8Array[] = [];
  readonly #large: Uint8Array[] = [];
  /** Those that will come back. */
  readonly #out = new Set<ArrayBufferLike>();

  copy(frame: Uint8Array): Uint8Array {
    if (frame.length > LARGE) return frame.slice();
    const buffer = frame.length <= SMALL ? (this.#small.pop() ?? new Uint8Array(SMALL)) : (this.#large.pop() ?? new Uint8Array(LARGE));
    buffer.set(frame);
    this.#out.add(buffer.buffer);
    return buffer.subarray(0, frame.length);
  }

  /** Whoever has copies may keep them: they won't be used again. */
  forget(): void {
    this.#out.clear();
  }

  /** @param copy nobody looks at it any more, unless it was made elsewhere or forgotten */
  release(copy: Uint8Array): void {
    const { buffer } = copy;
    if (!this.#out.delete(buffer)) return;
    if (buffer.byteLength === SMALL && this.#small.length < MOST_SMALL) this.#small.push(new Uint8Array(buffer));
    else if (buffer.byteLength === LARGE && this.#large.length < MOST_LARGE) this.#large.push(new Uint8Array(buffer));
  }
}
