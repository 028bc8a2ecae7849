import type { Interface, Route } from '../iface/interface.js';
import type { NetworkTimer } from '../timers.js';
import { IPPROTO_TCP } from '../wire/ip.js';
import { writeU16, writeU32 } from '../wire/bytes.js';
import { ACK, DEFAULT_MSS, DEFAULT_MSS_V6, FIN, OPTION_MSS, OPTION_SACK, OPTION_SACK_PERMITTED, OPTION_WINDOW_SCALE, RST, SYN, TCP_HEADER, type TcpSegment } from '../wire/tcp.js';
import type { Keyed } from './flow-table.js';
import { ReceiveQueue } from './receive-queue.js';
import type { PiecePool } from './send-queue.js';
import { type SenderPort, TcpSender } from './tcp-sender.js';

/** RFC 9293 3.3.2; `held` is a SYN that is not answered until the host's connection stands. */
export type TcpState = 'held' | 'syn-sent' | 'syn-received' | 'established' | 'fin-wait-1' | 'fin-wait-2' | 'close-wait' | 'closing' | 'last-ack' | 'time-wait' | 'closed';

export type TcpEnd = 'done' | 'reset' | 'refused' | 'timeout';

/** Who uses a connection: what lies behind it. */
export interface TcpUser {
  established(): void;
  /** The array is the user's from here on. */
  received(bytes: Uint8Array): void;
  /** Bytes that `received` gave and that are not disposed of: they keep the window small. */
  backlog(): number;
  /** The guest's FIN, after all it sent. */
  receivedEnd(): void;
  /** Less than half of the buffer waits to be sent. */
  sendable(): void;
  /** Both directions are over; the connection may live on in TIME-WAIT. Called once. */
  finished(why: TcpEnd): void;
}

/** What connections have in common. */
export interface TcpShared {
  readonly iface: Interface;
  /** Bytes that a connection may hold in either direction now: less, the more connections there are. */
  readonly bufferSize: number;
  readonly maxBufferSize: number;
  createTimer(fire: () => void): NetworkTimer;
  nowMs(): number;
  random(): number;
  /** Calls `flush` of the connection when the code that runs now is through. */
  schedule(connection: TcpConnection): void;
  /** Calls `flush` when the guest's card has room again. */
  waitForRoom(connection: TcpConnection): void;
  stateChanged(connection: TcpConnection, before: TcpState): void;
  /** Memory for what waits to be sent. */
  readonly pieces: PiecePool;
  /** Scratch for SACK blocks. */
  readonly sackStarts: Int32Array;
  readonly sackEnds: Int32Array;
  readonly count: { tcpRetransmitted: number; tcpResetsSent: number };
}

/** Before somebody uses it. */
const NOBODY: TcpUser = { established: () => {}, received: () => {}, backlog: () => 0, receivedEnd: () => {}, sendable: () => {}, finished: () => {} };

/** RFC 9293 4.2: less than 500 ms; a writer who waits for it (Nagle) should not wait long. */
const ACK_DELAY_MS = 10;
/** RFC 9293 3.8.4: two hours. */
const KEEPALIVE_IDLE_MS = 7_200_000;
const KEEPALIVE_INTERVAL_MS = 75_000;
const KEEPALIVE_PROBES = 9;
/** Twice a maximum segment lifetime, which on a link without routers is nothing like RFC 9293's two minutes. */
const TIME_WAIT_MS = 10_000;
const SYN_RETRIES = 6;

/** Of TCP payload in one frame to a card that cuts: with its headers it is still one IP packet. */
const LARGEST_SEGMENT = 65_000;

