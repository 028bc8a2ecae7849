import { randomBytes } from 'node:crypto';
import type { NetworkPort } from '@pckit/slirp-net';
import { serveStream, serveWebSocket } from '@pckit/slirp-net/node';
import { explained, openUserNetwork } from '../network/user-network.js';
import type { StreamAddress } from '../parse/net-option.js';
import type { NetRequest } from './net-options.js';

export interface NetHost {
  /** Results: standard output. */
  readonly print: (text: string) => void;
  readonly say: (message: string) => void;
  /** Resolves when the program should end. */
  readonly interrupted: Promise<void>;
}

/** Runs until it is interrupted. */
export async function net(request: NetRequest, { print, say, interrupted }: NetHost): Promise<void> {
  const user = await openUserNetwork(request.network, { say, failed: say });
  const closers: (() => void)[] = [];
  // Who is at the other end of a stream takes whole frames only: no offloads.
  const attach = (): NetworkPort => user.network.attach();
  const changed = (event: string, count: number): void => say(event === 'bad-frame' ? 'a peer sent what is no frame' : `a card was ${event}: ${count} now`);
  let figures: NodeJS.Timeout | undefined;
  try {
    for (const address of request.listen) {
      const server = await serveStream({ at: target(address), attach, changed }).catch((error: unknown) => {
        throw explained(error);
      });
      closers.push(server.close);
      say(`listening on ${'path' in server.at ? `unix:${server.at.path}` : `tcp:${server.at.address}:${server.at.port}`}`);
    }
    if (request.ws !== undefined) {
      const { host, port, origins, token = randomBytes(24).toString('base64url') } = request.ws;
      const server = await serveWebSocket({ at: { address: host, port }, token, origins, attach, changed }).catch((error: unknown) => {
        throw explained(error);
      });
      closers.push(server.close);
      print(`ws://${host.includes(':') ? `[${host}]` : host}:${server.port}/?token=${token}\n`);
    }
    if (request.statsSeconds !== undefined) figures = setInterval(() => say(JSON.stringify(user.network.statistics())), request.statsSeconds * 1000);
    await interrupted;
  } finally {
    clearInterval(figures);
    for (const close of closers) close();
    await user.close();
  }
}

function target(address: StreamAddress): { path: string } | { address: string; port: number } {
  return address.kind === 'unix' ? { path: address.path } : { address: address.host, port: address.port };
}
