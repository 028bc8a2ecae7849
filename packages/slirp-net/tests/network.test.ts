import { describe, expect, it } from 'vitest';
import type { FlowRequest } from '@pckit/slirp-net';
import { rig, type FakeStream, type Rig } from '@pckit/slirp-net/testing';

const text = (s: string): Uint8Array => new TextEncoder().encode(s);

/** Opens a connection from the guest and lets it settle. */
function open(world: Rig, address = '93.184.216.34', port = 80): { socket: ReturnType<Rig['guest']['connect']>; stream: FakeStream } {
  const socket = world.guest.connect(address, port);
  world.clock.settle();
  return { socket, stream: world.host.streams.at(-1) as FakeStream };
}

describe('a connection of the guest', () => {
  it('is dialled before its handshake, carries bytes both ways, and ends in order', () => {
    const world = rig();
    world.host.dial = () => undefined;
    const { socket, stream } = open(world);
    expect(stream.to).toEqual({ address: '93.184.216.34', port: 80 });
    world.clock.advance(500);
    expect(socket.open).toBe(false);
    stream.events.connected();
    world.clock.settle();
    expect(socket.open).toBe(true);
    socket.connection.write(text('GET /'));
    world.clock.settle();
    expect(stream.text).toBe('GET /');
    stream.events.data(text('hello'));
    stream.events.ended();
    world.clock.settle();
    expect(new TextDecoder().decode(socket.all())).toBe('hello');
    expect(socket.remoteEnded).toBe(true);
    // Half closed: the guest may still speak.
    socket.connection.write(text(' and more'));
    world.clock.settle();
    expect(stream.text).toBe('GET / and more');
    socket.connection.end();
    world.clock.settle();
    expect(stream.ended).toBe(true);
    world.clock.advance(60_000);
    expect([...world.network.flows()]).toEqual([]);
    expect(stream.aborted).toBe(false);
  });

  it('is reset when the host refuses, and ended by ICMP when there is no way', () => {
    const world = rig();
    world.host.dial = () => 'refused';
    const { socket } = open(world);
    world.clock.settle();
    expect(socket.why).toBe('refused');
    world.host.dial = () => 'host-unreachable';
    open(world);
    expect(world.network.statistics().counters.icmpErrorsSent).toBe(1);
    expect(world.network.statistics().tcpFlows).toBe(0);
  });

  it('passes a reset on, in both directions', () => {
    const world = rig();
    const one = open(world);
    one.socket.connection.abort();
    world.clock.settle();
    expect(one.stream.aborted).toBe(true);
    const two = open(world);
    two.stream.events.closed('reset');
    world.clock.settle();
    expect(two.socket.why).toBe('reset');
  });

  it('that a slow host does not read shuts the window, and nothing is lost', () => {
    const world = rig({ network: { limits: { tcpBuffer: 65_536 } } });
    const { socket, stream } = open(world);
    stream.slow = true;
    const data = Uint8Array.from({ length: 300_000 }, (_, i) => i * 7);
    socket.connection.write(data.slice());
    world.clock.advance(2000);
    // Backpressure end to end: no more than the buffer is held.
    expect(stream.queued).toBeGreaterThan(30_000);
    expect(stream.queued).toBeLessThanOrEqual(65_536);
    // Window probes keep it alive for as long as it takes.
    world.clock.advance(600_000);
    expect(socket.why).toBeUndefined();
    for (let i = 0; i < 50 && stream.receivedBytes < data.length; i++) {
      stream.drain();
      world.clock.advance(70_000);
    }
    expect(Buffer.compare(stream.all(), data)).toBe(0);
  });

  it('that the guest does not read pauses the host', () => {
    const world = rig({ network: { limits: { tcpBuffer: 65_536 } }, guest: { bufferSize: 32_768 } });
    const { socket, stream } = open(world);
    socket.unread = 32_768;
    const data = Uint8Array.from({ length: 500_000 }, (_, i) => i * 13);
    let at = 0;
    const feed = (): void => {
      for (; !stream.paused && at < data.length; at += 10_000) stream.events.data(data.slice(at, at + 10_000));
    };
    feed();
    world.clock.advance(300_000);
    feed();
    expect(at).toBeLessThan(150_000);
    expect(socket.why).toBeUndefined();
    socket.unread = 0;
    socket.connection.drained();
    for (let i = 0; i < 200; i++) {
      world.clock.advance(1000);
      feed();
    }
    expect(Buffer.compare(socket.all(), data)).toBe(0);
  });

  it('is probed when it is silent for two hours, and dropped when the guest is gone', () => {
    let cut = false;
    const world = rig({ middleware: [{ toGuest: (frame, next) => cut || next(frame), fromGuest: (frame, next) => void (cut || next(frame)) }] });
    const { stream } = open(world);
    world.clock.advance(5 * 7_200_000);
    expect([...world.network.flows()]).toHaveLength(1);
    cut = true;
    world.clock.advance(7_200_000 + 20 * 75_000);
    expect([...world.network.flows()]).toHaveLength(0);
    expect(stream.aborted).toBe(true);
  });

  it('to the gateway reaches the loopback, unless that is not wanted; other addresses of the network reach nobody', () => {
    const world = rig();
    expect(open(world, '10.0.2.2', 8080).stream.to).toEqual({ address: '127.0.0.1', port: 8080 });
    expect(open(world, 'fec0::2', 8080).stream.to).toEqual({ address: '::1', port: 8080 });
    for (const address of ['10.0.2.77', '127.0.0.1', '224.0.0.1', '0.0.0.1', '::1', 'ff02::1', 'fe80::1234', '::ffff:127.0.0.1', 'fec0::77']) open(world, address);
    expect(world.host.streams).toHaveLength(2);
    const closed = rig({ network: { hostLoopback: false } });
    closed.guest.connect('10.0.2.2', 80);
    closed.clock.settle();
    expect(closed.host.streams).toHaveLength(0);
  });
});