/** One TCP connection with a guest (RFC 9293), either side of which may have opened it. */
export class TcpConnection implements Keyed, SenderPort {
  nextInBucket: this | undefined;
  state: TcpState;
  readonly sender: TcpSender;
  readonly receiver: ReceiveQueue;
  user: TcpUser = NOBODY;
  /** Whether the layer has it in its list for `flush`. */
  scheduled = false;
  bytesFromGuest = 0;
  bytesToGuest = 0;
  packetsFromGuest = 0;
  packetsToGuest = 0;
  retransmissions = 0;
  readonly openedMs: number;
  private iss = 0;
  /** The right edge of the window that was announced. */
  private edge = 0;
  private ourScale: number;
  private theirScale = 0;
  private scaling = false;
  private ackNow = false;
  private unacked = 0;
  private finAt: number | undefined;
  private finReceived = false;
  private peerMss = 0;
  private timer: NetworkTimer | undefined;
  private ackTimer: NetworkTimer | undefined;
  private attempts = 0;
  private heardMs: number;
  private heard = false;
  private ended = false;
  private wasFull = false;

  constructor(
    readonly key: Uint32Array,
    readonly route: Route,
    readonly localPort: number,
    readonly remotePort: number,
    private readonly shared: TcpShared,
  ) {
    this.state = 'held';
    this.sender = new TcpSender(this, (fire) => shared.createTimer(fire), shared.pieces);
    this.receiver = new ReceiveQueue((bytes) => this.user.received(bytes));
    this.openedMs = this.heardMs = shared.nowMs();
    this.ourScale = 0;
    while (shared.maxBufferSize >>> this.ourScale > 0xffff) this.ourScale++;
  }

  /** Remembers a guest's SYN, unanswered. */
  hold(segment: TcpSegment): void {
    this.takeSyn(segment);
  }

  /** Whether `segment` is the SYN that is held, once more. */
  isHeld(segment: TcpSegment): boolean {
    return this.state === 'held' && ((segment.seq + 1) | 0) === this.receiver.next;
  }

  /** Answers the held SYN. */
  accept(): void {
    this.begin('syn-received');
  }

  /** Refuses the held SYN. */
  refuse(): void {
    this.sendReset(0, this.receiver.next);
    this.finish('refused');
  }

  /** Opens a connection to the guest. */
  connect(): void {
    this.begin('syn-sent');
  }

  /** Bytes that wait to be sent or acknowledged. */
  get queued(): number {
    return this.sender.queue.length;
  }

  get bufferSize(): number {
    return this.shared.bufferSize;
  }

  get srttMs(): number {
    return this.sender.rto.srttMs;
  }

  /** The array is the connection's from here on. */
  write(bytes: Uint8Array): void {
    if (this.sender.finQueued || this.ended) return;
    this.sender.queue.push(bytes);
    if (this.sender.queue.length >= this.shared.bufferSize) this.wasFull = true;
    this.shared.schedule(this);
  }

  /** FIN, after all that was written. */
  end(): void {
    if (this.sender.finQueued || this.ended) return;
    this.sender.finQueued = true;
    if (this.state === 'established') this.become('fin-wait-1');
    else if (this.state === 'close-wait') this.become('last-ack');
    this.shared.schedule(this);
  }

  /** Ends it without a word: something else has told the guest. */
  drop(): void {
    this.finish('refused');
  }

  /** RST, without further ado. */
  abort(): void {
    if (this.state === 'closed') return;
    if (this.state === 'held') {
      this.refuse();
      return;
    }
    // RFC 9293 3.10.5: nothing is said in SYN-SENT, there is no connection yet.
    if (this.state !== 'syn-sent' && this.state !== 'time-wait') this.sendReset(this.sender.nxt, this.receiver.next);
    this.finish('reset');
  }

  /** The user's backlog became less: the window may open. */
  drained(): void {
    if (this.state === 'closed' || this.finReceived) return;
    if (this.windowAdvance() > 0) this.shared.schedule(this);
  }

