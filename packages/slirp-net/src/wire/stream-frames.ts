import { readU32 } from './bytes.js';

/** QEMU's `-netdev stream` and `socket`: each frame after its length, 32 bits big-endian. */
const LENGTH = 4;
/** QEMU's own limit (NET_BUFSIZE). */
export const MAX_STREAM_FRAME = 4096 + 65_536;

/** Cuts a stream into frames. A frame that lies whole in what came is not copied. */
export class StreamFrames {
  private held: Uint8Array | undefined;
  private filled = 0;

  /** @returns false when a length is impossible: the stream is lost */
  push(bytes: Uint8Array, take: (frame: Uint8Array) => void): boolean {
    let at = 0;
    while (this.held !== undefined || bytes.length - at > 0) {
      if (this.held !== undefined) {
        // The rest of a frame, or of its length, that began before.
        const wanted = this.filled < LENGTH ? LENGTH : LENGTH + readU32(this.held, 0);
        const count = Math.min(wanted - this.filled, bytes.length - at);
        this.held.set(bytes.subarray(at, at + count), this.filled);
        this.filled += count;
        at += count;
        if (this.filled < wanted) return true;
        if (wanted === LENGTH) {
          const length = readU32(this.held, 0);
          if (length > MAX_STREAM_FRAME) return false;
          const grown = new Uint8Array(LENGTH + length);
          grown.set(this.held.subarray(0, LENGTH));
          this.held = grown;
          if (length > 0) continue;
        }
        const frame = this.held.subarray(LENGTH);
        this.held = undefined;
        this.filled = 0;
        take(frame);
        continue;
      }
      const length = bytes.length - at >= LENGTH ? readU32(bytes, at) : 0;
      if (length > MAX_STREAM_FRAME) return false;
      if (bytes.length - at >= LENGTH && bytes.length - at - LENGTH >= length) {
        take(bytes.subarray(at + LENGTH, at + LENGTH + length));
        at += LENGTH + length;
        continue;
      }
      this.held = new Uint8Array(LENGTH);
    }
    return true;
  }
}
