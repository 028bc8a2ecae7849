import type { NetworkClock } from '../clock.js';
import { emptyCounters } from '../counters.js';
import type { Arrival } from '../iface/arrival.js';
import { Interface } from '../iface/interface.js';
import type { NetworkPort } from '../iface/port.js';
import { Port } from '../iface/port.js';
import type { TcpConnection, TcpEnd, TcpUser } from '../socket/tcp-connection.js';
import { TcpLayer } from '../socket/tcp-layer.js';
import { UdpLayer } from '../socket/udp-layer.js';
import { NetworkTimers } from '../timers.js';
import { parseAddress, parseMac } from '../wire/address.js';
import { ARP_REPLY, ARP_REQUEST, buildArp, parseArp } from '../wire/arp.js';
import { equalAt, readU16 } from '../wire/bytes.js';
import { ETHERNET_HEADER, ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../wire/ethernet.js';
import { emptyIpPacket, IPPROTO_TCP, IPPROTO_UDP, parseIpv4, parseIpv6 } from '../wire/ip.js';
import { Reassembly } from '../iface/reassembly.js';

export interface GuestStackOptions {
  /** Its own: a clock has one alarm. `HandClock.second()` makes one that goes along. */
  readonly clock: NetworkClock;
  readonly port: Pick<NetworkPort, 'send' | 'attach'>;
  readonly random?: () => number;
  readonly address?: string;
  readonly address6?: string;
  readonly mac?: string;
  /** The gateway's, which the guest would learn by ARP. */
  readonly gatewayMac?: string;
  readonly mtu?: number;
  readonly bufferSize?: number;
}

export interface GuestDatagram {
  readonly from: string;
  readonly data: Uint8Array;
}

/** A guest's socket, in a test's hands. */
export class GuestSocket implements TcpUser {
  readonly parts: Uint8Array[] = [];
  receivedBytes = 0;
  open = false;
  remoteEnded = false;
  why: TcpEnd | undefined;
  onReceived: ((bytes: Uint8Array) => void) | undefined;
  onSendable: (() => void) | undefined;
  /** Bytes that the program has not read: they shut the window. */
  unread = 0;
  keep = true;

  constructor(readonly connection: TcpConnection) {
    connection.user = this;
  }

  established(): void {
    this.open = true;
    this.onSendable?.();
  }
  received(bytes: Uint8Array): void {
    this.receivedBytes += bytes.length;
    if (this.keep) this.parts.push(bytes);
    this.onReceived?.(bytes);
  }
  backlog(): number {
    return this.unread;
  }
  receivedEnd(): void {
    this.remoteEnded = true;
  }
  sendable(): void {
    this.onSendable?.();
  }
  finished(why: TcpEnd): void {
    this.why = why;
  }
  all(): Uint8Array {
    const bytes = new Uint8Array(this.receivedBytes);
    let at = 0;
    for (const part of this.parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}

/** A guest with a small TCP/IP stack (the network's own engine, seen from the other end), for tests and benchmarks. */
export class GuestStack {
  readonly iface: Interface;
  readonly tcp: TcpLayer;
  readonly udp: UdpLayer;
  readonly datagrams: GuestDatagram[] = [];
  readonly accepted: GuestSocket[] = [];
  listening = true;
  private readonly own4: Uint8Array;
  private readonly own6: Uint8Array;
  private readonly mac: Uint8Array;
  private readonly gatewayMac: Uint8Array;
  private readonly link: Port;
  private readonly arrival: Arrival;
  private readonly reassembly: Reassembly;

  constructor(private readonly options: GuestStackOptions) {
    const { clock, port, mtu = 1500, random = Math.random } = options;
    this.own4 = parseAddress(options.address ?? '10.0.2.15') as Uint8Array;
    this.own6 = parseAddress(options.address6 ?? 'fec0::15') as Uint8Array;
    this.mac = parseMac(options.mac ?? '52:54:00:12:34:56') as Uint8Array;
    this.gatewayMac = parseMac(options.gatewayMac ?? '52:55:0a:00:02:02') as Uint8Array;
    const timers = new NetworkTimers(clock);
    const counters = emptyCounters();
    this.iface = new Interface(timers, this.mac, mtu, counters, { solicit: () => {}, unreachable: () => {} });
    this.tcp = new TcpLayer({
      iface: this.iface,
      clock,
      counters,
      bufferSize: options.bufferSize ?? 1 << 19,
      totalBuffer: 2 ** 40,
      random,
      maxFlows: 1 << 20,
      maxHalfOpen: 1 << 20,
      open: (connection) => {
        if (!this.listening) return false;
        this.accepted.push(new GuestSocket(connection));
        connection.accept();
        return true;
      },
    });
    this.udp = new UdpLayer({ iface: this.iface, counters, forward: () => {} });
    this.reassembly = new Reassembly(timers);
    // What the stack sends leaves by the card.
    this.link = new Port(timers, { input: () => {}, alone: () => true, unblocked: () => {}, detached: () => {}, flows: () => [], replaced: () => {} }, []);
    this.link.attach((frame) => {
      port.send(frame);
      return true;
    });
    this.arrival = { packet: emptyIpPacket(), port: this.link, frame: new Uint8Array(0), toUs: true, broadcast: false };
    port.attach((frame) => this.input(frame));
    // So that the network knows where the guest is, as after any ARP.
    port.send(buildArp(ARP_REQUEST, { mac: this.mac, address: this.own4 }, { address: this.own4 }));
  }

  connect(address: string, port: number): GuestSocket {
    const connection = this.tcp.outward(this.routeTo(address), port);
    if (connection === undefined) throw new Error('no port is left');
    const socket = new GuestSocket(connection);
    connection.connect();
    return socket;
  }

  sendUdp(from: number, address: string, port: number, data: Uint8Array): void {
    this.udp.send(this.routeTo(address), from, port, data);
  }

  input(frame: Uint8Array): boolean {
    const type = readU16(frame, 12);
    if (type === ETHERTYPE_ARP) {
      const arp = parseArp(frame);
      if (arp?.operation === ARP_REQUEST && equalAt(arp.target, 0, this.own4)) this.options.port.send(buildArp(ARP_REPLY, { mac: this.mac, address: this.own4 }, { mac: arp.senderMac, address: arp.sender }));
    } else if (type === ETHERTYPE_IPV4) this.packet(frame, frame, ETHERNET_HEADER, 4);
    else if (type === ETHERTYPE_IPV6) this.packet(frame, frame, ETHERNET_HEADER, 6);
    return true;
  }

  private routeTo(address: string): ReturnType<Interface['route']> {
    const bytes = parseAddress(address) as Uint8Array;
    return this.iface.route(bytes.length === 4 ? this.own4 : this.own6, bytes, this.link, this.gatewayMac);
  }

  private packet(frame: Uint8Array, bytes: Uint8Array, start: number, family: 4 | 6): void {
    const { packet } = this.arrival;
    if (!(family === 4 ? parseIpv4 : parseIpv6)(bytes, start, bytes.length, packet)) return;
    this.arrival.frame = frame;
    if (packet.fragmentOffset !== 0 || packet.moreFragments) {
      const whole = this.reassembly.add(packet);
      if (whole !== undefined) this.packet(frame, whole, 0, family);
      return;
    }
    if (packet.protocol === IPPROTO_TCP) this.tcp.input(this.arrival);
    else if (packet.protocol === IPPROTO_UDP) {
      const { payloadStart: at, payloadEnd: end, sourceAt, addressLength } = packet;
      const from = [...bytes.subarray(sourceAt, sourceAt + addressLength)].join('.');
      this.datagrams.push({ from: `${from}:${readU16(bytes, at)}`, data: bytes.slice(at + 8, end) });
    }
  }
}