  /** A segment for this connection, well-formed. */
  input(segment: TcpSegment): void {
    this.packetsFromGuest++;
    this.heard = true;
    if (this.state === 'syn-sent') {
      this.inputSynSent(segment);
      return;
    }
    if (this.state === 'held') {
      if ((segment.flags & RST) !== 0 && segment.seq === this.receiver.next) this.finish('reset');
      return;
    }
    const { flags } = segment;
    const length = segment.dataEnd - segment.dataStart;
    if (!this.isAcceptable(segment.seq, length + ((flags & FIN) !== 0 ? 1 : 0))) {
      if ((flags & RST) !== 0) return;
      // Our SYN-ACK was lost when the SYN comes again.
      if (this.state === 'syn-received' && (flags & (SYN | ACK)) === SYN && ((segment.seq + 1) | 0) === this.receiver.next) this.sendSyn();
      // RFC 9293 3.10.7.4: a window of zero accepts nothing, but acknowledgements count.
      else {
        if (segment.seq === this.receiver.next && (flags & (ACK | SYN)) === ACK) this.takeAck(segment);
        this.challenge();
      }
      return;
    }
    if ((flags & RST) !== 0) {
      // RFC 5961 3.2: exactly the next number, or it is asked for.
      if (segment.seq === this.receiver.next) this.finish(this.state === 'syn-received' ? 'refused' : 'reset');
      else this.challenge();
      return;
    }
    if ((flags & SYN) !== 0) {
      // RFC 5961 4.2: in whatever state, the other end has to confirm.
      this.challenge();
      return;
    }
    if ((flags & ACK) === 0 || !this.takeAck(segment)) return;
    if (length > 0) this.takeData(segment, length);
    if ((flags & FIN) !== 0 && !this.finReceived) this.finAt = (segment.seq + length) | 0;
    if (this.finAt !== undefined && this.finAt === this.receiver.next) this.takeFin();
    this.shared.schedule(this);
  }

  /** What many segments of one turn have in common: bytes to the host, data and acknowledgement to the guest. */
  flush(): void {
    this.scheduled = false;
    if (this.heard) {
      this.heard = false;
      this.heardMs = this.shared.nowMs();
    }
    if (this.state === 'closed' || this.state === 'held') return;
    this.receiver.flush();
    if (this.finReceived && !this.finDelivered) {
      this.finDelivered = true;
      this.user.receivedEnd();
    }
    if (this.blocked) this.shared.waitForRoom(this);
    else this.sender.output();
    if (this.wasFull && this.sender.queue.length <= this.shared.bufferSize >>> 1) {
      this.wasFull = false;
      this.user.sendable();
    }
    if (this.ackNow || this.unacked >= 2 * this.sender.mss || this.windowAdvance() >= Math.min(2 * this.sender.mss, this.shared.bufferSize >>> 1)) this.sendAck();
    else if (this.unacked > 0) {
      this.ackTimer ??= this.shared.createTimer(() => this.sendAck());
      if (!this.ackTimer.armed) this.ackTimer.arm(this.shared.nowMs() + ACK_DELAY_MS);
    }
  }
  private finDelivered = false;

  // SenderPort

  nowMs(): number {
    return this.shared.nowMs();
  }

  get blocked(): boolean {
    return this.route.neighbour.port?.blocked === true;
  }

  get largest(): number {
    const { mss } = this.sender;
    return this.shared.iface.givesOffloads(this.route) ? Math.max(1, Math.floor(LARGEST_SEGMENT / mss)) * mss : mss;
  }

  emit(seq: number, length: number, flags: number): void {
    const { iface } = this.shared;
    const { bytes } = iface;
    const at = iface.begin(this.route);
    const options = this.receiver.gaps && this.sender.sack && length < this.sender.mss - 12 ? this.writeSack(bytes, at + TCP_HEADER) : 0;
    const header = TCP_HEADER + options;
    if (length > 0) this.sender.queue.copy((seq - this.sender.una) | 0, length, bytes, at + header);
    this.bytesToGuest += length;
    this.send(seq, this.receiver.next, flags, header, length);
  }

  gaveUp(): void {
    if (this.state === 'syn-sent' || this.state === 'syn-received') {
      this.finish('timeout');
      return;
    }
    this.sendReset(this.sender.nxt, this.receiver.next);
    this.finish('timeout');
  }

  retransmitted(): void {
    this.retransmissions++;
    this.shared.count.tcpRetransmitted++;
  }

  // Segments out

