import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { HostTarget } from '../host-network.js';
import type { NetworkPort } from '../iface/port.js';
import { StreamFrames } from '../wire/stream-frames.js';
import { listenError } from './host-failure.js';
import { removeStaleSocket } from './node-host.js';

export interface StreamServer {
  readonly at: HostTarget;
  close(): void;
}

export interface StreamServerOptions {
  readonly at: HostTarget;
  /** Plugs in a card: `() => network.attach()`. */
  readonly attach: () => NetworkPort;
  /** Somebody came or went; for messages. */
  readonly changed?: (event: 'attached' | 'detached' | 'bad-frame', count: number) => void;
  /** Guests at a time: 64. */
  readonly maxGuests?: number;
}

/** What waits to be written to a guest beyond this makes its port refuse. */
const HIGH_WATER = 1 << 18;
/** Frames of one turn of the event loop leave together: room for as many as in the turn before, and more. */
const LARGEST_BATCH = 1 << 16;
const SMALLEST_BATCH = 1 << 11;

/** Offers a network to QEMU: `-netdev stream,id=n,server=off,addr.type=unix,addr.path=PATH`. One card per connection. */
export async function serveStream({ at, attach, changed, maxGuests = 64 }: StreamServerOptions): Promise<StreamServer> {
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    if (open.size >= maxGuests) {
      socket.destroy();
      return;
    }
    open.add(socket);
    const detach = plug(socket, attach(), () => changed?.('bad-frame', open.size));
    changed?.('attached', open.size);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      open.delete(socket);
      detach();
      changed?.('detached', open.size);
    });
  });
  if ('path' in at) await removeStaleSocket(at.path);
  await listen(server, at);
  const chosen = server.address() as AddressInfo | string;
  return {
    at: typeof chosen === 'string' ? { path: chosen } : { address: chosen.address, port: chosen.port },
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

function listen(server: Server, at: HostTarget): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', (error) => fail(listenError(at, error)));
    server.listen('path' in at ? { path: at.path } : { host: at.address, port: at.port }, done);
  });
}

function plug(socket: Socket, port: NetworkPort, badFrame: () => void): () => void {
  const frames = new StreamFrames();
  let batch: Buffer | undefined;
  let used = 0;
  let room = SMALLEST_BATCH;
  let refused = false;
  const flush = (): void => {
    if (batch === undefined) return;
    const full = batch.subarray(0, used);
    room = Math.min(LARGEST_BATCH, Math.max(SMALLEST_BATCH, 2 * used));
    batch = undefined;
    used = 0;
    socket.write(full, wrote);
  };
  const wrote = (): void => {
    if (!refused || socket.writableLength > HIGH_WATER / 2) return;
    refused = false;
    port.onReady();
  };
  port.attach((frame) => {
    if (socket.writableLength > HIGH_WATER) {
      refused = true;
      return false;
    }
    const size = frame.length + 4;
    if (batch !== undefined && used + size > batch.length) flush();
    if (batch === undefined) {
      batch = Buffer.allocUnsafe(Math.max(room, size));
      process.nextTick(flush);
    }
    batch.writeUInt32BE(frame.length, used);
    batch.set(frame, used + 4);
    used += size;
    return true;
  });
  socket.on('data', (bytes) => {
    if (frames.push(bytes, (frame) => port.send(frame))) return;
    badFrame();
    socket.destroy();
  });
  return () => {
    batch = undefined;
    port.detach();
  };
}
