import type { NetworkClock } from '../clock.js';
import type { NetworkCounters } from '../counters.js';
import { type Arrival, destinationOf, sourceOf } from '../iface/arrival.js';
import type { Interface, Route } from '../iface/interface.js';
import type { Port } from '../iface/port.js';
import type { NetworkTimer } from '../timers.js';
import type { TcpFlowState } from '../port-state.js';
import { readI32, readU32, writeU16, writeU32 } from '../wire/bytes.js';
import { IPPROTO_TCP } from '../wire/ip.js';
import { ACK, emptyTcpSegment, FIN, parseTcp, RST, SYN, TCP_HEADER, type TcpSegment } from '../wire/tcp.js';
import { FlowTable } from './flow-table.js';
import { PiecePool } from './send-queue.js';
import { TcpConnection, type TcpShared, type TcpState } from './tcp-connection.js';

export interface TcpLayerContext {
  readonly iface: Interface;
  readonly clock: NetworkClock;
  readonly counters: NetworkCounters;
  readonly bufferSize: number;
  readonly totalBuffer: number;
  readonly random: () => number;
  readonly maxFlows: number;
  readonly maxHalfOpen: number;
  /** A guest's SYN, whose connection is held: who answers it sets `user`. @returns false: refused */
  readonly open: (connection: TcpConnection, arrival: Arrival) => boolean;
}

/** Enough for eleven segments: a connection works, if slowly, among thousands. */
const MIN_BUFFER = 16_384;

/** All connections: finds the one of a segment, opens and forgets them, and runs what was put off to the end of a turn. */
export class TcpLayer implements TcpShared {
  readonly iface: Interface;
  readonly maxBufferSize: number;
  bufferSize: number;
  readonly count: NetworkCounters;
  readonly pieces = new PiecePool();
  readonly sackStarts = new Int32Array(4);
  readonly sackEnds = new Int32Array(4);
  private readonly flows: FlowTable<TcpConnection>;
  private readonly segment: TcpSegment = emptyTcpSegment();
  private due: TcpConnection[] = [];
  private running: TcpConnection[] = [];
  private deferred = false;
  private readonly waiting = new Set<TcpConnection>();
  /** Connections of a guest that was restored: those for which its card had no room yet. */
  private readonly resets = new Map<Port, readonly TcpFlowState[]>();
  private halfOpen = 0;
  private nextPort: number;

  constructor(private readonly context: TcpLayerContext) {
    this.iface = context.iface;
    this.bufferSize = this.maxBufferSize = context.bufferSize;
    this.count = context.counters;
    this.flows = new FlowTable((context.random() * 0x1_0000_0000) | 0);
    this.nextPort = 49_152 + Math.floor(context.random() * 16_384);
  }

  get size(): number {
    return this.flows.size;
  }

  [Symbol.iterator](): IterableIterator<TcpConnection> {
    return this.flows[Symbol.iterator]();
  }

  input(arrival: Arrival): void {
    const { packet } = arrival;
    const { segment, flows, context } = this;
    if (!parseTcp(packet, segment)) {
      context.counters.malformed++;
      return;
    }
    const words = this.probe(arrival);
    let connection = flows.find(words);
    if (connection !== undefined && (connection.mayReopen(segment) || (connection.state === 'held' && (segment.flags & (SYN | ACK | RST)) === SYN && !connection.isHeld(segment)))) {
      connection.drop();
      connection = undefined;
    }
    if (connection === undefined) this.unknown(arrival, words);
    else if (!connection.isHeld(segment) || (segment.flags & SYN) === 0) connection.input(segment);
    segment.bytes = NOTHING;
  }