  private send(seq: number, ack: number, flags: number, header: number, length: number): void {
    const { iface } = this.shared;
    const { bytes } = iface;
    const at = iface.begin(this.route);
    writeU16(bytes, at, this.localPort);
    writeU16(bytes, at + 2, this.remotePort);
    writeU32(bytes, at + 4, seq);
    writeU32(bytes, at + 8, ack);
    bytes[at + 12] = header << 2;
    bytes[at + 13] = flags;
    let window: number;
    if ((flags & SYN) !== 0) window = Math.min(0xffff, (this.edge - ack) | 0);
    else {
      this.openWindow();
      window = Math.min(0xffff, ((this.edge - ack) | 0) >>> this.scaleOut);
    }
    writeU16(bytes, at + 14, window);
    writeU16(bytes, at + 18, 0);
    this.packetsToGuest++;
    if ((flags & ACK) !== 0) {
      this.ackNow = false;
      this.unacked = 0;
      this.ackTimer?.cancel();
    }
    iface.finish(this.route, IPPROTO_TCP, header + length, undefined, length > this.sender.mss ? this.sender.mss : 0);
  }

  private sendAck(): void {
    const { iface } = this.shared;
    if (this.state === 'closed') return;
    const at = iface.begin(this.route);
    const options = this.receiver.gaps && this.sender.sack ? this.writeSack(iface.bytes, at + TCP_HEADER) : 0;
    this.send(this.sender.nxt, this.receiver.next, ACK, TCP_HEADER + options, 0);
  }

  private writeSack(bytes: Uint8Array, at: number): number {
    const { sackStarts, sackEnds } = this.shared;
    const count = this.receiver.blocks(sackStarts, sackEnds, 4);
    bytes[at] = bytes[at + 1] = 1;
    bytes[at + 2] = OPTION_SACK;
    bytes[at + 3] = 2 + 8 * count;
    for (let i = 0; i < count; i++) {
      writeU32(bytes, at + 4 + 8 * i, sackStarts[i]);
      writeU32(bytes, at + 8 + 8 * i, sackEnds[i]);
    }
    return 4 + 8 * count;
  }

  private sendSyn(): void {
    const { iface } = this.shared;
    const { bytes } = iface;
    const answer = this.state === 'syn-received';
    let at = iface.begin(this.route) + TCP_HEADER;
    const start = at;
    const mss = iface.mtu - (this.route.family === 4 ? 40 : 60);
    bytes[at] = OPTION_MSS;
    bytes[at + 1] = 4;
    writeU16(bytes, at + 2, mss);
    at += 4;
    // An answer has only options that were offered (RFC 7323 2.2, RFC 2018 2).
    if (!answer || this.sender.sack) {
      bytes.set([1, 1, OPTION_SACK_PERMITTED, 2], at);
      at += 4;
    }
    if (!answer || this.scaling) {
      bytes.set([1, OPTION_WINDOW_SCALE, 3, this.ourScale], at);
      at += 4;
    }
    this.edge = (this.receiver.next + Math.min(0xffff, this.shared.bufferSize)) | 0;
    this.send(this.iss, answer ? this.receiver.next : 0, answer ? SYN | ACK : SYN, TCP_HEADER + at - start, 0);
  }

  private sendReset(seq: number, ack: number): void {
    this.shared.count.tcpResetsSent++;
    this.send(seq, ack, RST | ACK, TCP_HEADER, 0);
  }

  /** RFC 5961: an ACK that the other end answers with a RST if it knows of no connection. */
  private challenge(): void {
    this.ackNow = true;
    this.shared.schedule(this);
  }

  // The window

  private get scaleOut(): number {
    return this.scaling ? this.ourScale : 0;
  }

  private available(): number {
    const limit = this.scaling ? this.shared.bufferSize : Math.min(0xffff, this.shared.bufferSize);
    return Math.max(0, limit - this.receiver.pending - this.user.backlog());
  }

  /** By how much the window's right edge could move. */
  private windowAdvance(): number {
    if (this.finReceived) return 0;
    return (this.receiver.next + this.available() - this.edge) | 0;
  }

  /** RFC 9293 3.8.6.2.2: the edge moves by a good deal or not at all, and never back. */
  private openWindow(): void {
    const advance = this.windowAdvance();
    if (advance >= Math.min(this.sender.mss, this.shared.bufferSize >>> 1) || (advance > 0 && this.edge === this.receiver.next && this.available() >= this.shared.bufferSize >>> 1)) {
      this.edge = (this.edge + advance) | 0;
    }
  }

