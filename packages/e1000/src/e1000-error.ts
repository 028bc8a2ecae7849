/** Misuse of this package's API. `bad-option`: an option that is no card. `bad-state`: a state that it does not know. */
export type E1000ErrorCode = 'bad-option' | 'bad-state';

export class E1000Error extends Error {
  override readonly name = 'E1000Error';

  constructor(
    readonly code: E1000ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
