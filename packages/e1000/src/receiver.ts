import { PROTOCOL_TCP, PROTOCOL_UDP, findIpHeaders, onesComplementSum, setU16, u16, type IpHeaders } from '@pckit/ethernet-offload';
import type { GuestMemory } from '@pckit/interfaces';
import { crc32 } from './crc32.js';
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
  readonly #frame = new Uint8Array(MAX_LONG_FRAME + FCS);
  readonly #headers: IpHeaders = { ip: 0, version: 4, protocol: 0, transport: 0, nextHeaderAt: 0 };
  #status = 0;
  #errors = 0;

  constructor(private readonly memory: GuestMemory) {}

  /**
   * Writes a frame that passed the filters into as many descriptors as it takes.
   * @returns how many; 0 when the ring has not enough of them; -1 when it never will
   */
  store(frame: Uint8Array, inexact: boolean, ring: ReceiveRing, settings: ReceiveSettings): number {
    const { memory } = this;
    const size = bufferSize(settings.rctl);
    const tagged = settings.stripTags && frame.length >= 18 && u16(frame, 12) === settings.vlanType;
    const length = this.#compose(frame, tagged, settings.rctl);
    const needed = Math.ceil(length / size);
    if (needed >= ring.count) return -1;
    const free = (ring.tail - ring.head + ring.count) % ring.count;
    if (needed > free) return 0;
    this.#check(this.#frame.subarray(0, length - ((settings.rctl & RCTL_SECRC) !== 0 ? 0 : FCS)), settings.rxcsum);
    const packetChecksum = this.#packetChecksum(length, settings);
    const status = this.#status | STA_DD | (tagged ? STA_VP : 0) | (inexact ? STA_PIF : 0);
    for (let i = 0, done = 0; i < needed; i++) {
      const at = ring.base + DESCRIPTOR * ring.head;
      const bytes = Math.min(size, length - done);
      const buffer = memory.borrow(memory.readAddress(at), bytes, 'write');
      buffer?.set(this.#frame.subarray(done, done + bytes));
      done += bytes;
      memory.writeU16(at + 8, bytes);
      memory.writeU16(at + 10, packetChecksum);
      memory.writeU8(at + 13, this.#errors);
      memory.writeU16(at + 14, tagged ? u16(frame, 14) : 0);
      memory.writeU8(at + 12, i === needed - 1 ? status | STA_EOP : status);
      ring.head = (ring.head + 1) % ring.count;
    }
    return needed;
  }

  #compose(frame: Uint8Array, tagged: boolean, rctl: number): number {
    const out = this.#frame;
    let length = frame.length;
    if (tagged) {
      out.set(frame.subarray(0, 12));
      out.set(frame.subarray(16), 12);
      length -= 4;
    } else {
      out.set(frame);
    }
    // No wire has shorter ones; what comes from another emulated card may be.
    if (length < LEAST_FRAME) {
      out.fill(0, length, LEAST_FRAME);
      length = LEAST_FRAME;
    }
    if ((rctl & RCTL_SECRC) !== 0) return length;
    const fcs = crc32(out.subarray(0, length));
    for (let i = 0; i < FCS; i++) out[length + i] = fcs >>> (8 * i);
    return length + FCS;
  }

  /** 3.2.9 "Receive Packet Checksum Offloading": of IPv4, and TCP and UDP over it, unfragmented. */
  #check(frame: Uint8Array, rxcsum: number): void {
    const headers = this.#headers;
    this.#errors = 0;
    this.#status = STA_IXSM;
    if ((rxcsum & (RXCSUM_IPOFL | RXCSUM_TUOFL)) === 0 || !findIpHeaders(frame, headers) || headers.version !== 4) return;
    const { ip, transport, protocol } = headers;
    const end = ip + u16(frame, ip + 2);
    this.#status = 0;
    if ((rxcsum & RXCSUM_IPOFL) !== 0) {
      this.#status |= STA_IPCS;
      if (onesComplementSum(frame, ip, transport) !== 0xffff) this.#errors |= ERR_IPE;
    }
    if ((rxcsum & RXCSUM_TUOFL) === 0 || end > frame.length || end < transport) return;
    if (protocol === PROTOCOL_UDP) {
      // RFC 768: zero says that there is none.
      if (end < transport + 8 || u16(frame, transport + 6) === 0) return;
    } else if (protocol !== PROTOCOL_TCP || end < transport + 20) {
      return;
    }
    this.#status |= STA_TCPCS;
    const pseudo = onesComplementSum(frame, ip + 12, ip + 20) + protocol + (end - transport);
    if (onesComplementSum(frame, transport, end, pseudo) !== 0xffff) this.#errors |= ERR_TCPE;
  }

  /** 3.2.9: the sum from PCSS on, without the FCS when that is stripped. */
  #packetChecksum(length: number, { rxcsum, rctl }: ReceiveSettings): number {
    const end = (rctl & RCTL_SECRC) !== 0 ? length : length - FCS;
    const start = rxcsum & RXCSUM_PCSS;
    if (start >= end) return 0;
    const swapped = this.#word;
    setU16(swapped, 0, onesComplementSum(this.#frame, start, end));
    return swapped[0]! | (swapped[1]! << 8);
  }

  readonly #word = new Uint8Array(2);
}

/** RCTL.BSIZE and BSEX. */
function bufferSize(rctl: number): number {
  const code = (rctl >>> RCTL_BSIZE_SHIFT) & 3;
  // 13.4.22: 00b with BSEX is reserved.
  return (rctl & RCTL_BSEX) !== 0 && code !== 0 ? 32768 >>> code : 2048 >>> code;
}
