import { internetChecksum, onesComplementSum } from './internet-checksum.js';
import { PROTOCOL_TCP, PROTOCOL_UDP, findIpHeaders, setU16, u16, type IpHeaders } from './ip-headers.js';
import { WordBuffer } from './word-buffer.js';

// Does what an `Offload` asks for: makes of one unfinished frame the packets that go on the wire. Each packet is made from the frame
// alone, by its index, so whoever has to stop in between needs to remember no more than the index.
//
// Frames are a guest's: nothing in them is believed. A frame that can't be cut as asked gives no packets.

/** What is left to do on a frame. `@pckit/interfaces` has the same as `FrameOffload`. */
export interface Offload {
  /** Where the bytes begin that the checksum covers: the TCP or UDP header. */
  readonly checksumStart: number;
  /** From there to the checksum field, which holds the sum of the pseudo header. */
  readonly checksumOffset: number;
  /** `none`: the frame is one packet. `udp` is one datagram for each piece, `udp-fragments` one datagram in IP fragments. */
  readonly segmentation: 'none' | 'tcp' | 'udp' | 'udp-fragments';
  /** Most payload bytes of each packet; 0 with `none`. */
  readonly segmentBytes: number;
}

/** Where a delivery that ran out of buffers goes on. */
export type SegmenterState = {
  /** Packets already delivered of the frame that was refused, and which that was; 0 and 0 without one. */
  readonly resumeAt: number;
  readonly resumeKey: number;
};

/** What a frame's beginning tells it from the next by: headers up to TCP's sequence number, and more. */
const KEY_BYTES = 80;

/** Below this a frame of 64 KiB would be tens of thousands of packets; Linux has the same least (TCP_MIN_SND_MSS less the headers). */
const LEAST_SEGMENT = 8;
/** Of a packet from the IP header on: both IP versions' length fields end here. */
const MOST_IP_BYTES = 65535;
/** VLAN tags, an IPv6 fragment header, what a jumbo frame may have more. */
const SCRATCH = MOST_IP_BYTES + 128;

const TCP_FIN = 0x01;
const TCP_PSH = 0x08;
const TCP_CWR = 0x80;

const IPV6_FRAGMENT = 44;
const FRAGMENT_HEADER = 8;

export class Segmenter {
  readonly #headers: IpHeaders = { ip: 0, version: 4, protocol: 0, transport: 0, nextHeaderAt: 0 };
  readonly #words = new WordBuffer(SCRATCH);
  readonly #scratch = this.#words.bytes;
  /** The packet that was made last. */
  #packet = this.#scratch.subarray(0, 0);
  #frame: Uint8Array = this.#scratch;
  #offload: Offload | undefined;
  /** First byte of what is cut: all before it is repeated in every packet. */
  #payload = 0;
  #step = 0;
  #count = 0;
  #resumeAt = 0;
  #resumeKey = 0;

  /**
   * Hands all packets of a frame to `take`, which may refuse one: then the next call with the same frame goes on there, and with another one begins
   * that. @returns whether all were taken; of a frame that can't be cut there are none
   */
  deliver(frame: Uint8Array, offload: Offload, take: (packet: Uint8Array) => boolean): boolean {
    const count = this.begin(frame, offload);
    const key = frame.length * 65536 + onesComplementSum(frame, 0, Math.min(frame.length, KEY_BYTES));
    for (let index = key === this.#resumeKey ? this.#resumeAt : 0; index < count; index++) {
      if (take(this.packet(index))) continue;
      this.#resumeAt = index;
      this.#resumeKey = key;
      return false;
    }
    this.forget();
    return true;
  }

  /** The frame that was refused won't come again. */
  forget(): void {
    this.#resumeAt = this.#resumeKey = 0;
  }

