/**
 * The host's side of a network: what is needed of an operating system's sockets. `slirp-net/node` implements it over `node:net`,
 * `node:dgram` and `node:dns`; `slirp-net/testing` has one in memory.
 *
 * A failure of the host is a value, never a throw: it becomes the protocol's own error (RST, ICMP unreachable).
 */
export interface HostAddress {
  /** An IPv4 or IPv6 address in text. */
  readonly address: string;
  readonly port: number;
}

export interface HostPath {
  /** A unix socket. */
  readonly path: string;
}

export type HostTarget = HostAddress | HostPath;

export type HostFailure = 'refused' | 'net-unreachable' | 'host-unreachable' | 'timeout' | 'reset' | 'prohibited' | 'in-use' | 'failed';

/** One end of a connection. */
export interface HostStream {
  /** Bytes that were written and that the host has not taken yet. */
  readonly queued: number;
  /** The array is the stream's from here on. What does not fit the host's buffers at once counts in `queued`. */
  write(bytes: Uint8Array): void;
  /** No more will be written: FIN. */
  end(): void;
  /** RST. No event follows. */
  abort(): void;
  /** Asks for no more `data`; what is under way may still come. */
  pause(): void;
  resume(): void;
}

export interface HostStreamEvents {
  connected(): void;
  /** The array is borrowed until the call returns. */
  data(bytes: Uint8Array): void;
  /** The other side writes no more (FIN). */
  ended(): void;
  /** `queued` became less. */
  drained(): void;
  /** It is over, in both directions; nothing follows. Without a failure it ended in order. */
  closed(failure?: HostFailure): void;
}

export interface HostListener {
  /** Where it listens; the port that was chosen when 0 was asked for. */
  readonly at: HostTarget;
  close(): void;
}

export interface HostUdp {
  /** Bytes that wait in the host's queue. */
  readonly queued: number;
  /** The array is borrowed until the call returns. */
  send(bytes: Uint8Array, to: HostAddress): void;
  close(): void;
}

export interface HostUdpEvents {
  message(bytes: Uint8Array, from: HostAddress): void;
  /** A datagram to `to` came back undeliverable, or the socket failed (then without `to`) and is closed. */
  failed(failure: HostFailure, to?: HostAddress): void;
}

export interface HostPing {
  readonly payloadLength: number;
  readonly hopLimit: number;
  readonly timeoutMs: number;
}

export interface HostNetwork {
  /** Dials. `connected` or `closed` follows, never before `connect` returned. */
  connect(to: HostTarget, events: HostStreamEvents): HostStream;
  /** `accept` gets every connection, paused. Rejects with a `NetworkError`. */
  listen(at: HostTarget, accept: (stream: HostStream, from: HostAddress | undefined) => HostStreamEvents): Promise<HostListener>;
  /** A socket of the host's choice of port. */
  openUdp(family: 4 | 6, events: HostUdpEvents): HostUdp;
  bindUdp(at: HostAddress, events: HostUdpEvents): Promise<HostUdp & { readonly at: HostAddress }>;
  /** A DNS query in wire format, answered in wire format by the host's resolver. Over `udp` an answer may be truncated. */
  resolve(query: Uint8Array, over: 'udp' | 'tcp'): Promise<Uint8Array>;
  /** Sends an echo request on behalf of a guest. Missing where the host can't. */
  ping?(address: string, ping: HostPing): Promise<'reply' | 'timeout' | HostFailure>;
}
