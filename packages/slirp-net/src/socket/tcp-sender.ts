import type { NetworkTimer } from '../timers.js';
import { ACK, FIN, PSH, type TcpSegment } from '../wire/tcp.js';
import { Rto } from './rto.js';
import { Scoreboard } from './scoreboard.js';
import { type PiecePool, SendQueue } from './send-queue.js';

/** What the sender needs of its connection. */
export interface SenderPort {
  nowMs(): number;
  /** Sends `length` bytes of the queue from sequence number `seq` on. */
  emit(seq: number, length: number, flags: number): void;
  /** The guest's card has no room; `output` will be called again. */
  readonly blocked: boolean;
  /** Most bytes of one `emit`, a multiple of the segment size: more than one segment where the guest's card cuts them. */
  readonly largest: number;
  /** The peer doesn't answer any more (RFC 9293 3.8.3, R2). */
  gaveUp(): void;
  retransmitted(): void;
}

/** RFC 6928 */
const INITIAL_WINDOW_SEGMENTS = 10;
/** R2 of RFC 9293 3.8.3: with doubling from 200 ms on, some four minutes. */
const MAX_RETRIES = 12;

/** The largest window that can be announced (RFC 7323 2.3). */
const MAX_WINDOW = 1 << 30;

const NONE = 0;
/** Fast recovery: RFC 6675 with SACK, RFC 6582 without. */
const FAST = 1;
/** After a retransmission timeout. */
const LOSS = 2;

/** The sending half of a connection: what is in flight, how much may be (RFC 5681), and what must be sent again. */
export class TcpSender {
  readonly queue: SendQueue;
  readonly rto = new Rto();
  /** SND.UNA, SND.NXT, SND.WND, SND.WL1, SND.WL2; `max` is the highest that was ever sent. */
  una = 0;
  nxt = 0;
  max = 0;
  window = 0;
  wl1 = 0;
  wl2 = 0;
  mss = 536;
  /** Whether the peer sends SACK. */
  sack = false;
  finQueued = false;
  cwnd = 0;
  ssthresh = 0x7fff_ffff;
  /** In the established state and after: data may be sent. */
  open = false;
  private maxWindow = 0;
  private dupAcks = 0;
  private recovery = NONE;
  private recover = 0;
  /** RFC 6675: the highest sequence number sent again in this recovery. */
  private highRxt = 0;
  private rescued = false;
  private readonly board = new Scoreboard();
  private retries = 0;
  private timing = false;
  private timedSeq = 0;
  private timedAtMs = 0;
  private timer: NetworkTimer | undefined;
  private acknowledgedInWindow = 0;
  private dead = false;

  constructor(
    private readonly port: SenderPort,
    private readonly createTimer: (fire: () => void) => NetworkTimer,
    pieces: PiecePool,
  ) {
    this.queue = new SendQueue(pieces);
  }

  /** `iss` was sent with a SYN; what follows is data. */
  start(iss: number): void {
    this.una = iss;
    this.nxt = this.max = (iss + 1) | 0;
  }

  /** The handshake is over. */
  established(mss: number, window: number): void {
    this.mss = mss;
    this.cwnd = INITIAL_WINDOW_SEGMENTS * mss;
    this.window = this.maxWindow = window;
    this.open = true;
    this.timer?.cancel();
  }

  dispose(): void {
    this.dead = true;
    this.open = false;
    this.timer?.dispose();
    this.queue.clear();
    this.board.clear();
  }

  /** Where the queue ends. */
  get end(): number {
    return (this.una + this.queue.length) | 0;
  }

  get inFlight(): number {
    return (this.max - this.una) | 0;
  }

  /** All data and the FIN are acknowledged. */
  get finAcknowledged(): boolean {
    return this.finQueued && this.queue.length === 0 && this.una === this.max && this.finSent;
  }
  private finSent = false;

