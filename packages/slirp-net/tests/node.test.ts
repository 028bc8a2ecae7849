import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { createNetwork, type Network } from '@pckit/slirp-net';
import { NodeHost, RealClock, serveStream, serveWebSocket } from '@pckit/slirp-net/node';
import { GuestStack, type GuestSocket } from '@pckit/slirp-net/testing';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

function world(): { network: Network; guest: GuestStack } {
  const network = createNetwork({ host: new NodeHost(), clock: new RealClock() });
  cleanups.push(() => network.close());
  return { network, guest: new GuestStack({ clock: new RealClock(), port: network.attach() }) };
}
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((done) => setTimeout(done, 2));
}
function server(serve: (socket: Socket) => void, host = '127.0.0.1'): Promise<number> {
  const made = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    serve(socket);
  });
  cleanups.push(() => made.close());
  return new Promise((done) => made.listen(0, host, () => done((made.address() as AddressInfo).port)));
}
function pattern(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 2_654_435_761) >>> 13));
}

describe('over sockets of the host', () => {
  it('five megabytes go and come back, byte for byte, and both ends end', async () => {
    const { guest, network } = world();
    const port = await server((socket) => socket.pipe(socket));
    const data = pattern(5_000_000);
    const socket = guest.connect('10.0.2.2', port);
    let at = 0;
    const feed = (): void => {
      for (; at < data.length && socket.connection.queued < 1 << 18; at += 65_536) socket.connection.write(data.subarray(at, at + 65_536));
      if (at >= data.length) socket.connection.end();
    };
    socket.onSendable = feed;
    const timer = setInterval(() => socket.open && feed(), 1);
    await until(() => socket.remoteEnded);
    clearInterval(timer);
    expect(Buffer.compare(Buffer.from(socket.all()), data)).toBe(0);
    await until(() => [...network.flows()].every(({ state }) => state === 'time-wait' || state === 'closed'));
  });

  it('a port where nobody listens is refused', async () => {
    const { guest } = world();
    const port = await server(() => {});
    cleanups.pop()?.();
    const socket = guest.connect('10.0.2.2', port);
    await until(() => socket.why !== undefined);
    expect(socket.why).toBe('refused');
  });

  it('a reset passes, either way', async () => {
    const { guest } = world();
    const seen: Socket[] = [];
    const port = await server((socket) => seen.push(socket));
    const one = guest.connect('10.0.2.2', port);
    await until(() => seen.length === 1 && one.open);
    seen[0].resetAndDestroy();
    await until(() => one.why === 'reset');
    const two = guest.connect('10.0.2.2', port);
    await until(() => seen.length === 2 && two.open);
    let code = '';
    seen[1].on('error', (error: NodeJS.ErrnoException) => (code = error.code ?? ''));
    two.connection.abort();
    await until(() => code !== '');
    expect(code).toBe('ECONNRESET');
  });

  it('a host forward brings a connection in, and a taken port is an error with its name', async () => {
    const { guest, network } = world();
    const forward = await network.forward({ host: { address: '127.0.0.1', port: 0 }, guest: { port: 22 } });
    const { port } = forward.at as { port: number };
    await expect(network.forward({ host: { address: '127.0.0.1', port }, guest: { port: 23 } })).rejects.toMatchObject({ code: 'in-use', message: expect.stringContaining(String(port)) as string });
    const client = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    client.on('error', () => {});
    client.end('ping');
    await until(() => guest.accepted.length === 1 && guest.accepted[0].remoteEnded);
    const [inside] = guest.accepted as [GuestSocket];
    expect(Buffer.from(inside.all()).toString()).toBe('ping');
    inside.connection.write(Buffer.from('pong'));
    inside.connection.end();
    const answer: Buffer[] = [];
    for await (const part of client) answer.push(part as Buffer);
    expect(Buffer.concat(answer).toString()).toBe('pong');
  });

  it('datagrams go out and come back', async () => {
    const { guest } = world();
    const echo = createSocket('udp4');
    cleanups.push(() => echo.close());
    echo.on('message', (bytes, from) => echo.send(bytes, from.port, from.address));
    await new Promise<void>((done) => echo.bind(0, '127.0.0.1', done));
    guest.sendUdp(5000, '10.0.2.2', echo.address().port, Buffer.from('hello'));
    await until(() => guest.datagrams.length === 1);
    expect(Buffer.from(guest.datagrams[0].data).toString()).toBe('hello');
  });

  it('datagrams of one turn leave in order, and all before their socket is closed', async () => {
    const { guest, network } = world();
    const peer = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
    cleanups.push(() => peer.close());
    const got: number[] = [];
    peer.on('message', ([first]) => got.push(first));
    await new Promise<void>((done) => peer.bind(0, '127.0.0.1', done));
    const { port } = peer.address();
    const send = (n: number): void => guest.sendUdp(5000, '10.0.2.2', port, Uint8Array.of(n));
    send(0);
    await until(() => got.length === 1);
    for (let n = 1; n <= 80; n++) send(n);
    await until(() => got.length === 81);
    send(81);
    await until(() => got.length === 82);
    for (let n = 82; n < 90; n++) send(n);
    network.close();
    await until(() => got.length === 90);
    expect(got).toEqual(Array.from({ length: 90 }, (_, n) => n));
  });

  // 150 of them are more than Linux's default buffer holds, and less than what its default limit allows.
  it('datagrams that come while the emulator computes are not lost', async () => {
    const { guest } = world();
    const peer = createSocket('udp4');
    cleanups.push(() => peer.close());
    await new Promise<void>((done) => peer.bind(0, '127.0.0.1', done));
    const question = new Promise<number>((done) => peer.once('message', (_bytes, from) => done(from.port)));
    guest.sendUdp(5000, '10.0.2.2', peer.address().port, Buffer.from('go'));
    const port = await question;
    await new Promise<void>((done) => peer.connect(port, '127.0.0.1', done));
    for (let i = 0; i < 150; i++) peer.send(Buffer.alloc(1400, i));
    await until(() => guest.datagrams.length === 150);
    expect(guest.datagrams.map(({ data }) => data[0])).toEqual(Array.from({ length: 150 }, (_, i) => i));
  });
});