  /** A connection from `route.source` to the guest's `port`, not begun yet; undefined when there are too many. */
  outward(route: Route, port: number): TcpConnection | undefined {
    if (this.flows.size >= this.context.maxFlows) return undefined;
    const words = route.source.length >> 2;
    const { probe } = this.flows;
    for (let i = 0; i < words; i++) {
      probe[i] = readU32(route.destination, 4 * i);
      probe[words + i] = readU32(route.source, 4 * i);
    }
    for (let tries = 0; tries < 16_384; tries++) {
      this.nextPort = this.nextPort >= 0xffff ? 49_152 : this.nextPort + 1;
      probe[2 * words] = ((port << 16) | this.nextPort) >>> 0;
      if (this.flows.find(2 * words + 1) !== undefined) continue;
      const connection = new TcpConnection(probe.slice(0, 2 * words + 1), route, this.nextPort, port, this);
      this.flows.add(connection);
      this.halfOpen++;
      return connection;
    }
    return undefined;
  }

  /** A card has room again. */
  unblocked(port: Port): void {
    this.resume(port);
    for (const connection of [...this.waiting]) {
      if (connection.route.neighbour.port !== port) continue;
      this.waiting.delete(connection);
      this.schedule(connection);
    }
  }

  /** Everything is over, without a word to guests that are gone. @param port all guests when absent */
  closeAll(port?: Port): void {
    for (const connection of [...this.flows]) if (port === undefined || connection.route.neighbour.port === port) connection.drop();
    if (port === undefined) this.resets.clear();
    else this.resets.delete(port);
  }

  /** What the guest behind a port believes in. */
  save(port: Port): TcpFlowState[] {
    const flows = [...(this.resets.get(port) ?? [])];
    for (const connection of this.flows) {
      const { state, sender, receiver, remotePort, localPort } = connection;
      const { source, destination, neighbour } = connection.route;
      // A SYN that is held comes again, and is dialled where it arrives; in TIME-WAIT the guest is through.
      if (neighbour.port !== port || neighbour.mac === undefined || state === 'held' || state === 'time-wait') continue;
      flows.push({
        guestMac: neighbour.mac.slice(),
        guest: destination.slice(),
        guestPort: remotePort,
        remote: source.slice(),
        remotePort: localPort,
        unacknowledged: sender.una >>> 0,
        sent: sender.max >>> 0,
        received: receiver.next >>> 0,
      });
    }
    return flows;
  }

  /** Tells the guest behind a port that these connections are no more, as fast as its card takes it. */
  reset(port: Port, flows: readonly TcpFlowState[]): void {
    this.resets.set(port, flows);
    this.resume(port);
  }

  // TcpShared

  createTimer(fire: () => void): NetworkTimer {
    return this.iface.timers.create(fire);
  }

  nowMs(): number {
    return this.iface.timers.nowMs();
  }

  random(): number {
    return this.context.random();
  }

  schedule(connection: TcpConnection): void {
    if (connection.scheduled) return;
    connection.scheduled = true;
    this.due.push(connection);
    if (this.deferred) return;
    this.deferred = true;
    this.context.clock.defer(this.flush);
  }

  waitForRoom(connection: TcpConnection): void {
    this.waiting.add(connection);
  }

  stateChanged(connection: TcpConnection, before: TcpState): void {
    if (isHalfOpen(before)) this.halfOpen--;
    if (isHalfOpen(connection.state)) this.halfOpen++;
    if (before === 'held') this.share();
    if (connection.state !== 'closed') return;
    this.flows.delete(connection);
    this.share();
    this.waiting.delete(connection);
  }

  /** What all may hold, in equal parts. */
  private share(): void {
    const { bufferSize, totalBuffer } = this.context;
    this.bufferSize = Math.min(bufferSize, Math.max(MIN_BUFFER, Math.floor(totalBuffer / Math.max(1, this.flows.size))));
  }

  private readonly flush = (): void => {
    // One round: what the flushes bring about comes in the next turn, so that sockets are served between.
    this.deferred = false;
    const { due } = this;
    this.due = this.running;
    this.running = due;
    for (const connection of due) connection.flush();
    due.length = 0;
  };

