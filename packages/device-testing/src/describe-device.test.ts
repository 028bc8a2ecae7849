import { pulse, type Clock, type Device, type IrqLine, type Timer } from '@pckit/interfaces';
import { describe, expect, it } from 'vitest';
import {
  FakeBlockBackend,
  FakeCharPort,
  FakeClock,
  FakeGuestMemory,
  FakeIngress,
  IrqRecorder,
  SeededRandom,
  describeDevice,
  firstNotPlain,
} from './index.js';

/** A count-down timer: the smallest device with a line, a timer and state. */
class Countdown implements Device<{ version: 1; count: number; deadline: number }> {
  readonly name = 'countdown';
  #count = 0;
  readonly #timer: Timer;

  constructor(private readonly wires: { irq: IrqLine; clock: Clock }) {
    this.#timer = wires.clock.timer('countdown', () => this.#expire());
  }

  start(count: number): void {
    this.#count = count;
    this.#timer.arm(this.wires.clock.now() + 1000);
  }

  #expire(): void {
    this.#count--;
    this.wires.irq.set(this.#count % 2 === 1);
    if (this.#count > 0)
      this.#timer.arm(this.#timer.deadline === Infinity ? this.wires.clock.now() + 1000 : this.#timer.deadline);
  }

  reset(): void {
    this.#count = 0;
    this.#timer.cancel();
    this.wires.irq.set(false);
  }

  save(): { version: 1; count: number; deadline: number } {
    return { version: 1, count: this.#count, deadline: this.#timer.deadline };
  }

  restore(state: { version: 1; count: number; deadline: number }): void {
    if (state.version !== 1) throw new Error(`countdown: unknown version ${String(state.version)}`);
    this.#count = state.count;
    this.#timer.arm(state.deadline);
  }
}

describeDevice(
  'Countdown',
  (bench) => new Countdown({ irq: bench.irqs.line('irq'), clock: bench.clock }),
  (device, bench) => {
    device.start(10);
    bench.clock.advance(3500);
  },
);

describe('FakeClock', () => {
  it('fires in order of deadline with now equal to it, ties in order of creation', () => {
    const clock = new FakeClock();
    const seen: string[] = [];
    const b = clock.timer('b', (now) => seen.push(`b${now}/${clock.now()}`));
    const a = clock.timer('a', (now) => seen.push(`a${now}/${clock.now()}`));
    const c = clock.timer('c', (now) => seen.push(`c${now}/${clock.now()}`));
    a.arm(10);
    b.arm(10);
    c.arm(5);
    clock.advance(9);
    expect(seen).toEqual(['c5/5']);
    clock.advance(1);
    expect(seen).toEqual(['c5/5', 'b10/10', 'a10/10']);
    expect(a.deadline).toBe(Infinity);
  });

  it('lets a timer arm itself again from within fire, without drift', () => {
    const clock = new FakeClock();
    const seen: number[] = [];
    const timer = clock.timer('periodic', (now) => {
      seen.push(now);
      timer.arm(now + 30);
    });
    timer.arm(30);
    clock.advance(100);
    expect(seen).toEqual([30, 60, 90]);
    expect(clock.now()).toBe(100);
    expect(timer.deadline).toBe(120);
  });

  it('stops a timer that fires at one instant for ever', () => {
    const clock = new FakeClock();
    const timer = clock.timer('stuck', (now) => timer.arm(now));
    timer.arm(0);
    expect(() => clock.advance(1)).toThrow(/stuck/);
  });

  it('refuses two timers of one name and time that goes back', () => {
    const clock = new FakeClock(5);
    clock.timer('t', () => undefined);
    expect(() => clock.timer('t', () => undefined)).toThrow(/t exists/);
    expect(() => clock.advanceTo(4)).toThrow(/from 5 to 4/);
  });
});

describe('FakeGuestMemory', () => {
  it('reads all-ones and writes nothing outside RAM', () => {
    const memory = new FakeGuestMemory({ ranges: [[0x1000, 0x1000]] });
    expect(memory.readU32(0)).toBe(0xffff_ffff);
    expect(memory.readU16(0x1fff)).toBe(0xffff);
    memory.writeU32(0x1ffd, 1);
    expect(memory.writes).toEqual([]);
    expect(memory.borrow(0x1fff, 2, 'read')).toBeUndefined();
    expect(memory.readAddress(0)).toBe(Infinity);
  });

  it('logs writes and keeps 64-bit values up to 2^53-1', () => {
    const memory = new FakeGuestMemory({ length: 4096 });
    memory.writeAddress(8, 2 ** 53 - 1);
    expect(memory.readAddress(8)).toBe(2 ** 53 - 1);
    memory.writeU32(12, 0x0020_0000);
    expect(memory.readAddress(8)).toBe(Infinity);
    memory.borrow(100, 5, 'write')?.fill(7);
    expect(memory.writes).toEqual([
      { address: 8, length: 8 },
      { address: 12, length: 4 },
      { address: 100, length: 5 },
    ]);
    expect(memory.readU8(104)).toBe(7);
  });
});

describe('FakeIngress', () => {
  it('delivers nothing before its safe point', async () => {
    const ingress = new FakeIngress();
    const seen: unknown[] = [];
    ingress.completion('sync', 1, (result) => seen.push(result));
    ingress.completion('async', Promise.resolve(2), (result) => seen.push(result));
    ingress.completion('failing', Promise.reject(new Error('no disk')), (result) => seen.push(result));
    const keys = ingress.input<string>('keys', (event) => seen.push(event));
    keys.post('a');
    expect(seen).toEqual([]);
    expect(ingress.deliver()).toBe(2);
    expect(seen).toEqual([{ ok: true, value: 1 }, 'a']);
    await ingress.drain();
    expect(seen.slice(2)).toEqual([
      { ok: true, value: 2 },
      { ok: false, error: new Error('no disk') },
    ]);
  });
});

describe('the other fakes', () => {
  it('IrqRecorder records changes only', () => {
    const irqs = new IrqRecorder();
    const line = irqs.line('irq4');
    line.set(true);
    line.set(true);
    line.set(false);
    pulse(line);
    expect(irqs.rises('irq4')).toBe(2);
    expect(irqs.events).toHaveLength(4);
  });

  it('FakeCharPort offers again what was refused', () => {
    const port = new FakeCharPort();
    const taken: number[] = [];
    port.attach((bytes) => {
      taken.push(...bytes.subarray(0, 2));
      return Math.min(2, bytes.length);
    });
    port.type('abc');
    expect(port.waiting).toBe(1);
    port.onReady();
    expect(String.fromCharCode(...taken)).toBe('abc');
  });

  it('FakeBlockBackend fails once when told to', async () => {
    const disk = new FakeBlockBackend(1024, { asynchronous: true });
    disk.failNext = new Error('worn out');
    await expect(disk.write(0, Uint8Array.of(1))).rejects.toThrow('worn out');
    await disk.write(0, Uint8Array.of(1));
    const back = new Uint8Array(1);
    await disk.read(0, back);
    expect(back[0]).toBe(1);
    expect(disk.requests).toEqual(['write 0+1', 'write 0+1', 'read 0+1']);
  });

  it('SeededRandom repeats itself for a seed and differs between seeds', () => {
    expect(new SeededRandom(7).bytes(32)).toEqual(new SeededRandom(7).bytes(32));
    expect(new SeededRandom(7).bytes(32)).not.toEqual(new SeededRandom(8).bytes(32));
    const random = new SeededRandom(1);
    for (let i = 0; i < 1000; i++) expect(random.below(3)).toBeLessThan(3);
  });

  it('firstNotPlain names the path', () => {
    expect(firstNotPlain({ a: [1, { b: new Map() }] })).toBe('state.a[1].b is an instance of a class');
    expect(firstNotPlain({ a: undefined })).toBe('state.a is undefined');
    expect(firstNotPlain({ a: [1n, null, new Uint8Array(2), { s: '' }] })).toBeUndefined();
  });
});
