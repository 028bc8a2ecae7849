import { readU16, writeU16 } from './bytes.js';
import { type IpPacket, upperChecksumHolds } from './ip.js';

/** RFC 768 */
export const UDP_HEADER = 8;

export interface UdpHeader {
  sourcePort: number;
  destinationPort: number;
  /** Of the data, in the packet's buffer. */
  dataStart: number;
  dataEnd: number;
}

/** false when it is cut short, its length field disagrees with the packet, or its checksum is wrong. */
export function parseUdp(packet: IpPacket, into: UdpHeader): boolean {
  const { bytes, payloadStart: start, payloadEnd: end } = packet;
  if (end - start < UDP_HEADER) return false;
  const length = readU16(bytes, start + 4);
  if (length < UDP_HEADER || length > end - start) return false;
  const sum = readU16(bytes, start + 6);
  if (sum === 0) {
    // No checksum: allowed over IPv4 (RFC 768), not over IPv6 (RFC 8200 8.1).
    if (packet.family === 6) return false;
  } else {
    const whole = packet.payloadEnd;
    packet.payloadEnd = start + length;
    const holds = upperChecksumHolds(packet);
    packet.payloadEnd = whole;
    if (!holds) return false;
  }
  into.sourcePort = readU16(bytes, start);
  into.destinationPort = readU16(bytes, start + 2);
  into.dataStart = start + UDP_HEADER;
  into.dataEnd = start + length;
  return true;
}

export function writeUdp(bytes: Uint8Array, at: number, { sourcePort, destinationPort, length }: { sourcePort: number; destinationPort: number; length: number }): void {
  writeU16(bytes, at, sourcePort);
  writeU16(bytes, at + 2, destinationPort);
  writeU16(bytes, at + 4, UDP_HEADER + length);
  writeU16(bytes, at + 6, 0);
}