  /** Takes the acknowledgement of a segment that is acceptable and whose ACK lies in (UNA - window, MAX]. */
  acknowledge(segment: TcpSegment, scaledWindow: number): void {
    const { ack } = segment;
    const newly = (ack - this.una) | 0;
    let news = false;
    if (this.sack) news = this.takeSack(segment);
    // RFC 9293 3.10.7.4: the window is taken from the newest segment.
    let windowChanged = false;
    const wasShut = this.window === 0;
    if (newly >= 0 && (((this.wl1 - segment.seq) | 0) < 0 || (this.wl1 === segment.seq && ((this.wl2 - ack) | 0) <= 0))) {
      windowChanged = scaledWindow !== this.window;
      this.window = scaledWindow;
      if (scaledWindow > this.maxWindow) this.maxWindow = scaledWindow;
      this.wl1 = segment.seq;
      this.wl2 = ack;
    }
    if (this.window === 0) {
      // A window probe was answered: the peer lives, however long its window is shut (RFC 9293 3.8.6.1).
      if (newly === 0) this.retries = 0;
    } else if (wasShut && newly === 0 && this.inFlight === 1) {
      // The window opens; the byte of the probe was not taken.
      this.nxt = this.una;
    }
    if (newly > 0) this.advance(ack, newly);
    else if (newly === 0 && this.una !== this.max && (news || (!this.sack && !windowChanged && segment.dataStart === segment.dataEnd && (segment.flags & FIN) === 0))) this.duplicate();
  }

  private takeSack({ sackCount, sackStart, sackEnd }: TcpSegment): boolean {
    let news = false;
    for (let i = 0; i < sackCount; i++) {
      const start = sackStart[i];
      const end = sackEnd[i];
      // Only what is in flight can be received. D-SACK blocks (RFC 2883) lie below.
      if (((end - start) | 0) <= 0 || ((start - this.una) | 0) <= 0 || ((this.max - end) | 0) < 0) continue;
      if (this.board.add(start, end)) news = true;
    }
    return news;
  }

  private advance(ack: number, newly: number): void {
    const now = this.port.nowMs();
    if (this.timing && ((ack - this.timedSeq) | 0) >= 0) {
      this.rto.sample(now - this.timedAtMs);
      this.timing = false;
    }
    this.rto.settle();
    this.retries = 0;
    const data = Math.min(newly, this.queue.length);
    if (data > 0) this.queue.discard(data);
    this.una = ack;
    if (((this.nxt - ack) | 0) < 0) this.nxt = ack;
    this.board.trim(ack);
    if (this.recovery !== NONE && ((ack - this.recover) | 0) >= 0) {
      // RFC 6582 3.2 (3), RFC 6675 5: recovery ends.
      if (this.recovery === FAST) this.cwnd = Math.min(this.ssthresh, Math.max(this.inFlight, this.mss) + this.mss);
      this.recovery = NONE;
      this.dupAcks = 0;
    } else if (this.recovery === FAST) {
      if (!this.sack) {
        // RFC 6582: a partial acknowledgement says what else is lost.
        this.cwnd = Math.max(this.mss, this.cwnd - newly + this.mss);
        this.resend(this.una);
      }
    } else {
      this.dupAcks = 0;
      if (this.recovery === NONE && this.sack && this.board.lostBelow(this.mss) !== undefined) this.enterFast();
      else this.grow(newly);
    }
    if (this.una === this.max) this.timer?.cancel();
    else this.armRto(now);
  }

  private grow(newly: number): void {
    if (this.cwnd >= MAX_WINDOW) return;
    if (this.cwnd < this.ssthresh) {
      // RFC 3465 2.2 in slow start, without its limit: acknowledgements come in batches here.
      this.cwnd += newly;
      return;
    }
    // RFC 3465 2.1
    this.acknowledgedInWindow += newly;
    if (this.acknowledgedInWindow < this.cwnd) return;
    this.acknowledgedInWindow -= this.cwnd;
    this.cwnd += this.mss;
  }

