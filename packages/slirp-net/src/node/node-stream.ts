import type { Socket } from 'node:net';
import type { HostStream, HostStreamEvents } from '../host-network.js';
import { failureOf } from './host-failure.js';

/** A socket of Node as a `HostStream`. */
export class NodeStream implements HostStream {
  private failure: unknown;
  private silent = false;

  constructor(
    private readonly socket: Socket,
    /** A unix socket can't be reset. */
    private readonly local: boolean,
    /** What it reads comes through `take`. */
    private readonly buffered = false,
  ) {}

  listen(events: HostStreamEvents): this {
    const { socket } = this;
    const drained = (): void => {
      if (!this.silent) events.drained();
    };
    this.wrote = drained;
    socket.on('connect', () => events.connected());
    this.gave = (bytes) => {
      if (!this.silent) events.data(bytes);
    };
    // A socket that reads into a buffer of ours has no such event.
    if (!this.buffered) socket.on('data', this.gave);
    socket.on('end', () => events.ended());
    socket.on('error', (error) => (this.failure = error));
    socket.on('close', () => {
      if (!this.silent) events.closed(this.failure === undefined ? undefined : failureOf(this.failure));
      this.silent = true;
    });
    return this;
  }

  get queued(): number {
    return this.socket.writableLength;
  }

  write(bytes: Uint8Array): void {
    if (!this.silent && this.socket.writable) this.socket.write(bytes, this.wrote);
  }

  end(): void {
    if (this.socket.writable) this.socket.end();
  }

  abort(): void {
    this.silent = true;
    this.socket.removeAllListeners('data').removeAllListeners('end');
    if (this.local || this.socket.connecting) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** What the socket has read; borrowed. */
  take(bytes: Uint8Array): void {
    this.gave(bytes);
  }

  private gave: (bytes: Uint8Array) => void = () => {};
  private wrote: () => void = () => {};
}
