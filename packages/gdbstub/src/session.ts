import { registerBytes } from './architecture.js';
import { BreakpointTable } from './breakpoint-table.js';
import { frame, FrameReader, hexFrame, type Frame } from './framing.js';
import { latin1, textToHex } from './hex.js';
import { commands, type Reply } from './packets/index.js';
import { Hex } from './packets/packet.js';
import { stopReply } from './packets/stop-reply.js';
import type { ReadableFile, ResumePlan, Stop, Target, Thread } from './target.js';

export interface SessionOptions {
  /** Bytes for the debugger. */
  readonly send: (bytes: Uint8Array) => void;
  /** The session is over: end the connection. */
  readonly close?: () => void;
  /** Largest packet that we take or send, in bytes. */
  readonly packetBytes?: number;
}

const PACKET_BYTES = 0x20000;
/** Packets that wait for a command that takes its time. */
const MAX_WAITING = 1000;
/** GDB's numbers: `include/gdb/signals.def`. */
export const Signal = { none: 0, int: 2, trap: 5 } as const;

/**
 * One debugger's connection: takes bytes, gives bytes, and works on a `Target`. It does no I/O and keeps no time, so a test can pump it one byte
 * at a time.
 */
export class GdbSession {
  readonly target: Target;
  readonly packetBytes: number;
  readonly breakpoints: BreakpointTable;
  // What the debugger has said about itself.
  noAck = false;
  multiprocess = false;
  nonStop = false;
  swbreak = false;
  hwbreak = false;
  extended = false;
  threadSuffix = false;
  threadsInStopReply = false;
  /** Of `Hg`: whose registers and memory are meant. */
  thread: number;
  /** Of `Hc`: whom the old `c` and `s` resume; 0 is any, -1 all. */
  resumeThread = -1;
  readonly openFiles = new Map<number, ReadableFile>();
  nextFile = 3;
  /** Threads that `qsThreadInfo` has yet to list. */
  threadList: readonly Thread[] = [];
  /** Non-stop: stops that the debugger has not acknowledged; the first has been sent. */
  readonly notifications: Stop[] = [];
  /** Non-stop: threads that stood still when the debugger came, to be told of when it has heard of the first. */
  readonly laterStops: Stop[] = [];
  readonly runningThreads = new Set<number>();

  readonly #options: SessionOptions;
  readonly #reader: FrameReader;
  #last: Uint8Array | undefined;
  #stop: Stop;
  #running = false;
  #attaching = false;
  /** An attached target came to a stop before anybody asked. */
  #over = false;
  #busy = false;
  readonly #waiting: Frame[] = [];
  /** A stop reply that waits for the command at hand, which resumed and stopped at once. */
  #early: Stop | undefined;
  #handling = false;

  constructor(target: Target, options: SessionOptions) {
    this.target = target;
    this.#options = options;
    this.packetBytes = options.packetBytes ?? PACKET_BYTES;
    this.#reader = new FrameReader(this.packetBytes);
    this.breakpoints = new BreakpointTable(this);
    const [first] = target.threads();
    if (first === undefined) throw new RangeError('a target has at least one thread');
    this.thread = first.id;
    this.#stop = { reason: 'signal', thread: first.id, signal: Signal.trap };
    if (target.attach !== undefined) {
      this.#attaching = true;
      target.attach((stop) => {
        this.#attaching = false;
        this.#stop = stop.reason === 'interrupt' ? { reason: 'signal', thread: stop.thread, signal: Signal.trap } : stop;
        if (stop.reason !== 'exited') this.thread = stop.thread;
        this.#drain();
      });
    }
  }

  /** All-stop: threads run, and the debugger waits for a stop. */
  get running(): boolean {
    return this.#running;
  }
  get lastStop(): Stop {
    return this.#stop;
  }

