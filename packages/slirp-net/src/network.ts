import type { NetworkClock } from './clock.js';
import { emptyCounters, type NetworkCounters } from './counters.js';
import type { HostAddress, HostTarget } from './host-network.js';
import { Icmp } from './iface/icmp.js';
import { Interface, type Route } from './iface/interface.js';
import { IpInput } from './iface/ip-input.js';
import { Ndp } from './iface/ndp.js';
import { OwnAddresses } from './iface/own-addresses.js';
import { type AttachOptions, type Middleware, type NetworkPort, Port, type PortEvents } from './iface/port.js';
import { Reassembly } from './iface/reassembly.js';
import { Destinations } from './nat/destinations.js';
import type { GuestForwardOptions, HostForward, HostForwardOptions } from './nat/forward-options.js';
import type { StreamHandler } from './nat/function-stream.js';
import type { FlowRequest, PolicyDecision } from './nat/policy.js';
import { TcpNat } from './nat/tcp-nat.js';
import { UdpForwards } from './nat/udp-forward.js';
import { UdpNat } from './nat/udp-nat.js';
import { NetworkError } from './network-error.js';
import { configure, type NetworkConfig, type NetworkOptions } from './options.js';
import { DHCP_CLIENT_PORT, DHCP_SERVER_PORT, DhcpServer } from './service/dhcp-server.js';
import { DHCPV6_CLIENT_PORT, DHCPV6_SERVER_PORT, Dhcpv6Server } from './service/dhcpv6-server.js';
import { DNS_PORT, DnsForwarder } from './service/dns-forwarder.js';
import type { TftpFolder } from './service/tftp.js';
import { TFTP_PORT, TftpServer } from './service/tftp-server.js';
import type { TcpFlowState } from './port-state.js';
import { TcpLayer } from './socket/tcp-layer.js';
import { UdpLayer } from './socket/udp-layer.js';
import { type FlowStatistics, type NetworkStatistics, tcpStatistics, udpStatistics } from './statistics.js';
import { NetworkTimers } from './timers.js';
import { formatAddress, inPrefix, parseAddress } from './wire/address.js';
import { ARP_REPLY, ARP_REQUEST, buildArp, parseArp } from './wire/arp.js';
import { equalAt, readU16 } from './wire/bytes.js';
import { ETHERNET_HEADER, ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, isGroup, macKey } from './wire/ethernet.js';

/** Stations that the switch remembers; beyond, frames go to all ports. */
const MAX_STATIONS = 1024;

/** A network that guests are plugged into: a switch among them, and a router to the host's sockets. */
export class Network {
  private readonly counters: NetworkCounters = emptyCounters();
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
  private readonly udpForwards: UdpForwards;
  private readonly tcp: TcpLayer;
  private readonly tcpNat: TcpNat;
  private readonly ip: IpInput;
  private readonly decide: (flow: FlowRequest) => PolicyDecision;
  private readonly events: PortEvents;
  private readonly forwards = new Set<HostForward>();
  private tftp: TftpServer | undefined;
  private closed = false;

