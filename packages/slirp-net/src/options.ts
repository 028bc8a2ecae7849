import type { NetworkClock } from './clock.js';
import type { HostNetwork } from './host-network.js';
import type { Middleware } from './iface/port.js';
import { NetworkError } from './network-error.js';
import type { Policy } from './nat/policy.js';
import type { TftpFolder } from './service/tftp.js';
import { inPrefix, parseAddress, parseMac } from './wire/address.js';

export interface Ipv4Options {
  /** `10.0.2.0/24` */
  readonly network?: string;
  /** What guests know the host by; stands for the host's loopback. The network's address plus 2. */
  readonly gateway?: string;
  /** The network's address plus 3. */
  readonly dns?: string;
  /** The first address that is leased. The network's address plus 15. */
  readonly dhcpStart?: string;
}

export interface Ipv6Options {
  /** `fec0::/64`; only 64 bits can be configured by guests themselves. */
  readonly prefix?: string;
  /** The prefix plus 2. */
  readonly gateway?: string;
  /** The prefix plus 3. */
  readonly dns?: string;
}

export interface NetworkLimits {
  /** TCP connections; further ones are refused. 16384 */
  readonly tcpFlows?: number;
  /** TCP connections whose handshake is not over. 512 */
  readonly tcpHalfOpen?: number;
  /** UDP sockets of the host; the one idle longest makes room. 1024 */
  readonly udpFlows?: number;
  /** Bytes that a connection holds in either direction at most. 2 MiB */
  readonly tcpBuffer?: number;
  /** Bytes that all connections hold in either direction: each gets its part, down to 16 KiB. 128 MiB */
  readonly tcpTotalBuffer?: number;
}

export interface NetworkOptions {
  readonly host: HostNetwork;
  readonly clock: NetworkClock;
  readonly ipv4?: Ipv4Options | false;
  readonly ipv6?: Ipv6Options | false;
  /** The gateway's: `52:55:0a:00:02:02`. */
  readonly mac?: string;
  /** 1280 to 65520; 1500. Guests are told by DHCP and router advertisements. */
  readonly mtu?: number;
  /** DHCP option 12 */
  readonly hostname?: string;
  /** DHCP option 15 */
  readonly domain?: string;
  /** DHCP option 119 */
  readonly searchDomains?: readonly string[];
  /** DHCP's lease time: one day */
  readonly leaseSeconds?: number;
  /** What TFTP serves. */
  readonly tftp?: TftpFolder;
  /** DHCP's boot file name. */
  readonly bootFile?: string;
  /** No way out: only forwards, DHCP and other guests. */
  readonly restrict?: boolean;
  /** Whether the gateway's address stands for the host's loopback: true. */
  readonly hostLoopback?: boolean;
  /** Asked once for every flow before it begins. */
  readonly policy?: Policy;
  /** Between every guest and the network, the first nearest to the guest. */
  readonly middleware?: readonly Middleware[];
  readonly limits?: NetworkLimits;
  /** From 0 up to 1, for sequence numbers and ports: `Math.random`. */
  readonly random?: () => number;
}

export interface Subnet {
  readonly prefix: Uint8Array;
  readonly bits: number;
  readonly gateway: Uint8Array;
  readonly dns: Uint8Array;
}

export interface Ipv4Config extends Subnet {
  readonly broadcast: Uint8Array;
  readonly mask: Uint8Array;
  readonly dhcpStart: Uint8Array;
}

export interface Ipv6Config extends Subnet {
  readonly linkLocal: Uint8Array;
}

export interface NetworkConfig {
  readonly ipv4: Ipv4Config | undefined;
  readonly ipv6: Ipv6Config | undefined;
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly restrict: boolean;
  readonly hostLoopback: boolean;
  readonly leaseSeconds: number;
  readonly tcpFlows: number;
  readonly tcpHalfOpen: number;
  readonly udpFlows: number;
  readonly tcpBuffer: number;
  readonly tcpTotalBuffer: number;
}

