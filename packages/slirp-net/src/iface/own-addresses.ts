import type { NetworkConfig } from '../options.js';
import { equalAt } from '../wire/bytes.js';

/** The addresses that the network answers for on the link: its own, and those of guest forwards. A handful, compared one by one. */
export class OwnAddresses {
  private readonly v4: Uint8Array[] = [];
  private readonly v6: Uint8Array[] = [];

  constructor({ ipv4, ipv6 }: NetworkConfig) {
    if (ipv4 !== undefined) this.v4.push(ipv4.gateway, ipv4.dns);
    if (ipv6 !== undefined) this.v6.push(ipv6.gateway, ipv6.dns, ipv6.linkLocal);
  }

  add(address: Uint8Array): void {
    if (!this.has(address, 0, address.length)) this.list(address.length).push(address);
  }

  has(bytes: Uint8Array, at: number, length: number): boolean {
    for (const address of this.list(length)) if (equalAt(bytes, at, address)) return true;
    return false;
  }

  /** Whether `bytes` is the solicited-node multicast group (RFC 4291 2.7.1) of one of them. */
  solicited(bytes: Uint8Array, at: number): boolean {
    if (bytes[at] !== 0xff || bytes[at + 1] !== 2 || bytes[at + 11] !== 1 || bytes[at + 12] !== 0xff) return false;
    return this.v6.some((address) => equalAt(bytes, at + 13, address.subarray(13)));
  }

  private list(length: number): Uint8Array[] {
    return length === 4 ? this.v4 : this.v6;
  }
}
