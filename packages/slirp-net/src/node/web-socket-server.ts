import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import type { HostAddress } from '../host-network.js';
import type { NetworkPort } from '../iface/port.js';
import { listenError } from './host-failure.js';

export interface WebSocketOptions {
  readonly at: HostAddress;
  /** What `?token=` has to say. */
  readonly token: string;
  /** Origins that may connect, as browsers send them; without any, pages that came from this machine (`localhost`, 127.0.0.1, [::1]). */
  readonly origins?: readonly string[];
  readonly attach: () => NetworkPort;
  readonly changed?: (event: 'attached' | 'detached' | 'bad-frame', count: number) => void;
  /** 64 */
  readonly maxGuests?: number;
}

const MAX_FRAME = 65_550;
const HIGH_WATER = 1 << 20;

/**
 * Offers a network to pages: one Ethernet frame per binary message. Whoever connects is on the network and reaches what this machine reaches, so a
 * page needs the token, and its origin is checked besides: a browser sends it whatever a page wants.
 */
export async function serveWebSocket({ at, token, origins = [], attach, changed, maxGuests = 64 }: WebSocketOptions): Promise<{ readonly port: number; close(): void }> {
  const http = createServer((_request, response) => response.writeHead(426).end());
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME, perMessageDeflate: false });
  http.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const refusal = refuse(request, token, origins) ?? (sockets.clients.size >= maxGuests ? '503 Service Unavailable' : undefined);
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (web) => {
      changed?.('attached', sockets.clients.size);
      plug(web, attach(), () => changed?.('bad-frame', sockets.clients.size));
      web.on('close', () => changed?.('detached', sockets.clients.size));
    });
  });
  await new Promise<void>((done, fail) => {
    http.once('error', (error) => fail(listenError(at, error)));
    http.listen({ host: at.address, port: at.port }, done);
  });
  return {
    port: (http.address() as AddressInfo).port,
    close: () => {
      for (const client of sockets.clients) client.terminate();
      http.close();
      http.closeAllConnections();
    },
  };
}

function refuse(request: IncomingMessage, token: string, origins: readonly string[]): string | undefined {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const given = Buffer.from(url.searchParams.get('token') ?? '');
  const wanted = Buffer.from(token);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return '401 Unauthorized';
  const { origin } = request.headers;
  // Programs send none; they have the token.
  if (origin === undefined || origins.includes(origin)) return undefined;
  return origins.length === 0 && isLocal(origin) ? undefined : '403 Forbidden';
}

function isLocal(origin: string): boolean {
  try {
    return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(origin).hostname);
  } catch {
    return false;
  }
}

function plug(web: WebSocket, port: NetworkPort, badFrame: () => void): void {
  let refused = false;
  const sent = (): void => {
    if (!refused || web.bufferedAmount > HIGH_WATER / 2) return;
    refused = false;
    port.onReady();
  };
  port.attach((frame) => {
    if (web.bufferedAmount > HIGH_WATER) {
      refused = true;
      return false;
    }
    web.send(Buffer.from(frame), { binary: true }, sent);
    return true;
  });
  web.on('message', (data, isBinary) => {
    if (isBinary && data instanceof Buffer) port.send(data);
    else {
      badFrame();
      web.terminate();
    }
  });
  web.on('error', () => web.terminate());
  web.on('close', () => port.detach());
}
