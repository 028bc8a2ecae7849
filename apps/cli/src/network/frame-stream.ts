import type { EthernetPort } from '@pckit/interfaces';

/** As QEMU (NET_BUFSIZE) has it. */
const LONGEST_FRAME = 4096 + 65536;
/** What a peer that reads too slowly may owe; beyond it frames are lost, as on a wire. */
const MOST_QUEUED = 1 << 20;

/** What we need of a `net.Socket`. */
export interface FrameSocket {
  readonly writableLength: number;
  write(bytes: Uint8Array): boolean;
  pause(): unknown;
  resume(): unknown;
  destroy(error?: Error): unknown;
}

/**
 * Frames over a stream, each behind its length as four bytes, big-endian: the protocol of QEMU's `-netdev stream` and `-netdev socket`. The
 * peer may come and go; while there is none, frames go nowhere.
 */
export class FrameStream implements EthernetPort {
  #socket: FrameSocket | undefined;
  #receive: ((frame: Uint8Array) => boolean) | undefined;
  /** What has come and was not taken: whole frames, and the beginning of one. */
  #pending: Uint8Array = new Uint8Array(0);
  #paused = false;

  get connected(): boolean {
    return this.#socket !== undefined;
  }

  connect(socket: FrameSocket): void {
    this.#socket = socket;
    this.#pending = new Uint8Array(0);
    this.#paused = false;
  }

  disconnect(): void {
    this.#socket = undefined;
    this.#pending = new Uint8Array(0);
  }

  send(frame: Uint8Array): void {
    if (this.#socket === undefined || this.#socket.writableLength > MOST_QUEUED) return;
    const bytes = new Uint8Array(4 + frame.length);
    new DataView(bytes.buffer).setUint32(0, frame.length);
    bytes.set(frame, 4);
    this.#socket.write(bytes);
  }

  attach(receive: (frame: Uint8Array) => boolean): void {
    this.#receive = receive;
  }

  onReady(): void {
    this.#offer();
  }

  /** Bytes from the peer. */
  push(chunk: Uint8Array): void {
    const pending = new Uint8Array(this.#pending.length + chunk.length);
    pending.set(this.#pending);
    pending.set(chunk, this.#pending.length);
    this.#pending = pending;
    this.#offer();
  }

  #offer(): void {
    const pending = this.#pending;
    const view = new DataView(pending.buffer, pending.byteOffset);
    let at = 0;
    let refused = false;
    while (pending.length - at >= 4) {
      const length = view.getUint32(at);
      if (length === 0 || length > LONGEST_FRAME) {
        // No way to find the next frame: the peer speaks something else.
        this.#socket?.destroy();
        this.disconnect();
        return;
      }
      if (pending.length - at < 4 + length) break;
      if (this.#receive?.(pending.subarray(at + 4, at + 4 + length)) === false) {
        refused = true;
        break;
      }
      at += 4 + length;
    }
    if (at > 0) this.#pending = pending.slice(at);
    if (refused === this.#paused) return;
    this.#paused = refused;
    if (refused) this.#socket?.pause();
    else this.#socket?.resume();
  }
}