  // The handshake

  private begin(state: 'syn-sent' | 'syn-received'): void {
    this.iss = (this.shared.random() * 0x1_0000_0000) | 0;
    this.sender.start(this.iss);
    this.become(state);
    this.sendSyn();
    this.timer = this.shared.createTimer(() => this.handshakeTimeout());
    this.timer.arm(this.shared.nowMs() + this.sender.rto.ms);
  }

  private handshakeTimeout(): void {
    if (++this.attempts > SYN_RETRIES) {
      if (this.state === 'syn-received') this.sendReset(this.sender.nxt, this.receiver.next);
      this.finish('timeout');
      return;
    }
    this.sender.rto.double();
    this.sendSyn();
    this.timer?.arm(this.shared.nowMs() + this.sender.rto.ms);
  }

  private takeSyn(segment: TcpSegment): void {
    this.receiver.next = (segment.seq + 1) | 0;
    this.sender.sack = segment.sackPermitted;
    this.scaling = segment.scale >= 0;
    this.theirScale = this.scaling ? segment.scale : 0;
    this.peerMss = segment.mss;
    this.sender.wl1 = segment.seq;
    this.sender.wl2 = segment.ack;
    this.edge = (this.receiver.next + Math.min(0xffff, this.shared.bufferSize)) | 0;
  }

  private inputSynSent(segment: TcpSegment): void {
    const { flags } = segment;
    if ((flags & ACK) !== 0 && segment.ack !== ((this.iss + 1) | 0)) {
      if ((flags & RST) === 0) this.sendReset(segment.ack, 0);
      return;
    }
    if ((flags & RST) !== 0) {
      if ((flags & ACK) !== 0) this.finish('refused');
      return;
    }
    if ((flags & SYN) === 0) return;
    this.takeSyn(segment);
    if ((flags & ACK) === 0) {
      // Both opened at once (RFC 9293 3.5).
      this.become('syn-received');
      this.sendSyn();
      return;
    }
    this.sender.una = segment.ack;
    this.establish(segment.window);
    this.ackNow = true;
    this.shared.schedule(this);
  }

  private establish(window: number): void {
    const { iface } = this.shared;
    const ours = iface.mtu - (this.route.family === 4 ? 40 : 60);
    const theirs = this.peerMss === 0 ? (this.route.family === 4 ? DEFAULT_MSS : DEFAULT_MSS_V6) : this.peerMss;
    // An absurd size would have us send a storm of tiny segments.
    this.sender.established(Math.max(64, Math.min(ours, theirs)), window);
    this.timer?.dispose();
    this.timer = this.shared.createTimer(() => this.keepAlive());
    this.timer.arm(this.shared.nowMs() + KEEPALIVE_IDLE_MS);
    this.attempts = 0;
    this.become(this.sender.finQueued ? 'fin-wait-1' : 'established');
    this.user.established();
  }

  // Segments in

  /** RFC 9293 3.10.7.4, first check. */
  private isAcceptable(seq: number, length: number): boolean {
    const { next } = this.receiver;
    const window = (this.edge - next) | 0;
    const offset = (seq - next) | 0;
    if (length === 0) return window === 0 ? offset === 0 : offset >= 0 && offset < window;
    if (window <= 0) return false;
    const last = (offset + length - 1) | 0;
    return (offset >= 0 && offset < window) || (last >= 0 && last < window);
  }

  /** @returns whether the segment is to be looked at further */
  private takeAck(segment: TcpSegment): boolean {
    const { sender } = this;
    const { ack } = segment;
    if (this.state === 'syn-received') {
      if (((ack - this.iss) | 0) <= 0 || ((ack - sender.max) | 0) > 0) {
        this.shared.count.tcpResetsSent++;
        this.send(ack, 0, RST, TCP_HEADER, 0);
        return false;
      }
      sender.una = (this.iss + 1) | 0;
      sender.wl1 = segment.seq;
      sender.wl2 = ack;
      this.establish(segment.window << this.theirScale);
    }
    // RFC 5961 5.2: what was never sent can't be acknowledged, and what is older than a window neither.
    if (((ack - sender.max) | 0) > 0 || ((ack - sender.una) | 0) < -0x4000_0000) {
      this.challenge();
      return false;
    }
    sender.acknowledge(segment, segment.window << this.theirScale);
    if (sender.finAcknowledged) this.finAcknowledged();
    return this.state !== 'closed';
  }

