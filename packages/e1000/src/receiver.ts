import { PROTOCOL_TCP, PROTOCOL_UDP, findIpHeaders, foldedSum, u16, type IpHeaders } from '@pckit/ethernet-offload';
import type { GuestMemory } from '@pckit/interfaces';
import { FcsBuffer } from './fcs-buffer.js';
import { RCTL_BSEX, RCTL_BSIZE_SHIFT, RCTL_SECRC, RXCSUM_IPOFL, RXCSUM_PCSS, RXCSUM_TUOFL } from './registers.js';

// Frames into receive descriptors: manual, 3.2.

const STA_DD = 0x01;
const STA_EOP = 0x02;
const STA_IXSM = 0x04;
const STA_VP = 0x08;
const STA_TCPCS = 0x20;
const STA_IPCS = 0x40;
const STA_PIF = 0x80;
const ERR_TCPE = 0x20;
const ERR_IPE = 0x40;

const DESCRIPTOR = 16;
const LEAST_FRAME = 60;
const FCS = 4;
/** 3.2.1: 16,384 bytes with the FCS when long packets are on. */
export const MAX_LONG_FRAME = 16384 - FCS;
/** 1522 bytes with the FCS. */
export const MAX_FRAME = 1522 - FCS;

/** The receive ring as the registers have it. */
export interface ReceiveRing {
  readonly base: number;
  /** Descriptors. */
  readonly count: number;
  head: number;
  readonly tail: number;
}

export interface ReceiveSettings {
  readonly rctl: number;
  readonly rxcsum: number;
  /** CTRL.VME: tags go into the descriptor. */
  readonly stripTags: boolean;
  readonly vlanType: number;
}

export class Receiver {
  /** The frame as it goes to memory: without its tag, padded, with FCS. */
  readonly #fcs = new FcsBuffer(MAX_LONG_FRAME + FCS);
  readonly #buffer = this.#fcs.frame;
  readonly #frame = this.#buffer.bytes;
  #first = this.#frame.subarray(0, 0);
  readonly #headers: IpHeaders = { ip: 0, version: 4, protocol: 0, transport: 0, nextHeaderAt: 0 };
  #status = 0;
  #errors = 0;
  /** The sum from `#summedFrom` on to the frame's end, where the checks have found it out; else -1. */
  #summed = -1;
  #summedFrom = 0;

  constructor(private readonly memory: GuestMemory) {}

