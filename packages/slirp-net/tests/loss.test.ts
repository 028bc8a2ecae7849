import { describe, expect, it } from 'vitest';
import { rig, type FakeStream, type Rig } from '@pckit/slirp-net/testing';

/** The table of the README, on hand-held time: the figures are the same on every machine. */
const LOSSES = [0, 0.001, 0.01, 0.05];
const DELAYS = [1, 20, 100];
const BYTES = 1_000_000;

function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

const data = pattern(BYTES);

function run({ clock }: Rig, until: () => boolean): number {
  const start = clock.nowMs();
  let steps = 0;
  while (!until()) {
    if (!clock.step() || ++steps > 2_000_000) throw new Error(`stuck after ${clock.nowMs()} ms`);
  }
  return clock.nowMs() - start;
}

function toHost(world: Rig): number {
  const { guest, host, clock } = world;
  const socket = guest.connect('93.184.216.34', 80);
  run(world, () => socket.open);
  const stream = host.streams[0] as FakeStream;
  let at = 0;
  const feed = (): void => {
    while (at < data.length && socket.connection.queued < 1 << 19) {
      socket.connection.write(data.slice(at, at + 32_768));
      at += 32_768;
    }
    if (at >= data.length) socket.connection.end();
  };
  socket.onSendable = feed;
  feed();
  const ms = run(world, () => stream.ended);
  clock.settle();
  expect(Buffer.compare(stream.all(), data)).toBe(0);
  return ms;
}

function toGuest(world: Rig): number {
  const { guest, host } = world;
  const socket = guest.connect('93.184.216.34', 80);
  run(world, () => socket.open);
  const stream = host.streams[0] as FakeStream;
  let at = 0;
  const ms = run(world, () => {
    for (; !stream.paused && at < data.length; at += 65_536) stream.events.data(data.slice(at, at + 65_536));
    if (at >= data.length && at !== Infinity) {
      at = Infinity;
      stream.events.ended();
    }
    return socket.remoteEnded;
  });
  expect(Buffer.compare(socket.all(), data)).toBe(0);
  return ms;
}

/** What Mathis et al. 1997 expect of a sender with SACK (RFC 5681's halving), in bytes a second; the window limits the rest. */
function expected(loss: number, rttMs: number): number {
  const window = 512 * 1024;
  const congestion = loss === 0 ? Infinity : (1448 * Math.sqrt(1.5 / loss)) / (rttMs / 1000);
  return Math.min(window / (rttMs / 1000), congestion);
}

describe.each(LOSSES)('with a loss of %d', (loss) => {
  it.each(DELAYS)('and %d ms each way a transfer arrives byte for byte, both ways, at a fair rate', (delayMs) => {
    for (const [name, transfer] of Object.entries({ toHost, toGuest })) {
      const world = rig({ faults: { loss, delayMs }, seed: 7 + delayMs });
      const ms = transfer(world);
      const rate = BYTES / (ms / 1000);
      const share = rate / expected(loss, 2 * delayMs);
      if (process.env['PCKIT_TABLE'] === '1') process.stdout.write(`${name} loss ${loss} delay ${delayMs}: ${(rate / 1e6).toFixed(3)} MB/s, ${(share * 100).toFixed(0)} % of the model\n`);
      // Slow start is part of a transfer of a megabyte, and timeouts are of one that loses its retransmissions.
      expect(share).toBeGreaterThan(0.1);
    }
  });
});

it('duplicated, reordered and damaged segments change nothing', () => {
  const world = rig({ faults: { delayMs: 5, duplicate: 0.05, reorder: 0.05, corrupt: 0.02, loss: 0.01 }, seed: 11 });
  toHost(world);
  toGuest(rig({ faults: { delayMs: 5, jitterMs: 4, duplicate: 0.05, reorder: 0.05, corrupt: 0.02, loss: 0.01 }, seed: 12 }));
});

it('without SACK, too', () => {
  for (const loss of [0.01, 0.05]) {
    for (const transfer of [toHost, toGuest]) {
      // The option is taken out of the SYN: kind 4 becomes two NOPs.
      const world = rig({ faults: { loss, delayMs: 10 }, seed: 13, middleware: [withoutSack] });
      transfer(world);
    }
  }
});

/** Hides SACK-permitted from the other side, and mends the checksum. */
const withoutSack = {
  fromGuest: (frame: Uint8Array, next: (frame: Uint8Array) => void): void => {
    const syn = frame.length > 54 && frame[23] === 6 && (frame[47] & 2) !== 0;
    if (!syn) {
      next(frame);
      return;
    }
    const changed = frame.slice();
    const at = changed.findIndex((byte, i) => i >= 54 && byte === 4 && changed[i + 1] === 2);
    if (at >= 0) {
      changed[at] = changed[at + 1] = 1;
      // RFC 1624: the sum loses 0x0402 and gains 0x0101.
      let sum = (~((changed[50] << 8) | changed[51]) & 0xffff) + (~0x0402 & 0xffff) + 0x0101;
      while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
      changed[50] = (~sum & 0xffff) >>> 8;
      changed[51] = ~sum & 0xff;
    }
    next(changed);
  },
};