  private finAcknowledged(): void {
    if (this.state === 'fin-wait-1') this.become('fin-wait-2');
    else if (this.state === 'closing') this.timeWait();
    else if (this.state === 'last-ack') this.finish('done');
  }

  private takeData(segment: TcpSegment, length: number): void {
    if (this.finReceived || this.state === 'closing' || this.state === 'last-ack' || this.state === 'time-wait') return;
    const { receiver } = this;
    const before = receiver.next;
    const hadGaps = receiver.gaps;
    receiver.add(segment.seq, segment.bytes, segment.dataStart, segment.dataEnd, this.edge);
    const got = (receiver.next - before) | 0;
    this.bytesFromGuest += got;
    this.unacked += got;
    // RFC 5681 4.2: out of order, or filling a gap: at once, one for each.
    if (hadGaps || receiver.gaps) this.sendAck();
    // Old data: our acknowledgement was lost.
    else if (got < length) this.ackNow = true;
  }

  private takeFin(): void {
    this.finAt = undefined;
    this.finReceived = true;
    this.receiver.next = (this.receiver.next + 1) | 0;
    this.ackNow = true;
    if (this.state === 'established') this.become('close-wait');
    else if (this.state === 'fin-wait-1') this.become('closing');
    else if (this.state === 'fin-wait-2') {
      this.receiver.flush();
      this.deliverEnd();
      this.timeWait();
    }
  }

  private deliverEnd(): void {
    if (this.finDelivered) return;
    this.finDelivered = true;
    this.user.receivedEnd();
  }

  // The end

  private timeWait(): void {
    this.become('time-wait');
    this.over('done');
    this.sender.dispose();
    this.timer?.dispose();
    this.timer = this.shared.createTimer(() => this.finish('done'));
    this.timer.arm(this.shared.nowMs() + TIME_WAIT_MS);
    this.shared.schedule(this);
  }

  private finish(why: TcpEnd): void {
    if (this.state === 'closed') return;
    if (why === 'done') {
      this.receiver.flush();
      if (this.finReceived) this.deliverEnd();
    }
    this.sender.dispose();
    this.receiver.clear();
    this.timer?.dispose();
    this.ackTimer?.dispose();
    this.become('closed');
    this.over(why);
  }

  private over(why: TcpEnd): void {
    if (this.ended) return;
    this.ended = true;
    this.user.finished(why);
  }

  /** The segment that ends TIME-WAIT early: a SYN beyond what was received (RFC 9293 3.10.7.4, RFC 6191). */
  mayReopen(segment: TcpSegment): boolean {
    return this.state === 'time-wait' && (segment.flags & (SYN | ACK | RST)) === SYN && ((segment.seq - this.receiver.next) | 0) > 0;
  }

  private become(state: TcpState): void {
    const before = this.state;
    this.state = state;
    this.shared.stateChanged(this, before);
  }

  private keepAlive(): void {
    const now = this.shared.nowMs();
    const silent = now - this.heardMs;
    if (silent < KEEPALIVE_IDLE_MS) {
      this.attempts = 0;
      this.timer?.arm(this.heardMs + KEEPALIVE_IDLE_MS);
      return;
    }
    if (this.attempts++ >= KEEPALIVE_PROBES) {
      this.gaveUp();
      return;
    }
    // RFC 9293 3.8.4: a number that is acknowledged already, so that the other end answers.
    if (this.sender.inFlight === 0) this.send((this.sender.nxt - 1) | 0, this.receiver.next, ACK, TCP_HEADER, 0);
    this.timer?.arm(now + KEEPALIVE_INTERVAL_MS);
  }
}
