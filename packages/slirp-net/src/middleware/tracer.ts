import type { Middleware } from '../iface/port.js';
import { formatAddress, formatMac } from '../wire/address.js';
import { parseArp } from '../wire/arp.js';
import { readU16, readU32 } from '../wire/bytes.js';
import { ETHERNET_HEADER, ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../wire/ethernet.js';
import { emptyIpPacket, type IpPacket, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP, parseIpv4, parseIpv6 } from '../wire/ip.js';

/** Says in a line each what goes over a link: `> ` from the guest, `< ` to it. */
export function tracer(print: (line: string) => void): Middleware {
  return {
    fromGuest: (frame, next) => {
      print(`> ${describeFrame(frame)}`);
      next(frame);
    },
    toGuest: (frame, next) => {
      const taken = next(frame);
      print(`< ${describeFrame(frame)}${taken ? '' : ' (refused)'}`);
      return taken;
    },
  };
}

/** A frame in a line, whatever it holds. */
export function describeFrame(frame: Uint8Array): string {
  if (frame.length < ETHERNET_HEADER) return `runt of ${frame.length} bytes`;
  const type = readU16(frame, 12);
  const packet = emptyIpPacket();
  if (type === ETHERTYPE_ARP) {
    const arp = parseArp(frame);
    if (arp === undefined) return 'arp, malformed';
    return arp.operation === 1 ? `arp who has ${formatAddress(arp.target)}, tell ${formatAddress(arp.sender)}` : `arp ${formatAddress(arp.sender)} is at ${formatMac(arp.senderMac)}`;
  }
  if (type === ETHERTYPE_IPV4) return parseIpv4(frame, ETHERNET_HEADER, frame.length, packet) ? describePacket(packet) : 'ipv4, malformed';
  if (type === ETHERTYPE_IPV6) return parseIpv6(frame, ETHERNET_HEADER, frame.length, packet) ? describePacket(packet) : 'ipv6, malformed';
  return `ethertype 0x${type.toString(16).padStart(4, '0')}, ${frame.length} bytes`;
}

function describePacket(packet: IpPacket): string {
  const { bytes, sourceAt, destinationAt, addressLength, protocol, payloadStart: at, payloadEnd: end, fragmentOffset, moreFragments } = packet;
  const from = formatAddress(bytes, sourceAt, addressLength);
  const to = formatAddress(bytes, destinationAt, addressLength);
  if (fragmentOffset > 0 || moreFragments) return `${from} > ${to} fragment ${fragmentOffset}+${end - at}${moreFragments ? '...' : ''}`;
  const ports = end - at >= 4 ? [`.${readU16(bytes, at)}`, `.${readU16(bytes, at + 2)}`] : ['', ''];
  switch (protocol) {
    case IPPROTO_TCP:
      if (end - at < 20) return `${from} > ${to} tcp, malformed`;
      return `${from}${ports[0]} > ${to}${ports[1]} tcp ${describeFlags(bytes[at + 13])} seq ${readU32(bytes, at + 4)} ack ${readU32(bytes, at + 8)} win ${readU16(bytes, at + 14)} len ${end - at - (bytes[at + 12] >>> 4) * 4}`;
    case IPPROTO_UDP:
      return `${from}${ports[0]} > ${to}${ports[1]} udp ${Math.max(0, end - at - 8)}`;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return `${from} > ${to} icmp${protocol === IPPROTO_ICMP ? '' : '6'} type ${end > at ? bytes[at] : '?'} code ${end > at + 1 ? bytes[at + 1] : '?'}`;
    default:
      return `${from} > ${to} protocol ${protocol}, ${end - at} bytes`;
  }
}

function describeFlags(flags: number): string {
  const names = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'].filter((_, bit) => (flags & (1 << bit)) !== 0);
  return names.join('+') || 'none';
}
