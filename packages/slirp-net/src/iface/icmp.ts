import type { NetworkCounters } from '../counters.js';
import type { HostNetwork } from '../host-network.js';
import type { NetworkConfig } from '../options.js';
import type { FlowRequest, PolicyDecision } from '../nat/policy.js';
import type { Destinations } from '../nat/destinations.js';
import { formatAddress } from '../wire/address.js';
import { writeU16, writeU32 } from '../wire/bytes.js';
import { checksum } from '../wire/checksum.js';
import { ICMP_ECHO, ICMP_ECHO_REPLY, ICMP_HEADER, icmpCode, type IcmpErrorKind, ICMPV6_ECHO, ICMPV6_ECHO_REPLY, isIcmpError } from '../wire/icmp.js';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, upperChecksumHolds } from '../wire/ip.js';
import { type Arrival, destinationOf, sourceOf } from './arrival.js';
import type { Interface, Route } from './interface.js';

/** RFC 1812 4.3.2.8, RFC 4443 2.4 (f): errors are limited in rate. A burst, and so many a second. */
const ERROR_BURST = 50;
const ERRORS_PER_SECOND = 100;
/** RFC 1812 4.3.2.3: as much of the packet as fits 576 bytes. RFC 4443 2.4 (c): as fits 1280. */
const QUOTE_V4 = 576 - 28;
const QUOTE_V6 = 1280 - 48;
const MAX_PINGS = 32;
const PING_TIMEOUT_MS = 10_000;

export interface IcmpContext {
  readonly iface: Interface;
  readonly config: NetworkConfig;
  readonly counters: NetworkCounters;
  readonly host: HostNetwork;
  readonly destinations: Destinations;
  readonly decide: (flow: FlowRequest) => PolicyDecision;
}

/** Echo and errors of both families; neighbour discovery is in `ndp.ts`. */
export class Icmp {
  private credit = ERROR_BURST;
  private creditAtMs: number;
  private pings = 0;

  constructor(private readonly context: IcmpContext) {
    this.creditAtMs = context.iface.timers.nowMs();
  }

  /** Long enough, and its checksum holds. */
  intact({ packet }: Arrival): boolean {
    const { bytes, payloadStart: at, payloadEnd: end, family } = packet;
    if (end - at < ICMP_HEADER) return false;
    return family === 4 ? checksum(bytes, at, end) === 0 : upperChecksumHolds(packet);
  }

  /** false: malformed. */
  input(arrival: Arrival): boolean {
    if (!this.intact(arrival)) return false;
    const { bytes, payloadStart: at, family } = arrival.packet;
    if (bytes[at] === (family === 4 ? ICMP_ECHO : ICMPV6_ECHO) && bytes[at + 1] === 0) this.echo(arrival);
    else this.context.counters.ignored++;
    return true;
  }

  private echo(arrival: Arrival): void {
    const { packet, port, frame } = arrival;
    const { bytes, payloadStart, payloadEnd, sourceAt, addressLength } = packet;
    // A reply to a group or to nobody would be an amplifier.
    if (arrival.broadcast || bytes[sourceAt] === 0 || bytes[sourceAt] === 0xff || (addressLength === 4 && bytes[sourceAt] >= 224)) return;
    const payload = bytes.slice(payloadStart, payloadEnd);
    const route = this.context.iface.route(destinationOf(arrival), sourceOf(arrival), port, frame.slice(6, 12));
    if (arrival.toUs) {
      this.reply(route, payload);
      return;
    }
    const { destinations, decide, host } = this.context;
    const target = destinations.translate(route.source);
    const flow: FlowRequest = { protocol: 'icmp', direction: 'out', guest: { address: formatAddress(route.destination), port: 0 }, remote: { address: formatAddress(route.source), port: 0 } };
    const decision = target.kind === 'refused' || host.ping === undefined || this.pings >= MAX_PINGS ? 'deny' : decide(flow);
    if (target.kind === 'refused' || decision === 'deny' || (typeof decision === 'object' && 'path' in decision)) {
      this.error(arrival, target.kind === 'refused' ? target.error : 'prohibited');
      return;
    }
    // What an error would quote: the packet doesn't outlive this call.
    const quote = quoteOf(arrival);
    this.pings++;
    const address = decision === 'allow' ? target.address : decision.address;
    const request = { payloadLength: payload.length - ICMP_HEADER, hopLimit: Math.max(1, packet.hopLimit - 1), timeoutMs: PING_TIMEOUT_MS };
    const done = (result: string): void => {
      this.pings--;
      if (result === 'reply') this.reply(route, payload);
      else if (result !== 'timeout') this.sendError(this.toGuest(route.destination), quote, result === 'net-unreachable' ? 'network' : result === 'host-unreachable' ? 'host' : 'prohibited', 0);
    };
    void host.ping?.(address, request).then(done, () => done('failed'));
  }

