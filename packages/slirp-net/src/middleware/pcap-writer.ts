import type { NetworkClock } from '../clock.js';
import type { Middleware } from '../iface/port.js';

/** Nanosecond resolution (wiki.wireshark.org/Development/LibpcapFileFormat). */
const MAGIC = 0xa1b23c4d;
const LINKTYPE_ETHERNET = 1;
const SNAP_LENGTH = 262_144;

export interface PcapOptions {
  readonly clock: Pick<NetworkClock, 'nowMs'>;
  /** Gets the file, piece by piece: a header, then a record per frame. The arrays are the receiver's. */
  readonly write: (bytes: Uint8Array) => void;
  /** What the clock's zero is, in milliseconds since 1970: 0. */
  readonly epochMs?: number;
}

/** Writes every frame into a capture that tshark, tcpdump and Wireshark read. */
export function pcapWriter({ clock, write, epochMs = 0 }: PcapOptions): Middleware {
  const header = new DataView(new ArrayBuffer(24));
  header.setUint32(0, MAGIC, true);
  header.setUint16(4, 2, true);
  header.setUint16(6, 4, true);
  header.setUint32(16, SNAP_LENGTH, true);
  header.setUint32(20, LINKTYPE_ETHERNET, true);
  write(new Uint8Array(header.buffer));
  const record = (frame: Uint8Array): void => {
    const bytes = new Uint8Array(16 + frame.length);
    const view = new DataView(bytes.buffer);
    const ms = epochMs + clock.nowMs();
    view.setUint32(0, Math.floor(ms / 1000), true);
    view.setUint32(4, Math.floor((ms % 1000) * 1e6), true);
    view.setUint32(8, frame.length, true);
    view.setUint32(12, frame.length, true);
    bytes.set(frame, 16);
    write(bytes);
  };
  return {
    fromGuest: (frame, next) => {
      record(frame);
      next(frame);
    },
    toGuest: (frame, next) => {
      const taken = next(frame);
      if (taken) record(frame);
      return taken;
    },
  };
}
