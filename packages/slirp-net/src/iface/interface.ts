import type { NetworkCounters } from '../counters.js';
import type { NetworkTimers } from '../timers.js';
import { addToSum, finishSum } from '../wire/checksum.js';
import { ETHERNET_HEADER, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../wire/ethernet.js';
import { addressSum, IPPROTO_FRAGMENT, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPV4_DF, IPV4_HEADER, IPV4_MF, IPV6_HEADER, writeIpv4, writeIpv6 } from '../wire/ip.js';
import { writeU16, writeU32 } from '../wire/bytes.js';
import { FrameBuffer } from './frame-buffer.js';
import { type Neighbour, Neighbours } from './neighbours.js';
import type { Port } from './port.js';

/** From one of our addresses, or one that we stand for, to a guest. Made once per flow. */
export interface Route {
  readonly family: 4 | 6;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly neighbour: Neighbour;
  /** Of the two addresses, for the pseudo-header. */
  readonly sum: number;
}

const HOP_LIMIT = 64;
/** The largest packet of either family, before it is cut into fragments. */
const MAX_PACKET = IPV6_HEADER + 0xffff;

/**
 * Sends IP packets to guests: headers, checksums, fragments, and the frame around them. A packet is built in place: `begin` says where in
 * `bytes` its payload goes, `finish` sends it.
 */
export class Interface {
  readonly frame = new FrameBuffer(ETHERNET_HEADER + MAX_PACKET);
  readonly bytes: Uint8Array = this.frame.bytes;
  readonly neighbours: Neighbours;
  private readonly fragment = new FrameBuffer(ETHERNET_HEADER + MAX_PACKET);
  private readonly offload = { checksumStart: 0, checksumOffset: 16, segmentation: 'none' as 'none' | 'tcp', segmentBytes: 0 };
  private identification = 1;

  constructor(
    readonly timers: NetworkTimers,
    readonly mac: Uint8Array,
    readonly mtu: number,
    private readonly counters: NetworkCounters,
    hooks: { readonly solicit: (address: Uint8Array) => void; readonly unreachable: (neighbour: Neighbour) => void },
  ) {
    this.neighbours = new Neighbours(timers, hooks.solicit, hooks.unreachable);
    this.bytes.set(mac, 6);
    this.fragment.bytes.set(mac, 6);
  }

  route(source: Uint8Array, destination: Uint8Array, port?: Port, mac?: Uint8Array): Route {
    const neighbour = this.neighbours.of(destination, 0, destination.length);
    if (port !== undefined && mac !== undefined) this.neighbours.learn(neighbour, mac, port);
    return { family: source.length === 4 ? 4 : 6, source, destination, neighbour, sum: addressSum(source, destination) };
  }

  /** Where the payload of a packet on this route begins. */
  begin(route: Route): number {
    return ETHERNET_HEADER + (route.family === 4 ? IPV4_HEADER : IPV6_HEADER);
  }

  /**
   * Sends what stands from `begin` on, `length` bytes of `protocol`, and fills in its checksum.
   * @param segmentBytes of TCP that is more than one packet, payload bytes of each: only for a route that `givesOffloads`
   * @returns false when the guest's card or the queue for it had no room
   */
  finish(route: Route, protocol: number, length: number, hopLimit = HOP_LIMIT, segmentBytes = 0): boolean {
    const { bytes } = this;
    const at = this.begin(route);
    const checksumAt = at + (protocol === IPPROTO_TCP ? 16 : protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6 ? 2 : 6);
    bytes[checksumAt] = 0;
    bytes[checksumAt + 1] = 0;
    const pseudo = protocol === IPPROTO_ICMP ? 0 : route.sum + protocol + (length & 0xffff) + (length >>> 16);
    if (protocol === IPPROTO_TCP && this.givesOffloads(route)) return this.finishOpen(route, at, length, pseudo, segmentBytes);
    const sum = finishSum(addToSum(pseudo, bytes, at, at + length));
    // RFC 768: a sum of zero is sent as all ones, as zero means none. The two are the same number in ones' complement.
    writeU16(bytes, checksumAt, sum === 0 && checksumAt === at + 6 ? 0xffff : sum);
    const { family, source, destination } = route;
    if (at - ETHERNET_HEADER + length > this.mtu) return this.sendFragments(route, protocol, length, hopLimit);
    if (family === 4) {
      // DF: path MTU discovery is the only sane default, and no identification is needed (RFC 6864).
      writeIpv4(bytes, ETHERNET_HEADER, { source, destination, protocol, length, hopLimit, identification: 0, fragment: IPV4_DF });
    } else writeIpv6(bytes, ETHERNET_HEADER, { source, destination, protocol, length, hopLimit });
    return this.transmit(route, this.frame, at + length);
  }

  /** Whether TCP to this guest needs no checksums and may be up to 64 KiB at once. */
  givesOffloads({ neighbour: { mac, port } }: Route): boolean {
    return mac !== undefined && port?.givesOffloads === true;
  }

  /** TCP with its checksum left open, and perhaps uncut. */
  private finishOpen(route: Route, at: number, length: number, pseudo: number, segmentBytes: number): boolean {
    const { bytes, offload } = this;
    const { family, source, destination, neighbour } = route;
    writeU16(bytes, at + 16, ~finishSum(pseudo) & 0xffff);
    if (family === 4) writeIpv4(bytes, ETHERNET_HEADER, { source, destination, protocol: IPPROTO_TCP, length, hopLimit: HOP_LIMIT, identification: 0, fragment: IPV4_DF });
    else writeIpv6(bytes, ETHERNET_HEADER, { source, destination, protocol: IPPROTO_TCP, length, hopLimit: HOP_LIMIT });
    offload.checksumStart = at;
    offload.segmentation = segmentBytes > 0 ? 'tcp' : 'none';
    offload.segmentBytes = segmentBytes;
    writeU16(bytes, 12, family === 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
    bytes.set(neighbour.mac as Uint8Array, 0);
    this.counters.framesToGuests++;
    this.counters.bytesToGuests += at + length;
    return (neighbour.port as Port).transmitOpen(this.frame.view(at + length), offload);
  }

  private sendFragments(route: Route, protocol: number, length: number, hopLimit: number): boolean {
    const { family, source, destination } = route;
    const from = this.begin(route);
    const identification = this.identification++ & 0xffff;
    const extra = family === 4 ? 0 : 8;
    const room = (this.mtu - (from - ETHERNET_HEADER) - extra) & ~7;
    const { bytes } = this.fragment;
    for (let offset = 0; offset < length; offset += room) {
      const piece = Math.min(room, length - offset);
      const more = offset + piece < length;
      if (family === 4) {
        writeIpv4(bytes, ETHERNET_HEADER, { source, destination, protocol, length: piece, hopLimit, identification, fragment: (more ? IPV4_MF : 0) | (offset >>> 3) });
      } else {
        writeIpv6(bytes, ETHERNET_HEADER, { source, destination, protocol: IPPROTO_FRAGMENT, length: piece + 8, hopLimit });
        bytes[from] = protocol;
        bytes[from + 1] = 0;
        writeU16(bytes, from + 2, offset | (more ? 1 : 0));
        writeU32(bytes, from + 4, identification);
      }
      bytes.set(this.bytes.subarray(from + offset, from + offset + piece), from + extra);
      if (!this.transmit(route, this.fragment, from + extra + piece)) return false;
    }
    return true;
  }

  private transmit({ family, neighbour }: Route, buffer: FrameBuffer, length: number): boolean {
    const { bytes } = buffer;
    writeU16(bytes, 12, family === 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
    const { mac, port } = neighbour;
    if (mac === undefined || port === undefined) {
      this.neighbours.queue(neighbour, buffer.view(length));
      return true;
    }
    bytes[0] = mac[0];
    bytes[1] = mac[1];
    bytes[2] = mac[2];
    bytes[3] = mac[3];
    bytes[4] = mac[4];
    bytes[5] = mac[5];
    this.counters.framesToGuests++;
    this.counters.bytesToGuests += length;
    return port.transmit(buffer.view(length));
  }
}
