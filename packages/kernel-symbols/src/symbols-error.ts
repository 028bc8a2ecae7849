export type SymbolsErrorCode = 'malformed' | 'unsupported';

/** A kernel image that isn't one, or that doesn't hold what is looked for. */
export class SymbolsError extends Error {
  constructor(
    readonly code: SymbolsErrorCode,
    message: string,
  ) {
    super(message);
    this.name = 'SymbolsError';
  }
}
