import type { NetworkCounters } from '../counters.js';
import type { NetworkConfig } from '../options.js';
import { readU32 } from '../wire/bytes.js';
import { ETHERNET_HEADER } from '../wire/ethernet.js';
import { emptyIpPacket, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_NONE, IPPROTO_TCP, IPPROTO_UDP, parseIpv4, parseIpv6 } from '../wire/ip.js';
import type { Arrival } from './arrival.js';
import type { Icmp } from './icmp.js';
import type { Ndp } from './ndp.js';
import type { OwnAddresses } from './own-addresses.js';
import type { Port } from './port.js';
import type { Reassembly } from './reassembly.js';

export interface IpInputContext {
  readonly config: NetworkConfig;
  readonly counters: NetworkCounters;
  readonly own: OwnAddresses;
  readonly reassembly: Reassembly;
  readonly icmp: Icmp;
  readonly ndp: Ndp;
  readonly tcp: (arrival: Arrival) => void;
  readonly udp: (arrival: Arrival) => void;
}

/** IP packets from guests: checked, put together, and given to who they are for. */
export class IpInput {
  private readonly arrival: Arrival;

  constructor(
    private readonly context: IpInputContext,
    port: Port,
  ) {
    this.arrival = { packet: emptyIpPacket(), port, frame: new Uint8Array(0), toUs: false, broadcast: false };
  }

  /** A frame of ethertype IPv4 or IPv6. @param trusted its TCP or UDP checksum is left open */
  frame(port: Port, frame: Uint8Array, family: 4 | 6, trusted: boolean): void {
    const { arrival } = this;
    arrival.packet.trusted = trusted;
    arrival.port = port;
    arrival.frame = frame;
    this.packet(frame, ETHERNET_HEADER, family);
    // Nothing holds on to a guest's memory between frames.
    arrival.packet.bytes = arrival.frame = NOTHING;
  }

  private packet(bytes: Uint8Array, start: number, family: 4 | 6): void {
    const { arrival, context } = this;
    const { packet } = arrival;
    const { counters, config } = context;
    if (!(family === 4 ? parseIpv4(bytes, start, bytes.length, packet) : parseIpv6(bytes, start, bytes.length, packet))) {
      counters.malformed++;
      return;
    }
    if ((family === 4 ? config.ipv4 : config.ipv6) === undefined || !this.sourceIsPossible()) {
      counters.ignored++;
      return;
    }
    const { destinationAt: to, addressLength } = packet;
    arrival.broadcast = family === 4 ? bytes[to] >= 224 || this.isBroadcast(bytes, to) : bytes[to] === 0xff;
    arrival.toUs = context.own.has(bytes, to, addressLength);
    if (packet.sourceRouted) {
      context.icmp.error(arrival, 'source-route');
      return;
    }
    if (packet.fragmentOffset !== 0 || packet.moreFragments) {
      counters.fragmentsReceived++;
      const whole = context.reassembly.add(packet);
      if (whole !== undefined) this.packet(whole, 0, family);
      return;
    }
    // We are a router to all but our own addresses.
    if (!arrival.toUs && !arrival.broadcast && packet.hopLimit <= 1) {
      context.icmp.error(arrival, 'hop-limit');
      return;
    }
    switch (packet.protocol) {
      case IPPROTO_TCP:
        if (arrival.broadcast) counters.ignored++;
        else context.tcp(arrival);
        return;
      case IPPROTO_UDP:
        context.udp(arrival);
        return;
      case IPPROTO_ICMP:
        if (family === 4 && !context.icmp.input(arrival)) counters.malformed++;
        return;
      case IPPROTO_ICMPV6:
        if (family === 6) this.icmpv6();
        return;
      case IPPROTO_NONE:
        return;
      default:
        // IGMP and other things sent to groups are no errors.
        counters.ignored++;
        if (!arrival.broadcast) context.icmp.error(arrival, 'protocol', family === 6 ? packet.nextHeaderAt - start : 0);
    }
  }

  private icmpv6(): void {
    const { arrival, context } = this;
    const { bytes, payloadStart, payloadEnd } = arrival.packet;
    // 130 to 132 and 143: multicast listeners; 133 to 137: neighbour discovery.
    const type = payloadEnd > payloadStart ? bytes[payloadStart] : 0;
    if (type >= 130 && type !== 143 && type <= 137 && type > 132) {
      if (!context.icmp.intact(arrival) || !context.ndp.input(arrival)) context.counters.malformed++;
    } else if (!context.icmp.input(arrival)) context.counters.malformed++;
  }

  /** Not a group, not the loopback, not an address of ours; unspecified is possible before a guest has an address. */
  private sourceIsPossible(): boolean {
    const { bytes, sourceAt, addressLength } = this.arrival.packet;
    if (addressLength === 4) {
      const first = bytes[sourceAt];
      if (first >= 224 || first === 127 || this.isBroadcast(bytes, sourceAt)) return false;
    } else if (bytes[sourceAt] === 0xff) return false;
    return !this.context.own.has(bytes, sourceAt, addressLength);
  }

  private isBroadcast(bytes: Uint8Array, at: number): boolean {
    const address = readU32(bytes, at);
    return address === 0xffff_ffff || (this.context.config.ipv4 !== undefined && address === readU32(this.context.config.ipv4.broadcast, 0));
  }
}

const NOTHING = new Uint8Array(0);