  private resume(port: Port): void {
    const flows = this.resets.get(port);
    if (flows === undefined) return;
    let told = 0;
    for (; told < flows.length && !port.blocked; told++) this.tell(port, flows[told]);
    if (told === flows.length) this.resets.delete(port);
    else this.resets.set(port, flows.slice(told));
  }

  /**
   * A reset counts where it has exactly the number that the guest expects (RFC 5961 3.2), and that is `sent` unless something was lost or found no
   * room. Then there is an answer to what has an old number, as after any half-open connection (RFC 9293 3.5.1): it names the right one, and is
   * refused with it.
   */
  private tell(port: Port, { guest, guestMac, guestPort, remote, remotePort, unacknowledged, sent, received }: TcpFlowState): void {
    const route = this.iface.route(remote, guest, port, guestMac);
    this.count.tcpResetsSent++;
    this.sendBare(route, remotePort, guestPort, sent, received, RST | ACK);
    this.sendBare(route, remotePort, guestPort, unacknowledged - 1, received, ACK);
  }

  private probe({ packet: { bytes, sourceAt, addressLength, payloadStart } }: Arrival): number {
    const { probe } = this.flows;
    const words = addressLength >> 1;
    // The two addresses lie one after the other, and so do the two ports.
    for (let i = 0; i < words; i++) probe[i] = readI32(bytes, sourceAt + 4 * i);
    probe[words] = readI32(bytes, payloadStart);
    return words + 1;
  }

  private unknown(arrival: Arrival, words: number): void {
    const { segment, flows, context } = this;
    const { flags } = segment;
    if ((flags & RST) !== 0) return;
    const opens = (flags & (SYN | ACK | FIN)) === SYN && segment.sourcePort !== 0 && segment.destinationPort !== 0;
    // A flood of SYNs is not answered: who meant it tries again.
    if (opens && this.halfOpen >= context.maxHalfOpen) {
      context.counters.ignored++;
      return;
    }
    const route = this.iface.route(destinationOf(arrival), sourceOf(arrival), arrival.port, arrival.frame.slice(6, 12));
    if (!opens || flows.size >= context.maxFlows) {
      this.refuse(route);
      return;
    }
    const connection = new TcpConnection(flows.probe.slice(0, words), route, segment.destinationPort, segment.sourcePort, this);
    flows.add(connection);
    this.halfOpen++;
    connection.hold(segment);
    context.counters.tcpOpened++;
    if (context.open(connection, arrival)) return;
    context.counters.tcpRefused++;
    connection.refuse();
  }

  /** RFC 9293 3.10.7.1: a segment without a connection is reset. */
  private refuse(route: Route): void {
    const { segment } = this;
    const acknowledges = (segment.flags & ACK) !== 0;
    const length = segment.dataEnd - segment.dataStart + ((segment.flags & SYN) !== 0 ? 1 : 0) + ((segment.flags & FIN) !== 0 ? 1 : 0);
    this.count.tcpResetsSent++;
    this.sendBare(route, segment.destinationPort, segment.sourcePort, acknowledges ? segment.ack : 0, acknowledges ? 0 : segment.seq + length, acknowledges ? RST : RST | ACK);
  }

  /** A header without a connection, and without a window. */
  private sendBare(route: Route, from: number, to: number, seq: number, ack: number, flags: number): void {
    const { iface } = this;
    const { bytes } = iface;
    const at = iface.begin(route);
    writeU16(bytes, at, from);
    writeU16(bytes, at + 2, to);
    writeU32(bytes, at + 4, seq);
    writeU32(bytes, at + 8, ack);
    bytes[at + 12] = TCP_HEADER << 2;
    bytes[at + 13] = flags;
    writeU32(bytes, at + 14, 0);
    writeU16(bytes, at + 18, 0);
    iface.finish(route, IPPROTO_TCP, TCP_HEADER);
  }
}

function isHalfOpen(state: TcpState): boolean {
  return state === 'held' || state === 'syn-received';
}

const NOTHING = new Uint8Array(0);