describe('offered to others', () => {
  it('frames over a stream, as QEMU has them, cut anywhere', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slirp-net-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const { network } = world();
    const offered = await serveStream({ at: { path: join(folder, 'net') }, attach: () => network.attach() });
    cleanups.push(() => offered.close());
    const arp = Buffer.from('ffffffffffff525400123456080600010800060400015254001234560a00020f0000000000000a000202', 'hex');
    const framed = Buffer.concat([Buffer.of(0, 0, 0, arp.length), arp]);
    const client = connect({ path: join(folder, 'net') });
    let got = Buffer.alloc(0);
    client.on('data', (bytes) => (got = Buffer.concat([got, bytes])));
    client.on('error', () => {});
    for (const byte of framed) {
      client.write(Buffer.of(byte));
      await new Promise((done) => setImmediate(done));
    }
    client.write(Buffer.concat([framed, framed]));
    await until(() => got.length === 3 * 46);
    expect(got.subarray(0, 10).toString('hex')).toBe('0000002a525400123456');
    client.write(Buffer.of(0x7f, 0, 0, 0));
    await new Promise((done) => client.on('close', done));
  });

  it('frames over a WebSocket, for who has the token and comes from an allowed page', async () => {
    const { network } = world();
    const token = 'a-token-for-this-test';
    const offered = await serveWebSocket({ at: { address: '127.0.0.1', port: 0 }, token, attach: () => network.attach() });
    cleanups.push(() => offered.close());
    const dial = (query: string, origin?: string): Promise<WebSocket | number> =>
      new Promise((done) => {
        const socket = new WebSocket(`ws://127.0.0.1:${offered.port}/${query}`, origin === undefined ? {} : { origin });
        socket.on('open', () => done(socket));
        socket.on('unexpected-response', (_request, response) => done(response.statusCode ?? 0));
        socket.on('error', () => {});
      });
    expect(await dial('')).toBe(401);
    expect(await dial('?token=another-token-of-len')).toBe(401);
    expect(await dial(`?token=${token}`, 'https://evil.example')).toBe(403);
    const socket = (await dial(`?token=${token}`, 'http://localhost:5173')) as WebSocket;
    const answer = new Promise<Buffer>((done) => socket.once('message', (data) => done(data as Buffer)));
    socket.send(Buffer.from('ffffffffffff525400123456080600010800060400015254001234560a00020f0000000000000a000202', 'hex'));
    expect((await answer).subarray(0, 14).toString('hex')).toBe('52540012345652550a0002020806');
    socket.send('text');
    await new Promise((done) => socket.on('close', done));
  });
});
