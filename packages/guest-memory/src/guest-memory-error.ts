/**
 * - `bad-size`: a size or hole that makes no sense (not a multiple of a page, negative).
 * - `too-large`: more than one WebAssembly memory holds.
 * - `outside-ram`: the host asked to load or read what is not RAM.
 */
export type GuestMemoryErrorCode = 'bad-size' | 'too-large' | 'outside-ram';

/** The embedder asked for memory that can't be. What a guest does never throws. */
export class GuestMemoryError extends Error {
  override readonly name = 'GuestMemoryError';

  constructor(readonly code: GuestMemoryErrorCode, message: string) {
    super(message);
  }
}