describe('policy and restrict', () => {
  it('asks once for each flow, and does as it is told', () => {
    const asked: FlowRequest[] = [];
    const world = rig({
      network: {
        policy: (flow) => {
          asked.push(flow);
          if (flow.remote.port === 25) return 'deny';
          if (flow.remote.port === 81) return { path: '/run/service' };
          return 'allow';
        },
      },
    });
    expect(open(world, '93.184.216.34', 25).socket.why).toBe('refused');
    expect(open(world, '93.184.216.34', 81).stream.to).toEqual({ path: '/run/service' });
    open(world, '93.184.216.34', 82).socket.connection.write(text('x'));
    world.clock.settle();
    expect(asked.map(({ remote }) => remote.port)).toEqual([25, 81, 82]);
    expect(asked[0]).toMatchObject({ protocol: 'tcp', direction: 'out', guest: { address: '10.0.2.15' } });
  });

  it('restrict leaves forwards, and nothing else', async () => {
    const world = rig({ network: { restrict: true } });
    world.network.serve({ address: '10.0.2.100', port: 7 }, { address: '127.0.0.1', port: 7777 });
    await world.network.forward({ host: { address: '127.0.0.1', port: 2222 }, guest: { port: 22 } });
    open(world);
    open(world, '10.0.2.2', 80);
    open(world, '10.0.2.3', 53);
    world.guest.sendUdp(1000, '8.8.8.8', 53, text('?'));
    expect(world.host.streams).toHaveLength(0);
    expect(world.host.sockets).toHaveLength(0);
    expect(open(world, '10.0.2.100', 7).stream.to).toEqual({ address: '127.0.0.1', port: 7777 });
    world.host.arrive();
    world.clock.settle();
    expect(world.guest.accepted).toHaveLength(1);
  });
});

describe('forwards', () => {
  it('a host forward reaches the guest, with half close and reset', async () => {
    const world = rig();
    const forward = await world.network.forward({ host: { address: '127.0.0.1', port: 10021 }, guest: { port: 22 } });
    const stream = world.host.arrive();
    world.clock.settle();
    const socket = world.guest.accepted[0];
    expect(socket.connection.localPort).toBe(22);
    expect(stream.paused).toBe(false);
    stream.events.data(text('SSH-2.0'));
    world.clock.settle();
    expect(new TextDecoder().decode(socket.all())).toBe('SSH-2.0');
    socket.connection.write(text('hi'));
    socket.connection.end();
    world.clock.settle();
    expect(stream.text).toBe('hi');
    expect(stream.ended).toBe(true);
    stream.events.ended();
    world.clock.settle();
    expect(socket.remoteEnded).toBe(true);
    forward.close();
    expect(world.host.listeners).toHaveLength(0);
  });

  it('a guest that refuses resets the host, one that is silent lets it wait for a minute or two', async () => {
    const world = rig();
    world.guest.listening = false;
    await world.network.forward({ host: { address: '127.0.0.1', port: 10021 }, guest: { port: 22 } });
    const refused = world.host.arrive();
    world.clock.settle();
    expect(refused.aborted).toBe(true);
    await world.network.forward({ host: { address: '127.0.0.1', port: 10022 }, guest: { address: '10.0.2.99', port: 22 } });
    const silent = world.host.arrive(world.host.listeners[1]);
    world.clock.advance(200_000);
    expect(silent.aborted).toBe(true);
  });

  it('a function serves a guest', async () => {
    const world = rig();
    world.network.serve({ address: '10.0.2.100', port: 7 }, async (stream) => {
      for await (const bytes of stream) await stream.write(bytes.slice().reverse());
    });
    const socket = world.guest.connect('10.0.2.100', 7);
    const settle = async (): Promise<void> => {
      for (let i = 0; i < 10; i++) {
        await new Promise((done) => setImmediate(done));
        world.clock.settle();
      }
    };
    await settle();
    expect(socket.open).toBe(true);
    socket.connection.write(text('abc'));
    await settle();
    socket.connection.end();
    await settle();
    expect(new TextDecoder().decode(socket.all())).toBe('cba');
    expect(socket.remoteEnded).toBe(true);
  });

  it('UDP comes in through a forward, and its answer goes back to who asked', async () => {
    const world = rig();
    await world.network.forward({ protocol: 'udp', host: { address: '127.0.0.1', port: 5000 }, guest: { port: 53 } });
    const [socket] = world.host.sockets;
    socket.events.message(text('q1'), { address: '127.0.0.1', port: 1111 });
    socket.events.message(text('q2'), { address: '127.0.0.1', port: 2222 });
    world.clock.settle();
    const [one, two] = world.guest.datagrams;
    expect([new TextDecoder().decode(one.data), new TextDecoder().decode(two.data)]).toEqual(['q1', 'q2']);
    world.guest.sendUdp(53, '10.0.2.2', Number(two.from.split(':')[1]), text('a2'));
    expect(socket.sent).toEqual([{ bytes: text('a2'), to: { address: '127.0.0.1', port: 2222 } }]);
  });
});

