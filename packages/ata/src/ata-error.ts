export type AtaErrorCode = 'bad-option' | 'bad-state';

/** Wrong use of this package by its embedder, never by a guest. */
export class AtaError extends Error {
  constructor(
    readonly code: AtaErrorCode,
    message: string,
  ) {
    super(message);
    this.name = 'AtaError';
  }
}
