/**
 * The stack alone: a guest in memory (frames are passed as function calls), the network, and real loopback sockets whose other ends are in a process
 * of their own. Figures are per second of this process's CPU time, the guest's own stack included, so that other load on the machine matters little.
 *
 *   node --conditions=@pckit/source --import tsx packages/slirp-net/bench/stack.ts
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createNetwork } from '@pckit/slirp-net';
import { NodeHost, RealClock } from '@pckit/slirp-net/node';
import { FakeHost, GuestStack, type GuestSocket } from '@pckit/slirp-net/testing';

const peer = spawn(
  process.execPath,
  [
    '-e',
    `const net = require('node:net'); const chunk = Buffer.alloc(262144, 7);
     const sink = net.createServer((s) => { s.on('error', () => {}); s.resume(); });
     const source = net.createServer((s) => { s.on('error', () => {}); const fill = () => { while (!s.destroyed && s.write(chunk)); }; s.on('drain', fill); fill(); });
     sink.listen(0, '127.0.0.1', () => source.listen(0, '127.0.0.1', () => console.log(sink.address().port + ' ' + source.address().port)));
     process.stdin.resume().on('end', () => process.exit());`,
  ],
  { stdio: ['pipe', 'pipe', 'inherit'] },
);
const [ports] = (await once(peer.stdout, 'data')) as [Buffer];
const [sinkPort, sourcePort] = ports.toString().trim().split(' ').map(Number);

const seconds = Number(process.env['SECONDS'] ?? 4);
const chunk = new Uint8Array(65_536).fill(7);

function stack(): { guest: GuestStack; network: ReturnType<typeof createNetwork> } {
  const network = createNetwork({ host: new NodeHost(), clock: new RealClock() });
  return { network, guest: new GuestStack({ clock: new RealClock(), port: network.attach() }) };
}

async function measure(name: string, flows: number, port: number): Promise<{ gbit: number; nsPerPacket: number }> {
  const { guest, network } = stack();
  let received = 0;
  const sockets: GuestSocket[] = [];
  let open = 0;
  // The guest's sockets send as long as there is room, or count what comes.
  for (let i = 0; i < flows; i++) {
    const socket = guest.connect('10.0.2.2', port);
    socket.keep = false;
    sockets.push(socket);
    socket.onReceived = (bytes) => (received += bytes.length);
    socket.onSendable = () => {
      if (!socket.open) return;
      if (socket.connection.queued === 0) open++;
      if (port !== sinkPort) return;
      const room = flows > 1 ? 1 << 16 : 1 << 19;
      while (socket.connection.queued < room) socket.connection.write(chunk);
    };
    // Not all at once: the host's listen queue is short.
    if (i % 100 === 99) await new Promise((done) => setTimeout(done, 50));
  }
  const feeder = setInterval(() => {
    for (const socket of sockets) socket.onSendable?.();
  }, 1);
  await new Promise((done) => setTimeout(done, 1500));
  const count = (): { bytes: number; packets: number } => {
    let bytes = received;
    for (const flow of network.flows()) bytes += flow.bytesFromGuest;
    const { framesFromGuests, framesToGuests } = network.statistics().counters;
    return { bytes, packets: framesFromGuests + framesToGuests };
  };
  const before = count();
  const cpu = process.cpuUsage();
  const start = performance.now();
  await new Promise((done) => setTimeout(done, seconds * 1000));
  const after = count();
  const used = process.cpuUsage(cpu);
  clearInterval(feeder);
  const cpuSeconds = (used.user + used.system) / 1e6;
  const gbit = ((after.bytes - before.bytes) * 8) / 1e9 / cpuSeconds;
  const nsPerPacket = (cpuSeconds * 1e9) / (after.packets - before.packets);
  const wall = (performance.now() - start) / 1000;
  console.log(`${name}: ${gbit.toFixed(2)} Gbit per CPU second, ${nsPerPacket.toFixed(0)} ns a packet (${(((after.bytes - before.bytes) * 8) / 1e9 / wall).toFixed(2)} Gbit/s, ${open} open, load ${(cpuSeconds / wall).toFixed(2)})`);
  network.close();
  await new Promise((done) => setTimeout(done, 300));
  return { gbit, nsPerPacket };
}

async function idle(flows: number): Promise<void> {
  const host = new FakeHost((run) => setImmediate(run));
  const network = createNetwork({ host, clock: new RealClock() });
  const guest = new GuestStack({ clock: new RealClock(), port: network.attach() });
  globalThis.gc?.();
  const before = process.memoryUsage();
  const sockets = [];
  for (let i = 0; i < flows; i++) {
    sockets.push(guest.connect('93.184.216.34', 80));
    if (i % 256 === 255) await new Promise((done) => setImmediate(done));
  }
  await new Promise((done) => setTimeout(done, 500));
  globalThis.gc?.();
  const after = process.memoryUsage();
  const bytes = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
  console.log(`${flows} idle flows (${network.statistics().tcpFlows}): ${(bytes / 2 ** 20).toFixed(1)} MiB for both ends, ${(bytes / flows / 2).toFixed(0)} bytes each end`);
  network.close();
}

await measure('one flow, guest to host', 1, sinkPort);
const one = await measure('one flow, guest to host', 1, sinkPort);
await measure('one flow, host to guest', 1, sourcePort);
const many = await measure('1000 flows, guest to host', 1000, sinkPort);
console.log(`a packet of 1000 flows costs ${(many.nsPerPacket / one.nsPerPacket).toFixed(2)} times one of a single flow`);
await idle(10_000);
peer.stdin.end();
process.exit();