/** Checks the options and fills in what is not given. */
export function configure(options: NetworkOptions): NetworkConfig {
  const mac = parseMac(options.mac ?? '52:55:0a:00:02:02');
  if (mac === undefined || (mac[0] & 1) !== 0) throw new NetworkError('bad-option', `mac: "${options.mac}" is not a station's address`);
  const { limits = {} } = options;
  return {
    ipv4: options.ipv4 === false ? undefined : ipv4(options.ipv4 ?? {}),
    ipv6: options.ipv6 === false ? undefined : ipv6(options.ipv6 ?? {}),
    mac,
    mtu: whole('mtu', options.mtu ?? 1500, 1280, 65_520),
    restrict: options.restrict ?? false,
    hostLoopback: options.hostLoopback ?? true,
    leaseSeconds: whole('leaseSeconds', options.leaseSeconds ?? 86_400, 60, 0xffff_fffe),
    tcpFlows: whole('limits.tcpFlows', limits.tcpFlows ?? 16_384, 1, 1 << 20),
    tcpHalfOpen: whole('limits.tcpHalfOpen', limits.tcpHalfOpen ?? 512, 1, 1 << 16),
    udpFlows: whole('limits.udpFlows', limits.udpFlows ?? 1024, 1, 1 << 16),
    tcpBuffer: whole('limits.tcpBuffer', limits.tcpBuffer ?? 2 << 20, 4096, 1 << 28),
    tcpTotalBuffer: whole('limits.tcpTotalBuffer', limits.tcpTotalBuffer ?? 128 << 20, 1 << 20, 2 ** 40),
  };
}

function whole(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) throw new NetworkError('bad-option', `${name}: ${value} is not a whole number from ${min} to ${max}`);
  return value;
}

function prefixOf(name: string, text: string, length: 4 | 16): { prefix: Uint8Array; bits: number } {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const prefix = match === null ? undefined : parseAddress(match[1]);
  const bits = match === null ? 0 : Number(match[2]);
  if (prefix?.length !== length || bits < 8 || bits > length * 8 - 3) throw new NetworkError('bad-option', `${name}: "${text}" is not ADDRESS/BITS`);
  for (let bit = bits; bit < length * 8; bit++) prefix[bit >> 3] &= ~(0x80 >> (bit & 7));
  return { prefix, bits };
}

function within(name: string, text: string | undefined, { prefix, bits }: { prefix: Uint8Array; bits: number }, host: number): Uint8Array {
  if (text === undefined) {
    const address = prefix.slice();
    address[address.length - 1] |= host;
    return address;
  }
  const address = parseAddress(text);
  if (address?.length !== prefix.length || !inPrefix(address, 0, prefix, bits)) throw new NetworkError('bad-option', `${name}: "${text}" is not an address of the network`);
  return address;
}

function ipv4(options: Ipv4Options): Ipv4Config {
  const net = prefixOf('ipv4.network', options.network ?? '10.0.2.0/24', 4);
  const mask = new Uint8Array(4);
  for (let bit = 0; bit < net.bits; bit++) mask[bit >> 3] |= 0x80 >> (bit & 7);
  return {
    ...net,
    mask,
    broadcast: net.prefix.map((byte, i) => byte | (~mask[i] & 0xff)),
    gateway: within('ipv4.gateway', options.gateway, net, 2),
    dns: within('ipv4.dns', options.dns, net, 3),
    dhcpStart: within('ipv4.dhcpStart', options.dhcpStart, net, net.bits > 27 ? 4 : 15),
  };
}

function ipv6(options: Ipv6Options): Ipv6Config {
  const net = prefixOf('ipv6.prefix', options.prefix ?? 'fec0::/64', 16);
  if (net.bits !== 64) throw new NetworkError('bad-option', `ipv6.prefix: "${options.prefix}" has not 64 bits`);
  return {
    ...net,
    gateway: within('ipv6.gateway', options.gateway, net, 2),
    dns: within('ipv6.dns', options.dns, net, 3),
    linkLocal: parseAddress('fe80::2') as Uint8Array,
  };
}