  private toGuest(guest: Uint8Array): Route {
    const { iface, config } = this.context;
    const own = guest.length === 4 ? config.ipv4?.gateway : guest[0] === 0xfe && (guest[1] & 0xc0) === 0x80 ? config.ipv6?.linkLocal : config.ipv6?.gateway;
    return iface.route(own as Uint8Array, guest);
  }

  private reply(route: Route, request: Uint8Array): void {
    const { iface } = this.context;
    const at = iface.begin(route);
    iface.bytes.set(request, at);
    iface.bytes[at] = route.family === 4 ? ICMP_ECHO_REPLY : ICMPV6_ECHO_REPLY;
    iface.bytes[at + 1] = 0;
    iface.finish(route, route.family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, request.length);
  }

  /** Answers a packet with an error, unless one must not be answered. `value` is the MTU or a pointer. */
  error(arrival: Arrival, kind: IcmpErrorKind, value = 0): void {
    const { packet, port, frame, broadcast } = arrival;
    const { bytes, sourceAt, payloadStart, payloadEnd, protocol, fragmentOffset, family } = packet;
    // RFC 1122 3.2.2: never about an error, a later fragment, a packet to a group, or one from no single host.
    if (broadcast || fragmentOffset !== 0 || (frame[0] & 1) !== 0) return;
    if (family === 4 ? bytes[sourceAt] === 0 || bytes[sourceAt] >= 224 || bytes[sourceAt] === 127 : bytes[sourceAt] === 0xff || bytes[sourceAt] === 0) return;
    if ((protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6) && (payloadEnd === payloadStart || isIcmpError(family, bytes[payloadStart]))) return;
    const guest = sourceOf(arrival);
    this.context.iface.neighbours.learn(this.context.iface.neighbours.of(guest, 0, guest.length), frame.slice(6, 12), port);
    this.sendError(this.toGuest(guest), quoteOf(arrival), kind, value);
  }

  /** About a packet that we have only the beginning of. */
  sendError(route: Route, quote: Uint8Array, kind: IcmpErrorKind, value: number): void {
    if (!this.mayErr()) return;
    const { iface, counters } = this.context;
    const { bytes } = iface;
    const at = iface.begin(route);
    const [type, code] = icmpCode(route.family, kind);
    bytes[at] = type;
    bytes[at + 1] = code;
    // RFC 1191 4 puts the MTU into the lower half; RFC 4443 3.2 uses all of it.
    writeU32(bytes, at + 4, 0);
    if (route.family === 6) writeU32(bytes, at + 4, value);
    else writeU16(bytes, at + 6, value);
    bytes.set(quote, at + ICMP_HEADER);
    counters.icmpErrorsSent++;
    iface.finish(route, route.family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, ICMP_HEADER + quote.length);
  }

  private mayErr(): boolean {
    const now = this.context.iface.timers.nowMs();
    this.credit = Math.min(ERROR_BURST, this.credit + ((now - this.creditAtMs) * ERRORS_PER_SECOND) / 1000);
    this.creditAtMs = now;
    if (this.credit < 1) return false;
    this.credit--;
    return true;
  }
}

function quoteOf({ packet: { bytes, start, payloadEnd, family } }: Arrival): Uint8Array {
  return bytes.slice(start, Math.min(payloadEnd, start + (family === 4 ? QUOTE_V4 : QUOTE_V6)));
}
