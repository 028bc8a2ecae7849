import type { NetworkConfig } from '../options.js';
import { equalAt } from '../wire/bytes.js';
import { formatAddress, inPrefix } from '../wire/address.js';
import type { IcmpErrorKind } from '../wire/icmp.js';

export type Destination = { readonly kind: 'host'; readonly address: string } | { readonly kind: 'refused'; readonly error: IcmpErrorKind };

/** What an address that a guest sends to is on the host's side, and back. */
export class Destinations {
  constructor(private readonly config: NetworkConfig) {}

  translate(address: Uint8Array): Destination {
    const { ipv4, ipv6, hostLoopback, restrict } = this.config;
    if (restrict) return { kind: 'refused', error: 'prohibited' };
    const net = address.length === 4 ? ipv4 : ipv6;
    if (net === undefined) return { kind: 'refused', error: 'network' };
    if (equalAt(address, 0, net.gateway)) {
      if (!hostLoopback) return { kind: 'refused', error: 'prohibited' };
      return { kind: 'host', address: address.length === 4 ? '127.0.0.1' : '::1' };
    }
    // Nobody else of ours lives there: other guests are reached on the link.
    if (inPrefix(address, 0, net.prefix, net.bits)) return { kind: 'refused', error: 'host' };
    if (!isGlobalUnicast(address)) return { kind: 'refused', error: 'network' };
    return { kind: 'host', address: formatAddress(address) };
  }
}

/** Whether packets may be sent there at all (RFC 6890): no loopback, group, link-local IPv6, or "this" network. */
function isGlobalUnicast(address: Uint8Array): boolean {
  if (address.length === 4) return address[0] !== 0 && address[0] !== 127 && address[0] < 224;
  if (address[0] === 0xff || (address[0] === 0xfe && (address[1] & 0xc0) === 0x80)) return false;
  // ::/96 and ::ffff:0:0/96 hold IPv4 addresses, ::1 among them: not on a wire (RFC 4291 2.5.5).
  return !address.subarray(0, 10).every((byte) => byte === 0);
}
