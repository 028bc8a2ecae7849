/** How images with compressed parts are read. The platform's: `@pckit/disk-image/node` has them for Node. */
export interface Decompressors {
  /** Raw deflate (RFC 1951). What follows the stream is ignored. @returns exactly `length` bytes. @throws for bad data, or more or less of it */
  inflateRaw(from: Uint8Array, length: number): Uint8Array;
  /** zlib (RFC 1950), otherwise the same. */
  inflate(from: Uint8Array, length: number): Uint8Array;
  /** Zstandard (RFC 8878), otherwise the same. */
  zstd(from: Uint8Array, length: number): Uint8Array;
}
