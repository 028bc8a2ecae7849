import type { Ipv4Config, NetworkConfig, NetworkOptions } from '../options.js';
import type { NetworkTimers } from '../timers.js';
import { formatAddress, inPrefix } from '../wire/address.js';
import { equalAt, readU32, writeU16, writeU32 } from '../wire/bytes.js';
import {
  BOOTREQUEST,
  buildDhcp,
  DHCPACK,
  DHCPDECLINE,
  DHCPDISCOVER,
  DHCPINFORM,
  type DhcpMessage,
  DHCPNAK,
  DHCPOFFER,
  DHCPRELEASE,
  DHCPREQUEST,
  OPTION_BOOT_FILE,
  OPTION_BROADCAST,
  OPTION_DNS,
  OPTION_DOMAIN,
  OPTION_DOMAIN_SEARCH,
  OPTION_HOSTNAME,
  OPTION_LEASE_TIME,
  OPTION_MESSAGE_TYPE,
  OPTION_MTU,
  OPTION_REQUESTED_ADDRESS,
  OPTION_ROUTER,
  OPTION_SERVER_ID,
  OPTION_SUBNET_MASK,
  OPTION_TFTP_SERVER,
  parseDhcp,
} from '../wire/dhcp.js';
import { encodeName } from '../wire/dns-name.js';
import { macKey } from '../wire/ethernet.js';

export const DHCP_SERVER_PORT = 67;
export const DHCP_CLIENT_PORT = 68;

interface Lease {
  readonly address: number;
  /** 0 for an address that a client declined (RFC 2131 4.3.3). */
  readonly owner: number;
  readonly untilMs: number;
}

/** An offer is kept this long for the request that should follow. */
const OFFER_MS = 60_000;
const DECLINED_MS = 600_000;
const MAX_LEASES = 1024;

export interface DhcpAnswer {
  readonly message: Uint8Array;
  /** Where it goes: the client's address, or the broadcast address. */
  readonly to: Uint8Array;
}

/** A DHCP server (RFC 2131) that leases addresses by hardware address. Bytes in, bytes out. */
export class DhcpServer {
  /** By address. */
  private readonly leases = new Map<number, Lease>();
  private readonly first: number;
  private readonly count: number;

  constructor(
    private readonly timers: NetworkTimers,
    private readonly config: NetworkConfig,
    private readonly net: Ipv4Config,
    private readonly options: Pick<NetworkOptions, 'hostname' | 'domain' | 'searchDomains' | 'bootFile' | 'tftp'>,
  ) {
    this.first = readU32(net.dhcpStart, 0);
    this.count = Math.min(MAX_LEASES, readU32(net.broadcast, 0) - this.first);
  }

  /** What a client was told, if it still holds. */
  addressOf(mac: Uint8Array): string | undefined {
    const lease = this.leaseOf(macKey(mac, 0));
    return lease === undefined ? undefined : formatAddress(toBytes(lease.address));
  }

  answer(bytes: Uint8Array): DhcpAnswer | undefined {
    const message = parseDhcp(bytes);
    if (message === undefined || message.operation !== BOOTREQUEST) return undefined;
    const owner = macKey(message.hardwareAddress, 0);
    const server = message.options.get(OPTION_SERVER_ID);
    const wanted = message.options.get(OPTION_REQUESTED_ADDRESS);
    const ours = server === undefined || (server.length === 4 && equalAt(server, 0, this.net.gateway));
    switch (message.type) {
      case undefined:
        return this.give(message, owner, undefined, this.choose(owner, wanted));
      case DHCPDISCOVER:
        return this.give(message, owner, DHCPOFFER, this.choose(owner, wanted));
      case DHCPREQUEST: {
        // RFC 2131 4.3.2: with a server's name it answers that server's offer.
        if (!ours) return undefined;
        const asked = wanted?.length === 4 ? wanted : message.clientAddress;
        if (this.mayHave(owner, asked)) return this.give(message, owner, DHCPACK, readU32(asked, 0));
        return this.nak(message);
      }
      case DHCPDECLINE:
        if (ours && wanted?.length === 4 && this.leases.get(readU32(wanted, 0))?.owner === owner) this.keep(readU32(wanted, 0), 0, DECLINED_MS);
        return undefined;
      case DHCPRELEASE: {
        const address = readU32(message.clientAddress, 0);
        if (ours && this.leases.get(address)?.owner === owner) this.leases.delete(address);
        return undefined;
      }
      case DHCPINFORM:
        // RFC 2131 4.3.5: the configuration without an address or a lease time, to the client's own address.
        return {
          message: buildDhcp({ request: message, clientAddress: message.clientAddress, ...this.boot(), options: [type(DHCPACK), ...this.configuration()] }),
          to: message.clientAddress.some((byte) => byte !== 0) ? message.clientAddress : this.net.broadcast,
        };
      default:
        return undefined;
    }
  }

