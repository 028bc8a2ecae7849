import type { Ipv6Config, NetworkConfig } from '../options.js';
import type { NetworkTimer } from '../timers.js';
import { equalAt, writeU16, writeU32 } from '../wire/bytes.js';
import { ICMPV6_NEIGHBOUR_ADVERTISEMENT, ICMPV6_NEIGHBOUR_SOLICITATION, ICMPV6_ROUTER_ADVERTISEMENT, ICMPV6_ROUTER_SOLICITATION } from '../wire/icmp.js';
import { IPPROTO_ICMPV6 } from '../wire/ip.js';
import { type Arrival, sourceOf } from './arrival.js';
import type { Interface, Route } from './interface.js';
import type { OwnAddresses } from './own-addresses.js';
import type { Port } from './port.js';

/** RFC 4861 4: options */
const SOURCE_LINK_LAYER = 1;
const TARGET_LINK_LAYER = 2;
const PREFIX_INFORMATION = 3;
const MTU_OPTION = 5;
/** RFC 8106 5.1 */
const RDNSS = 25;

const NA_ROUTER = 0x80;
const NA_SOLICITED = 0x40;
const NA_OVERRIDE = 0x20;
/** RFC 4861 4.2: "other configuration" (and addresses) by DHCPv6. */
const RA_MANAGED_AND_OTHER = 0xc0;
const PREFIX_ON_LINK_AUTONOMOUS = 0xc0;
const ROUTER_LIFETIME_SECONDS = 1800;
const VALID_SECONDS = 86_400;
const PREFERRED_SECONDS = 14_400;
/** RFC 4861 6.2.1: MaxRtrAdvInterval */
const ADVERTISE_INTERVAL_MS = 600_000;

const ALL_NODES = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_MAC = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1);

/** Neighbour discovery and router advertisements (RFC 4861). */
export class Ndp {
  private readonly timer: NetworkTimer;

  constructor(
    private readonly iface: Interface,
    private readonly config: NetworkConfig,
    private readonly own: OwnAddresses,
    private readonly ports: ReadonlySet<Port>,
  ) {
    this.timer = iface.timers.create(() => this.advertiseToAll());
    if (config.ipv6 !== undefined) this.timer.arm(iface.timers.nowMs() + ADVERTISE_INTERVAL_MS);
  }

  /** @returns whether it was a message of ours, well-formed */
  input(arrival: Arrival): boolean {
    const { packet, port, frame } = arrival;
    const { bytes, payloadStart: at, payloadEnd: end, hopLimit } = packet;
    // RFC 4861 6.1.1, 7.1.1: a hop limit of 255 says that no router let it through; code 0.
    if (hopLimit !== 255 || bytes[at + 1] !== 0) return false;
    switch (bytes[at]) {
      case ICMPV6_ROUTER_SOLICITATION:
        if (end - at < 8 || !optionsHold(bytes, at + 8, end)) return false;
        this.advertise(arrival.port, unspecified(bytes, packet.sourceAt) ? undefined : this.learned(arrival));
        return true;
      case ICMPV6_NEIGHBOUR_SOLICITATION:
        if (end - at < 24 || bytes[at + 8] === 0xff || !optionsHold(bytes, at + 24, end)) return false;
        this.answer(arrival, bytes.slice(at + 8, at + 24));
        return true;
      case ICMPV6_NEIGHBOUR_ADVERTISEMENT: {
        if (end - at < 24 || bytes[at + 8] === 0xff || !optionsHold(bytes, at + 24, end)) return false;
        if (this.own.has(bytes, at + 8, 16)) return true;
        const mac = linkLayer(bytes, at + 24, end, TARGET_LINK_LAYER) ?? frame.slice(6, 12);
        this.iface.neighbours.learn(this.iface.neighbours.of(bytes, at + 8, 16), mac, port);
        return true;
      }
      default:
        return false;
    }
  }

