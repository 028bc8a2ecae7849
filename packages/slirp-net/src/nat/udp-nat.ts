import type { HostAddress, HostFailure, HostNetwork, HostUdp } from '../host-network.js';
import type { Arrival } from '../iface/arrival.js';
import type { Icmp } from '../iface/icmp.js';
import type { Interface, Route } from '../iface/interface.js';
import type { NetworkCounters } from '../counters.js';
import type { NetworkConfig } from '../options.js';
import { FlowTable, type Keyed } from '../socket/flow-table.js';
import type { UdpLayer } from '../socket/udp-layer.js';
import type { NetworkTimer } from '../timers.js';
import { formatAddress } from '../wire/address.js';
import { equalAt, readU32, writeU16 } from '../wire/bytes.js';
import type { IcmpErrorKind } from '../wire/icmp.js';
import { IPPROTO_UDP, IPV4_HEADER, IPV6_HEADER, writeIpv4, writeIpv6 } from '../wire/ip.js';
import { UDP_HEADER, type UdpHeader, writeUdp } from '../wire/udp.js';
import type { Destinations } from './destinations.js';
import type { FlowRequest, PolicyDecision } from './policy.js';

/** RFC 4787 REQ-5: not less than two minutes, five are recommended. */
const IDLE_MS = 300_000;
/** A question and its answer: RFC 4787 REQ-5 c lets well-known ports go sooner. */
const IDLE_DNS_MS = 20_000;
/** Peers that one socket of a guest talks with; the oldest is forgotten. */
const MAX_REMOTES = 256;
/** Bytes in the host's queue beyond which datagrams are dropped, as a full interface does. */
const MAX_HOST_QUEUE = 1 << 20;

interface Remote {
  /** What the guest sends to. */
  readonly address: Uint8Array;
  readonly port: number;
  /** Where it goes; undefined: refused by the policy. */
  readonly target: HostAddress | undefined;
  readonly error: IcmpErrorKind;
  /** From the remote to the guest. */
  readonly route: Route;
}

/** A socket of a guest, and ours of the host that stands for it: whatever it sends leaves from one port (RFC 4787 REQ-1). */
export class UdpFlow implements Keyed {
  nextInBucket: this | undefined;
  /** By what the guest sends to. */
  readonly byGuest = new Map<string, Remote>();
  /** By where answers come from: only who was sent to may answer (RFC 4787 REQ-8, address and port-dependent filtering). */
  readonly byHost = new Map<string, Remote>();
  last: Remote | undefined;
  lastHost: HostAddress | undefined;
  lastHostRemote: Remote | undefined;
  socket: HostUdp | undefined;
  timer!: NetworkTimer;
  idleMs = IDLE_MS;
  bytesFromGuest = 0;
  bytesToGuest = 0;
  packetsFromGuest = 0;
  packetsToGuest = 0;

  constructor(
    readonly key: Uint32Array,
    readonly guest: Uint8Array,
    readonly port: number,
    readonly openedMs: number,
  ) {}
}

export interface UdpNatContext {
  readonly iface: Interface;
  readonly config: NetworkConfig;
  readonly counters: NetworkCounters;
  readonly host: HostNetwork;
  readonly destinations: Destinations;
  readonly icmp: Icmp;
  readonly udp: UdpLayer;
  readonly decide: (flow: FlowRequest) => PolicyDecision;
  readonly seed: number;
}

export class UdpNat {
  /** In order of age, oldest first: which one makes room. */
  private readonly order = new Set<UdpFlow>();
  private readonly flows: FlowTable<UdpFlow>;

  constructor(private readonly context: UdpNatContext) {
    this.flows = new FlowTable(context.seed);
  }

  get size(): number {
    return this.flows.size;
  }

  [Symbol.iterator](): IterableIterator<UdpFlow> {
    return this.order.values();
  }

  input(arrival: Arrival, header: UdpHeader): void {
    const { bytes, addressLength } = arrival.packet;
    const flow = this.find(arrival, header.sourcePort) ?? this.open(arrival, header.sourcePort);
    const remote = this.remoteOf(flow, arrival, header.destinationPort);
    if (remote.target === undefined) {
      this.context.icmp.error(arrival, remote.error);
      if (flow.byHost.size === 0) this.close(flow);
      return;
    }
    flow.timer.arm(this.context.iface.timers.nowMs() + flow.idleMs);
    flow.packetsFromGuest++;
    flow.bytesFromGuest += header.dataEnd - header.dataStart;
    flow.socket ??= this.socket(flow, addressLength === 4 ? 4 : 6);
    if (flow.socket.queued > MAX_HOST_QUEUE) this.context.counters.udpDropped++;
    else flow.socket.send(bytes.subarray(header.dataStart, header.dataEnd), remote.target);
  }

  closeAll(): void {
    for (const flow of [...this.order]) this.close(flow);
  }

  /** The flows of guests whose addresses satisfy `gone`. */
  closeWhere(gone: (flow: UdpFlow) => boolean): void {
    for (const flow of [...this.order]) if (gone(flow)) this.close(flow);
  }

  private find({ packet: { bytes, sourceAt, addressLength } }: Arrival, port: number): UdpFlow | undefined {
    const { probe } = this.flows;
    const words = addressLength >> 2;
    for (let i = 0; i < words; i++) probe[i] = readU32(bytes, sourceAt + 4 * i);
    probe[words] = port;
    return this.flows.find(words + 1);
  }

