import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Door, EthernetCable, VirtualClock, type DoorState, type EthernetCableState } from '@pckit/machine';
import { RealClock } from '@pckit/slirp-net/node';
import { GuestStack } from '@pckit/slirp-net/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseNet } from '../parse/net-option.js';
import { openNetwork, type Network } from './network.js';
import { restoreNetworks, saveNetworks } from './under-way.js';

/** A machine as far as a network sees it: a door, a cable, and whatever drives the card. */
class Board {
  readonly door = new Door({ clock: new VirtualClock(), instructions: () => 0, completionLatency: undefined });
  readonly cable: EthernetCable;

  constructor(network: Network) {
    this.cable = new EthernetCable('nic0-cable', this.door, network.port);
    this.door.onReady = () => setImmediate(() => this.door.deliver());
  }

  save(): { door: DoorState; cable: EthernetCableState } {
    return structuredClone({ door: this.door.save(), cable: this.cable.save() });
  }

  restore({ door, cable }: ReturnType<Board['save']>): void {
    this.door.beginRestore(door);
    this.cable.restore(cable);
    this.door.endRestore();
  }
}

const context = { say: () => {}, failed: () => {} };
let server: Server;
const accepted: Socket[] = [];
const networks: Network[] = [];
// With checksums: a network that is watched leaves none to the card.
const open = async (): Promise<Network> => {
  const network = await openNetwork(parseNet('user,pcap=/dev/null'), context);
  networks.push(network);
  return network;
};
beforeEach(async () => {
  server = createServer((socket) => {
    accepted.push(socket.on('error', () => {}));
    socket.write('hello');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
});
afterEach(async () => {
  for (const network of networks.splice(0)) await network.close();
  for (const socket of accepted.splice(0)) socket.destroy();
  server.close();
});

describe('a machine that is restored beside a new network', () => {
  it('is as it was saved, and its guest hears of the end of its connections with the first that enters', async () => {
    const first = await open();
    let board = new Board(first);
    const port = { send: (frame: Uint8Array) => board.cable.send(frame), attach: () => {} };
    const guest = new GuestStack({ clock: new RealClock(), port });
    const plug = (): void => board.cable.attach((frame) => guest.input(frame));
    plug();
    const socket = guest.connect('10.0.2.2', (server.address() as AddressInfo).port);
    await vi.waitFor(() => expect(new TextDecoder().decode(socket.all())).toBe('hello'));
    // It has acknowledged all that it got, and has nothing to say.
    await vi.waitFor(() => expect((first.save?.() as { flows: { sent: number; unacknowledged: number }[] }).flows).toMatchObject([{ remotePort: (server.address() as AddressInfo).port }]));

    const saved = board.save();
    const underWay = structuredClone(saveNetworks([first]));
    await first.close();
    const second = await open();
    board = new Board(second);
    plug();
    board.restore(saved);
    expect(board.save()).toEqual(saved);
    expect(socket.why).toBeUndefined();
    restoreNetworks([second], underWay);
    // Like any other frame: not before the machine lets it in.
    expect([socket.why, board.save().door.inputs.length]).toEqual([undefined, 2]);
    board.door.deliver();
    expect(socket.why).toBe('reset');
  });

  it('of a snapshot that knows of nothing under way goes on without a word', async () => {
    const network = await open();
    const board = new Board(network);
    restoreNetworks([network], undefined);
    restoreNetworks([network], {});
    restoreNetworks([network], saveNetworks([network]));
    expect(board.save().door.inputs).toEqual([]);
  });

  it('says so where the snapshot is damaged', async () => {
    const network = await open();
    expect(() => restoreNetworks([network], { 0: { version: 9 } })).toThrow(/the snapshot's connections: restore: a state of unknown version 9/);
  });
});