  receive(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (this.#over) return;
      const next = this.#reader.push(byte);
      if (next === undefined) continue;
      if (next.kind === 'interrupt') {
        this.#interrupt();
      } else if (this.#busy || this.#attaching) {
        this.#waiting.push(next);
        if (this.#waiting.length > MAX_WAITING) this.#end();
      } else {
        this.#frame(next);
      }
    }
  }

  /** The debugger's connection is gone. Everything of its is undone, and the target goes on. */
  disconnect(): void {
    if (this.#over) return;
    this.#over = true;
    this.leave();
  }

  /** Removes all breakpoints and lets the target go. */
  leave(): void {
    this.breakpoints.clear();
    this.openFiles.clear();
    this.#running = false;
    this.target.detach?.();
  }

  /** Ends the connection from our side, after the reply at hand. */
  close(): void {
    this.#over = true;
  }

  // --- resuming -------------------------------------------------------------------------------------------------------------------

  /** All-stop: the reply to the command at hand is the stop reply. */
  resume(plan: ResumePlan): void {
    this.#running = true;
    this.target.resume(plan, (stop) => this.#stopped(stop));
  }

  resumeNonStop(plan: ResumePlan): void {
    for (const thread of plan.keys()) this.runningThreads.add(thread);
    this.target.nonStop?.resume(plan, (stop) => {
      if (this.#over || stop.reason === 'exited') return;
      this.runningThreads.delete(stop.thread);
      this.notify(stop);
    });
  }

  /** Non-stop: tells of a stop, or keeps it until those before it are acknowledged. */
  notify(stop: Stop): void {
    this.notifications.push(stop);
    if (this.notifications.length === 1) this.#options.send(frame(`Stop:${stopReply(this, stop)}`, '%'));
  }

  #stopped(stop: Stop): void {
    if (!this.#running || this.#over) return;
    this.#running = false;
    this.#stop = stop;
    if (stop.reason !== 'exited') this.thread = stop.thread;
    // The command that resumed is not finished yet: its acknowledgement goes first.
    if (this.#handling) this.#early = stop;
    else this.reply(stopReply(this, stop));
  }

  #interrupt(): void {
    // A `monitor` command may have resumed, too.
    if (this.#running || this.#busy) this.target.interrupt();
  }

  /**
   * Call it about every second: while a `monitor` command is under way, the debugger is told that its answer will come. GDB loses patience after two
   * seconds (`set remotetimeout`).
   */
  keepAlive(): void {
    if (this.#busy && !this.#over) this.#options.send(frame('O'));
  }

  /** Text on the debugger's console, while threads run or a `monitor` command does. */
  console(text: string): void {
    if (text.length > 0 && !this.#over) this.#options.send(frame(`O${textToHex(text)}`));
  }

  reply(payload: string | Uint8Array | Hex): void {
    this.#last = payload instanceof Hex ? hexFrame(payload.bytes) : frame(payload);
    this.#options.send(this.#last);
  }

  // --- packets --------------------------------------------------------------------------------------------------------------------

  #frame(next: Frame): void {
    switch (next.kind) {
      case 'ack':
        return;
      case 'nack':
        if (!this.noAck && this.#last !== undefined) this.#options.send(this.#last);
        return;
      case 'bad':
        if (!this.noAck) this.#options.send(latin1('-'));
        return;
      case 'interrupt':
        return;
      case 'packet':
        if (!this.noAck) this.#options.send(latin1('+'));
        this.#packet(next.text);
    }
  }

  #packet(text: string): void {
    this.#handling = true;
    let result: Reply | Promise<Reply>;
    try {
      result = commands.run(this, text);
    } finally {
      this.#handling = false;
    }
    if (result instanceof Promise) {
      this.#busy = true;
      void result.then((reply) => {
        this.#busy = false;
        this.#answer(reply);
        this.#drain();
      });
    } else {
      this.#answer(result);
    }
  }

  #answer(reply: Reply): void {
    if (reply !== undefined) this.reply(reply);
    const early = this.#early;
    this.#early = undefined;
    if (early !== undefined) this.reply(stopReply(this, early));
    if (this.notifications.length === 0) {
      const later = this.laterStops.shift();
      if (later !== undefined) this.notify(later);
    }
    if (this.#over) this.#options.close?.();
  }

  #drain(): void {
    while (!this.#busy && !this.#attaching && !this.#over) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#frame(next);
    }
  }

  /** A peer that floods us. */
  #end(): void {
    this.disconnect();
    this.#options.close?.();
  }

  // --- for the commands -----------------------------------------------------------------------------------------------------------

  /** @returns undefined when there is no such thread */
  threadNamed(id: number): Thread | undefined {
    return this.target.threads().find((thread) => thread.id === id);
  }

  /** `p1.2` or `2`, as the debugger wants it. */
  threadId(thread: number): string {
    return this.multiprocess ? `p1.${thread.toString(16)}` : thread.toString(16);
  }

  registerBytes(register: number): number {
    return registerBytes(this.target.architecture.registers[register]);
  }
}
