export type DiskImageErrorCode = 'not-found' | 'bad-size' | 'bad-option' | 'read-only' | 'out-of-range' | 'exists' | 'in-use' | 'closed' | 'unsupported-format' | 'corrupt' | 'host';

/** What is wrong with a disk image or with the way it is used. */
export class DiskImageError extends Error {
  constructor(
    readonly code: DiskImageErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'DiskImageError';
  }
}

/** @throws when the range does not lie within `size` bytes. */
export function checkRange(what: string, size: number, offset: number, length: number): void {
  if (!(Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && offset + length <= size))
    throw new DiskImageError('out-of-range', `${what}: ${length} bytes at ${offset} are not within its ${size} bytes`);
}