describe('UDP', () => {
  it('goes out by one port whatever the remote, and only who was asked may answer', () => {
    const world = rig();
    world.guest.sendUdp(5000, '1.2.3.4', 100, text('a'));
    world.guest.sendUdp(5000, '1.2.3.5', 200, text('b'));
    const [socket] = world.host.sockets;
    expect(world.host.sockets).toHaveLength(1);
    expect(socket.sent.map(({ to }) => to)).toEqual([
      { address: '1.2.3.4', port: 100 },
      { address: '1.2.3.5', port: 200 },
    ]);
    socket.events.message(text('yes'), { address: '1.2.3.5', port: 200 });
    socket.events.message(text('no'), { address: '6.6.6.6', port: 200 });
    expect(world.guest.datagrams).toEqual([{ from: '1.2.3.5:200', data: text('yes') }]);
    world.clock.advance(301_000);
    expect(socket.closed).toBe(true);
    expect(world.network.statistics().udpFlows).toBe(0);
  });

  it('larger than a frame comes and goes in fragments, over both families', () => {
    const world = rig();
    const large = Uint8Array.from({ length: 20_000 }, (_, i) => i * 3);
    for (const address of ['1.2.3.4', '2001:db8::4']) {
      world.guest.sendUdp(5000, address, 100, large);
      const socket = world.host.sockets.at(-1)!;
      expect(Buffer.compare(socket.sent[0].bytes, large)).toBe(0);
      socket.events.message(large, { address, port: 100 });
      expect(Buffer.compare(world.guest.datagrams.at(-1)!.data, large)).toBe(0);
    }
  });

  it('to port 53 of the name server is answered by the resolver', async () => {
    const world = rig();
    const query = Uint8Array.of(1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1);
    world.host.answer = (asked) => Promise.resolve(Uint8Array.from(asked, (byte, i) => (i === 2 ? 0x81 : byte)));
    world.guest.sendUdp(5000, '10.0.2.3', 53, query);
    await new Promise((done) => setImmediate(done));
    expect(world.guest.datagrams[0]).toMatchObject({ from: '10.0.2.3:53' });
    expect(world.guest.datagrams[0].data[2]).toBe(0x81);
    expect(world.host.sockets).toHaveLength(0);
  });
});

it('several guests are on one link', () => {
  const world = rig();
  const seen: string[] = [];
  const port = world.network.attach();
  port.attach((frame) => {
    seen.push(Buffer.from(frame.subarray(0, 6)).toString('hex'));
    return true;
  });
  // A broadcast goes to all, an answer to one, and the network itself is there as well.
  const hello = new Uint8Array(60).fill(0xff, 0, 6);
  hello.set([2, 0, 0, 0, 0, 9], 6);
  port.send(hello);
  const other = world.network.attach();
  const direct = new Uint8Array(60);
  direct.set([2, 0, 0, 0, 0, 9], 0);
  direct.set([2, 0, 0, 0, 0, 8], 6);
  other.send(direct);
  expect(seen).toEqual(['020000000009']);
  port.detach();
  other.send(direct);
  expect(seen).toHaveLength(1);
});

it('a card without room is not sent more, and gets all of it later', () => {
  let room = 20;
  const world = rig({ middleware: [{ toGuest: (frame, next) => (room-- > 0 ? next(frame) : false) }] });
  const { socket, stream } = open(world);
  const data = Uint8Array.from({ length: 200_000 }, (_, i) => i * 11);
  stream.events.data(data.slice());
  for (let i = 0; i < 3000 && socket.receivedBytes < data.length; i++) {
    room = 5;
    world.clock.advance(20);
  }
  expect(Buffer.compare(socket.all(), data)).toBe(0);
});