  save(): SegmenterState {
    return { resumeAt: this.#resumeAt, resumeKey: this.#resumeKey };
  }

  restore(state: SegmenterState): void {
    this.#resumeAt = state.resumeAt;
    this.#resumeKey = state.resumeKey;
  }

  /**
   * @param frame must stay as it is until the last packet is made
   * @returns the number of packets; 0 for a frame that the offload does not fit
   */
  begin(frame: Uint8Array, offload: Offload | undefined): number {
    this.#frame = frame;
    this.#offload = offload;
    this.#count = this.#plan(frame, offload);
    return this.#count;
  }

  /** Packet `index` of those that `begin` promised; borrowed until the next call of anything here. */
  packet(index: number): Uint8Array {
    const offload = this.#offload;
    if (offload === undefined) return this.#frame;
    switch (offload.segmentation) {
      case 'none':
        return this.#finished(offload);
      case 'udp-fragments':
        return this.#fragment(index);
      default:
        return this.#segment(index, offload.segmentation);
    }
  }

  #plan(frame: Uint8Array, offload: Offload | undefined): number {
    if (offload === undefined) return 1;
    const { checksumStart, checksumOffset, segmentation, segmentBytes } = offload;
    if (segmentation === 'none') return frame.length <= SCRATCH && checksumStart + checksumOffset + 2 <= frame.length ? 1 : 0;
    const headers = this.#headers;
    if (segmentBytes < LEAST_SEGMENT || !findIpHeaders(frame, headers)) return 0;
    const { transport, protocol, ip } = headers;
    if (segmentation === 'tcp') {
      if (protocol !== PROTOCOL_TCP || frame.length < transport + 20) return 0;
      this.#payload = transport + (frame[transport + 12]! >>> 4) * 4;
      if (this.#payload < transport + 20 || this.#payload > frame.length) return 0;
      this.#step = segmentBytes;
    } else {
      if (protocol !== PROTOCOL_UDP || frame.length < transport + 8) return 0;
      if (segmentation === 'udp') {
        this.#payload = transport + 8;
        this.#step = segmentBytes;
      } else {
        // The UDP header is part of what is cut. RFC 791: all fragments but the last are whole multiples of 8 bytes.
        this.#payload = transport;
        this.#step = segmentBytes & ~7;
        if (frame.length > SCRATCH || frame.length - transport > MOST_IP_BYTES) return 0;
      }
    }
    if (this.#payload - ip + FRAGMENT_HEADER + this.#step > MOST_IP_BYTES) return 0;
    return Math.max(1, Math.ceil((frame.length - this.#payload) / this.#step));
  }

  /** One packet, with the checksum that was left open. */
  #finished({ checksumStart, checksumOffset }: Offload): Uint8Array {
    const frame = this.#frame;
    const scratch = this.#scratch;
    scratch.set(frame);
    // The field holds the pseudo header's sum, which is so part of it.
    setChecksum(scratch, checksumStart + checksumOffset, this.#words.checksum(checksumStart, frame.length));
    return this.#made(frame.length);
  }

  #segment(index: number, kind: 'tcp' | 'udp'): Uint8Array {
    const scratch = this.#scratch;
    const { transport } = this.#headers;
    const payload = this.#payload;
    const from = payload + index * this.#step;
    const last = index === this.#count - 1;
    const bytes = last ? this.#frame.length - from : this.#step;
    const length = payload + bytes;
    const frame = this.#frame;
    for (let i = 0; i < payload; i++) scratch[i] = frame[i]!;
    scratch.set(frame.subarray(from, from + bytes), payload);
    this.#setIpLength(length, index);
    if (kind === 'tcp') {
      addU32(scratch, transport + 4, index * this.#step);
      // RFC 9293: these belong to the last byte. RFC 3168, 6.1.2: CWR is said once.
      if (!last) scratch[transport + 13]! &= ~(TCP_FIN | TCP_PSH);
      if (index > 0) scratch[transport + 13]! &= ~TCP_CWR;
      this.#finishTransport(PROTOCOL_TCP, transport + 16, length);
    } else {
      setU16(scratch, transport + 4, 8 + bytes);
      this.#finishTransport(PROTOCOL_UDP, transport + 6, length);
    }
    return this.#made(length);
  }

  /** The first bytes of the scratch; one view serves for packets of one length, since it takes as long to make as the copy of 1,500 bytes. */
  #made(length: number): Uint8Array {
    if (this.#packet.length !== length) this.#packet = this.#scratch.subarray(0, length);
    return this.#packet;
  }

  #fragment(index: number): Uint8Array {
    const { ip, version, transport, nextHeaderAt } = this.#headers;
    const frame = this.#frame;
    const scratch = this.#scratch;
    const from = index * this.#step;
    const more = index < this.#count - 1;
    const bytes = more ? this.#step : frame.length - transport - from;
    // The checksum is the whole datagram's, so it is made over all of it, in the first fragment.
    let checksum = 0;
    if (index === 0) {
      scratch.set(frame);
      setU16(scratch, transport + 4, frame.length - transport);
      this.#finishTransport(PROTOCOL_UDP, transport + 6, frame.length);
      checksum = u16(scratch, transport + 6);
    }
    scratch.set(frame.subarray(0, transport));
    let at = transport;
    if (version === 4) {
      setU16(scratch, ip + 6, (more ? 0x2000 : 0) | (from >>> 3));
    } else {
      // RFC 8200, 4.5. The identification is the datagram's own: what its checksum would be, which is as good as any and needs no state.
      scratch[nextHeaderAt] = IPV6_FRAGMENT;
      scratch[at] = PROTOCOL_UDP;
      scratch[at + 1] = 0;
      setU16(scratch, at + 2, from | (more ? 1 : 0));
      setU16(scratch, at + 4, u16(frame, transport));
      setU16(scratch, at + 6, onesComplementSum(frame, transport, frame.length));
      at += FRAGMENT_HEADER;
    }
    scratch.set(frame.subarray(transport + from, transport + from + bytes), at);
    if (index === 0) {
      setU16(scratch, at + 4, frame.length - transport);
      setU16(scratch, at + 6, checksum);
    }
    const length = at + bytes;
    this.#setIpLength(length, 0);
    return this.#made(length);
  }

  /** @param step added to IPv4's identification: packets of one cut are datagrams of their own */
  #setIpLength(length: number, step: number): void {
    const { ip, version } = this.#headers;
    const scratch = this.#scratch;
    if (version === 6) {
      setU16(scratch, ip + 4, length - ip - 40);
      return;
    }
    setU16(scratch, ip + 2, length - ip);
    setU16(scratch, ip + 4, (u16(scratch, ip + 4) + step) & 0xffff);
    setU16(scratch, ip + 10, 0);
    setU16(scratch, ip + 10, internetChecksum(scratch, ip, ip + (scratch[ip]! & 0x0f) * 4));
  }

  #finishTransport(protocol: number, field: number, length: number): void {
    const { ip, version, transport } = this.#headers;
    const scratch = this.#scratch;
    setU16(scratch, field, 0);
    const addresses = version === 4 ? onesComplementSum(scratch, ip + 12, ip + 20) : onesComplementSum(scratch, ip + 8, ip + 40);
    setChecksum(scratch, field, this.#words.checksum(transport, length, addresses + protocol + (length - transport)));
  }
}

/** RFC 768: a sum of zero is sent as all ones, since zero says that there is none. For TCP the two are the same number. */
function setChecksum(bytes: Uint8Array, at: number, checksum: number): void {
  setU16(bytes, at, checksum === 0 ? 0xffff : checksum);
}

function addU32(bytes: Uint8Array, at: number, value: number): void {
  const sum = ((((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0) + value) >>> 0;
  bytes[at] = sum >>> 24;
  bytes[at + 1] = sum >>> 16;
  bytes[at + 2] = sum >>> 8;
  bytes[at + 3] = sum;
}
