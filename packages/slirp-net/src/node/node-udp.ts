import { createSocket, type Socket } from 'node:dgram';
import type { HostAddress, HostUdp, HostUdpEvents } from '../host-network.js';
import { failureOf } from './host-failure.js';

/**
 * Of the kernel's queue: what a peer sends while the emulator computes must wait there or is lost. The kernel grants what its limits allow
 * (Linux: net.core.rmem_max).
 */
const RECEIVE_BUFFER = 1 << 20;

/** A datagram socket of Node. */
export class NodeUdp implements HostUdp {
  readonly socket: Socket;
  private open = true;

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
    return this.open ? this.socket.getSendQueueSize() : 0;
  }

  get at(): HostAddress {
    return this.socket.address();
  }

  send(bytes: Uint8Array, to: HostAddress): void {
    if (!this.open) return;
    // Node keeps the array until the kernel took it.
    this.socket.send(Buffer.from(bytes), to.port, to.address, (error) => {
      if (error !== null && this.open) this.events.failed(failureOf(error), to);
    });
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.socket.close();
  }
}
