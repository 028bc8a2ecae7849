// Where the headers of a frame lie: Ethernet II with VLAN tags, IPv4 (RFC 791), IPv6 (RFC 8200).

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_VLAN = 0x8100;
const ETHERTYPE_QINQ = 0x88a8;

export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
const HOP_BY_HOP = 0;
const ROUTING = 43;
const DESTINATION_OPTIONS = 60;

const MAX_TAGS = 2;
const MAX_EXTENSIONS = 8;

export interface IpHeaders {
  /** Of the IP header in the frame. */
  ip: number;
  version: 4 | 6;
  /** TCP, UDP, ...: the last header's, past IPv6 extensions. */
  protocol: number;
  /** Of the transport header. */
  transport: number;
  /** IPv6: of the byte that names the transport header. */
  nextHeaderAt: number;
}

export function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

export function setU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

/** Fills `headers` for an unfragmented packet whose headers lie within the first `frameLength` bytes. @returns false for any other frame */
export function findIpHeaders(frame: Uint8Array, headers: IpHeaders, frameLength = frame.length): boolean {
  let ip = 14;
  if (frameLength < ip + 20) return false;
  let type = u16(frame, 12);
  for (let tags = 0; tags < MAX_TAGS && (type === ETHERTYPE_VLAN || type === ETHERTYPE_QINQ); tags++) {
    ip += 4;
    if (frameLength < ip + 20) return false;
    type = u16(frame, ip - 2);
  }
  headers.ip = ip;
  if (type === ETHERTYPE_IPV4) {
    const length = (frame[ip]! & 0x0f) * 4;
    if (frame[ip]! >>> 4 !== 4 || length < 20 || frameLength < ip + length) return false;
    // More fragments, or an offset.
    if ((u16(frame, ip + 6) & 0x3fff) !== 0) return false;
    headers.version = 4;
    headers.protocol = frame[ip + 9]!;
    headers.transport = ip + length;
    headers.nextHeaderAt = ip + 9;
    return true;
  }
  if (type !== ETHERTYPE_IPV6 || frameLength < ip + 40 || frame[ip]! >>> 4 !== 6) return false;
  headers.version = 6;
  let nextHeaderAt = ip + 6;
  let at = ip + 40;
  for (let extensions = 0; extensions <= MAX_EXTENSIONS; extensions++) {
    const next = frame[nextHeaderAt]!;
    if (next !== HOP_BY_HOP && next !== ROUTING && next !== DESTINATION_OPTIONS) {
      headers.protocol = next;
      headers.transport = at;
      headers.nextHeaderAt = nextHeaderAt;
      return true;
    }
    if (frameLength < at + 8) return false;
    nextHeaderAt = at;
    at += (frame[at + 1]! + 1) * 8;
    if (at > frameLength) return false;
  }
  return false;
}
