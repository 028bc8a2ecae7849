import { readI32, readU16 } from './bytes.js';
import { type IpPacket, upperChecksumHolds } from './ip.js';

/** TCP segments (RFC 9293 3.1). */
export const TCP_HEADER = 20;
export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;

const OPTION_END = 0;
const OPTION_NOP = 1;
export const OPTION_MSS = 2;
/** RFC 7323 2.2 */
export const OPTION_WINDOW_SCALE = 3;
/** RFC 2018 2, 3 */
export const OPTION_SACK_PERMITTED = 4;
export const OPTION_SACK = 5;

const MAX_SACK_BLOCKS = 4;
/** RFC 7323 2.3: a larger shift is taken as 14. */
const MAX_SCALE = 14;
/** RFC 9293 3.7.1: when the option is missing. */
export const DEFAULT_MSS = 536;
/** RFC 9293 3.7.1, over IPv6: its least MTU of 1280 without the headers. */
export const DEFAULT_MSS_V6 = 1220;

/** A received segment. Sequence numbers are signed 32-bit numbers; they are compared by their difference. */
export interface TcpSegment {
  bytes: Uint8Array;
  sourcePort: number;
  destinationPort: number;
  seq: number;
  ack: number;
  flags: number;
  /** As it stands there, not scaled. */
  window: number;
  dataStart: number;
  dataEnd: number;
  /** 0: not given. */
  mss: number;
  /** -1: not given. */
  scale: number;
  sackPermitted: boolean;
  sackCount: number;
  readonly sackStart: Int32Array;
  readonly sackEnd: Int32Array;
}

export function emptyTcpSegment(): TcpSegment {
  return {
    bytes: new Uint8Array(0),
    sourcePort: 0,
    destinationPort: 0,
    seq: 0,
    ack: 0,
    flags: 0,
    window: 0,
    dataStart: 0,
    dataEnd: 0,
    mss: 0,
    scale: -1,
    sackPermitted: false,
    sackCount: 0,
    sackStart: new Int32Array(MAX_SACK_BLOCKS),
    sackEnd: new Int32Array(MAX_SACK_BLOCKS),
  };
}

/** false when it is cut short, its header is longer than the packet, an option's length is impossible, or its checksum is wrong. */
export function parseTcp(packet: IpPacket, into: TcpSegment): boolean {
  const { bytes, payloadStart: at, payloadEnd: end } = packet;
  if (end - at < TCP_HEADER) return false;
  const header = (bytes[at + 12] >>> 4) * 4;
  if (header < TCP_HEADER || header > end - at || !upperChecksumHolds(packet)) return false;
  into.bytes = bytes;
  into.sourcePort = readU16(bytes, at);
  into.destinationPort = readU16(bytes, at + 2);
  into.seq = readI32(bytes, at + 4);
  into.ack = readI32(bytes, at + 8);
  into.flags = bytes[at + 13];
  into.window = readU16(bytes, at + 14);
  into.dataStart = at + header;
  into.dataEnd = end;
  into.mss = 0;
  into.scale = -1;
  into.sackPermitted = false;
  into.sackCount = 0;
  return header === TCP_HEADER || parseOptions(bytes, at + TCP_HEADER, at + header, into);
}

function parseOptions(bytes: Uint8Array, start: number, end: number, into: TcpSegment): boolean {
  let at = start;
  while (at < end) {
    const kind = bytes[at];
    if (kind === OPTION_END) return true;
    if (kind === OPTION_NOP) {
      at++;
      continue;
    }
    const length = at + 1 < end ? bytes[at + 1] : 0;
    if (length < 2 || at + length > end) return false;
    if (kind === OPTION_MSS && length === 4) into.mss = readU16(bytes, at + 2);
    else if (kind === OPTION_WINDOW_SCALE && length === 3) into.scale = Math.min(bytes[at + 2], MAX_SCALE);
    else if (kind === OPTION_SACK_PERMITTED && length === 2) into.sackPermitted = true;
    else if (kind === OPTION_SACK && (length - 2) % 8 === 0) {
      for (let block = at + 2; block < at + length && into.sackCount < MAX_SACK_BLOCKS; block += 8) {
        into.sackStart[into.sackCount] = readI32(bytes, block);
        into.sackEnd[into.sackCount] = readI32(bytes, block + 4);
        into.sackCount++;
      }
    }
    at += length;
  }
  return true;
}
