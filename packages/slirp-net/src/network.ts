import type { NetworkClock } from './clock.js';
import { emptyCounters, type NetworkCounters } from './counters.js';
import { Icmp } from './iface/icmp.js';
import { Interface } from './iface/interface.js';
import { IpInput } from './iface/ip-input.js';
import { Ndp } from './iface/ndp.js';
import { OwnAddresses } from './iface/own-addresses.js';
import { type Middleware, type NetworkPort, Port, type PortEvents } from './iface/port.js';
import { Reassembly } from './iface/reassembly.js';
import { Destinations } from './nat/destinations.js';
import type { FlowRequest, PolicyDecision } from './nat/policy.js';
import { UdpNat } from './nat/udp-nat.js';
import { NetworkError } from './network-error.js';
import { configure, type NetworkConfig, type NetworkOptions } from './options.js';
import { DHCP_CLIENT_PORT, DHCP_SERVER_PORT, DhcpServer } from './service/dhcp-server.js';
import { UdpLayer } from './socket/udp-layer.js';
import { NetworkTimers } from './timers.js';
import { ARP_REPLY, ARP_REQUEST, buildArp, parseArp } from './wire/arp.js';
import { equalAt, readU16 } from './wire/bytes.js';
import { ETHERNET_HEADER, ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, isGroup, macKey } from './wire/ethernet.js';

/** Stations that the switch remembers; beyond, frames go to all ports. */
const MAX_STATIONS = 1024;

/** A network that guests are plugged into: a switch among them, and a router to the host's sockets. */
export class Network {
  readonly counters: NetworkCounters = emptyCounters();
  private readonly config: NetworkConfig;
  private readonly clock: NetworkClock;
  private readonly timers: NetworkTimers;
  private readonly ports = new Set<Port>();
  private readonly stations = new Map<number, Port>();
  private readonly own: OwnAddresses;
  private readonly iface: Interface;
  private readonly ndp: Ndp;
  private readonly udp: UdpLayer;
  private readonly udpNat: UdpNat;
  private readonly ip: IpInput;
  private readonly dhcp: DhcpServer | undefined;
  private readonly events: PortEvents;
  private closed = false;

  constructor(private readonly options: NetworkOptions) {
    const config = configure(options);
    this.config = config;
    this.clock = options.clock;
    this.timers = new NetworkTimers(options.clock);
    this.own = new OwnAddresses(config);
    this.iface = new Interface(this.timers, config.mac, config.mtu, { solicit: (address) => this.solicit(address), unreachable: () => {} });
    this.ndp = new Ndp(this.iface, config, this.own, this.ports);
    const { counters, iface, own } = this;
    const decide = (flow: FlowRequest): PolicyDecision => options.policy?.(flow) ?? 'allow';
    const destinations = new Destinations(config);
    const seed = (Math.random() * 0x1_0000_0000) | 0;
    const icmp = new Icmp({ iface, config, counters, host: options.host, destinations, decide });
    this.udp = new UdpLayer({ iface, counters, forward: (arrival, header) => this.udpNat.input(arrival, header) });
    this.udpNat = new UdpNat({ iface, config, counters, host: options.host, destinations, icmp, udp: this.udp, decide, seed });
    this.events = { input: (port, frame) => this.input(port, frame), unblocked: () => {}, detached: (port) => this.detached(port) };
    this.ip = new IpInput(
      { config, counters, own, reassembly: new Reassembly(this.timers), icmp, ndp: this.ndp, tcp: () => {}, udp: (arrival) => this.udp.input(arrival) },
      new Port(this.timers, this.events, []),
    );
    if (config.ipv4 !== undefined) {
      this.dhcp = new DhcpServer(this.timers, config, config.ipv4, options);
      this.serveDhcp(this.dhcp, config.ipv4.gateway);
    }
  }

  /** Plugs in a card. `middleware` stands between this guest and the network, before the network's own. */
  attach(middleware: readonly Middleware[] = []): NetworkPort {
    if (this.closed) throw new NetworkError('closed', 'attach: the network is closed');
    const port = new Port(this.timers, this.events, [...middleware, ...(this.options.middleware ?? [])]);
    this.ports.add(port);
    return port;
  }

