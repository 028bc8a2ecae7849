import type { Architecture } from '../architecture.js';
import { GdbSession } from '../session.js';
import { frame, FrameReader } from '../framing.js';
import { fromLatin1, latin1 } from '../hex.js';
import type { Breakpoint, Relocation, ResumePlan, Stop, Target, Thread, Watchpoint } from '../target.js';

const architecture: Architecture = {
  name: 'toy',
  triple: 'toy-unknown-none',
  littleEndian: true,
  pointerBytes: 8,
  registers: [
    { name: 'pc', bits: 64, type: 'code_ptr', feature: 'toy', generic: 'pc' },
    { name: 'a', bits: 32, type: 'int', feature: 'toy' },
    { name: 'gone', bits: 16, type: 'int', feature: 'toy.more' },
  ],
  expedited: [0],
};

/** A target that does what a test says, with every capability. Memory is 4 KiB at 1000H. */
export class FakeTarget implements Target {
  readonly architecture = architecture;
  readonly memory = new Uint8Array(4096);
  readonly registers = new Map<string, Uint8Array>();
  readonly inserted = new Set<Breakpoint>();
  readonly watched = new Set<Watchpoint>();
  readonly log: string[] = [];
  plan: ResumePlan | undefined;
  stopped: (stop: Stop) => void = () => undefined;
  readonly rangeStep = true;
  relocated: Relocation | undefined;

  readonly breakpoints = {
    insert: (breakpoint: Breakpoint): boolean => this.inserted.size < 3 && this.inserted.add(breakpoint).size > 0,
    remove: (breakpoint: Breakpoint): void => void this.inserted.delete(breakpoint),
  };
  readonly watchpoints = {
    insert: (watchpoint: Watchpoint): boolean => this.watched.add(watchpoint).size > 0,
    remove: (watchpoint: Watchpoint): void => void this.watched.delete(watchpoint),
  };
  readonly nonStop = {
    resume: (plan: ResumePlan, stopped: (stop: Stop) => void): void => this.resume(plan, stopped),
    interrupt: (thread: number): void => void this.log.push(`interrupt ${thread}`),
  };
  readonly monitor = {
    run: (command: string, thread: number, print: (text: string) => void): string | Promise<string> => {
      if (command === 'slow') return Promise.resolve('later');
      if (command === 'fail') throw new Error('no');
      print('working');
      return command === 'quiet' ? '' : `${command} on ${thread}`;
    },
  };
  readonly files = {
    open: (path: string) => (path === '/f' ? { size: 5, read: (offset: number, length: number) => latin1('a}$#e').subarray(offset, offset + length) } : undefined),
  };

  threads(): readonly Thread[] {
    return [{ id: 1, name: 'one', core: 0 }, { id: 2, name: 'two <&>', note: 'halted', core: 1 }];
  }
  readRegister(thread: number, register: number): Uint8Array | undefined {
    return register === 2 ? undefined : this.registers.get(`${thread}.${register}`) ?? new Uint8Array(register === 0 ? 8 : 4).fill(thread);
  }
  writeRegister(thread: number, register: number, value: Uint8Array): boolean {
    if (register === 0 && value[7] === 0xff) return false;
    this.registers.set(`${thread}.${register}`, value.slice());
    return true;
  }
  readMemory(_thread: number, address: bigint, length: number): Uint8Array {
    return address < 0x1000n || address >= 0x2000n ? new Uint8Array() : this.memory.slice(Number(address) - 0x1000, Number(address) - 0x1000 + length);
  }
  writeMemory(_thread: number, address: bigint, bytes: Uint8Array): boolean {
    if (address < 0x1000n || address + BigInt(bytes.length) > 0x2000n) return false;
    this.memory.set(bytes, Number(address) - 0x1000);
    return true;
  }
  resume(plan: ResumePlan, stopped: (stop: Stop) => void): void {
    this.plan = plan;
    this.stopped = stopped;
  }
  interrupt(): void {
    this.stopped({ reason: 'interrupt', thread: 2 });
  }
  detach(): void {
    this.log.push('detach');
  }
  kill(): void {
    this.log.push('kill');
  }
  restart(): void {
    this.log.push('restart');
  }
  memoryMap() {
    return [{ start: 0x1000n, length: 0x1000n, type: 'ram' as const }];
  }
  memoryRegion(_thread: number, address: bigint) {
    return address < 0x2000n ? { start: 0x1000n, length: 0x1000n, permissions: 'rwx' } : { start: 0x2000n, length: 1n << 40n };
  }
  execFile(): string {
    return '/f';
  }
  relocation(): Relocation | undefined {
    return this.relocated;
  }
}

/** Talks to a session over `FakeTarget`, or another, as a debugger without acknowledgements would. */
export class Conversation<T extends Target = FakeTarget> {
  readonly session: GdbSession;
  readonly target: T;
  /** Bytes that came and were not looked at yet. */
  sent = '';
  closed = false;

  constructor(target: T) {
    this.target = target;
    this.session = new GdbSession(target, {
      send: (bytes) => {
        this.sent += fromLatin1(bytes);
      },
      close: () => {
        this.closed = true;
      },
      packetBytes: 2048,
    });
  }

  /** @returns the payloads that came back at once */
  say(payload: string): string[] {
    this.session.receive(frame(payload));
    return this.take();
  }

  take(): string[] {
    const reader = new FrameReader(8192);
    const payloads: string[] = [];
    for (const byte of latin1(this.sent.replaceAll('%Stop', '$%Stop'))) {
      const next = reader.push(byte);
      // A notification's checksum is that of the packet without our mark.
      if (next?.kind === 'packet') payloads.push(next.text);
      else if (next?.kind === 'bad') payloads.push('%');
    }
    this.sent = '';
    return payloads;
  }

  /** One packet, one answer. */
  ask(payload: string): string | undefined {
    const [first, ...more] = this.say(payload);
    if (more.length > 0) throw new Error(`${payload}: more than one answer: ${[first, ...more].join(' | ')}`);
    return first;
  }
}
