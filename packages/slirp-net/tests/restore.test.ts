import { describe, expect, it } from 'vitest';
import { createNetwork, type Network, type NetworkPort, type PortState } from '@pckit/slirp-net';
import { FakeHost, GuestStack, HandClock, type FakeStream, type GuestSocket } from '@pckit/slirp-net/testing';

const text = (s: string): Uint8Array => new TextEncoder().encode(s);
const DAY_MS = 86_400_000;
/** Less than after what the guest's own keep-alive would find out. */
const LONG_MS = 7_000_000;

interface Side {
  readonly network: Network;
  readonly host: FakeHost;
}

/** A guest's card, whose cable can be put into another port, and cut. */
class Card {
  port: NetworkPort;
  cut = false;
  room = Infinity;
  taken = 0;
  private receive: (frame: Uint8Array) => boolean = () => true;

  constructor(port: NetworkPort) {
    this.port = port;
  }

  send(frame: Uint8Array): void {
    if (!this.cut) this.port.send(frame);
  }

  attach(receive: (frame: Uint8Array) => boolean): void {
    this.receive = receive;
    this.plugInto(this.port);
  }

  plugInto(port: NetworkPort): void {
    this.port = port;
    port.attach((frame) => {
      if (this.cut) return true;
      if (this.room <= 0) return false;
      this.room--;
      this.taken++;
      return this.receive(frame);
    });
  }
}

class World {
  readonly clock = new HandClock();
  readonly before = this.side();
  readonly after = this.side();

  side(): Side {
    const host = new FakeHost((run) => this.clock.defer(run));
    return { host, network: createNetwork({ host, clock: this.clock.second() }) };
  }

  guest(network: Network, number = 0): { card: Card; stack: GuestStack } {
    const card = new Card(network.attach());
    const stack = new GuestStack({ clock: this.clock.second(), port: card, address: `10.0.2.${15 + number}`, address6: `fec0::${15 + number}`, mac: `52:54:00:12:34:${56 + number}` });
    this.clock.settle();
    return { card, stack };
  }

  /** Saves what is under way for a card, and goes on with another network, as a process that ends and one that is started do. */
  resume(card: Card, restore = true): void {
    const state = structuredClone(card.port.save());
    card.port.detach();
    card.plugInto(this.after.network.attach());
    card.cut = false;
    if (restore) card.port.restore(state);
    this.clock.settle();
  }
}

/** A connection that carried something each way, which all is acknowledged. */
async function connected(world: World, stack: GuestStack, direction: 'out' | 'in', address: string, side = world.before): Promise<{ socket: GuestSocket; stream: FakeStream }> {
  const { network, host } = side;
  let socket: GuestSocket | undefined;
  if (direction === 'out') socket = stack.connect(address, 80);
  else {
    // So that the network knows where the guest is, of its IPv6 too.
    stack.sendUdp(5000, '2001:db8::4', 100, text('a'));
    await network.forward({ host: { address: '127.0.0.1', port: 2222 }, guest: { address, port: 22 } });
    host.arrive(host.listeners.at(-1));
  }
  world.clock.settle();
  socket ??= stack.accepted.at(-1) as GuestSocket;
  const stream = host.streams.at(-1) as FakeStream;
  socket.connection.write(text('GET /'));
  stream.events.data(text('hello'));
  world.clock.advance(1000);
  expect([stream.text, new TextDecoder().decode(socket.all()), socket.why]).toEqual(['GET /', 'hello', undefined]);
  return { socket, stream };
}

