import { inflateRawSync, inflateSync } from 'node:zlib';
import { Decompress } from 'fzstd';
import type { Decompressors } from '../decompressor.js';

/** Deflate by Node, Zstandard by fzstd. All bounded by the length that is expected. */
export const nodeDecompressors: Decompressors = {
  inflateRaw: (from, length) => exactly(inflateRawSync(from, { maxOutputLength: length }), length),
  inflate: (from, length) => exactly(inflateSync(from, { maxOutputLength: length }), length),
  zstd: (from, length) => {
    const out = new Uint8Array(length);
    let done = 0;
    const stream = new Decompress((chunk) => {
      // What follows the frame, up to the next sector, is no frame: the stream is over before that.
      out.set(chunk.subarray(0, length - done), done);
      done = Math.min(length, done + chunk.length);
    });
    try {
      stream.push(from, true);
    } catch (error) {
      if (done < length) throw error;
    }
    if (done < length) throw new RangeError(`${done} bytes where ${length} should be`);
    return out;
  },
};

function exactly(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new RangeError(`${bytes.length} bytes where ${length} should be`);
  return bytes;
}
