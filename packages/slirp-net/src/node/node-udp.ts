import { createSocket, type Socket } from 'node:dgram';
import type { HostAddress, HostUdp, HostUdpEvents } from '../host-network.js';
import { failureOf } from './host-failure.js';

/**
 * Of the kernel's queue: what a peer sends while the emulator computes must wait there or is lost. The kernel grants what its limits allow
 * (Linux: net.core.rmem_max).
 */
const RECEIVE_BUFFER = 1 << 20;

/** So many datagrams are sent together at most: Linux's sockets hold some ninety of 1,400 bytes, and whoever reads has to keep up. */
export const BATCH = 32;

/**
 * A datagram socket of Node. The first datagram of an event loop's turn leaves at once; those that follow it leave together, at its end at the latest. An emulator computes for
 * milliseconds in one turn, and each datagram that leaves by itself wakes its reader, which takes longer than to send it.
 */
export class NodeUdp implements HostUdp {
  readonly socket: Socket;
  private open = true;
  /** One was sent in this turn. */
  private sent = false;
  private waiting: { readonly bytes: Buffer; readonly to: HostAddress }[] = [];
  private waitingBytes = 0;

  constructor(
    family: 4 | 6,
    private readonly events: HostUdpEvents,
  ) {
    this.socket = createSocket({
      type: family === 4 ? 'udp4' : 'udp6',
      ipv6Only: family === 6,
      recvBufferSize: RECEIVE_BUFFER,
      // Only addresses come here. Node would ask the resolver's thread for each datagram.
      lookup: (address, _options, callback) => callback(null, address, family),
    });
    this.socket.on('message', (bytes, from) => this.open && events.message(bytes, from));
    this.socket.on('error', (error) => {
      if (!this.open) return;
      this.close();
      events.failed(failureOf(error));
    });
  }

  get queued(): number {
    return this.open ? this.socket.getSendQueueSize() + this.waitingBytes : 0;
  }

  get at(): HostAddress {
    return this.socket.address();
  }

  send(bytes: Uint8Array, to: HostAddress): void {
    if (!this.open) return;
    // Node keeps the array until the kernel took it.
    const copy = Buffer.from(bytes);
    if (!this.sent) {
      this.sent = true;
      setImmediate(this.endTurn);
      this.put(copy, to);
      return;
    }
    this.waitingBytes += copy.length;
    if (this.waiting.push({ bytes: copy, to }) >= BATCH) this.flush();
  }

  close(): void {
    if (!this.open) return;
    // What was sent before it was closed was sent.
    this.flush();
    this.open = false;
    this.socket.close();
  }

  private readonly endTurn = (): void => {
    this.sent = false;
    if (this.open) this.flush();
  };

  private flush(): void {
    const { waiting } = this;
    this.waiting = [];
    this.waitingBytes = 0;
    for (const { bytes, to } of waiting) this.put(bytes, to);
  }

  private put(bytes: Buffer, to: HostAddress): void {
    this.socket.send(bytes, to.port, to.address, (error) => {
      if (error !== null && this.open) this.events.failed(failureOf(error), to);
    });
  }
}
