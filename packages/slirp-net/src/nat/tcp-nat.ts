import type { NetworkCounters } from '../counters.js';
import type { HostAddress, HostFailure, HostNetwork, HostStream, HostStreamEvents, HostTarget } from '../host-network.js';
import type { Arrival } from '../iface/arrival.js';
import type { Icmp } from '../iface/icmp.js';
import type { TcpConnection, TcpEnd, TcpUser } from '../socket/tcp-connection.js';
import { formatAddress } from '../wire/address.js';
import { writeU32, writeU16 } from '../wire/bytes.js';
import type { IcmpErrorKind } from '../wire/icmp.js';
import { IPPROTO_TCP, IPV4_HEADER, IPV6_HEADER, writeIpv4, writeIpv6 } from '../wire/ip.js';
import type { Destinations } from './destinations.js';
import { FunctionStream, type StreamHandler } from './function-stream.js';
import type { FlowRequest, PolicyDecision } from './policy.js';

export interface TcpNatContext {
  readonly host: HostNetwork;
  readonly counters: NetworkCounters;
  readonly destinations: Destinations;
  readonly icmp: Icmp;
  readonly decide: (flow: FlowRequest) => PolicyDecision;
}

/** Why a dial failed, in words that end the guest's attempt at once; the others are a RST. */
const ERRORS: Readonly<Partial<Record<HostFailure, IcmpErrorKind>>> = {
  'net-unreachable': 'network',
  'host-unreachable': 'host',
  timeout: 'host',
  prohibited: 'prohibited',
};

/** A guest's connection and the host's, joined. */
export class TcpFlow implements TcpUser, HostStreamEvents {
  stream: HostStream | undefined;
  private paused = false;
  private dialled = false;
  private streamOver = false;
  private streamEnded = false;

  constructor(
    readonly connection: TcpConnection,
    private readonly context: Pick<TcpNatContext, 'icmp' | 'counters'>,
    /** `out`: the guest opened it. */
    readonly direction: 'out' | 'in',
  ) {
    connection.user = this;
  }

  // The guest's side

  established(): void {
    if (this.direction === 'in') this.stream?.resume();
  }

  received(bytes: Uint8Array): void {
    this.stream?.write(bytes);
  }

  backlog(): number {
    return this.stream === undefined ? 0 : this.stream.queued;
  }

  receivedEnd(): void {
    this.stream?.end();
  }

  sendable(): void {
    if (!this.paused) return;
    this.paused = false;
    this.stream?.resume();
  }

  finished(why: TcpEnd): void {
    if (this.streamOver) return;
    if (why !== 'done') this.stream?.abort();
    // In order: both have said that they end, and the host's socket closes by itself.
    this.streamOver = true;
  }

  // The host's side

  connected(): void {
    this.dialled = true;
    if (this.direction === 'out') this.connection.accept();
  }

  data(bytes: Uint8Array): void {
    if (this.streamOver) return;
    this.connection.write(bytes);
    if (!this.paused && this.connection.queued >= this.connection.bufferSize) {
      this.paused = true;
      this.stream?.pause();
    }
  }

  ended(): void {
    this.streamEnded = true;
    this.connection.end();
  }

  drained(): void {
    this.connection.drained();
  }

  closed(failure?: HostFailure): void {
    if (this.streamOver) return;
    this.streamOver = true;
    const { connection } = this;
    if (this.dialled || this.direction === 'in') {
      if (failure !== undefined || !this.streamEnded) connection.abort();
      return;
    }
    this.context.counters.tcpRefused++;
    const error = failure === undefined ? undefined : ERRORS[failure];
    if (error === undefined) connection.refuse();
    else {
      // RFC 1122 4.2.3.9: in SYN-SENT an unreachable destination ends the attempt.
      this.context.icmp.sendError(connection.route, quote(connection), error, 0);
      connection.drop();
    }
  }
}

/** Joins connections of guests with connections of the host. */
export class TcpNat {
  private readonly services = new Map<string, HostTarget | StreamHandler>();

  constructor(private readonly context: TcpNatContext) {}

  /** What guests reach at `address` and `port`, before anything else. */
  serve(address: Uint8Array, port: number, to: HostTarget | StreamHandler): () => void {
    const key = `${formatAddress(address)} ${port}`;
    this.services.set(key, to);
    return () => {
      if (this.services.get(key) === to) this.services.delete(key);
    };
  }

  isServed(address: Uint8Array, port: number): boolean {
    return this.services.has(`${formatAddress(address)} ${port}`);
  }

  /** A guest opens a connection. @returns false: refused */
  open(connection: TcpConnection, arrival: Arrival): boolean {
    const { context } = this;
    const flow = new TcpFlow(connection, context, 'out');
    const { source, destination } = connection.route;
    const remote: HostAddress = { address: formatAddress(source), port: connection.localPort };
    const guest: HostAddress = { address: formatAddress(destination), port: connection.remotePort };
    const service = this.services.get(`${remote.address} ${remote.port}`);
    if (typeof service === 'function') {
      flow.stream = new FunctionStream(guest, remote).start(flow, service);
      return true;
    }
    if (service !== undefined) {
      flow.stream = context.host.connect(service, flow);
      return true;
    }
    const destinationOf = context.destinations.translate(source);
    if (destinationOf.kind === 'refused') {
      // A closed port of ours is a RST; an address that nobody has is unreachable.
      if (arrival.toUs) return false;
      context.counters.tcpRefused++;
      context.icmp.sendError(connection.route, quote(connection), destinationOf.error, 0);
      connection.drop();
      return true;
    }
    const decision = context.decide({ protocol: 'tcp', direction: 'out', guest, remote });
    if (decision === 'deny') return false;
    flow.stream = context.host.connect(decision === 'allow' ? { address: destinationOf.address, port: remote.port } : decision, flow);
    return true;
  }

  /** Somebody came through a host forward. */
  inward(connection: TcpConnection, stream: HostStream): HostStreamEvents {
    const flow = new TcpFlow(connection, this.context, 'in');
    flow.stream = stream;
    connection.connect();
    this.context.counters.tcpOpened++;
    return flow;
  }
}

/** The headers of the SYN that went nowhere, as far as an error has to show them (RFC 792: eight bytes of data). */
function quote({ route, localPort, remotePort, receiver }: TcpConnection): Uint8Array {
  const header = route.family === 4 ? IPV4_HEADER : IPV6_HEADER;
  const bytes = new Uint8Array(header + 8);
  const fields = { source: route.destination, destination: route.source, protocol: IPPROTO_TCP, length: 20, hopLimit: 64 };
  if (route.family === 4) writeIpv4(bytes, 0, { ...fields, identification: 0, fragment: 0 });
  else writeIpv6(bytes, 0, fields);
  writeU16(bytes, header, remotePort);
  writeU16(bytes, header + 2, localPort);
  writeU32(bytes, header + 4, receiver.next - 1);
  return bytes;
}
