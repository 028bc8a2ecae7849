import { rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { CliError, reasonOf } from '../cli-error.js';
import type { StreamAddress } from '../parse/net-option.js';
import { FrameStream } from './frame-stream.js';
import type { Network, NetworkContext } from './network.js';

/** The other end of `-netdev stream` or of another pckit: one peer at a time, which may come again. */
export function openStreamNetwork(role: 'listen' | 'connect', address: StreamAddress, context: NetworkContext): Promise<Network> {
  return role === 'listen' ? listen(address, context) : dial(address, context);
}

function listen(address: StreamAddress, { say, failed }: NetworkContext): Promise<Network> {
  const stream = new FrameStream();
  let peer: Socket | undefined;
  const server = createServer((socket) => {
    if (peer !== undefined) {
      socket.destroy();
      return;
    }
    peer = socket;
    plug(stream, socket, () => (peer = undefined));
    say('the network has a peer');
  });
  return new Promise((opened, refused) => {
    server.once('error', (error) =>
      refused(new CliError('input', `--net stream: can't listen on ${describe(address)}: ${reasonOf(error)}`, 'Choose another address; a socket file that is left over has to be removed.', { cause: error })),
    );
    server.listen(address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port }, () => {
      server.removeAllListeners('error');
      server.on('error', (error) => failed(`--net stream: ${reasonOf(error)}`));
      // The machine keeps the process alive, not an idle listener.
      server.unref();
      say(`the network waits for a peer on ${address.kind === 'unix' ? describe(address) : `tcp:${address.host}:${(server.address() as AddressInfo).port}`}`);
      opened({
        port: stream,
        close: () =>
          new Promise((done) => {
            peer?.destroy();
            server.close(() => done());
            if (address.kind === 'unix') rmSync(address.path, { force: true });
          }),
      });
    });
  });
}

function dial(address: StreamAddress, { say }: NetworkContext): Promise<Network> {
  const stream = new FrameStream();
  return new Promise((opened, refused) => {
    const socket = connect(address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port });
    socket.once('error', (error) =>
      refused(new CliError('input', `--net stream: can't connect to ${describe(address)}: ${reasonOf(error)}`, 'Start the other side first, with listen=.', { cause: error })),
    );
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      plug(stream, socket, () => say('the network\'s peer has gone'));
      opened({
        port: stream,
        close: () => {
          socket.destroy();
        },
      });
    });
  });
}

function plug(stream: FrameStream, socket: Socket, gone: () => void): void {
  socket.setNoDelay(true);
  stream.connect(socket);
  socket.on('data', (chunk) => stream.push(chunk));
  // A reset connection is a pulled cable: the guest doesn't notice.
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    stream.disconnect();
    gone();
  });
}

function describe(address: StreamAddress): string {
  return address.kind === 'unix' ? `unix:${address.path}` : `tcp:${address.host}:${address.port}`;
}
