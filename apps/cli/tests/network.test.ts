import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pckit } from './run-cli.js';

const required = process.env['PCKIT_REQUIRE_TOOLS'] === '1';
/** Fetched once for all runs of the tests. */
const cache = resolve(dirname(fileURLToPath(import.meta.url)), '../../../node_modules/.cache/pckit-guests');
const env = { XDG_CACHE_HOME: cache };
const patience = 900;

const blob = randomBytes(4 << 20);
const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

let kernel = '';
let whyNot = '';
let folder: string;
let http: Server;
let sink: TcpServer;
let caller: Socket | undefined;
let guestPort = 0;
const received: Buffer[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pckit-network-'));
  mkdirSync(cache, { recursive: true });
  const { status, stdout, stderr } = await pckit(['guest', 'fetch'], { input: '', env, patience });
  if (status === 0) kernel = stdout.trim();
  else whyNot = stderr;
  http = createHttpServer((request, response) => {
    if (request.url === '/blob') return response.end(blob);
    if (request.url === '/call') {
      // A connection to the guest, on which it only receives.
      caller = connect({ host: '127.0.0.1', port: guestPort }, () => caller?.write('hello\n', () => response.end('called')));
      return caller.on('error', () => {});
    }
    response.on('error', () => {});
    if (request.url === '/silent') {
      // The guest has acknowledged all of it long since when it is saved, and says nothing more.
      response.writeHead(200);
      return response.write('hello\n');
    }
    // Never ends: what is under way when the machine is saved.
    response.writeHead(200);
    const more = (): void => {
      while (!response.destroyed && response.write(blob));
      response.once('drain', more);
    };
    more();
  });
  sink = createTcpServer((socket) => socket.on('data', (chunk) => received.push(chunk)).on('error', () => socket.destroy()));
  await Promise.all([http, sink].map((server) => new Promise<void>((listening) => server.listen({ host: '127.0.0.1', port: 0 }, () => listening()))));
  const free = createTcpServer();
  await new Promise<void>((listening) => free.listen(0, '127.0.0.1', listening));
  guestPort = port(free);
  await new Promise((closed) => free.close(closed));
}, patience * 1000);
afterAll(() => {
  caller?.destroy();
  http.closeAllConnections();
  http.close();
  sink.close();
  rmSync(folder, { recursive: true });
});

const port = (server: Server | TcpServer): number => (server.address() as AddressInfo).port;

describe('--net user (needs apt and a mirror, or a filled cache)', () => {
  it('gives the default guest a network, also after a resume in the middle of a transfer', { timeout: patience * 1000 }, async ({ skip }) => {
    if (kernel === '' && !required) skip(`no guest: ${whyNot}`);
    const snapshot = join(folder, 'snapshot');
    const fetch = `wget -qO /tmp/blob http://10.0.2.2:${port(http)}/blob; md5sum < /tmp/blob`;
    const before = [
      'ip -4 -o addr show dev eth0',
      'ping -c 2 10.0.2.2',
      fetch,
      `nc 10.0.2.2 ${port(sink)} < /tmp/blob; echo sent`,
      `wget -qO /dev/null http://10.0.2.2:${port(http)}/endless &`,
      `wget -qO /dev/null http://10.0.2.2:${port(http)}/silent &`,
      'mkfifo /tmp/mute; nc -l -p 7 <> /tmp/mute > /tmp/heard &',
      `sleep 1; wget -qO - http://10.0.2.2:${port(http)}/call; cat /tmp/heard`,
      'sleep 1; echo "established: $(cat /proc/net/tcp /proc/net/tcp6 | grep -c " 01 ")"; echo "in the $(echo middle)"',
    ];
    const first = await pckit(['boot', '--net', `user,hostfwd=tcp:127.0.0.1:${guestPort}-:7`, '--smp', '2', '--timeout', '400', '--exit-on', 'in the middle', '--save', snapshot], { input: `${before.join('\n')}\n`, env, patience });
    expect(first.stdout).toContain(' inet 10.0.2.15/24 ');
    expect(first.stdout).toContain('2 packets received, 0% packet loss');
    expect(first.stdout).toContain(md5(blob));
    expect(first.status).toBe(0);
    expect(md5(Buffer.concat(received))).toBe(md5(blob));

    expect(first.stdout).toContain('calledhello');
    expect(first.stdout).toContain('established: 3');

    const after = ['rm /tmp/blob', 'wait; echo "the old connections are $(echo over)"', fetch, 'dmesg | tail -n 40', 'poweroff'];
    const second = await pckit(['boot', '--resume', snapshot, '--timeout', '400'], { input: `${after.join('\n')}\n`, env, patience });
    expect(second.stdout).toContain('the old connections are over');
    expect(second.stdout).toContain(md5(blob));
    expect(second.stdout).not.toMatch(/NETDEV WATCHDOG|Call Trace/);
    expect(second.status).toBe(0);
  });
});
