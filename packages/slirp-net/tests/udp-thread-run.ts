// Built and run by udp-thread.test.ts, in a process of its own. Ends by itself: nothing here keeps it alive at the end.
import { createSocket, type Socket } from 'node:dgram';
import type { HostAddress, HostUdp } from '@pckit/slirp-net';
import { NodeHost } from '@pckit/slirp-net/node';

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((done) => setTimeout(done, 2));
};
const bound = async (): Promise<{ socket: Socket; at: HostAddress; got: Buffer[]; from: HostAddress[] }> => {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
  const got: Buffer[] = [];
  const from: HostAddress[] = [];
  socket.on('message', (bytes, sender) => {
    got.push(bytes);
    from.push(sender);
  });
  await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
  return { socket, at: { address: '127.0.0.1', port: socket.address().port }, got, from };
};
const results: Record<string, unknown> = {};

const host = new NodeHost({ udpThread: true });
const heard: [number, string, number][] = [];
const failures: unknown[] = [];
const open = (): HostUdp => host.openUdp(4, { message: (bytes, { address, port }) => heard.push([bytes[0] ?? -1, `${address} ${port}`, bytes.length]), failed: (failure, to) => failures.push([failure, to]) });
const [one, two] = [await bound(), await bound()];

// Out: in order, from one socket to two peers, and all before it is closed.
const udp = open();
for (let n = 0; n < 90; n++) udp.send(new Uint8Array(1400).fill(n), (n % 10 === 9 ? two : one).at);
await until(() => one.got.length === 81 && two.got.length === 9);
results['order'] = [...one.got, ...two.got].map(([first]) => first).join(' ');
results['ports'] = new Set([...one.from, ...two.from].map(({ port }) => port)).size;

// In: what comes while this thread computes, of any size, with its sender's address.
const port = (one.from[0] as HostAddress).port;
for (let n = 0; n < 100; n++) one.socket.send(new Uint8Array(1400).fill(n), port, '127.0.0.1');
two.socket.send(new Uint8Array(0), port, '127.0.0.1');
two.socket.send(new Uint8Array(60_000).fill(7), port, '127.0.0.1');
// The kernel has them when this thread's turn has ended; then it computes.
await new Promise((done) => setImmediate(done));
for (const end = performance.now() + 200; performance.now() < end; );
await until(() => heard.length === 102);
results['heard'] = heard.map(([first, from, length]) => [first, from === `127.0.0.1 ${one.at.port}` ? 'one' : from === `127.0.0.1 ${two.at.port}` ? 'two' : from, length].join(' '));

// What the host refuses is told, with whom it was for.
udp.send(Uint8Array.of(1), { address: '255.255.255.255', port: 9 });
await until(() => failures.length > 0);
results['refused'] = failures.splice(0);

// Sent before it was closed is sent.
one.got.length = 0;
for (let n = 0; n < 20; n++) udp.send(Uint8Array.of(n), one.at);
udp.close();
await until(() => one.got.length === 20);

// A thread that ends takes its sockets along, once; the next are of this one.
const lost = open();
await (host as unknown as { udpThread: { worker: { terminate(): Promise<number> } } }).udpThread.worker.terminate();
await until(() => failures.length > 0);
results['ended'] = failures;
lost.send(Uint8Array.of(1), one.at);
lost.close();
const next = open();
next.send(Uint8Array.of(99), one.at);
await until(() => one.got.length === 21);
results['next'] = one.got.at(-1)?.[0];
next.close();

for (const { socket } of [one, two]) socket.close();
// A new one that is idle, and not closed.
const idle = new NodeHost({ udpThread: true }).openUdp(4, { message: () => {}, failed: () => {} });
results['queued'] = idle.queued;
console.log(JSON.stringify(results));