  /**
   * Writes a frame that passed the filters into as many descriptors as it takes.
   * @param finished it is TCP, and its checksum was made here a moment ago
   * @returns how many; 0 when the ring has not enough of them; -1 when it never will
   */
  store(frame: Uint8Array, inexact: boolean, finished: boolean, ring: ReceiveRing, settings: ReceiveSettings): number {
    const { memory } = this;
    const size = bufferSize(settings.rctl);
    const strip = (settings.rctl & RCTL_SECRC) !== 0;
    const tagged = settings.stripTags && frame.length >= 18 && u16(frame, 12) === settings.vlanType;
    const length = Math.max(LEAST_FRAME, tagged ? frame.length - 4 : frame.length);
    const stored = strip ? length : length + FCS;
    const needed = Math.ceil(stored / size);
    if (needed >= ring.count) return -1;
    const free = (ring.tail - ring.head + ring.count) % ring.count;
    if (needed > free) return 0;
    this.#compose(frame, tagged, length);
    if (!strip) this.#addFcs(length);
    this.#check(length, finished, settings.rxcsum);
    const checksum = this.#packetChecksum(length, settings.rxcsum & RXCSUM_PCSS);
    // As it would stand in the packet.
    const swapped = ((checksum & 0xff) << 8) | (checksum >>> 8);
    const status = this.#status | STA_DD | (tagged ? STA_VP : 0) | (inexact ? STA_PIF : 0);
    const special = tagged ? u16(frame, 14) : 0;
    for (let i = 0, done = 0; i < needed; i++) {
      const at = ring.base + DESCRIPTOR * ring.head;
      const bytes = Math.min(size, stored - done);
      memory.borrow(memory.readAddress(at), bytes, 'write')?.set(done === 0 ? this.#beginning(bytes) : this.#frame.subarray(done, done + bytes));
      done += bytes;
      memory.writeU32(at + 8, (bytes | (swapped << 16)) >>> 0);
      memory.writeU32(at + 12, ((i === needed - 1 ? status | STA_EOP : status) | (this.#errors << 8) | (special << 16)) >>> 0);
      ring.head = ring.head + 1 === ring.count ? 0 : ring.head + 1;
    }
    return needed;
  }

  /** One view serves for frames of one length. */
  #beginning(bytes: number): Uint8Array {
    if (this.#first.length !== bytes) this.#first = this.#frame.subarray(0, bytes);
    return this.#first;
  }

  /** @param length with padding: no wire has shorter frames than 60 bytes; what comes from another emulated card may be */
  #compose(frame: Uint8Array, tagged: boolean, length: number): void {
    const out = this.#frame;
    let composed = frame.length;
    if (tagged) {
      out.set(frame.subarray(0, 12));
      out.set(frame.subarray(16), 12);
      composed -= 4;
    } else {
      out.set(frame);
    }
    if (composed < length) out.fill(0, composed, length);
  }

  #addFcs(length: number): void {
    const out = this.#frame;
    const fcs = this.#fcs.fcs(length);
    for (let i = 0; i < FCS; i++) out[length + i] = fcs >>> (8 * i);
  }

  /** 3.2.9 "Receive Packet Checksum Offloading": of IPv4, and TCP and UDP over it, unfragmented. */
  #check(length: number, finished: boolean, rxcsum: number): void {
    const headers = this.#headers;
    const frame = this.#frame;
    this.#errors = 0;
    this.#summed = -1;
    this.#status = STA_IXSM;
    if ((rxcsum & (RXCSUM_IPOFL | RXCSUM_TUOFL)) === 0 || !findIpHeaders(frame, headers, length) || headers.version !== 4) return;
    const { ip, transport, protocol } = headers;
    const end = ip + u16(frame, ip + 2);
    this.#status = 0;
    if ((rxcsum & RXCSUM_IPOFL) !== 0) {
      this.#status |= STA_IPCS;
      if (this.#buffer.sum(ip, transport) !== 0xffff) this.#errors |= ERR_IPE;
    }
    if ((rxcsum & RXCSUM_TUOFL) === 0 || end > length || end < transport) return;
    if (protocol === PROTOCOL_UDP) {
      // RFC 768: zero says that there is none.
      if (end < transport + 8 || u16(frame, transport + 6) === 0) return;
    } else if (protocol !== PROTOCOL_TCP || end < transport + 20) {
      return;
    }
    this.#status |= STA_TCPCS;
    const pseudo = this.#buffer.sum(ip + 12, ip + 20, protocol + (end - transport));
    // A right checksum makes it all ones, less the pseudo header's part.
    const sum = finished ? 0xffff - pseudo : this.#buffer.sum(transport, end);
    if (foldedSum(sum + pseudo) !== 0xffff) this.#errors |= ERR_TCPE;
    if (end === length) {
      this.#summed = sum;
      this.#summedFrom = transport;
    }
  }

  /** 3.2.9: the sum from PCSS on. */
  #packetChecksum(length: number, start: number): number {
    if (start >= length) return 0;
    const from = this.#summedFrom;
    return this.#summed >= 0 && start < from && ((from - start) & 1) === 0 ? this.#buffer.sum(start, from, this.#summed) : this.#buffer.sum(start, length);
  }
}

/** RCTL.BSIZE and BSEX. */
function bufferSize(rctl: number): number {
  const code = (rctl >>> RCTL_BSIZE_SHIFT) & 3;
  // 13.4.22: 00b with BSEX is reserved.
  return (rctl & RCTL_BSEX) !== 0 && code !== 0 ? 32768 >>> code : 2048 >>> code;
}
