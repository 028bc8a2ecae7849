import { FakeEthernetPort, describeDevice } from '@pckit/device-testing';
import { describe, expect, it } from 'vitest';
import { Door } from '../door.js';
import { VirtualClock } from '../virtual-clock.js';
import { EthernetCable } from './ethernet-cable.js';

class Host extends FakeEthernetPort {
  ready = 0;
  onReady(): void {
    this.ready++;
  }
}

function rig(): { door: Door; host: Host; cable: EthernetCable; card: { room: number; taken: Uint8Array[] } } {
  const door = new Door({ clock: new VirtualClock(), instructions: () => 0, completionLatency: undefined });
  const host = new Host();
  const cable = new EthernetCable('cable', door, host);
  const card = { room: Infinity, taken: [] as Uint8Array[] };
  cable.attach((frame) => {
    if (card.room-- <= 0) return false;
    card.taken.push(frame);
    return true;
  });
  return { door, host, cable, card };
}

const frame = (n: number): Uint8Array => new Uint8Array(60).fill(n);

describe('an Ethernet cable', () => {
  it('lets frames in through the door, as copies, and out at once', () => {
    const { door, host, cable, card } = rig();
    const borrowed = frame(1);
    expect(host.deliver(borrowed)).toBe(true);
    borrowed.fill(9);
    expect(card.taken).toEqual([]);
    door.deliver();
    expect(card.taken).toEqual([frame(1)]);
    cable.send(frame(2));
    expect(host.sent).toEqual([frame(2)]);
  });

  it('keeps what the card refuses, in order, until it is ready', () => {
    const { door, host, cable, card } = rig();
    card.room = 1;
    for (const n of [1, 2, 3]) host.deliver(frame(n));
    door.deliver();
    expect(card.taken).toEqual([frame(1)]);
    card.room = 10;
    cable.onReady();
    expect(card.taken).toEqual([frame(1), frame(2), frame(3)]);
  });

  it('refuses the host beyond its bounds, and says when there is room', () => {
    const { door, host, cable, card } = rig();
    card.room = 0;
    let accepted = 0;
    while (host.deliver(frame(accepted)) && accepted < 10_000) accepted++;
    expect(accepted).toBe(512);
    door.deliver();
    expect(host.deliver(frame(0))).toBe(false);
    card.room = 255;
    cable.onReady();
    expect(host.ready).toBe(0);
    card.room = 1;
    cable.onReady();
    expect(host.ready).toBe(1);
    const large = rig();
    large.card.room = 0;
    let bytes = 0;
    while (large.host.deliver(new Uint8Array(60_000))) bytes += 60_000;
    expect(bytes).toBeLessThanOrEqual((2 << 20) + 60_000);
  });
});

describe('the copies that a cable makes', () => {
  const send = (host: Host, door: Door, n: number): void => {
    host.deliver(frame(n));
    door.deliver();
  };

  it('lie where earlier ones lay that the card has taken', () => {
    const { door, host, card } = rig();
    for (let n = 0; n < 5; n++) send(host, door, n);
    expect(new Set(card.taken.map(({ buffer }) => buffer)).size).toBe(1);
    host.deliver(new Uint8Array(60_000).fill(7));
    host.deliver(frame(6));
    door.deliver();
    expect(card.taken.slice(5)).toEqual([new Uint8Array(60_000).fill(7), frame(6)]);
  });

  it('are left alone where a snapshot has them', () => {
    const { door, host, cable } = rig();
    send(host, door, 1);
    host.deliver(frame(2));
    const state = door.save();
    cable.save();
    door.deliver();
    for (let n = 3; n < 9; n++) send(host, door, n);
    expect(state.inputs.map(({ event }) => (event as { frame: Uint8Array }).frame)).toEqual([frame(2)]);
    // Nor does it matter how often it is restored.
    for (let round = 0; round < 2; round++) {
      door.beginRestore(state);
      cable.restore({ version: 1, waiting: [] });
      door.endRestore();
      door.deliver();
      for (let n = 3; n < 9; n++) send(host, door, n);
      expect(state.inputs.map(({ event }) => (event as { frame: Uint8Array }).frame)).toEqual([frame(2)]);
    }
  });

  it('are left alone where a log has them', () => {
    const entries: Uint8Array[] = [];
    const door = new Door({ clock: new VirtualClock(), instructions: () => 0, completionLatency: undefined, onEntry: (entry) => entries.push((entry as { event: { frame: Uint8Array } }).event.frame) });
    const host = new Host();
    new EthernetCable('cable', door, host).attach(() => true);
    for (let n = 0; n < 5; n++) send(host, door, n);
    expect(entries).toEqual([0, 1, 2, 3, 4].map(frame));
  });
});

const doors = new WeakMap<EthernetCable, { door: Door; host: Host; taken: number }>();
describeDevice(
  'EthernetCable',
  () => {
    const { door, host, cable } = rig();
    const state = { door, host, taken: 0 };
    cable.attach(() => {
      if (state.taken >= 2) return false;
      state.taken++;
      return true;
    });
    doors.set(cable, state);
    return cable;
  },
  (cable) => {
    const { door, host } = doors.get(cable)!;
    for (const n of [1, 2, 3, 4, 5]) host.deliver(frame(n));
    door.deliver();
  },
  {
    goOn: (cable) => {
      const state = doors.get(cable)!;
      state.taken = 1;
      cable.onReady();
      return cable.save().waiting.length;
    },
  },
);
