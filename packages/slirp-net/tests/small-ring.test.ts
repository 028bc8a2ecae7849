import { describe, expect, it } from 'vitest';
import type { Middleware } from '@pckit/slirp-net';
import { rig, type FakeStream } from '@pckit/slirp-net/testing';

const BYTES = 8 << 20;
/** The guest's driver runs every millisecond, and takes so many frames: 374 Mbit/s of payload. */
const FRAMES_PER_MS = 32;
const LINE_RATE = FRAMES_PER_MS * 1460;

/** A card that drops what its ring has no room for. */
class SmallRing implements Middleware {
  lost = 0;
  private readonly ring: (() => void)[] = [];

  constructor(private readonly size: number) {}

  toGuest(frame: Uint8Array, next: (frame: Uint8Array) => boolean): boolean {
    const kept = frame.slice();
    if (this.ring.length < this.size) this.ring.push(() => next(kept));
    else this.lost++;
    return true;
  }

  poll(): void {
    for (const take of this.ring.splice(0, FRAMES_PER_MS)) take();
  }
}

describe('TCP to a guest whose card drops what its ring has no room for', () => {
  // A ring that holds no more than one poll takes is a link without a buffer: halving the window costs a quarter of the rate.
  it.each([
    [32, 0.7],
    [64, 0.95],
    [256, 0.95],
    [1024, 0.95],
  ])('with a ring of %d uses %d of the line', (size, share) => {
    const ring = new SmallRing(size);
    const { clock, guest, host, network } = rig({ middleware: [ring], guest: { bufferSize: 2 << 20 } });
    const socket = guest.connect('93.184.216.34', 80);
    socket.keep = false;
    let ms = 0;
    let sent = 0;
    while (!socket.remoteEnded) {
      const stream = host.streams[0] as FakeStream | undefined;
      for (; socket.open && stream?.paused === false && sent < BYTES; sent += 65_536) stream.events.data(new Uint8Array(65_536));
      if (sent === BYTES) {
        sent = Infinity;
        stream?.events.ended();
      }
      clock.advance(1);
      ring.poll();
      if (++ms > 60_000) throw new Error(`${socket.receivedBytes} bytes after a minute`);
    }
    expect(socket.receivedBytes).toBe(BYTES);
    expect(ring.lost).toBeGreaterThan(0);
    // What is lost is sent again, once: a timeout would cost as much as the whole transfer.
    expect(network.statistics().counters.tcpRetransmitted).toBeLessThan(1.1 * ring.lost + 10);
    expect(BYTES / ms / LINE_RATE).toBeGreaterThan(share);
  });
});
