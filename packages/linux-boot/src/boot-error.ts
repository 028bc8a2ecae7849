/**
 * Why no plan could be made.
 * - `not-a-kernel`: no header that we know.
 * - `truncated`: the file ends before what its header promises.
 * - `malformed`: a header contradicts itself.
 * - `unsupported`: a valid file of a kind (or protocol version) that this package doesn't boot.
 * - `overlap`: two parts want the same bytes; the message names both.
 * - `too-large`: a part doesn't fit; the message names it and what limits it.
 * - `command-line`: longer than the kernel takes, or not representable.
 * - `bad-option`: the caller's options contradict each other or are out of range.
 */
export type BootErrorCode =
  | 'not-a-kernel'
  | 'truncated'
  | 'malformed'
  | 'unsupported'
  | 'overlap'
  | 'too-large'
  | 'command-line'
  | 'bad-option';

export class BootError extends Error {
  override readonly name = 'BootError';
  constructor(
    readonly code: BootErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