  private give(request: DhcpMessage, owner: number, kind: number | undefined, address: number | undefined): DhcpAnswer | undefined {
    if (address === undefined) return undefined;
    const seconds = new Uint8Array(4);
    writeU32(seconds, 0, this.config.leaseSeconds);
    this.keep(address, owner, kind === DHCPOFFER ? OFFER_MS : this.config.leaseSeconds * 1000);
    const yourAddress = toBytes(address);
    const head: (readonly [number, Uint8Array])[] = kind === undefined ? [] : [type(kind), [OPTION_LEASE_TIME, seconds]];
    const message = buildDhcp({ request, clientAddress: kind === DHCPACK ? request.clientAddress : toBytes(0), yourAddress, ...this.boot(), options: [...head, ...this.configuration()] });
    // RFC 2131 4.1: a client that has its address gets it there; one that asks for broadcasts, a broadcast; others, the new address.
    const renews = request.clientAddress.some((byte) => byte !== 0);
    return { message, to: renews ? request.clientAddress : request.broadcast ? Uint8Array.of(255, 255, 255, 255) : yourAddress };
  }

  private nak(request: DhcpMessage): DhcpAnswer {
    return { message: buildDhcp({ request: { ...request, broadcast: true }, options: [type(DHCPNAK), [OPTION_SERVER_ID, this.net.gateway]] }), to: Uint8Array.of(255, 255, 255, 255) };
  }

  private boot(): { serverAddress: Uint8Array; bootFile?: string } {
    const { bootFile } = this.options;
    return { serverAddress: this.net.gateway, ...(bootFile === undefined ? {} : { bootFile }) };
  }

  private configuration(): (readonly [number, Uint8Array])[] {
    const { net, options, config } = this;
    const text = new TextEncoder();
    const mtu = new Uint8Array(2);
    writeU16(mtu, 0, config.mtu);
    const list: (readonly [number, Uint8Array])[] = [
      [OPTION_SERVER_ID, net.gateway],
      [OPTION_SUBNET_MASK, net.mask],
      [OPTION_BROADCAST, net.broadcast],
      [OPTION_MTU, mtu],
    ];
    // Without a way out there is neither a router nor a resolver to speak of.
    if (!config.restrict) list.push([OPTION_ROUTER, net.gateway], [OPTION_DNS, net.dns]);
    if (options.hostname !== undefined) list.push([OPTION_HOSTNAME, text.encode(options.hostname)]);
    if (options.domain !== undefined) list.push([OPTION_DOMAIN, text.encode(options.domain)]);
    const names = (options.searchDomains ?? []).map(encodeName).filter((name) => name !== undefined);
    if (names.length > 0) list.push([OPTION_DOMAIN_SEARCH, Uint8Array.from(names.flatMap((name) => [...name]))]);
    if (options.tftp !== undefined) list.push([OPTION_TFTP_SERVER, text.encode(formatAddress(net.gateway))]);
    if (options.bootFile !== undefined) list.push([OPTION_BOOT_FILE, text.encode(options.bootFile)]);
    return list;
  }

  private mayHave(owner: number, asked: Uint8Array): boolean {
    if (!inPrefix(asked, 0, this.net.prefix, this.net.bits)) return false;
    const address = readU32(asked, 0);
    if (!this.inPool(address)) return false;
    const lease = this.live(address);
    return lease === undefined || lease.owner === owner;
  }

  private choose(owner: number, wanted: Uint8Array | undefined): number | undefined {
    const before = this.leaseOf(owner);
    if (before !== undefined) return before.address;
    if (wanted?.length === 4 && this.mayHave(owner, wanted)) return readU32(wanted, 0);
    for (let i = 0; i < this.count; i++) if (this.inPool(this.first + i) && this.live(this.first + i) === undefined) return this.first + i;
    return undefined;
  }

  private inPool(address: number): boolean {
    const offset = address - this.first;
    return offset >= 0 && offset < this.count && address !== readU32(this.net.gateway, 0) && address !== readU32(this.net.dns, 0);
  }

  private live(address: number): Lease | undefined {
    const lease = this.leases.get(address);
    return lease !== undefined && lease.untilMs > this.timers.nowMs() ? lease : undefined;
  }

  private leaseOf(owner: number): Lease | undefined {
    for (const lease of this.leases.values()) if (lease.owner === owner && lease.untilMs > this.timers.nowMs()) return lease;
    return undefined;
  }

  private keep(address: number, owner: number, forMs: number): void {
    this.leases.set(address, { address, owner, untilMs: this.timers.nowMs() + forMs });
  }
}

function type(kind: number): readonly [number, Uint8Array] {
  return [OPTION_MESSAGE_TYPE, Uint8Array.of(kind)];
}

function toBytes(address: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeU32(bytes, 0, address);
  return bytes;
}
