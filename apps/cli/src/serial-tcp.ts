import { createServer, type AddressInfo, type Socket } from 'node:net';
import { CliError, reasonOf } from './cli-error.js';
import { SerialInput } from './serial-input.js';
import type { SerialContext, SerialLine } from './serial-line.js';
import { SerialOutput } from './serial-output.js';

/** What a client that comes late still sees, and what a slow one may owe. */
const BACKLOG = 256 * 1024;
const INPUT_HIGH_WATER = 64 * 1024;

/**
 * A terminal server: raw bytes over TCP, one client at a time. Until the first client comes, the newest output is kept for it; a client
 * that reads too slowly loses output rather than stop the guest, as a real line without flow control would.
 */
export function openSerialTcp({ host, port }: { host: string; port: number }, { failed, say }: SerialContext): Promise<SerialLine> {
  let client: Socket | undefined;
  let backlog: Uint8Array[] = [];
  let backlogBytes = 0;

  const input = new SerialInput(() => client?.resume());
  const output = new SerialOutput((bytes) => {
    if (client !== undefined) {
      if (client.writableLength < BACKLOG) client.write(bytes);
      return;
    }
    backlog.push(bytes);
    backlogBytes += bytes.length;
    while (backlogBytes > BACKLOG && backlog.length > 1) backlogBytes -= (backlog.shift() as Uint8Array).length;
  });

  const server = createServer((socket) => {
    if (client !== undefined) {
      socket.end('pckit: this serial line is in use\r\n');
      return;
    }
    client = socket;
    socket.setNoDelay(true);
    for (const bytes of backlog) socket.write(bytes);
    backlog = [];
    backlogBytes = 0;
    socket.on('data', (chunk) => {
      input.push(chunk);
      if (input.length > INPUT_HIGH_WATER) socket.pause();
    });
    // A reset connection is a pulled cable: the guest doesn't notice, the next client may come.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (client === socket) client = undefined;
    });
  });

  const line: SerialLine = {
    port: { write: (byte) => output.write(byte), attach: (receive) => input.attach(receive), onReady: () => input.pump() },
    flush: () => {
      output.flush();
      return Promise.resolve();
    },
    close: () =>
      new Promise((done) => {
        output.flush();
        server.close(() => done());
        client?.end(() => client?.destroy());
      }),
  };

  return new Promise((opened, refused) => {
    const cannotListen = (error: Error): void => {
      const where = `${host}:${port}`;
      refused(new CliError('input', `--serial tcp: can't listen on ${where}: ${reasonOf(error)}`, 'Choose another port, or 0 for any free one.', { cause: error }));
    };
    server.once('error', cannotListen);
    server.listen({ host, port }, () => {
      server.off('error', cannotListen);
      server.on('error', (error) => failed(`serial line on port ${port}: ${reasonOf(error)}`));
      // The machine keeps the process alive, not an idle listener.
      server.unref();
      say(`serial line on ${host}:${(server.address() as AddressInfo).port}`);
      opened(line);
    });
  });
}
