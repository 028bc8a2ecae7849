import { describe, expect, it } from 'vitest';
import { createNetwork } from '../network.js';
import { FakeHost } from '../testing/fake-host.js';
import { GuestStack } from '../testing/guest-stack.js';
import { HandClock } from '../testing/hand-clock.js';
import { mulberry32 } from '../middleware/fault-injector.js';
import { readU16, writeU16 } from '../wire/bytes.js';
import { checksum } from '../wire/checksum.js';
import type { PortState } from '../port-state.js';
import type { FrameOffload, NetworkPort } from './port.js';

const IP = 14;

/** A card with offloads between the network and a guest: leaves checksums of TCP open on the way out, finishes them on the way in. */
class OffloadCard implements NetworkPort {
  readonly given: { readonly length: number; readonly offload: FrameOffload | undefined }[] = [];

  constructor(private readonly port: NetworkPort) {}

  get takesOffloads(): boolean {
    return false;
  }

  send(frame: Uint8Array): void {
    if (readU16(frame, 12) !== 0x0800 || frame[IP + 9] !== 6 || !this.port.takesOffloads) {
      this.port.send(frame);
      return;
    }
    const open = frame.slice();
    const start = IP + (open[IP] & 15) * 4;
    writeU16(open, start + 16, 0xdead);
    this.port.send(open, { checksumStart: start });
  }

  attach(receive: (frame: Uint8Array) => boolean): void {
    this.port.attach((frame, offload) => {
      this.given.push({ length: frame.length, offload: offload === undefined ? undefined : { ...offload } });
      const whole = frame.slice();
      // The field holds the pseudo-header's sum, which the rest is added to.
      if (offload !== undefined) writeU16(whole, offload.checksumStart + offload.checksumOffset, checksum(whole, offload.checksumStart, whole.length));
      return receive(whole);
    });
  }

  onReady(): void {
    this.port.onReady();
  }

  save(): PortState {
    return this.port.save();
  }

  restore(state: PortState): void {
    this.port.restore(state);
  }

  detach(): void {
    this.port.detach();
  }
}

function rig(offloads: boolean): { clock: HandClock; host: FakeHost; card: OffloadCard; guest: GuestStack; another: () => void } {
  const clock = new HandClock();
  const host = new FakeHost((run) => clock.defer(run));
  const network = createNetwork({ host, clock, random: mulberry32(1) });
  const card = new OffloadCard(network.attach([], { offloads }));
  const guest = new GuestStack({ clock: clock.second(), port: card, random: mulberry32(2) });
  clock.settle();
  return { clock, host, card, guest, another: () => void network.attach() };
}

const bytes = Uint8Array.from({ length: 400_000 }, (_, i) => (i * 7 + (i >>> 8)) & 0xff);

/** toEqual takes seconds over so much. */
function expectSame(got: Uint8Array, wanted: Uint8Array): void {
  expect(got.length).toBe(wanted.length);
  expect(got.findIndex((byte, i) => byte !== wanted[i])).toBe(-1);
}

describe('offloads', () => {
  it.each([true, false])('carry TCP both ways, byte for byte, uncut where the card cuts (%s)', (offloads) => {
    const { clock, host, card, guest } = rig(offloads);
    const socket = guest.connect('93.184.216.34', 80);
    clock.settle();
    const stream = host.streams[0];
    for (let at = 0; at < bytes.length; at += 50_000) {
      stream.events.data(bytes.slice(at, at + 50_000));
      clock.settle();
    }
    clock.advance(1000);
    expectSame(socket.all(), bytes);
    const tcp = card.given.filter(({ length }) => length > 100);
    const large = tcp.filter(({ length }) => length > 1514);
    expect(large.length > 0).toBe(offloads);
    for (const { length, offload } of tcp) {
      expect(offload).toEqual(offloads ? { checksumStart: 34, checksumOffset: 16, segmentation: length > 1514 ? 'tcp' : 'none', segmentBytes: length > 1514 ? 1460 : 0 } : undefined);
      expect(length).toBeLessThanOrEqual(65_535 + IP);
    }
    socket.connection.write(bytes.slice(0, 100_000));
    clock.advance(1000);
    expectSame(stream.all(), bytes.subarray(0, 100_000));
  });

  it('are taken only while there is no other guest who would get such frames', () => {
    const { clock, host, card, guest, another } = rig(true);
    another();
    const socket = guest.connect('93.184.216.34', 80);
    clock.settle();
    socket.connection.write(bytes.slice(0, 1000));
    clock.settle();
    expectSame(host.streams[0].all(), bytes.subarray(0, 1000));
    expect(card.given.length).toBeGreaterThan(0);
  });
});
