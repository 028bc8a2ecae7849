import type { HostAddress, HostStream, HostStreamEvents } from '../host-network.js';

/** A guest's connection that ends in a function instead of a host's socket. */
export interface GuestStream extends AsyncIterable<Uint8Array> {
  readonly guest: HostAddress;
  /** What the guest connected to. */
  readonly to: HostAddress;
  /** Resolves when there is room for more. The array is the stream's from here on. Rejects when the guest is gone. */
  write(bytes: Uint8Array): Promise<void>;
  /** No more will be written. */
  end(): void;
  /** Resets the connection. */
  abort(): void;
}

/** Serves one connection. When it returns, or its promise resolves, the connection ends; when it throws, it is reset. */
export type StreamHandler = (stream: GuestStream) => void | Promise<void>;

/** The function's side and the network's side of one connection, back to back. */
export class FunctionStream implements GuestStream {
  private events: HostStreamEvents | undefined;
  private readonly incoming: Uint8Array[] = [];
  private held = 0;
  private guestEnded = false;
  private weEnded = false;
  private over = false;
  private paused = false;
  private wakeReader: (() => void) | undefined;
  private wakeWriters: (() => void)[] = [];

  constructor(
    readonly guest: HostAddress,
    readonly to: HostAddress,
  ) {}

  /** Lets `handler` have it. Nothing is called before this turn's code has returned. */
  start(events: HostStreamEvents, handler: StreamHandler): HostStream {
    this.events = events;
    void Promise.resolve()
      .then(() => {
        if (!this.over) events.connected();
        return handler(this);
      })
      .then(
        () => this.end(),
        () => {
          if (this.over) return;
          this.finish();
          events.closed('reset');
        },
      );
    return this.hostStream;
  }

  // The function's side

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    while (true) {
      const bytes = this.incoming.shift();
      if (bytes !== undefined) {
        this.held -= bytes.length;
        this.events?.drained();
        yield bytes;
      } else if (this.guestEnded || this.over) return;
      else await new Promise<void>((wake) => (this.wakeReader = wake));
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.over || this.weEnded) throw new Error('the connection is over');
    this.events?.data(bytes);
    while (this.paused && !this.over) await new Promise<void>((wake) => this.wakeWriters.push(wake));
    if (this.over) throw new Error('the connection is over');
  }

  end(): void {
    if (this.over || this.weEnded) return;
    this.weEnded = true;
    this.events?.ended();
  }

  abort(): void {
    if (this.over) return;
    this.finish();
    this.events?.closed('reset');
  }

  /** The network's side. */
  private readonly hostStream: HostStream = this.makeHostStream();

  private makeHostStream(): HostStream {
    const held = (): number => this.held;
    return {
      get queued() {
        return held();
      },
      write: (bytes) => {
        this.incoming.push(bytes);
        this.held += bytes.length;
        this.wakeReader?.();
      },
      end: () => {
        this.guestEnded = true;
        this.wakeReader?.();
      },
      abort: () => this.finish(),
      pause: () => (this.paused = true),
      resume: () => {
        this.paused = false;
        for (const wake of this.wakeWriters.splice(0)) wake();
      },
    };
  }

  private finish(): void {
    this.over = true;
    this.wakeReader?.();
    for (const wake of this.wakeWriters.splice(0)) wake();
  }
}