describe('a guest that is restored beside another network', () => {
  for (const [direction, address] of [
    ['out', '1.2.3.4'],
    ['out', '2001:db8::4'],
    ['in', '10.0.2.15'],
    ['in', 'fec0::15'],
  ] as const) {
    it(`is told that a connection is over on which it only receives (${direction}, ${address})`, async () => {
      const world = new World();
      const { card, stack } = world.guest(world.before.network);
      const { socket } = await connected(world, stack, direction, address);
      world.resume(card);
      expect(socket.why).toBe('reset');
      // Its last word was an answer, or nothing: no more is said before the next router advertisement.
      const { taken } = card;
      world.clock.advance(500_000);
      expect(card.taken - taken).toBeLessThan(3);
      expect([...world.after.network.flows()]).toEqual([]);
    });
  }

  it('would not know by itself', async () => {
    const world = new World();
    const { card, stack } = world.guest(world.before.network);
    const { socket } = await connected(world, stack, 'out', '1.2.3.4');
    world.resume(card, false);
    world.clock.advance(LONG_MS);
    expect(socket.why).toBeUndefined();
  });

  it('is told as well where what was sent last is lost', async () => {
    const world = new World();
    const { card, stack } = world.guest(world.before.network);
    const { socket, stream } = await connected(world, stack, 'out', '1.2.3.4');
    card.cut = true;
    stream.events.data(new Uint8Array(5000));
    world.clock.settle();
    world.resume(card);
    expect(socket.why).toBe('reset');
    expect(socket.receivedBytes).toBe(5);
  });

  it('... where what it received is not acknowledged', async () => {
    const world = new World();
    const { card, stack } = world.guest(world.before.network);
    const { socket, stream } = await connected(world, stack, 'out', '1.2.3.4');
    const { port } = card;
    card.port = { ...port, send: () => {} } as unknown as NetworkPort;
    stream.events.data(new Uint8Array(5000));
    world.clock.settle();
    card.port = port;
    world.resume(card);
    expect(socket.why).toBe('reset');
    expect(socket.receivedBytes).toBe(5005);
  });

  for (const [where, happens] of [
    [
      'its window is shut',
      ({ clock }, { socket, stream }) => {
        socket.unread = 1 << 30;
        stream.events.data(new Uint8Array(1 << 20));
        // Window probes, none of which is taken.
        clock.advance(100_000);
      },
    ],
    [
      'it has said that it sends no more',
      ({ clock }, { socket }) => {
        socket.connection.end();
        clock.advance(1000);
      },
    ],
    [
      'the host has',
      ({ clock }, { stream }) => {
        stream.events.ended();
        clock.advance(1000);
      },
    ],
  ] as [string, (world: World, connection: Awaited<ReturnType<typeof connected>>) => void][]) {
    it(`... where ${where}`, async () => {
      const world = new World();
      const { card, stack } = world.guest(world.before.network);
      const connection = await connected(world, stack, 'out', '1.2.3.4');
      happens(world, connection);
      world.resume(card);
      expect(connection.socket.why).toBe('reset');
    });
  }

  it('gets first what its card had no room for', async () => {
    const world = new World();
    const { card, stack } = world.guest(world.before.network);
    const { socket, stream } = await connected(world, stack, 'out', '1.2.3.4');
    card.room = 0;
    stream.events.data(text(', world'));
    world.clock.settle();
    stream.events.closed('reset');
    world.clock.settle();
    // Nothing is left of the connection but its reset on the way.
    expect(world.before.network.statistics().tcpFlows).toBe(0);
    card.room = Infinity;
    world.resume(card);
    expect([socket.connection.bytesFromGuest, socket.why]).toEqual(['hello, world'.length, 'reset']);
  });

  it('has its unanswered SYN dialled by the network that it comes to next', async () => {
    const world = new World();
    const { card, stack } = world.guest(world.before.network);
    world.before.host.dial = () => undefined;
    const socket = stack.connect('1.2.3.4', 80);
    world.clock.settle();
    world.resume(card);
    expect([socket.why, world.after.host.streams.length]).toEqual([undefined, 0]);
    world.clock.advance(5000);
    expect([socket.open, world.after.host.streams.length]).toEqual([true, 1]);
  });

  it('is told of connections that are half open', async () => {
    // The answer to its SYN is lost.
    const one = new World();
    const opening = one.guest(one.before.network);
    one.before.host.dial = () => undefined;
    const socket = opening.stack.connect('1.2.3.4', 80);
    one.clock.settle();
    opening.card.cut = true;
    one.before.host.streams[0].events.connected();
    one.clock.settle();
    one.resume(opening.card);
    expect(socket.why).toBe('refused');

    // Its answer to ours is lost.
    const two = new World();
    const answering = two.guest(two.before.network);
    await two.before.network.forward({ host: { address: '127.0.0.1', port: 2222 }, guest: { port: 22 } });
    const { port } = answering.card;
    answering.card.port = { ...port, send: () => {} } as unknown as NetworkPort;
    two.before.host.arrive();
    two.clock.settle();
    answering.card.port = port;
    expect(answering.stack.accepted).toHaveLength(1);
    two.resume(answering.card);
    expect(answering.stack.accepted[0].why).toBe('refused');

    // It never heard of it.
    const three = new World();
    const idle = three.guest(three.before.network);
    await three.before.network.forward({ host: { address: '127.0.0.1', port: 2222 }, guest: { port: 22 } });
    idle.card.cut = true;
    three.before.host.arrive();
    three.clock.settle();
    three.resume(idle.card);
    three.clock.advance(DAY_MS);
    expect([...idle.stack.tcp]).toEqual([]);
  });

  it('does not take its neighbours along', async () => {
    const world = new World();
    const [a, b] = [world.guest(world.before.network, 0), world.guest(world.before.network, 1)];
    const one = await connected(world, a.stack, 'out', '1.2.3.4');
    const two = await connected(world, b.stack, 'out', '1.2.3.4');
    expect([a, b].map(({ card }) => card.port.save().flows.map(({ guest }) => guest[3]))).toEqual([[15], [16]]);
    world.resume(a.card);
    world.clock.advance(LONG_MS);
    expect([one.socket.why, two.socket.why, two.stream.aborted]).toEqual(['reset', undefined, false]);
    world.resume(b.card);
    expect(two.socket.why).toBe('reset');
  });

  it('is told of more connections than its card has room for, also when it is saved again meanwhile', async () => {
    const world = new World();
    const { card, stack } = world.guest(world.before.network);
    const sockets = Array.from({ length: 1000 }, (_, i) => stack.connect('1.2.3.4', 1000 + i));
    world.clock.advance(1000);
    expect(sockets.every(({ open }) => open)).toBe(true);
    card.room = 300;
    world.resume(card);
    expect(sockets.filter(({ why }) => why === 'reset').length).toBe(150);
    const third = world.side();
    const state = structuredClone(card.port.save());
    card.port.detach();
    card.plugInto(third.network.attach());
    card.port.restore(state);
    for (let i = 0; i < 200 && sockets.some(({ why }) => why === undefined); i++) {
      card.room = 20;
      card.port.onReady();
      world.clock.settle();
    }
    expect(sockets.every(({ why }) => why === 'reset')).toBe(true);
    card.room = Infinity;
    card.port.onReady();
    expect(card.port.save()).toEqual({ version: 1, flows: [], waiting: [] });
  });
});

