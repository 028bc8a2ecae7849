/**
 * What went wrong with an image, an archive or a package.
 * - `truncated`: the data ends early.
 * - `malformed`: a header or a checksum is wrong.
 * - `unsupported`: well-formed, but of a kind that isn't handled (a compression, an entry type).
 * - `missing`: a file, module, package or tool that is needed isn't there; the message says what to do.
 * - `cycle`: modules depend on each other in a circle.
 * - `bad-option`: the caller's options contradict each other.
 * - `too-large`: a size field promises more than the caller's limit.
 * - `signature`: a signature or a hash doesn't match what was signed.
 * - `network`: a download failed.
 * - `tool`: a program of the host (apt-get, gpgv) failed; the message holds what it said.
 */
export type ImageErrorCode =
  | 'truncated'
  | 'malformed'
  | 'unsupported'
  | 'missing'
  | 'cycle'
  | 'bad-option'
  | 'too-large'
  | 'signature'
  | 'network'
  | 'tool';

export class ImageError extends Error {
  override readonly name = 'ImageError';
  constructor(
    readonly code: ImageErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
