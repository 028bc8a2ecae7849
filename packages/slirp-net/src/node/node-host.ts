import { createServer, connect as dial, type AddressInfo, type Socket } from 'node:net';
import { unlinkSync } from 'node:fs';
import type { HostAddress, HostListener, HostNetwork, HostPing, HostFailure, HostStream, HostStreamEvents, HostTarget, HostUdp, HostUdpEvents } from '../host-network.js';
import { listenError } from './host-failure.js';
import { NodeStream } from './node-stream.js';
import { NodeUdp } from './node-udp.js';
import { pingHost } from './ping.js';
import { resolveQuery } from './resolver.js';
import { UdpThread } from './udp-thread.js';

/** Of one read. */
const READ_BUFFER = 65_536;

export interface NodeHostOptions {
  /**
   * Datagram sockets that guests open are in a thread of their own, which is started with the first: worth its ten megabytes where the thread of the network is the one
   * that computes, as an emulator's is. Default: false.
   */
  readonly udpThread?: boolean;
}

/** The host's network, by Node's sockets. */
export class NodeHost implements HostNetwork {
  /** All dialled sockets read into it, one at a time: an array for each read would keep the garbage collector busy. */
  private readonly readBuffer = new Uint8Array(READ_BUFFER);

  private udpThread: UdpThread | undefined;
  private udpThreads: boolean;

  constructor({ udpThread = false }: NodeHostOptions = {}) {
    this.udpThreads = udpThread && UdpThread.available;
  }

  connect(to: HostTarget, events: HostStreamEvents): HostStream {
    const local = 'path' in to;
    const onread = {
      buffer: this.readBuffer,
      callback: (length: number, buffer: Uint8Array): boolean => {
        stream.take(buffer.subarray(0, length));
        return true;
      },
    };
    const target = local ? { path: to.path } : { host: to.address, port: to.port, noDelay: true, autoSelectFamily: false };
    const stream = new NodeStream(dial({ ...target, allowHalfOpen: true, onread }), local, true);
    return stream.listen(events);
  }

  listen(at: HostTarget, accept: (stream: HostStream, from: HostAddress | undefined) => HostStreamEvents): Promise<HostListener> {
    const local = 'path' in at;
    const open = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      const stream = new NodeStream(socket, local);
      const from = local || socket.remoteAddress === undefined ? undefined : { address: socket.remoteAddress, port: socket.remotePort ?? 0 };
      // Told so, a listener of 'data' doesn't start it: `resume` does, which may come before `accept` returns.
      socket.pause();
      stream.listen(accept(stream, from));
    });
    return new Promise((done, fail) => {
      server.on('error', (error) => fail(listenError(at, error)));
      const listening = (): void => {
        const chosen = server.address() as AddressInfo | string;
        done({
          at: typeof chosen === 'string' ? { path: chosen } : { address: chosen.address, port: chosen.port },
          close: () => server.close(),
        });
      };
      if (local) server.listen({ path: at.path }, listening);
      else server.listen({ host: at.address, port: at.port }, listening);
    });
  }

  openUdp(family: 4 | 6, events: HostUdpEvents): HostUdp {
    if (!this.udpThreads) return new NodeUdp(family, events);
    // One that ends was not meant to: the next is not tried.
    this.udpThread ??= new UdpThread(() => {
      this.udpThreads = false;
      this.udpThread = undefined;
    });
    return this.udpThread.open(family, events);
  }

  bindUdp(at: HostAddress, events: HostUdpEvents): Promise<HostUdp & { readonly at: HostAddress }> {
    const udp = new NodeUdp(at.address.includes(':') ? 6 : 4, events);
    return new Promise((done, fail) => {
      udp.socket.once('error', (error) => fail(listenError(at, error)));
      udp.socket.bind({ address: at.address, port: at.port }, () => done(udp));
    });
  }

  resolve(query: Uint8Array, over: 'udp' | 'tcp'): Promise<Uint8Array> {
    return resolveQuery(query, over);
  }

  ping(address: string, ping: HostPing): Promise<'reply' | 'timeout' | HostFailure> {
    return pingHost(address, ping);
  }
}

/** Removes a unix socket that nobody listens on any more: left by a process that was killed. */
export function removeStaleSocket(path: string): Promise<void> {
  return new Promise((done) => {
    const probe = dial({ path });
    probe.on('connect', () => {
      probe.destroy();
      done();
    });
    probe.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') {
        try {
          unlinkSync(path);
        } catch {
          // Then listening on it will say why.
        }
      }
      done();
    });
  });
}
