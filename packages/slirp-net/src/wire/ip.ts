import { readU16, writeU16 } from './bytes.js';
import { addToSum, checksum, finishSum } from './checksum.js';

/** IPv4 (RFC 791) and IPv6 (RFC 8200) headers. */
export const IPPROTO_HOPOPTS = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_ROUTING = 43;
export const IPPROTO_FRAGMENT = 44;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_NONE = 59;
export const IPPROTO_DSTOPTS = 60;

export const IPV4_HEADER = 20;
export const IPV6_HEADER = 40;
export const IPV4_DF = 0x4000;
export const IPV4_MF = 0x2000;
const IPV4_OFFSET = 0x1fff;

/** Options that route the packet by the sender's list (RFC 791 3.1): refused, as RFC 7126 4.3 and 4.4 advise. */
const IPOPT_END = 0;
const IPOPT_NOP = 1;
const IPOPT_LSRR = 131;
const IPOPT_SSRR = 137;

/**
 * A packet in a buffer, as offsets into it. One record is used again and again; what a handler keeps it copies.
 */
export interface IpPacket {
  family: 4 | 6;
  bytes: Uint8Array;
  /** Where the IP header begins. */
  start: number;
  /** Of the two addresses, which lie one after the other. */
  sourceAt: number;
  destinationAt: number;
  addressLength: 4 | 16;
  protocol: number;
  hopLimit: number;
  payloadStart: number;
  payloadEnd: number;
  /** Fragment fields; `fragmentOffset` in bytes. */
  identification: number;
  fragmentOffset: number;
  moreFragments: boolean;
  dontFragment: boolean;
  /** IPv6: where the field lies that named the upper protocol, for reassembly and Parameter Problem. */
  nextHeaderAt: number;
  sourceRouted: boolean;
  /** The upper layer's checksum is left open: the packet never was on a wire. */
  trusted: boolean;
}

export function emptyIpPacket(): IpPacket {
  return {
    family: 4,
    bytes: new Uint8Array(0),
    start: 0,
    sourceAt: 0,
    destinationAt: 0,
    addressLength: 4,
    protocol: 0,
    hopLimit: 0,
    payloadStart: 0,
    payloadEnd: 0,
    identification: 0,
    fragmentOffset: 0,
    moreFragments: false,
    dontFragment: false,
    nextHeaderAt: 0,
    sourceRouted: false,
    trusted: false,
  };
}

/** false when it is no IPv4 packet, is cut short, or its checksum or an option's length is wrong. */
export function parseIpv4(bytes: Uint8Array, start: number, end: number, into: IpPacket): boolean {
  if (end - start < IPV4_HEADER || bytes[start] >>> 4 !== 4) return false;
  const header = (bytes[start] & 15) * 4;
  const total = readU16(bytes, start + 2);
  // RFC 1122 3.2.1: IHL of at least 5. The total length may be less than the frame (padding), never more.
  if (header < IPV4_HEADER || total < header || total > end - start) return false;
  if (checksum(bytes, start, start + header) !== 0) return false;
  into.sourceRouted = false;
  if (header > IPV4_HEADER && !parseIpv4Options(bytes, start + IPV4_HEADER, start + header, into)) return false;
  const fragment = readU16(bytes, start + 6);
  into.family = 4;
  into.bytes = bytes;
  into.start = start;
  into.sourceAt = start + 12;
  into.destinationAt = start + 16;
  into.addressLength = 4;
  into.protocol = bytes[start + 9];
  into.hopLimit = bytes[start + 8];
  into.payloadStart = start + header;
  into.payloadEnd = start + total;
  into.identification = readU16(bytes, start + 4);
  into.fragmentOffset = (fragment & IPV4_OFFSET) * 8;
  into.moreFragments = (fragment & IPV4_MF) !== 0;
  into.dontFragment = (fragment & IPV4_DF) !== 0;
  into.nextHeaderAt = start + 9;
  return true;
}

function parseIpv4Options(bytes: Uint8Array, start: number, end: number, into: IpPacket): boolean {
  let at = start;
  while (at < end) {
    const kind = bytes[at];
    if (kind === IPOPT_END) return true;
    if (kind === IPOPT_NOP) {
      at++;
      continue;
    }
    const length = at + 1 < end ? bytes[at + 1] : 0;
    if (length < 2 || at + length > end) return false;
    if (kind === IPOPT_LSRR || kind === IPOPT_SSRR) into.sourceRouted = true;
    at += length;
  }
  return true;
}