  private duplicate(): void {
    this.dupAcks++;
    if (this.recovery === FAST) {
      if (!this.sack) this.cwnd += this.mss;
      return;
    }
    if (this.recovery === LOSS) return;
    const lost = this.sack ? this.board.lostBelow(this.mss) : undefined;
    if (this.dupAcks >= 3 || lost !== undefined) this.enterFast();
  }

  private enterFast(): void {
    this.recovery = FAST;
    this.recover = this.max;
    this.rescued = false;
    // RFC 5681 (4)
    this.ssthresh = Math.max(this.inFlight >>> 1, 2 * this.mss);
    this.cwnd = this.sack ? this.ssthresh : this.ssthresh + 3 * this.mss;
    this.highRxt = this.una;
    this.resend(this.una);
    this.armRto(this.port.nowMs());
  }

  /** Sends the segment at `seq` again. */
  private resend(seq: number): void {
    const limit = this.board.nextStart(seq) ?? this.max;
    const data = Math.min(this.mss, (limit - seq) | 0, (this.end - seq) | 0);
    const fin = this.finSent && ((seq + data) | 0) === this.end && data < this.mss ? FIN : 0;
    if (data <= 0 && fin === 0) return;
    this.timing = false;
    this.port.retransmitted();
    this.port.emit(seq, data, ACK | fin);
    this.highRxt = (seq + data) | 0;
  }

  /** Sends what may be sent. */
  output(): void {
    if (!this.open) return;
    let sent = false;
    while (!this.port.blocked && (this.recovery === FAST && this.sack ? this.outputSack() : this.outputNext())) sent = true;
    if (sent && this.timer?.armed !== true) this.armRto(this.port.nowMs());
    else if (this.una === this.max && this.queue.length > 0 && this.timer?.armed !== true) this.armRto(this.port.nowMs());
  }

  /** RFC 6675 5 (C) */
  private outputSack(): boolean {
    const { board, mss } = this;
    const lost = board.lostBelow(mss) ?? this.una;
    // SetPipe: what is neither received nor lost, and what was sent again.
    const notLost = ((this.max - lost) | 0) - (board.bytes - board.below(lost));
    const again = Math.max(0, ((((this.highRxt - lost) | 0) < 0 ? this.highRxt : lost) - this.una) | 0);
    const pipe = notLost + Math.max(0, again - board.below((this.una + again) | 0));
    if (this.cwnd - pipe < mss) return false;
    // NextSeg (1)
    const hole = board.skip(((this.highRxt - this.una) | 0) > 0 ? this.highRxt : this.una);
    if (((hole - lost) | 0) < 0) {
      this.resend(hole);
      return true;
    }
    // (2)
    if (this.outputNew(this.cwnd - pipe)) return true;
    // (4): once per recovery, what may be lost at the end, where nothing lies above that would say so.
    if (!this.rescued && this.board.count > 0) {
      this.rescued = true;
      const last = this.board.ends[this.board.count - 1];
      if (((this.max - last) | 0) > 0 && ((last - this.highRxt) | 0) > 0) {
        const { highRxt } = this;
        this.resend(last);
        this.highRxt = highRxt;
        return true;
      }
    }
    return false;
  }

  private outputNext(): boolean {
    if (((this.nxt - this.max) | 0) < 0) return this.outputAgain();
    // RFC 3042: the first two duplicates let a new segment out each.
    const extra = this.recovery === NONE ? Math.min(this.dupAcks, 2) * this.mss : 0;
    return this.outputNew(this.cwnd + extra - (((this.nxt - this.una) | 0) - this.board.bytes));
  }

