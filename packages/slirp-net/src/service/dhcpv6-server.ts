import type { Ipv6Config, NetworkConfig, NetworkOptions } from '../options.js';
import { equalAt, writeU16 } from '../wire/bytes.js';
import {
  buildDhcpv6,
  buildIaNa,
  DHCPV6_ADVERTISE,
  DHCPV6_CONFIRM,
  DHCPV6_DECLINE,
  DHCPV6_INFORMATION,
  DHCPV6_REBIND,
  DHCPV6_RELEASE,
  DHCPV6_RENEW,
  DHCPV6_REPLY,
  DHCPV6_REQUEST,
  DHCPV6_SOLICIT,
  OPTION6_BOOT_FILE_URL,
  OPTION6_CLIENT_ID,
  OPTION6_DNS,
  OPTION6_DOMAIN_SEARCH,
  OPTION6_IA_NA,
  OPTION6_RAPID_COMMIT,
  OPTION6_SERVER_ID,
  OPTION6_STATUS,
  parseDhcpv6,
} from '../wire/dhcpv6.js';
import { encodeName } from '../wire/dns-name.js';
import { formatAddress } from '../wire/address.js';

export const DHCPV6_SERVER_PORT = 547;
export const DHCPV6_CLIENT_PORT = 546;
const MAX_CLIENTS = 1024;
/** The first address that is given, above the network's own. */
const FIRST = 0x15;

/** DHCPv6 (RFC 8415): an address per client that asks for one, and the configuration. */
export class Dhcpv6Server {
  /** By DUID and IAID. Addresses are not given twice while there are others. */
  private readonly given = new Map<string, number>();
  private next = FIRST;
  private readonly duid: Uint8Array;

  constructor(
    private readonly config: NetworkConfig,
    private readonly net: Ipv6Config,
    private readonly options: Pick<NetworkOptions, 'searchDomains' | 'tftp' | 'bootFile'>,
  ) {
    // RFC 8415 11.4: DUID-LL, Ethernet.
    this.duid = Uint8Array.of(0, 3, 0, 1, ...config.mac);
  }

  answer(bytes: Uint8Array): Uint8Array | undefined {
    const message = parseDhcpv6(bytes);
    if (message === undefined) return undefined;
    const { type, transaction } = message;
    const option = (code: number): Uint8Array | undefined => message.options.find(([each]) => each === code)?.[1];
    const client = option(OPTION6_CLIENT_ID);
    const server = option(OPTION6_SERVER_ID);
    // RFC 8415 16: who names another server means that one; who must name itself and does not is ignored.
    if (server !== undefined && !(server.length === this.duid.length && equalAt(server, 0, this.duid))) return undefined;
    if (client === undefined && type !== DHCPV6_INFORMATION) return undefined;
    if (client !== undefined && client.length > 130) return undefined;
    const head: (readonly [number, Uint8Array])[] = [[OPTION6_SERVER_ID, this.duid]];
    if (client !== undefined) head.push([OPTION6_CLIENT_ID, client]);
    const reply = (kind: number, more: readonly (readonly [number, Uint8Array])[]): Uint8Array => buildDhcpv6({ type: kind, transaction, options: [...head, ...more] });
    const addresses = (): (readonly [number, Uint8Array])[] => this.addresses(client as Uint8Array, message.options);
    switch (type) {
      case DHCPV6_SOLICIT: {
        const rapid = option(OPTION6_RAPID_COMMIT) !== undefined;
        return reply(rapid ? DHCPV6_REPLY : DHCPV6_ADVERTISE, [...(rapid ? [[OPTION6_RAPID_COMMIT, new Uint8Array(0)] as const] : []), ...addresses(), ...this.configuration()]);
      }
      case DHCPV6_REQUEST:
      case DHCPV6_RENEW:
        if (server === undefined) return undefined;
        return reply(DHCPV6_REPLY, [...addresses(), ...this.configuration()]);
      case DHCPV6_REBIND:
        return reply(DHCPV6_REPLY, [...addresses(), ...this.configuration()]);
      case DHCPV6_CONFIRM:
      case DHCPV6_RELEASE:
      case DHCPV6_DECLINE:
        return reply(DHCPV6_REPLY, [[OPTION6_STATUS, new Uint8Array(2)]]);
      case DHCPV6_INFORMATION:
        return reply(DHCPV6_REPLY, this.configuration());
      default:
        return undefined;
    }
  }

  private addresses(client: Uint8Array, options: readonly (readonly [number, Uint8Array])[]): (readonly [number, Uint8Array])[] {
    return options
      .filter(([code, value]) => code === OPTION6_IA_NA && value.length >= 12)
      .slice(0, 4)
      .map(([, value]) => {
        const address = this.give(`${client.join()} ${value.subarray(0, 4).join()}`);
        return [OPTION6_IA_NA, buildIaNa(value, address, this.config.leaseSeconds)] as const;
      });
  }

  private give(key: string): Uint8Array | undefined {
    let host = this.given.get(key);
    if (host === undefined) {
      if (this.given.size >= MAX_CLIENTS) return undefined;
      host = this.next++;
      this.given.set(key, host);
    }
    const address = this.net.prefix.slice();
    writeU16(address, 14, host);
    return address;
  }

  private configuration(): (readonly [number, Uint8Array])[] {
    const { net, options, config } = this;
    const list: (readonly [number, Uint8Array])[] = [];
    if (!config.restrict) list.push([OPTION6_DNS, net.dns]);
    const names = (options.searchDomains ?? []).map(encodeName).filter((name) => name !== undefined);
    if (names.length > 0) list.push([OPTION6_DOMAIN_SEARCH, Uint8Array.from(names.flatMap((name) => [...name]))]);
    if (options.tftp !== undefined && options.bootFile !== undefined) list.push([OPTION6_BOOT_FILE_URL, new TextEncoder().encode(`tftp://[${formatAddress(net.gateway)}]/${options.bootFile}`)]);
    return list;
  }
}
