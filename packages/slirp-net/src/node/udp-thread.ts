import { Worker } from 'node:worker_threads';
import type { HostAddress, HostFailure, HostUdp, HostUdpEvents } from '../host-network.js';
import { AddressText, DatagramRing, emptyRecord } from './datagram-ring.js';

export interface UdpWorkerData {
  readonly outward: SharedArrayBuffer;
  readonly inward: SharedArrayBuffer;
}

export type UdpCommand = { readonly kind: 'open'; readonly id: number; readonly family: 4 | 6 } | { readonly kind: 'close'; readonly id: number } | { readonly kind: 'wake' };

export type UdpReport = { readonly kind: 'wake' } | { readonly kind: 'failed'; readonly id: number; readonly failure: HostFailure; readonly to?: HostAddress };

/** Datagrams of one turn of the event loop: as many as Node reads from a socket of this thread. The rest comes in the next. */
const MOST_RECEIVED = 32;
/** So many go on in the ring before the other thread is called once more, which costs as much as to send one. */
const BATCH = 16;

/**
 * Datagram sockets in a thread of their own. In the emulator's, each datagram takes some ten microseconds from the guest, of which the kernel's half is mostly
 * to wake whoever receives it; through shared memory it takes one.
 */
export class UdpThread {
  /** Source that is executed as it stands has a loader in the first thread only. */
  static readonly available = !import.meta.url.endsWith('.ts');

  private readonly worker: Worker;
  private readonly outward = new DatagramRing();
  private readonly inward = new DatagramRing();
  private readonly sockets = new Map<number, ThreadUdp>();
  private readonly record = emptyRecord();
  private readonly text = new AddressText();
  /** Who sent the latest datagram: nearly always the next one too. */
  private from: HostAddress = { address: '', port: 0 };
  private latest = 0;
  /** A turn has begun in which something was sent; and how much since the other thread was called. */
  private sending = false;
  private uncalled = 0;
  private receiving = false;

  /** @param over the thread has ended: its sockets have failed */
  constructor(over: () => void) {
    const workerData: UdpWorkerData = { outward: this.outward.memory, inward: this.inward.memory };
    this.worker = new Worker(new URL('./udp-worker.js', import.meta.url), { workerData });
    this.worker.on('message', (report: UdpReport) => {
      if (report.kind === 'wake') this.receive();
      else this.sockets.get(report.id)?.fail(report.failure, report.to);
    });
    // 'exit' follows.
    this.worker.on('error', () => {});
    this.worker.on('exit', () => {
      over();
      for (const socket of [...this.sockets.values()]) socket.fail('failed', undefined);
    });
    // A network doesn't keep a process alive; its guest does. At last, as whoever listens for messages takes it back.
    this.worker.unref();
  }

  open(family: 4 | 6, events: HostUdpEvents): HostUdp {
    const id = ++this.latest;
    this.command({ kind: 'open', id, family });
    const socket = new ThreadUdp(id, events, this);
    this.sockets.set(id, socket);
    return socket;
  }

  // For its sockets

  get queued(): number {
    return this.outward.full ? Infinity : this.outward.used;
  }

  send(id: number, port: number, address: Uint8Array, bytes: Uint8Array): void {
    const { outward } = this;
    if (outward.full) return;
    outward.put(id, port, address, bytes);
    // The first of a turn at once, those after it together.
    if (this.sending) {
      if (++this.uncalled >= BATCH) this.call();
      return;
    }
    this.sending = true;
    setImmediate(this.endTurn);
    this.call();
  }

  close(id: number): void {
    if (this.sockets.delete(id)) this.command({ kind: 'close', id });
  }

  forget(id: number): void {
    this.sockets.delete(id);
  }

  private readonly endTurn = (): void => {
    this.sending = false;
    if (this.uncalled > 0) this.call();
  };

  private call(): void {
    this.uncalled = 0;
    if (this.outward.call()) this.command({ kind: 'wake' });
  }

  private command(command: UdpCommand): void {
    this.worker.postMessage(command);
  }

  private receive(): void {
    if (this.receiving) return;
    this.receiving = true;
    this.take();
  }

  private readonly take = (): void => {
    const { inward, record, text } = this;
    for (let count = 0; count < MOST_RECEIVED; count++) {
      if (!inward.peek(record)) {
        // Who puts something in from here on calls; what was put in before that call is seen here.
        inward.answer();
        if (!inward.peek(record)) {
          this.receiving = false;
          return;
        }
      }
      const { socket: id, port } = record;
      const address = text.of(record.address);
      if (this.from.port !== port || this.from.address !== address) this.from = { address, port };
      this.sockets.get(id)?.events.message(record.bytes, this.from);
      inward.release();
    }
    setImmediate(this.take);
  };
}

class ThreadUdp implements HostUdp {
  private to: HostAddress | undefined;
  private address: Uint8Array = new Uint8Array(0);

  constructor(
    private readonly id: number,
    readonly events: HostUdpEvents,
    private readonly thread: UdpThread,
  ) {}

  get queued(): number {
    return this.thread.queued;
  }

  send(bytes: Uint8Array, to: HostAddress): void {
    if (this.to !== to) {
      this.to = to;
      this.address = Buffer.from(to.address, 'latin1');
    }
    this.thread.send(this.id, to.port, this.address, bytes);
  }

  close(): void {
    this.thread.close(this.id);
  }

  /** @param to a datagram's; without, the socket is closed */
  fail(failure: HostFailure, to: HostAddress | undefined): void {
    if (to === undefined) this.thread.forget(this.id);
    this.events.failed(failure, to);
  }
}