/** Writes a header without options, its checksum included. */
export function writeIpv4(
  bytes: Uint8Array,
  start: number,
  { source, destination, protocol, length, hopLimit, identification, fragment }: { source: Uint8Array; destination: Uint8Array; protocol: number; length: number; hopLimit: number; identification: number; fragment: number },
): void {
  bytes[start] = 0x45;
  bytes[start + 1] = 0;
  writeU16(bytes, start + 2, IPV4_HEADER + length);
  writeU16(bytes, start + 4, identification);
  writeU16(bytes, start + 6, fragment);
  bytes[start + 8] = hopLimit;
  bytes[start + 9] = protocol;
  writeU16(bytes, start + 10, 0);
  bytes.set(source, start + 12);
  bytes.set(destination, start + 16);
  writeU16(bytes, start + 10, checksum(bytes, start, start + IPV4_HEADER));
}

/** How many extension headers are followed: a chain is at most this long in practice, and its walk must end. */
const MAX_EXTENSION_HEADERS = 8;

/** false when it is no IPv6 packet, is cut short, or its extension headers don't end. Headers before a fragment header are skipped. */
export function parseIpv6(bytes: Uint8Array, start: number, end: number, into: IpPacket): boolean {
  if (end - start < IPV6_HEADER || bytes[start] >>> 4 !== 6) return false;
  const length = readU16(bytes, start + 4);
  if (length > end - start - IPV6_HEADER) return false;
  into.family = 6;
  into.bytes = bytes;
  into.start = start;
  into.sourceAt = start + 8;
  into.destinationAt = start + 24;
  into.addressLength = 16;
  into.hopLimit = bytes[start + 7];
  into.payloadEnd = start + IPV6_HEADER + length;
  into.fragmentOffset = 0;
  into.moreFragments = false;
  into.dontFragment = true;
  into.sourceRouted = false;
  into.identification = 0;
  return walkIpv6(bytes, into, bytes[start + 6], start + IPV6_HEADER, start + 6);
}

/** Follows the extension headers from `at`, whose kind is `next`, to the upper layer. */
export function walkIpv6(bytes: Uint8Array, into: IpPacket, next: number, at: number, nextHeaderAt: number): boolean {
  let kind = next;
  let position = at;
  let field = nextHeaderAt;
  for (let count = 0; ; count++) {
    if (kind !== IPPROTO_HOPOPTS && kind !== IPPROTO_ROUTING && kind !== IPPROTO_DSTOPTS && kind !== IPPROTO_FRAGMENT) break;
    if (count === MAX_EXTENSION_HEADERS || position + 8 > into.payloadEnd) return false;
    field = position;
    if (kind === IPPROTO_FRAGMENT) {
      const fragment = readU16(bytes, position + 2);
      into.fragmentOffset = fragment & 0xfff8;
      into.moreFragments = (fragment & 1) !== 0;
      into.identification = ((bytes[position + 4] << 24) | (bytes[position + 5] << 16) | (bytes[position + 6] << 8) | bytes[position + 7]) >>> 0;
      kind = bytes[position];
      position += 8;
      // What follows is a piece: its headers are read once it is whole. An "atomic" fragment (RFC 6946) is whole already.
      if (into.fragmentOffset !== 0 || into.moreFragments) break;
      continue;
    }
    // RFC 8200 4.4: segments left means that we should forward it along a list; deprecated (RFC 5095), refused.
    if (kind === IPPROTO_ROUTING && bytes[position + 3] !== 0) into.sourceRouted = true;
    const length = 8 + 8 * bytes[position + 1];
    if (position + length > into.payloadEnd) return false;
    kind = bytes[position];
    position += length;
  }
  into.protocol = kind;
  into.payloadStart = position;
  into.nextHeaderAt = field;
  return true;
}

export function writeIpv6(bytes: Uint8Array, start: number, { source, destination, protocol, length, hopLimit }: { source: Uint8Array; destination: Uint8Array; protocol: number; length: number; hopLimit: number }): void {
  bytes[start] = 0x60;
  bytes[start + 1] = 0;
  bytes[start + 2] = 0;
  bytes[start + 3] = 0;
  writeU16(bytes, start + 4, length);
  bytes[start + 6] = protocol;
  bytes[start + 7] = hopLimit;
  bytes.set(source, start + 8);
  bytes.set(destination, start + 24);
}

/** The addresses' share of the pseudo-header (RFC 9293 3.1, RFC 8200 8.1); protocol and length are added with the packet. */
export function addressSum(source: Uint8Array, destination: Uint8Array): number {
  return addToSum(addToSum(0, source, 0, source.length), destination, 0, destination.length);
}

/** Whether the upper layer's checksum of a received packet holds. */
export function upperChecksumHolds(packet: IpPacket): boolean {
  if (packet.trusted) return true;
  const { bytes, sourceAt, addressLength, payloadStart, payloadEnd, protocol } = packet;
  const length = payloadEnd - payloadStart;
  const sum = addToSum(protocol + (length & 0xffff) + (length >>> 16), bytes, sourceAt, sourceAt + 2 * addressLength);
  return finishSum(addToSum(sum, bytes, payloadStart, payloadEnd)) === 0;
}
