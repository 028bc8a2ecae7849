/**
 * How the API was misused, or what the host could not do.
 * - `bad-option`: an option is not what it should be; the message names it and the value.
 * - `in-use`: an address that was to be listened on is taken.
 * - `host`: the host refused something else; `cause` is its error.
 * - `closed`: the network, or a part of it, is closed.
 */
export type NetworkErrorCode = 'bad-option' | 'in-use' | 'host' | 'closed';

export class NetworkError extends Error {
  override readonly name = 'NetworkError';
  constructor(
    readonly code: NetworkErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