  /** Ends all flows and forwards. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const port of [...this.ports]) port.detach();
    this.udpNat.closeAll();
    this.timers.close();
  }

  private input(port: Port, frame: Uint8Array): void {
    const { counters, config, ports } = this;
    counters.framesFromGuests++;
    counters.bytesFromGuests += frame.length;
    // A frame is at least a header, and never one that claims to be ours or a group's.
    if (frame.length < ETHERNET_HEADER || isGroup(frame, 6) || equalAt(frame, 6, config.mac)) {
      counters.malformed++;
      return;
    }
    if (ports.size > 1 && this.switched(port, frame)) return;
    if (!isGroup(frame, 0) && !equalAt(frame, 0, config.mac)) {
      counters.ignored++;
      return;
    }
    switch (readU16(frame, 12)) {
      case ETHERTYPE_IPV4:
        this.ip.frame(port, frame, 4);
        return;
      case ETHERTYPE_IPV6:
        this.ip.frame(port, frame, 6);
        return;
      case ETHERTYPE_ARP:
        this.arp(port, frame);
        return;
      default:
        counters.ignored++;
    }
  }

  /** Passes a frame on to other guests. @returns whether that is all that is to be done */
  private switched(port: Port, frame: Uint8Array): boolean {
    const { stations } = this;
    const from = macKey(frame, 6);
    if (stations.get(from) !== port && (stations.has(from) || stations.size < MAX_STATIONS)) stations.set(from, port);
    if (equalAt(frame, 0, this.config.mac)) return false;
    const to = isGroup(frame, 0) ? undefined : stations.get(macKey(frame, 0));
    if (to !== undefined) {
      if (to !== port) to.transmit(frame);
      return true;
    }
    for (const other of this.ports) if (other !== port) other.transmit(frame);
    return !isGroup(frame, 0);
  }

  private arp(port: Port, frame: Uint8Array): void {
    const packet = parseArp(frame);
    const { ipv4 } = this.config;
    if (packet === undefined || ipv4 === undefined) {
      this.counters.malformed++;
      return;
    }
    const { operation, sender, senderMac, target } = packet;
    const probe = sender.every((byte) => byte === 0);
    // Who says that our addresses are theirs is not believed; RFC 826 learns from requests as well as replies.
    if (!probe && this.own.has(sender, 0, 4)) return;
    if (!probe && sender[0] < 224 && (senderMac[0] & 1) === 0) this.iface.neighbours.learn(this.iface.neighbours.of(sender, 0, 4), senderMac, port);
    if (operation === ARP_REQUEST && this.own.has(target, 0, 4)) port.transmit(buildArp(ARP_REPLY, { mac: this.config.mac, address: target }, { mac: senderMac, address: sender }));
  }

  private solicit(address: Uint8Array): void {
    const { ipv4, mac } = this.config;
    if (address.length === 16) this.ndp.solicit(address);
    else if (ipv4 !== undefined) for (const port of this.ports) port.transmit(buildArp(ARP_REQUEST, { mac, address: ipv4.gateway }, { address }));
  }

  private serveDhcp(server: DhcpServer, gateway: Uint8Array): void {
    this.udp.serve(DHCP_SERVER_PORT, (data, { mac, arrival }) => {
      if (arrival.packet.family !== 4) return false;
      const answer = server.answer(data);
      if (answer === undefined) return true;
      const group = answer.to[3] === 255;
      const route = this.iface.route(gateway, answer.to);
      // The client has no address yet: no ARP, its hardware address is in the request.
      const neighbour = { ...route.neighbour, mac: group ? new Uint8Array(6).fill(0xff) : mac, port: arrival.port };
      this.udp.send({ ...route, neighbour }, DHCP_SERVER_PORT, DHCP_CLIENT_PORT, answer.message);
      return true;
    });
  }

  private detached(port: Port): void {
    this.ports.delete(port);
    for (const [key, station] of this.stations) if (station === port) this.stations.delete(key);
    this.udpNat.closeWhere((flow) => [...flow.byGuest.values()].some(({ route }) => route.neighbour.port === port));
    this.iface.neighbours.forget(port);
  }
}

export function createNetwork(options: NetworkOptions): Network {
  return new Network(options);
}
