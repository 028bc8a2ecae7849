import type { HostAddress, HostFailure, HostListener, HostNetwork, HostStream, HostStreamEvents, HostTarget, HostUdp, HostUdpEvents } from '../host-network.js';

/** The host's end of a connection, in a test's hands. */
export class FakeStream implements HostStream {
  readonly received: Uint8Array[] = [];
  receivedBytes = 0;
  ended = false;
  aborted = false;
  paused = false;
  /** Bytes that the test says are still waiting. */
  queued = 0;
  /** Keeps what is written in `queued` until `drain`. */
  slow = false;
  events!: HostStreamEvents;

  constructor(readonly to: HostTarget) {}

  write(bytes: Uint8Array): void {
    this.received.push(bytes);
    this.receivedBytes += bytes.length;
    if (this.slow) this.queued += bytes.length;
  }

  end(): void {
    this.ended = true;
  }

  abort(): void {
    this.aborted = true;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  /** The host takes what waits. */
  drain(): void {
    this.queued = 0;
    this.events.drained();
  }

  get text(): string {
    return new TextDecoder().decode(this.all());
  }

  all(): Uint8Array {
    const bytes = new Uint8Array(this.receivedBytes);
    let at = 0;
    for (const part of this.received) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}

export interface FakeDatagram {
  readonly bytes: Uint8Array;
  readonly to: HostAddress;
}

export class FakeUdp implements HostUdp {
  readonly sent: FakeDatagram[] = [];
  queued = 0;
  closed = false;

  constructor(
    readonly events: HostUdpEvents,
    readonly at: HostAddress,
  ) {}

  send(bytes: Uint8Array, to: HostAddress): void {
    this.sent.push({ bytes: bytes.slice(), to });
  }

  close(): void {
    this.closed = true;
  }
}

/** A host without an operating system: what a network asks of it is kept for the test to look at and answer. */
export class FakeHost implements HostNetwork {
  readonly streams: FakeStream[] = [];
  readonly sockets: FakeUdp[] = [];
  readonly listeners: { readonly at: HostTarget; readonly accept: (stream: HostStream, from: HostAddress | undefined) => HostStreamEvents }[] = [];
  readonly queries: Uint8Array[] = [];
  /** What becomes of a dial: at once, or by the test when undefined. */
  dial: (to: HostTarget) => 'connect' | HostFailure | undefined = () => 'connect';
  answer: (query: Uint8Array) => Promise<Uint8Array> = (query) => Promise.resolve(query);

  constructor(private readonly defer: (run: () => void) => void) {}

  connect(to: HostTarget, events: HostStreamEvents): HostStream {
    const stream = new FakeStream(to);
    stream.events = events;
    this.streams.push(stream);
    const result = this.dial(to);
    if (result !== undefined) this.defer(() => (result === 'connect' ? events.connected() : events.closed(result)));
    return stream;
  }

  listen(at: HostTarget, accept: (stream: HostStream, from: HostAddress | undefined) => HostStreamEvents): Promise<HostListener> {
    const listener = { at, accept };
    this.listeners.push(listener);
    return Promise.resolve({ at, close: () => void this.listeners.splice(this.listeners.indexOf(listener), 1) });
  }

  /** Somebody connects to the listener. */
  arrive(listener = this.listeners[0], from: HostAddress = { address: '127.0.0.1', port: 40_000 }): FakeStream {
    const stream = new FakeStream(listener.at);
    stream.paused = true;
    stream.events = listener.accept(stream, from);
    this.streams.push(stream);
    return stream;
  }

  openUdp(family: 4 | 6, events: HostUdpEvents): HostUdp {
    const socket = new FakeUdp(events, { address: family === 4 ? '0.0.0.0' : '::', port: 30_000 + this.sockets.length });
    this.sockets.push(socket);
    return socket;
  }

  bindUdp(at: HostAddress, events: HostUdpEvents): Promise<FakeUdp> {
    const socket = new FakeUdp(events, at);
    this.sockets.push(socket);
    return Promise.resolve(socket);
  }

  resolve(query: Uint8Array): Promise<Uint8Array> {
    this.queries.push(query);
    return this.answer(query);
  }
}