  constructor(private readonly options: NetworkOptions) {
    const config = configure(options);
    const { host, clock } = options;
    const random = options.random ?? Math.random;
    this.config = config;
    this.clock = clock;
    this.timers = new NetworkTimers(clock);
    this.own = new OwnAddresses(config);
    this.iface = new Interface(this.timers, config.mac, config.mtu, this.counters, { solicit: (address) => this.solicit(address), unreachable: () => {} });
    this.ndp = new Ndp(this.iface, config, this.own, this.ports);
    const { counters, iface, own, ndp } = this;
    const decide = (flow: FlowRequest): PolicyDecision => options.policy?.(flow) ?? 'allow';
    this.decide = decide;
    const destinations = new Destinations(config);
    const icmp = new Icmp({ iface, config, counters, host, destinations, decide });
    this.udp = new UdpLayer({
      iface,
      counters,
      forward: (arrival, header) => {
        if (!arrival.toUs || !this.udpForwards.input(arrival, header)) this.udpNat.input(arrival, header);
      },
    });
    const { udp } = this;
    this.udpNat = new UdpNat({ iface, config, counters, host, destinations, icmp, udp, decide, seed: (random() * 0x1_0000_0000) | 0 });
    this.udpForwards = new UdpForwards(iface, udp, host);
    this.tcpNat = new TcpNat({ host, counters, destinations, icmp, decide });
    this.tcp = new TcpLayer({
      iface,
      clock,
      counters,
      bufferSize: config.tcpBuffer,
      totalBuffer: config.tcpTotalBuffer,
      random,
      maxFlows: config.tcpFlows,
      maxHalfOpen: config.tcpHalfOpen,
      open: (connection, arrival) => this.tcpNat.open(connection, arrival),
    });
    this.events = { input: (port, frame, trusted) => this.input(port, frame, trusted), alone: () => this.ports.size === 1, unblocked: (port) => this.tcp.unblocked(port), detached: (port) => this.detached(port), flows: (port) => this.tcp.save(port), replaced: (port, flows) => this.replaced(port, flows) };
    this.ip = new IpInput(
      { config, counters, own, reassembly: new Reassembly(this.timers), icmp, ndp, tcp: (arrival) => this.tcp.input(arrival), udp: (arrival) => udp.input(arrival) },
      new Port(this.timers, this.events, []),
    );
    if (config.ipv4 !== undefined) this.serveDhcp(new DhcpServer(this.timers, config, config.ipv4, options), config.ipv4.gateway);
    if (config.ipv6 !== undefined) this.serveDhcpv6(new Dhcpv6Server(config, config.ipv6, options), config.ipv6.linkLocal);
    if (!config.restrict) this.serveDns(new DnsForwarder(host, counters));
    if (options.tftp !== undefined) this.serveTftp(options.tftp);
  }

  /** Plugs in a card. `middleware` stands between this guest and the network, before the network's own. */
  attach(middleware: readonly Middleware[] = [], options: AttachOptions = {}): NetworkPort {
    if (this.closed) throw new NetworkError('closed', 'attach: the network is closed');
    const port = new Port(this.timers, this.events, [...middleware, ...(this.options.middleware ?? [])], options);
    this.ports.add(port);
    return port;
  }

  /** Listens on the host for a guest. Rejects with a `NetworkError` when it can't. */
  async forward(options: HostForwardOptions): Promise<HostForward> {
    const { guest, host, protocol = 'tcp' } = options;
    const { ipv4, ipv6 } = this.config;
    if (this.closed) throw new NetworkError('closed', 'forward: the network is closed');
    const address = guest.address === undefined ? ipv4?.dhcpStart : parseAddress(guest.address);
    const source = address?.length === 4 ? ipv4?.gateway : ipv6?.gateway;
    if (address === undefined || source === undefined) throw new NetworkError('bad-option', `forward: "${guest.address}" is not an address of a guest`);
    checkPort('forward', guest.port);
    const route = this.iface.route(source, address);
    const to = { address: formatAddress(address), port: guest.port };
    const allowed = (from: HostAddress | undefined): boolean =>
      this.decide({ protocol, direction: 'in', guest: to, remote: from ?? { address: formatAddress(source), port: 0 } }) !== 'deny';
    const opened = protocol === 'tcp' ? await this.listen(host, route, to.port, allowed) : await this.bind(host, route, to.port, allowed);
    const forward: HostForward = {
      at: opened.at,
      close: () => {
        this.forwards.delete(forward);
        opened.close();
      },
    };
    this.forwards.add(forward);
    return forward;
  }

  private listen(host: HostTarget, route: Route, port: number, allowed: (from: HostAddress | undefined) => boolean): Promise<HostForward> {
    return this.options.host.listen(host, (stream, from) => {
      const connection = !this.closed && allowed(from) ? this.tcp.outward(route, port) : undefined;
      if (connection !== undefined) return this.tcpNat.inward(connection, stream);
      stream.abort();
      return NO_EVENTS;
    });
  }

  private bind(host: HostTarget, route: Route, port: number, allowed: (from: HostAddress) => boolean): Promise<HostForward> {
    if ('path' in host) throw new NetworkError('bad-option', `forward: "${host.path}" is a path, and UDP needs an address`);
    return this.udpForwards.open(host, route, port, allowed);
  }

