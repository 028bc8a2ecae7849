import { type IpPacket, IPV4_HEADER, IPV6_HEADER, IPPROTO_FRAGMENT } from '../wire/ip.js';
import { writeU16 } from '../wire/bytes.js';
import { checksum } from '../wire/checksum.js';
import type { NetworkTimer, NetworkTimers } from '../timers.js';

interface Piece {
  readonly start: number;
  readonly bytes: Uint8Array;
}

interface Datagram {
  readonly key: string;
  /** Sorted, disjoint. */
  readonly pieces: Piece[];
  /** What stands before the payload, of the first fragment: IP header (and, for IPv6, extension headers), the fragment header left out. */
  header: Uint8Array | undefined;
  /** Payload length, once the last fragment has come. */
  total: number | undefined;
  readonly deadlineMs: number;
}

/** RFC 8200 4.5: 60 seconds; RFC 1122 3.3.2 allows 60 to 120 for IPv4. We give up sooner: fragments of one packet leave a guest at once. */
const TIMEOUT_MS = 30_000;
const MAX_DATAGRAMS = 64;
/** The pieces of a 64 KiB packet over the smallest link that IPv4 knows (68 bytes) would be more; nothing real makes such. */
const MAX_PIECES = 128;
const MAX_BYTES = 1 << 20;


/**
 * Puts fragments together. A fragment that overlaps another ends its datagram: RFC 5722 demands it for IPv6, and for IPv4 nobody but an attacker
 * sends such (RFC 1858, RFC 3128); CVE-2019-14378 and CVE-2020-1983 were in code that merged them. An exact repetition is ignored.
 */
export class Reassembly {
  private readonly datagrams = new Map<string, Datagram>();
  private heldBytes = 0;
  private readonly timer: NetworkTimer;

  constructor(private readonly timers: NetworkTimers) {
    this.timer = timers.create(() => this.expire());
  }

  get held(): number {
    return this.heldBytes;
  }

  /** @returns the whole packet when this fragment was the last that was missing */
  add(packet: IpPacket): Uint8Array | undefined {
    const { bytes, start, payloadStart, payloadEnd, fragmentOffset, moreFragments } = packet;
    const length = payloadEnd - payloadStart;
    // RFC 791: all but the last are multiples of 8 long. RFC 8200 4.5: what would be longer than a packet can be is dropped.
    if (length === 0 || (moreFragments && length % 8 !== 0) || fragmentOffset + length > 0xffff - IPV4_HEADER) return undefined;
    const key = keyOf(packet);
    let datagram = this.datagrams.get(key);
    if (datagram === undefined) {
      datagram = { key, pieces: [], header: undefined, total: undefined, deadlineMs: this.timers.nowMs() + TIMEOUT_MS };
      if (this.datagrams.size >= MAX_DATAGRAMS) this.drop(this.datagrams.values().next().value as Datagram);
      this.datagrams.set(key, datagram);
      if (!this.timer.armed) this.timer.arm(datagram.deadlineMs);
    }
    const { pieces } = datagram;
    const end = fragmentOffset + length;
    let place = pieces.length;
    while (place > 0 && pieces[place - 1].start > fragmentOffset) place--;
    const before = pieces[place - 1] as Piece | undefined;
    const after = pieces[place] as Piece | undefined;
    if (before?.start === fragmentOffset && before.bytes.length === length) return undefined;
    const overlaps = (before !== undefined && before.start + before.bytes.length > fragmentOffset) || (after !== undefined && after.start < end);
    const disagrees = datagram.total !== undefined && (end > datagram.total || (!moreFragments && end !== datagram.total));
    const last = pieces.at(-1);
    const beyondEnd = !moreFragments && last !== undefined && last.start + last.bytes.length > end;
    if (overlaps || disagrees || beyondEnd || pieces.length >= MAX_PIECES) {
      this.drop(datagram);
      return undefined;
    }
    pieces.splice(place, 0, { start: fragmentOffset, bytes: bytes.slice(payloadStart, payloadEnd) });
    this.heldBytes += length;
    if (!moreFragments) datagram.total = end;
    if (fragmentOffset === 0) datagram.header = headerOf(packet, bytes, start);
    while (this.heldBytes > MAX_BYTES) {
      const oldest = this.datagrams.values().next().value as Datagram;
      this.drop(oldest);
      if (oldest === datagram) return undefined;
    }
    return this.finish(datagram);
  }

  private finish(datagram: Datagram): Uint8Array | undefined {
    const { total, header, pieces } = datagram;
    if (total === undefined || header === undefined) return undefined;
    let end = 0;
    for (const piece of pieces) {
      if (piece.start !== end) return undefined;
      end += piece.bytes.length;
    }
    if (end !== total) return undefined;
    this.drop(datagram);
    const packet = new Uint8Array(header.length + total);
    packet.set(header);
    for (const piece of pieces) packet.set(piece.bytes, header.length + piece.start);
    if (packet[0] >>> 4 === 4) {
      if (packet.length > 0xffff) return undefined;
      writeU16(packet, 2, packet.length);
      writeU16(packet, 6, 0);
      writeU16(packet, 10, 0);
      writeU16(packet, 10, checksum(packet, 0, header.length));
    } else {
      if (packet.length - IPV6_HEADER > 0xffff) return undefined;
      writeU16(packet, 4, packet.length - IPV6_HEADER);
    }
    return packet;
  }

  private drop(datagram: Datagram): void {
    if (!this.datagrams.delete(datagram.key)) return;
    for (const piece of datagram.pieces) this.heldBytes -= piece.bytes.length;
  }

  private expire(): void {
    const now = this.timers.nowMs();
    for (const datagram of this.datagrams.values()) {
      if (datagram.deadlineMs > now) {
        this.timer.arm(datagram.deadlineMs);
        return;
      }
      this.drop(datagram);
    }
  }
}

/** RFC 791: source, destination, protocol, identification. RFC 8200 4.5: without the protocol. */
function keyOf({ family, bytes, sourceAt, addressLength, identification, protocol }: IpPacket): string {
  let key = `${family === 4 ? protocol : 6}/${identification}`;
  for (let at = sourceAt; at < sourceAt + 2 * addressLength; at += 2) key += `/${(bytes[at] << 8) | bytes[at + 1]}`;
  return key;
}

function headerOf(packet: IpPacket, bytes: Uint8Array, start: number): Uint8Array {
  if (packet.family === 4) return bytes.slice(start, packet.payloadStart);
  // The fragment header, eight bytes before the payload, is left out; the field that named it names what it named.
  const fragmentAt = packet.payloadStart - 8;
  const header = bytes.slice(start, fragmentAt);
  let at = 6;
  let next = header[6];
  let position = IPV6_HEADER;
  while (next !== IPPROTO_FRAGMENT && position < header.length) {
    at = position;
    next = header[position];
    position += 8 + 8 * header[position + 1];
  }
  header[at] = packet.protocol;
  return header;
}