it('a guest that is restored beside the network that it had ends what it has begun since', async () => {
  const world = new World();
  const { card, stack } = world.guest(world.before.network);
  const old = await connected(world, stack, 'out', '1.2.3.4');
  const state = structuredClone(card.port.save());
  const recent = await connected(world, stack, 'out', '1.2.3.5');
  stack.sendUdp(5000, '1.2.3.4', 100, text('a'));
  card.port.restore(state);
  world.clock.settle();
  expect([old.socket.why, old.stream.aborted, recent.stream.aborted, world.before.host.sockets[0].closed]).toEqual(['reset', true, true, true]);
  expect(world.before.network.statistics()).toMatchObject({ tcpFlows: 0, udpFlows: 0 });
});

it('a state that no network saved is refused, and changes nothing', async () => {
  const world = new World();
  const { card, stack } = world.guest(world.before.network);
  const { socket } = await connected(world, stack, 'out', '1.2.3.4');
  const good = card.port.save();
  const [flow] = good.flows;
  const offload = { checksumStart: 34, checksumOffset: 16, segmentation: 'tcp', segmentBytes: 1460 };
  const bad: unknown[] = [null, 7, {}, { ...good, version: 2 }, { ...good, flows: null }, { ...good, flows: [null] }, { ...good, waiting: {} }, { ...good, waiting: [null] }];
  for (const [field, values] of Object.entries({
    guest: ['10.0.2.15', new Uint8Array(5), new Uint8Array(16)],
    remote: [undefined, new Uint8Array(0)],
    guestMac: [new Uint8Array(5), null],
    guestPort: [-1, 65_536, '80', NaN],
    remotePort: [0.5],
    unacknowledged: [-1, 2 ** 32],
    sent: [undefined],
    received: [2 ** 40],
  })) {
    for (const value of values) bad.push({ ...good, flows: [{ ...flow, [field]: value }] });
  }
  for (const wrong of [undefined, 7, { ...offload, checksumStart: 59 }, { ...offload, checksumOffset: -1 }, { ...offload, segmentation: 'udp' }, { ...offload, segmentBytes: 0 }, { ...offload, segmentBytes: 70_000 }]) {
    bad.push({ ...good, waiting: [{ frame: new Uint8Array(60), offload: wrong }] });
  }
  bad.push({ ...good, waiting: [{ frame: 'frame', offload: null }] });
  for (const state of bad) expect(() => card.port.restore(state as PortState), JSON.stringify(state)).toThrow(expect.objectContaining({ name: 'NetworkError', code: 'bad-option' }));
  world.clock.settle();
  expect([socket.why, world.before.network.statistics().tcpFlows]).toEqual([undefined, 1]);
  card.port.detach();
  expect(() => card.port.restore(good)).toThrow(expect.objectContaining({ code: 'closed' }));
});
