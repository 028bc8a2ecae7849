/** ICMP (RFC 792, RFC 1812, RFC 4884 not) and ICMPv6 (RFC 4443): numbers, and how an error is made. */
export const ICMP_HEADER = 8;

export const ICMP_ECHO_REPLY = 0;
export const ICMP_UNREACHABLE = 3;
export const ICMP_ECHO = 8;
export const ICMP_TIME_EXCEEDED = 11;
export const ICMP_PARAMETER_PROBLEM = 12;

export const ICMPV6_UNREACHABLE = 1;
export const ICMPV6_PACKET_TOO_BIG = 2;
export const ICMPV6_TIME_EXCEEDED = 3;
export const ICMPV6_PARAMETER_PROBLEM = 4;
export const ICMPV6_ECHO = 128;
export const ICMPV6_ECHO_REPLY = 129;
export const ICMPV6_ROUTER_SOLICITATION = 133;
export const ICMPV6_ROUTER_ADVERTISEMENT = 134;
export const ICMPV6_NEIGHBOUR_SOLICITATION = 135;
export const ICMPV6_NEIGHBOUR_ADVERTISEMENT = 136;

/** Why a packet can't go where it was sent to, in both families' numbers: `[type, code]`. */
export type IcmpErrorKind = 'network' | 'host' | 'protocol' | 'port' | 'prohibited' | 'hop-limit' | 'reassembly-time' | 'too-big' | 'source-route';

const ICMP_CODES: Readonly<Record<IcmpErrorKind, readonly [number, number]>> = {
  network: [ICMP_UNREACHABLE, 0],
  host: [ICMP_UNREACHABLE, 1],
  protocol: [ICMP_UNREACHABLE, 2],
  port: [ICMP_UNREACHABLE, 3],
  'too-big': [ICMP_UNREACHABLE, 4],
  'source-route': [ICMP_UNREACHABLE, 5],
  prohibited: [ICMP_UNREACHABLE, 13],
  'hop-limit': [ICMP_TIME_EXCEEDED, 0],
  'reassembly-time': [ICMP_TIME_EXCEEDED, 1],
};

const ICMPV6_CODES: Readonly<Record<IcmpErrorKind, readonly [number, number]>> = {
  network: [ICMPV6_UNREACHABLE, 0],
  prohibited: [ICMPV6_UNREACHABLE, 1],
  host: [ICMPV6_UNREACHABLE, 3],
  port: [ICMPV6_UNREACHABLE, 4],
  'too-big': [ICMPV6_PACKET_TOO_BIG, 0],
  'hop-limit': [ICMPV6_TIME_EXCEEDED, 0],
  'reassembly-time': [ICMPV6_TIME_EXCEEDED, 1],
  'source-route': [ICMPV6_PARAMETER_PROBLEM, 0],
  protocol: [ICMPV6_PARAMETER_PROBLEM, 1],
};

export function icmpCode(family: 4 | 6, kind: IcmpErrorKind): readonly [type: number, code: number] {
  return family === 4 ? ICMP_CODES[kind] : ICMPV6_CODES[kind];
}

/** Errors answer no errors (RFC 1122 3.2.2, RFC 4443 2.4 e). */
export function isIcmpError(family: 4 | 6, type: number): boolean {
  return family === 6 ? type < 128 : type === 3 || type === 4 || type === 5 || type === 11 || type === 12;
}