  /** `probe` holds the key. */
  private open({ packet: { bytes, sourceAt, addressLength }, port: link, frame }: Arrival, port: number): UdpFlow {
    const { iface, config, counters } = this.context;
    if (this.order.size >= config.udpFlows) this.close(this.order.values().next().value as UdpFlow);
    const flow = new UdpFlow(this.flows.probe.slice(0, (addressLength >> 2) + 1), bytes.slice(sourceAt, sourceAt + addressLength), port, iface.timers.nowMs());
    flow.timer = iface.timers.create(() => this.close(flow));
    iface.neighbours.learn(iface.neighbours.of(flow.guest, 0, addressLength), frame.slice(6, 12), link);
    this.flows.add(flow);
    this.order.add(flow);
    counters.udpOpened++;
    return flow;
  }

  private close(flow: UdpFlow): void {
    if (!this.order.delete(flow)) return;
    this.flows.delete(flow);
    flow.timer.dispose();
    flow.socket?.close();
    flow.socket = undefined;
  }

  private socket(flow: UdpFlow, family: 4 | 6): HostUdp {
    return this.context.host.openUdp(family, {
      message: (data, from) => this.fromHost(flow, data, from),
      failed: (failure, to) => this.failed(flow, failure, to),
    });
  }

  private remoteOf(flow: UdpFlow, { packet: { bytes, destinationAt, addressLength } }: Arrival, port: number): Remote {
    const { last } = flow;
    if (last !== undefined && last.port === port && equalAt(bytes, destinationAt, last.address)) return last;
    const address = bytes.slice(destinationAt, destinationAt + addressLength);
    const text = formatAddress(address);
    const key = `${text} ${port}`;
    let remote = flow.byGuest.get(key);
    if (remote === undefined) {
      remote = this.decide(flow, address, { address: text, port });
      if (flow.byGuest.size >= MAX_REMOTES) this.forgetOldest(flow);
      flow.byGuest.set(key, remote);
      if (remote.target !== undefined) flow.byHost.set(`${remote.target.address} ${remote.target.port}`, remote);
      flow.idleMs = port === 53 && flow.byGuest.size === 1 ? IDLE_DNS_MS : IDLE_MS;
    }
    flow.last = remote;
    return remote;
  }

  private forgetOldest(flow: UdpFlow): void {
    const [key, oldest] = flow.byGuest.entries().next().value as [string, Remote];
    flow.byGuest.delete(key);
    if (oldest.target !== undefined) flow.byHost.delete(`${oldest.target.address} ${oldest.target.port}`);
    flow.lastHost = undefined;
  }

  private decide(flow: UdpFlow, address: Uint8Array, remote: HostAddress): Remote {
    const { destinations, decide, iface } = this.context;
    const route = iface.route(address, flow.guest);
    const destination = destinations.translate(address);
    if (destination.kind === 'refused') return { address, port: remote.port, target: undefined, error: destination.error, route };
    const decision = remote.port === 0 ? 'deny' : decide({ protocol: 'udp', direction: 'out', guest: { address: formatAddress(flow.guest), port: flow.port }, remote });
    const target = decision === 'allow' ? { address: destination.address, port: remote.port } : typeof decision === 'object' && 'port' in decision ? decision : undefined;
    return { address, port: remote.port, target, error: 'prohibited', route };
  }

  private fromHost(flow: UdpFlow, data: Uint8Array, from: HostAddress): void {
    const { counters, iface, udp } = this.context;
    // The same sender as before, nearly always: no string is made.
    const same = flow.lastHost !== undefined && flow.lastHost.port === from.port && flow.lastHost.address === from.address;
    const remote = same ? flow.lastHostRemote : flow.byHost.get(`${from.address} ${from.port}`);
    flow.lastHost = from;
    flow.lastHostRemote = remote;
    const port = remote?.route.neighbour.port;
    // A card without room loses datagrams rather than delay those after them.
    if (remote === undefined || port?.blocked === true) {
      counters.udpDropped++;
      return;
    }
    flow.timer.arm(iface.timers.nowMs() + flow.idleMs);
    flow.packetsToGuest++;
    flow.bytesToGuest += data.length;
    if (!udp.send(remote.route, remote.port, flow.port, data)) counters.udpDropped++;
  }

  private failed(flow: UdpFlow, failure: HostFailure, to: HostAddress | undefined): void {
    const remote = to === undefined ? flow.last : flow.byHost.get(`${to.address} ${to.port}`);
    if (remote !== undefined) {
      const kind = failure === 'refused' ? 'port' : failure === 'net-unreachable' ? 'network' : failure === 'prohibited' ? 'prohibited' : 'host';
      this.context.icmp.sendError(remote.route, quote(flow, remote), kind, 0);
    }
    if (to === undefined) this.close(flow);
  }
}

/** The headers of the datagram that could not be delivered, as far as they matter (RFC 792: the first eight bytes of data). */
function quote(flow: UdpFlow, remote: Remote): Uint8Array {
  const v4 = flow.guest.length === 4;
  const header = v4 ? IPV4_HEADER : IPV6_HEADER;
  const bytes = new Uint8Array(header + UDP_HEADER);
  const fields = { source: flow.guest, destination: remote.address, protocol: IPPROTO_UDP, length: UDP_HEADER, hopLimit: 64 };
  if (v4) writeIpv4(bytes, 0, { ...fields, identification: 0, fragment: 0 });
  else writeIpv6(bytes, 0, fields);
  writeUdp(bytes, header, { sourcePort: flow.port, destinationPort: remote.port, length: 0 });
  writeU16(bytes, header + 6, 0);
  return bytes;
}
