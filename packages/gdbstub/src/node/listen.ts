import { createServer, type AddressInfo, type Socket } from 'node:net';
import { GdbSession } from '../session.js';
import type { Target } from '../target.js';

export interface ListenOptions {
  /** 0: any that is free. */
  readonly port: number;
  /** Default 127.0.0.1: whoever can connect can do anything to the target. */
  readonly host?: string;
  /** A debugger came, or left. */
  readonly connected?: (peer: string) => void;
  readonly disconnected?: (peer: string) => void;
}

export interface Listener {
  readonly host: string;
  readonly port: number;
  /** Ends the debugger's connection too. */
  close(): Promise<void>;
}

/** What a peer that doesn't read may leave in our buffers. */
const MOST_UNSENT = 64 << 20;

/** How long a debugger waits for another one to leave. */
const PATIENCE_MILLISECONDS = 2000;

const KEEP_ALIVE_MILLISECONDS = 1000;

/** Waits for debuggers, one at a time; one that comes while another is there is turned away if that doesn't leave at once. */
export async function listen(target: Target, options: ListenOptions): Promise<Listener> {
  let present: { readonly socket: Socket; readonly session: GdbSession } | undefined;
  /** The next one: a debugger that reconnects comes before its old connection has ended here. */
  let next: { readonly socket: Socket; readonly timer: NodeJS.Timeout } | undefined;

  const serve = (socket: Socket): void => {
    const peer = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? '?'}`;
    const session = new GdbSession(target, {
      send: (bytes) => {
        socket.write(bytes);
        if (socket.writableLength > MOST_UNSENT) socket.destroy();
      },
      close: () => socket.end(),
    });
    const alive = setInterval(() => session.keepAlive(), KEEP_ALIVE_MILLISECONDS);
    alive.unref();
    present = { socket, session };
    options.connected?.(peer);
    socket.on('data', (bytes) => {
      session.receive(bytes);
      // Answers that the peer doesn't read: no more questions until it does.
      if (socket.writableNeedDrain) {
        socket.pause();
        socket.once('drain', () => socket.resume());
      }
    });
    socket.on('close', () => {
      clearInterval(alive);
      present = undefined;
      session.disconnect();
      options.disconnected?.(peer);
      if (next === undefined) return;
      const { socket: waiting, timer } = next;
      next = undefined;
      clearTimeout(timer);
      if (!waiting.destroyed) serve(waiting);
    });
  };

  const server = createServer((socket) => {
    socket.setNoDelay(true);
    // What ends a connection ends it once, by `close`.
    socket.on('error', () => undefined);
    if (present === undefined) {
      serve(socket);
    } else if (next === undefined) {
      next = {
        socket,
        timer: setTimeout(() => {
          next = undefined;
          socket.destroy();
        }, PATIENCE_MILLISECONDS),
      };
    } else {
      socket.destroy();
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host ?? '127.0.0.1', resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    host: address,
    port,
    close: () => {
      if (next !== undefined) clearTimeout(next.timer);
      next?.socket.destroy();
      next = undefined;
      present?.socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
