import type { Device, DeviceState, Plain } from '@pckit/interfaces';
import { describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.js';
import { FakeGuestMemory } from './fake-guest-memory.js';
import { FakeIngress } from './fake-ingress.js';
import { FakeCharPort } from './fake-ports.js';
import { IrqRecorder, MsiRecorder } from './irq-recorder.js';
import { firstNotPlain } from './plain.js';
import { SeededRandom } from './seeded-random.js';

// ES2023 has no declaration for it; every host has it.
declare function structuredClone<T>(value: T): T;

/** Everything that a device under test may be wired to, all of it fake and recorded. */
export class Bench {
  readonly clock: FakeClock;
  readonly memory = new FakeGuestMemory();
  readonly irqs = new IrqRecorder();
  readonly msi = new MsiRecorder();
  readonly ingress = new FakeIngress();
  readonly chars = new FakeCharPort();
  readonly entropy = new SeededRandom(1);

  constructor(now = 0) {
    this.clock = new FakeClock(now);
  }

  /** What the device did to the outside since `from`. */
  effects(from: BenchMark): Plain {
    return {
      irqs: this.irqs.events.slice(from.irqs).map((event) => ({ ...event })),
      msi: this.msi.messages.slice(from.msi).map((message) => ({ ...message })),
      output: this.chars.output.slice(from.output),
      writes: this.memory.writes.slice(from.writes).map((write) => ({ ...write })),
    };
  }

  mark(): BenchMark {
    return {
      irqs: this.irqs.events.length,
      msi: this.msi.messages.length,
      output: this.chars.output.length,
      writes: this.memory.writes.length,
    };
  }

  /** Puts memory, line levels, timers and time as they are on `other`: what a board restores around its devices. */
  adopt(other: Bench): void {
    this.memory.bytes.set(other.memory.bytes);
    this.irqs.restore(other.irqs.levels);
    this.clock.restore(other.clock.now(), other.clock.armed);
  }
}

export interface BenchMark {
  readonly irqs: number;
  readonly msi: number;
  readonly output: number;
  readonly writes: number;
}

export interface DescribeDeviceOptions<D> {
  /**
   * What a guest does after the restore; runs on the original and on the copy, which must agree in what it returns, in their saved
   * states and in everything they do to the bench. By default the exercise again and a second of virtual time.
   */
  readonly goOn?: (device: D, bench: Bench) => Plain | void | Promise<Plain | void>;
  /** Top-level fields of the state that survive a cold reset (battery-backed memory, contents of a disk). */
  readonly survivesReset?: readonly string[];
  /** What it drives depends on others, who are reset apart (shared wires): a cold reset need not put its lines down. */
  readonly linesAreOthers?: boolean;
  /** When true, the exercise leaves host work in flight on purpose; otherwise it is drained before the state is saved. */
  readonly leaveInFlight?: boolean;
}

/**
 * The compliance suite that every stateful device passes.
 *
 * @param create builds a fresh device on the bench; wires come from `bench.irqs.line(name)`, `bench.clock` and so on
 * @param exercise drives the device into a state worth saving, as a guest would: registers programmed, a timer armed, a line high
 */
export function describeDevice<D extends Device<never> | Device>(
  name: string,
  create: (bench: Bench) => D,
  exercise: (device: D, bench: Bench) => void | Promise<void>,
  options: DescribeDeviceOptions<D> = {},
): void {
  const save = (device: D): DeviceState => device.save() as DeviceState;
  const restore = (device: D, state: DeviceState): void => (device as Device).restore(state);
  const without = (state: DeviceState, fields: readonly string[]): Record<string, Plain> =>
    Object.fromEntries(Object.entries(state).filter(([field]) => !fields.includes(field)));
  const goOn =
    options.goOn ??
    (async (device: D, bench: Bench): Promise<void> => {
      await exercise(device, bench);
      bench.clock.advance(1_000_000_000);
    });

  async function exercised(): Promise<{ device: D; bench: Bench }> {
    const bench = new Bench();
    const device = create(bench);
    await exercise(device, bench);
    if (options.leaveInFlight !== true) await bench.ingress.drain();
    return { device, bench };
  }

  describe(`${name} keeps the rules of a device`, () => {
    it('saves plain state with a version', async () => {
      const { device } = await exercised();
      const state = save(device);
      expect(firstNotPlain(state)).toBeUndefined();
      expect(Number.isInteger(state.version)).toBe(true);
      expect(structuredClone(state)).toEqual(state);
    });

    it('is changed by the exercise, or the tests here would prove nothing', async () => {
      const { device, bench } = await exercised();
      expect(save(device)).not.toEqual(save(create(new Bench(bench.clock.now()))));
    });

    it('is not changed by saving, nor is a saved state changed by going on', async () => {
      const { device, bench } = await exercised();
      const mark = bench.mark();
      const state = save(device);
      const copy = structuredClone(state);
      expect(save(device)).toEqual(copy);
      expect(bench.effects(mark)).toEqual(new Bench().effects(new Bench().mark()));
      await goOn(device, bench);
      await bench.ingress.drain();
      expect(state).toEqual(copy);
    });

    it('is as fresh after a cold reset', async () => {
      const { device, bench } = await exercised();
      device.reset('cold');
      const freshBench = new Bench(bench.clock.now());
      const fresh = create(freshBench);
      const kept = options.survivesReset ?? [];
      expect(without(save(device), kept)).toEqual(without(save(fresh), kept));
      if (options.linesAreOthers !== true) expect(bench.irqs.levels).toEqual(freshBench.irqs.levels);
      expect(bench.clock.armed).toEqual(freshBench.clock.armed);
    });

    it('takes a warm reset, twice the same', async () => {
      const { device } = await exercised();
      device.reset('warm');
      const once = save(device);
      device.reset('warm');
      expect(save(device)).toEqual(once);
    });

    it('restores into a fresh instance without moving a line, and both go on the same', async () => {
      const original = await exercised();
      const state = save(original.device);

      const bench = new Bench();
      const copy = create(bench);
      bench.adopt(original.bench);
      bench.irqs.clear();
      const before = bench.mark();
      restore(copy, structuredClone(state));
      expect(bench.effects(before)).toEqual(new Bench().effects(new Bench().mark()));
      expect(save(copy)).toEqual(state);
      expect(bench.clock.armed).toEqual(original.bench.clock.armed);

      const mark = original.bench.mark();
      const markOfCopy = bench.mark();
      const seen = await goOn(original.device, original.bench);
      await original.bench.ingress.drain();
      const seenByCopy = await goOn(copy, bench);
      await bench.ingress.drain();
      expect(seenByCopy).toEqual(seen);
      expect(save(copy)).toEqual(save(original.device));
      expect(bench.effects(markOfCopy)).toEqual(original.bench.effects(mark));
      expect(bench.clock.armed).toEqual(original.bench.clock.armed);
      // toEqual takes seconds over a MiB.
      expect(bench.memory.bytes.findIndex((byte, i) => byte !== original.bench.memory.bytes[i])).toBe(-1);
    });

    it('refuses a state of an unknown version', async () => {
      const { device } = await exercised();
      const state = save(device);
      expect(() => restore(device, { ...state, version: state.version + 1000 })).toThrow(/version/i);
    });
  });
}