  /** Asks who has `target` (RFC 4861 7.2.2), on every link. */
  solicit(target: Uint8Array): void {
    const { ipv6 } = this.config;
    if (ipv6 === undefined) return;
    const group = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, target[13], target[14], target[15]);
    this.toGroup(ipv6, group, Uint8Array.of(0x33, 0x33, 0xff, target[13], target[14], target[15]), undefined, (body, at) => {
      body[at] = ICMPV6_NEIGHBOUR_SOLICITATION;
      body.set(target, at + 8);
      return 24 + this.ownLinkLayer(body, at + 24, SOURCE_LINK_LAYER);
    });
  }

  private advertiseToAll(): void {
    for (const port of this.ports) this.advertise(port, undefined);
    this.timer.arm(this.iface.timers.nowMs() + ADVERTISE_INTERVAL_MS);
  }

  private learned(arrival: Arrival): Route | undefined {
    const { ipv6 } = this.config;
    return ipv6 && this.iface.route(ipv6.linkLocal, sourceOf(arrival), arrival.port, arrival.frame.slice(6, 12));
  }

  private advertise(port: Port, to: Route | undefined): void {
    const { ipv6 } = this.config;
    if (ipv6 === undefined) return;
    const build = (body: Uint8Array, at: number): number => this.buildAdvertisement(ipv6, body, at);
    if (to === undefined) this.toGroup(ipv6, ALL_NODES, ALL_NODES_MAC, port, build);
    else this.toOne(to, build);
  }

  private buildAdvertisement({ prefix, bits, dns }: Ipv6Config, body: Uint8Array, at: number): number {
    body[at] = ICMPV6_ROUTER_ADVERTISEMENT;
    body[at + 4] = 64;
    body[at + 5] = RA_MANAGED_AND_OTHER;
    // Without a way out we are no default router.
    writeU16(body, at + 6, this.config.restrict ? 0 : ROUTER_LIFETIME_SECONDS);
    let end = at + 16;
    end += this.ownLinkLayer(body, end, SOURCE_LINK_LAYER);
    body.set([MTU_OPTION, 1, 0, 0], end);
    writeU32(body, end + 4, this.config.mtu);
    end += 8;
    body.set([PREFIX_INFORMATION, 4, bits, PREFIX_ON_LINK_AUTONOMOUS], end);
    writeU32(body, end + 4, VALID_SECONDS);
    writeU32(body, end + 8, PREFERRED_SECONDS);
    body.set(prefix, end + 16);
    end += 32;
    body.set([RDNSS, 3, 0, 0], end);
    writeU32(body, end + 4, ROUTER_LIFETIME_SECONDS);
    body.set(dns, end + 8);
    return end + 24 - at;
  }

  private answer(arrival: Arrival, target: Uint8Array): void {
    const { packet, port, frame } = arrival;
    const { bytes, sourceAt, payloadStart, payloadEnd } = packet;
    if (!this.own.has(target, 0, 16)) return;
    const { ipv6 } = this.config;
    if (ipv6 === undefined) return;
    const duplicateCheck = unspecified(bytes, sourceAt);
    const build = (flags: number) => (body: Uint8Array, at: number): number => {
      body[at] = ICMPV6_NEIGHBOUR_ADVERTISEMENT;
      body[at + 4] = NA_ROUTER | NA_OVERRIDE | flags;
      body.set(target, at + 8);
      return 24 + this.ownLinkLayer(body, at + 24, TARGET_LINK_LAYER);
    };
    // RFC 4861 7.2.4: to all nodes when it came from ::, a check for duplicates.
    if (duplicateCheck) {
      this.toGroup(ipv6, ALL_NODES, ALL_NODES_MAC, port, build(0));
      return;
    }
    const mac = linkLayer(bytes, payloadStart + 24, payloadEnd, SOURCE_LINK_LAYER) ?? frame.slice(6, 12);
    this.toOne(this.iface.route(target, sourceOf(arrival), port, mac), build(NA_SOLICITED));
  }

  private ownLinkLayer(body: Uint8Array, at: number, kind: number): number {
    body[at] = kind;
    body[at + 1] = 1;
    body.set(this.iface.mac, at + 2);
    return 8;
  }

  private toOne(route: Route, build: (body: Uint8Array, at: number) => number): void {
    const at = this.iface.begin(route);
    this.iface.bytes.fill(0, at, at + 128);
    this.iface.finish(route, IPPROTO_ICMPV6, build(this.iface.bytes, at), 255);
  }

  private toGroup(ipv6: Ipv6Config, group: Uint8Array, mac: Uint8Array, only: Port | undefined, build: (body: Uint8Array, at: number) => number): void {
    for (const port of only === undefined ? this.ports : [only]) {
      const route = this.iface.route(ipv6.linkLocal, group);
      this.toOne({ ...route, neighbour: { ...route.neighbour, mac, port } }, build);
    }
  }
}

function unspecified(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 16; i++) if (bytes[at + i] !== 0) return false;
  return true;
}

/** RFC 4861 4.6: in units of eight bytes; a length of zero would never end, and makes the whole message void. */
function optionsHold(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    if (at + 2 > end || bytes[at + 1] === 0) return false;
    at += 8 * bytes[at + 1];
  }
  return at === end;
}

function linkLayer(bytes: Uint8Array, start: number, end: number, kind: number): Uint8Array | undefined {
  for (let at = start; at < end; at += 8 * bytes[at + 1]) {
    if (bytes[at] !== kind || bytes[at + 1] !== 1) continue;
    const mac = bytes.slice(at + 2, at + 8);
    return (mac[0] & 1) === 0 && !equalAt(mac, 0, new Uint8Array(6)) ? mac : undefined;
  }
  return undefined;
}