  /** Leads what guests connect to at an address of the network to a host's address, a unix socket or a function. TCP. */
  serve({ address, port }: GuestForwardOptions, to: HostTarget | StreamHandler): { close(): void } {
    const { ipv4, ipv6 } = this.config;
    const bytes = parseAddress(address);
    const net = bytes?.length === 4 ? ipv4 : ipv6;
    if (bytes === undefined || net === undefined || !inPrefix(bytes, 0, net.prefix, net.bits)) throw new NetworkError('bad-option', `serve: "${address}" is not an address of the network`);
    checkPort('serve', port);
    if (this.tcpNat.isServed(bytes, port)) throw new NetworkError('in-use', `serve: ${address}:${port} is served already`);
    this.own.add(bytes);
    return { close: this.tcpNat.serve(bytes, port, to) };
  }

  /** Runs something later, by the network's clock; not after `close`. */
  after(delayMs: number, run: () => void): void {
    this.timers.create(run).arm(this.clock.nowMs() + delayMs);
  }

  statistics(): NetworkStatistics {
    return { counters: { ...this.counters }, tcpFlows: this.tcp.size, udpFlows: this.udpNat.size };
  }

  /** Every flow that there is. */
  *flows(): Generator<FlowStatistics, void, undefined> {
    const now = this.clock.nowMs();
    for (const connection of this.tcp) yield tcpStatistics(connection, now);
    for (const flow of this.udpNat) yield udpStatistics(flow, now);
  }

  /** Ends all flows and forwards. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const forward of [...this.forwards]) forward.close();
    for (const port of [...this.ports]) port.detach();
    this.tcp.closeAll();
    this.udpNat.closeAll();
    this.tftp?.close();
    this.timers.close();
  }

  private input(port: Port, frame: Uint8Array, trusted: boolean): void {
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
        this.ip.frame(port, frame, 4, trusted);
        return;
      case ETHERTYPE_IPV6:
        this.ip.frame(port, frame, 6, trusted);
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

  private serveDhcpv6(server: Dhcpv6Server, linkLocal: Uint8Array): void {
    this.udp.serve(DHCPV6_SERVER_PORT, (data, client) => {
      if (client.address.length !== 16) return false;
      const answer = server.answer(data);
      if (answer !== undefined) this.udp.send(this.iface.route(linkLocal, client.address, client.arrival.port, client.mac), DHCPV6_SERVER_PORT, DHCPV6_CLIENT_PORT, answer);
      return true;
    });
  }

  private serveDns(forwarder: DnsForwarder): void {
    const { ipv4, ipv6 } = this.config;
    const isOurs = (to: Uint8Array): boolean => [ipv4, ipv6].some((net) => net?.dns.length === to.length && equalAt(to, 0, net.dns));
    this.udp.serve(DNS_PORT, (data, client) => {
      if (!isOurs(client.to)) return false;
      const route = this.iface.route(client.to, client.address, client.arrival.port, client.mac);
      forwarder.datagram(data, (answer) => this.udp.send(route, DNS_PORT, client.port, answer));
      return true;
    });
    for (const net of [ipv4, ipv6]) if (net !== undefined) this.tcpNat.serve(net.dns, DNS_PORT, (stream) => forwarder.connection(stream));
  }

  private serveTftp(folder: TftpFolder): void {
    const server = new TftpServer(this.timers, folder, this.config.mtu - 60);
    this.tftp = server;
    this.udp.serve(TFTP_PORT, (data, client) => {
      if (client.arrival.broadcast) return false;
      const route = this.iface.route(client.to, client.address, client.arrival.port, client.mac);
      server.datagram(data, `${route.neighbour.key} ${client.port}`, (answer) => this.udp.send(route, TFTP_PORT, client.port, answer));
      return true;
    });
  }

  private detached(port: Port): void {
    this.ports.delete(port);
    this.endFlows(port);
    for (const [key, station] of this.stations) if (station === port) this.stations.delete(key);
    this.iface.neighbours.forget(port);
  }

  private replaced(port: Port, flows: readonly TcpFlowState[]): void {
    this.endFlows(port);
    this.tcp.reset(port, flows);
  }

  private endFlows(port: Port): void {
    this.tcp.closeAll(port);
    this.udpNat.closeWhere((flow) => [...flow.byGuest.values()].some(({ route }) => route.neighbour.port === port));
  }
}

const NO_EVENTS = { connected: () => {}, data: () => {}, ended: () => {}, drained: () => {}, closed: () => {} };

function checkPort(what: string, port: number): void {
  if (!Number.isInteger(port) || port < 1 || port > 0xffff) throw new NetworkError('bad-option', `${what}: ${port} is not a port`);
}

export function createNetwork(options: NetworkOptions): Network {
  return new Network(options);
}