  /** After a timeout: everything from UNA on, but for what the peer has. */
  private outputAgain(): boolean {
    const seq = this.board.skip(this.nxt);
    if (((seq - this.max) | 0) >= 0) {
      this.nxt = this.max;
      return true;
    }
    const flight = ((seq - this.una) | 0) - this.board.below(seq);
    if (flight > 0 && this.cwnd - flight < this.mss) return false;
    const before = this.highRxt;
    this.resend(seq);
    const next = this.highRxt;
    this.highRxt = before;
    // A FIN alone takes a number, too.
    this.nxt = next === seq || (next === this.end && this.finSent) ? this.max : next;
    return true;
  }

  private outputNew(room: number): boolean {
    const { nxt, mss, end } = this;
    const available = (end - nxt) | 0;
    const inWindow = (this.una + this.window - nxt) | 0;
    let length = Math.min(this.port.largest, available, inWindow, room);
    // Whole segments, until the end.
    if (length > mss && length < available) length -= length % mss;
    if (length <= 0) {
      // A FIN needs no window of its own: it is sent with or after the last data.
      if (available === 0 && this.finQueued && !this.finSent) length = 0;
      else return false;
    } else if (length < mss && length < available) {
      // RFC 9293 3.8.6.2.1, silly window avoidance: wait for more room, which an acknowledgement or the timer brings.
      if (nxt !== this.una || length < this.maxWindow >>> 1) return false;
    }
    const after = (nxt + length) | 0;
    const last = after === end;
    const fin = last && this.finQueued ? FIN : 0;
    this.port.emit(nxt, length, ACK | (last && length > 0 ? PSH : 0) | fin);
    if (fin !== 0) this.finSent = true;
    this.nxt = this.max = (after + (fin === 0 ? 0 : 1)) | 0;
    if (!this.timing && this.recovery === NONE) {
      this.timing = true;
      this.timedSeq = this.nxt;
      this.timedAtMs = this.port.nowMs();
    }
    return fin === 0;
  }

  /** For a SYN, whose retransmission is the connection's. */
  armRto(now: number): void {
    if (this.dead) return;
    this.timer ??= this.createTimer(() => this.timeout());
    this.timer.arm(now + this.rto.ms);
  }

  private timeout(): void {
    this.retries++;
    this.rto.double();
    if (this.retries > MAX_RETRIES) {
      this.port.gaveUp();
      return;
    }
    const now = this.port.nowMs();
    if (this.una === this.max) {
      if (this.queue.length === 0 && !(this.finQueued && !this.finSent)) return;
      this.probe();
      this.armRto(now);
      return;
    }
    if (this.window === 0 && this.inFlight <= 1 && this.recovery === NONE && this.queue.length > 0) {
      // The byte of a window probe is in flight. A peer that answers probes lives, however long its window is shut (RFC 9293 3.8.6.1).
      this.port.emit(this.una, Math.min(1, this.queue.length), ACK);
      this.armRto(now);
      return;
    }
    // RFC 5681 3.1 (4): only the first timeout halves; RFC 6582 3.2: recover.
    if (this.recovery !== LOSS) this.ssthresh = Math.max(this.inFlight >>> 1, 2 * this.mss);
    this.recovery = LOSS;
    this.recover = this.max;
    this.cwnd = this.mss;
    this.dupAcks = 0;
    this.timing = false;
    // RFC 2018 8: the peer may have dropped what it had. If it names a range again, it comes back.
    if (this.retries > 1) this.board.clear();
    this.nxt = this.una;
    this.highRxt = this.una;
    this.output();
    this.armRto(now);
  }

  /** RFC 9293 3.8.6.1: the window is shut, or too small for what waits: one byte (or what fits) finds out. */
  private probe(): void {
    const length = Math.min(this.queue.length, this.mss, Math.max(1, this.window));
    const fin = this.queue.length === length && this.finQueued ? FIN : 0;
    this.port.emit(this.nxt, length, ACK | fin);
    if (fin !== 0) this.finSent = true;
    this.nxt = this.max = (this.nxt + length + (fin === 0 ? 0 : 1)) | 0;
    this.timing = false;
  }
}
