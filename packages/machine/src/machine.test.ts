import type { Device, IrqLine } from '@pckit/interfaces';
import { describe, expect, it } from 'vitest';
import type { MachineEvent } from './events.js';
import type { Host } from './host.js';
import { Machine, type MachineOptions } from './machine.js';
import { MachineError } from './machine-error.js';
import { script, scriptedProcessor, type ScriptedProgram, type ScriptedVcpu } from './testing/scripted-processor.js';

const { nop, out, halt, pause, jump, set, loop, enableInterrupts, returnFromInterrupt, tripleFault, breakpoint } =
  script;

/** Ports: 10H logs "value@instructions/time", 20H arms a one-shot timer for so many ns, 21H acknowledges it, 30H starts host work. */
class Probe implements Device<{ version: 1; log: readonly string[]; requested: readonly number[]; deadline: number }> {
  readonly name = 'probe';
  log: string[] = [];
  #requested: number[] = [];
  /** How the host answers a request. */
  work: () => Promise<void> | void = () => undefined;
  readonly #timer;

  constructor(private readonly machine: Machine, private readonly irq: () => IrqLine) {
    this.#timer = machine.clock.timer('probe', (now) => {
      this.log.push(`timer@${machine.instructions}/${now}`);
      this.irq().set(true);
    });
    machine.ports.map(0, {
      name: 'probe',
      length: 0x40,
      handler: {
        read: () => 0,
        write: (offset, value) => {
          if (offset === 0x10) this.log.push(`${value}@${machine.instructions}/${machine.clock.now()}`);
          else if (offset === 0x20) this.#timer.arm(machine.clock.now() + value);
          else if (offset === 0x21) this.irq().set(false);
          else if (offset === 0x30) this.#request(value);
        },
      },
    });
  }

  #request(value: number): void {
    this.#requested.push(value);
    this.machine.door.completion(this.name, this.work(), () => {
      this.#requested.shift();
      this.log.push(`done ${value}@${this.machine.instructions}/${this.machine.clock.now()}`);
      this.irq().set(true);
    });
  }

  reset(): void {
    this.log = [];
    this.#timer.cancel();
    this.#requested = [];
  }

  save(): { version: 1; log: readonly string[]; requested: readonly number[]; deadline: number } {
    return { version: 1, log: [...this.log], requested: [...this.#requested], deadline: this.#timer.deadline };
  }

  restore(state: { version: 1; log: readonly string[]; requested: readonly number[]; deadline: number }): void {
    this.log = [...state.log];
    this.#timer.arm(state.deadline);
    this.#requested = [];
    for (const value of state.requested) this.#request(value);
  }
}

function build(
  program: ScriptedProgram,
  options: Partial<MachineOptions> = {},
): { machine: Machine; probe: Probe; cpu: () => ScriptedVcpu; events: MachineEvent[] } {
  const processor = scriptedProcessor(program);
  const events: MachineEvent[] = [];
  const machine = new Machine({
    ramBytes: 1 << 20,
    processor,
    time: { kind: 'deterministic' },
    observe: (event) => events.push(event),
    ...options,
  });
  const probe = machine.add(new Probe(machine, () => machine.pins[0].intr));
  machine.addProcessors();
  return { machine, probe, cpu: () => processor.vcpus[0], events };
}

const COUNT = [set(1000), nop(), nop(), loop(1), jump(0)];

/** A host whose time only moves when the machine sleeps or `pass` is called. */
function fakeHost(): Host & { time: number; slept: number[]; pass(milliseconds: number): void } {
  const host = {
    time: 1000,
    slept: [] as number[],
    pass: (milliseconds: number) => {
      host.time += milliseconds;
    },
    now: () => host.time,
    turn: () => {
      host.time += 0.01;
      return Promise.resolve();
    },
    sleep: (milliseconds: number) => {
      let wake: () => void = () => undefined;
      const done = new Promise<void>((resolve) => {
        wake = resolve;
        if (milliseconds !== Infinity) {
          host.slept.push(milliseconds);
          host.time += milliseconds;
          resolve();
        }
      });
      return { done, wake: () => wake() };
    },
  };
  return host;
}

describe('a machine runs', () => {
  it('exactly as many instructions as asked for, in any pieces', async () => {
    const { machine, cpu } = build({ code: COUNT });
    machine.powerOn();
    expect(await machine.run({ untilInstructions: 12_345 })).toEqual({ reason: 'instructions', instructions: 12_345 });
    expect(cpu().instructions).toBe(12_345n);
    expect(machine.clock.now()).toBe(12_345);
    await machine.run({ untilInstructions: 12_346 });
    expect(cpu().instructions).toBe(12_346n);
    await expect(machine.run({ untilInstructions: 5 })).rejects.toThrow(/12346 have been executed/);
  });

  it('only when it is on, whole, and not running already', async () => {
    const processor = scriptedProcessor({ code: COUNT });
    const machine = new Machine({ ramBytes: 1 << 20, processor, time: { kind: 'deterministic' } });
    expect(() => machine.powerOn()).toThrow(/addProcessors/);
    machine.addProcessors();
    await expect(machine.run()).rejects.toThrow(/powerOn/);
    machine.powerOn();
    expect(() => machine.powerOn()).toThrow(/on already/);
    const running = machine.run();
    await expect(machine.run()).rejects.toThrow(/running already/);
    machine.stop();
    expect((await running).reason).toBe('stopped');
    expect(() => new Machine({ ramBytes: 1 << 20, processor, processors: 0 })).toThrow(MachineError);
  });

  it('and skips to the next timer when it halts, firing it at its exact time', async () => {
    const { machine, probe } = build({
      code: [
        enableInterrupts(),
        out(0x20, 200),
        out(0x10, 1),
        halt(),
        out(0x10, 3),
        jump(0),
        out(0x21, 0),
        out(0x10, 2),
        returnFromInterrupt(),
      ],
      vectors: { 0: 6 },
    });
    machine.powerOn();
    await machine.run({ untilInstructions: 8 });
    // Armed by the second instruction (1 executed before it) for 1 + 200.
    expect(probe.log).toEqual(['1@2/2', 'timer@4/201', '2@5/202', '3@7/204']);
  });

  it('and fires a timer in the middle of busy code at its exact instruction', async () => {
    const { machine, probe } = build({ code: [out(0x20, 100), nop(), jump(1)] });
    machine.powerOn();
    await machine.run({ untilInstructions: 500 });
    expect(probe.log).toEqual(['timer@100/100']);
  });

  it('until stop, right after the present instruction', async () => {
    const { machine } = build({ code: [nop(), nop(), out(0x90, 1), nop(), jump(3)] });
    machine.ports.map(0x90, { name: 'stopper', length: 1, handler: { read: () => 0, write: () => machine.stop() } });
    machine.powerOn();
    expect(await machine.run()).toEqual({ reason: 'stopped', instructions: 3 });
  });

  it('until the predicate, a breakpoint, power-off, a debug exit', async () => {
    const { machine, events } = build({ code: [breakpoint(), out(0x91, 1), out(0x92, 7), out(0x93, 1), jump(4)] });
    machine.ports.map(0x91, {
      name: 'exits',
      length: 3,
      handler: {
        read: () => 0,
        write: (offset, value) => {
          if (offset === 1) machine.requestDebugExit(value);
          if (offset === 2) machine.requestPowerOff();
        },
      },
    });
    machine.powerOn();
    expect(await machine.run()).toEqual({ reason: 'breakpoint', vcpu: 0, instructions: 1 });
    expect(await machine.run()).toEqual({ reason: 'debug-exit', value: 7, instructions: 3 });
    expect(await machine.run()).toEqual({ reason: 'power-off', instructions: 4 });
    expect(machine.powered).toBe(false);
    await expect(machine.run()).rejects.toThrow(/is off/);
    expect(events.map((event) => event.kind)).toEqual(['reset', 'debug-exit', 'power-off']);
    const busy = build({ code: COUNT });
    busy.machine.powerOn();
    let asked = 0;
    expect((await busy.machine.run({ until: () => ++asked === 3 })).reason).toBe('until');
  });

  it('through resets: devices are reset and firmware runs again, on a triple fault too', async () => {
    const { machine, cpu, events, probe } = build({ code: [out(0x10, 1), tripleFault()] });
    const kinds: string[] = [];
    machine.firmware = (kind) => {
      kinds.push(`${kind} ${probe.log.length}`);
      machine.ram.writeU8(0x1000, machine.ram.readU8(0x1000) + 1);
    };
    machine.powerOn();
    await machine.run({ untilInstructions: 5 });
    expect(kinds).toEqual(['cold 0', 'warm 0', 'warm 0']);
    expect(machine.ram.readU8(0x1000)).toBe(3);
    expect(cpu().pc).toBe(1);
    expect(events.map((event) => event.kind)).toEqual(['reset', 'triple-fault', 'reset', 'triple-fault', 'reset']);
    machine.onReset = 'stop';
    expect(await machine.run()).toEqual({ reason: 'reset', cause: 'triple-fault', instructions: 6 });
    expect(cpu().pc).toBe(0);
    machine.requestReset('host', 'cold');
    expect(await machine.run()).toEqual({ reason: 'reset', cause: 'host', instructions: 6 });
    expect(machine.ram.readU8(0x1000)).toBe(1);
  });

  it('and says so when nothing but an input could wake it', async () => {
    const { machine } = build({ code: [enableInterrupts(), halt()] });
    machine.powerOn();
    expect(await machine.run({ stopWhenIdle: true })).toEqual({ reason: 'idle', instructions: 2 });
  });

  it('and says so when not even that could, whatever timers run', async () => {
    const { machine } = build({ code: [out(0x20, 100), halt()] }, { processors: 2 });
    const timer = machine.clock.timer('periodic', (now) => timer.arm(now + 1000));
    machine.powerOn();
    timer.arm(1000);
    expect(await machine.run()).toEqual({ reason: 'stuck', instructions: 2 });
    expect(machine.exits).toMatchObject({ halted: 1, waiting: 1 });
  });

  it('wakes up for an input that comes while it sleeps', async () => {
    const { machine, probe } = build({
      code: [enableInterrupts(), halt(), out(0x10, 1), breakpoint()],
      vectors: { 0: 2 },
    });
    const input = machine.door.input<number>('button', () => machine.pins[0].intr.set(true));
    machine.powerOn();
    setTimeout(() => input.post(1), 5);
    expect((await machine.run()).reason).toBe('breakpoint');
    expect(probe.log).toEqual(['1@2/2']);
  });

  it.each([
    ['all that the event loop has at hand', [3, 4, 5, 0, 0], [12]],
    ['not what comes for ever', [3, 3, 3, 3, 3, 0], [12, 3]],
    ['no floods', [32, 32, 1, 0], [32, 32, 1]],
  ])('lets in together %s', async (_, arrivals, expected) => {
    const entered = new Map<number, number>();
    const host = fakeHost();
    let left = arrivals;
    const { machine } = build(
      { code: COUNT },
      {
        host: {
          ...host,
          turn: () => {
            const [now = 0, ...later] = left;
            left = later;
            for (let n = 0; n < now; n++) input.post(n);
            return host.turn();
          },
        },
        sliceMilliseconds: 0,
      },
    );
    const input = machine.door.input<number>('frames', () => entered.set(machine.instructions, (entered.get(machine.instructions) ?? 0) + 1));
    machine.powerOn();
    await machine.run({ untilInstructions: 2_000_000 });
    expect([...entered.values()]).toEqual(expected);
  });
});

describe('host work in deterministic time', () => {
  const program: ScriptedProgram = {
    code: [enableInterrupts(), out(0x30, 9), nop(), jump(2), out(0x21, 0), out(0x10, 5), breakpoint()],
    vectors: { 0: 4 },
  };

  it('enters at request time plus latency, whether the host answers at once, later or much later', async () => {
    const logs = [];
    for (const work of [
      (): void => undefined,
      () => Promise.resolve(),
      () => new Promise<void>((resolve) => setTimeout(resolve, 20)),
    ]) {
      const { machine, probe } = build(program, { time: { kind: 'deterministic', completionLatency: 1000 } });
      probe.work = work;
      machine.powerOn();
      expect((await machine.run()).reason).toBe('breakpoint');
      logs.push(probe.log);
    }
    expect(logs[0]).toEqual(['done 9@1001/1001', '5@1002/1002']);
    expect(logs[1]).toEqual(logs[0]);
    expect(logs[2]).toEqual(logs[0]);
  });
});

describe('several processors', () => {
  /** Each logs when its turn begins: a different port value a processor. */
  const counting = (): { program: ScriptedProgram; turns: { vcpu: number; at: number }[] } => {
    const turns: { vcpu: number; at: number }[] = [];
    const mark = (cpu: ScriptedVcpu): void => {
      const last = turns.at(-1);
      if (last?.vcpu !== cpu.index) turns.push({ vcpu: cpu.index, at: Number(cpu.instructions) });
    };
    return { program: { code: [mark, jump(0)], startUp: { 8: 0 } }, turns };
  };

  it('take turns of a quantum, in an order that does not depend on how the run is cut', async () => {
    const run = async (limits: number[], sliceMilliseconds: number): Promise<unknown> => {
      const { program, turns } = counting();
      const { machine } = build(program, { processors: 3, quantum: 100, sliceMilliseconds });
      machine.powerOn();
      for (const pin of machine.pins.slice(1)) pin.startUp(8);
      for (const untilInstructions of limits) await machine.run({ untilInstructions });
      return { turns, hash: machine.stateHash() };
    };
    const whole = (await run([1000], 1000)) as { turns: { vcpu: number }[] };
    expect(whole.turns.map(({ vcpu }) => vcpu)).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0]);
    expect(await run([1, 50, 100, 101, 250, 300, 999, 1000], 1000)).toEqual(whole);
    expect(await run([1000], 0)).toEqual(whole);
  });

  it('wait for their start-up IPI without taking time', async () => {
    const { program, turns } = counting();
    const { machine } = build(program, { processors: 2, quantum: 10 });
    machine.powerOn();
    await machine.run({ untilInstructions: 95 });
    expect(turns).toEqual([{ vcpu: 0, at: 0 }]);
    machine.pins[1].startUp(8);
    await machine.run({ untilInstructions: 125 });
    expect(turns.map(({ vcpu }) => vcpu)).toEqual([0, 1, 0, 1]);
    machine.pins[1].init();
    await machine.run({ untilInstructions: 200 });
    expect(turns.map(({ vcpu }) => vcpu).slice(3)).toEqual([1, 0]);
  });

  it('give up their turn when they spin', async () => {
    const order: string[] = [];
    const { machine } = build(
      {
        code: [
          (cpu) => {
            order.push(`${cpu.index}`);
            if (cpu.index === 1) cpu.jump(3);
          },
          pause(),
          jump(0),
          nop(),
          nop(),
          jump(0),
        ],
      },
      { processors: 2, quantum: 8 },
    );
    machine.powerOn();
    machine.pins[1].startUp(0);
    await machine.run({ untilInstructions: 20 });
    expect(order.join('')).toBe('011011');
  });

  it('all share one time', async () => {
    const { machine, probe } = build(
      {
        code: [
          (cpu) => {
            cpu.bus.writePort(0x10, cpu.index, 1);
          },
          nop(),
          jump(0),
        ],
      },
      { processors: 2, quantum: 3 },
    );
    machine.powerOn();
    machine.pins[1].startUp(0);
    await machine.run({ untilInstructions: 12 });
    expect(probe.log).toEqual(['0@0/0', '1@3/3', '0@6/6', '1@9/9']);
  });
});

describe('real time', () => {
  it('follows the host, sleeping while the guest is halted', async () => {
    const host = fakeHost();
    const { machine, probe } = build(
      {
        code: [
          enableInterrupts(),
          out(0x20, 250_000_000, 4),
          halt(),
          breakpoint(),
          out(0x21, 0),
          returnFromInterrupt(),
        ],
        vectors: { 0: 4 },
      },
      { time: { kind: 'real' }, host },
    );
    machine.powerOn();
    expect((await machine.run()).reason).toBe('breakpoint');
    expect(host.slept).toHaveLength(1);
    expect(host.slept[0]).toBeCloseTo(250, 1);
    expect(probe.log[0]).toMatch(/^timer@3\/2500000/);
  });

  it('fires what fell due while the host was busy, and goes on by a bounded time after a suspend', async () => {
    const host = fakeHost();
    const { machine } = build(
      { code: [(): void => host.pass(10), jump(0)] },
      { time: { kind: 'real', longestGap: 500 }, host },
    );
    const fired: number[] = [];
    const timer = machine.clock.timer('periodic', (now) => {
      fired.push(now);
      timer.arm(now + 1_000_000);
    });
    machine.powerOn();
    timer.arm(1_000_000);
    await machine.run({ untilInstructions: 20 });
    const before = machine.clock.now();
    expect(fired.length).toBeGreaterThan(5);
    expect(fired.every((now, i) => now === (i + 1) * 1_000_000)).toBe(true);
    host.pass(3_600_000);
    // Stopped: time stands still.
    await machine.run({ untilInstructions: 22 });
    expect(machine.clock.now() - before).toBeLessThan(10_000_000);
    let once = true;
    await machine.run({
      until: () => {
        if (!once) return true;
        once = false;
        host.pass(3_600_000);
        return false;
      },
    });
    expect(machine.clock.now() - before).toBeGreaterThan(400_000_000);
    expect(machine.clock.now() - before).toBeLessThan(600_000_000);
  });

  it('is never turned back when the guest was faster than estimated', async () => {
    const host = fakeHost();
    const times: number[] = [];
    // The host's clock hardly moves: 5 ns an instruction is far too much.
    const { machine } = build(
      { code: [(): void => void times.push(machine.clock.now()), jump(0)] },
      { time: { kind: 'real' }, host },
    );
    machine.powerOn();
    await machine.run({ untilInstructions: 200_000 });
    expect(times.every((now, i) => i === 0 || now >= times[i - 1])).toBe(true);
  });

  it('has what may wait enter when its time has come while the guest executes, and at once when it halts', async () => {
    const NANOSECONDS = 1_000_000;
    for (const idle of [false, true]) {
      const host = fakeHost();
      const waited: number[] = [];
      const { machine, probe } = build(
        {
          code: [
            enableInterrupts(),
            (): void => {
              const before = machine.clock.now();
              machine.door.completionWithin?.('disk', NANOSECONDS, () => {
                waited.push(machine.clock.now() - before);
                probe.log.push('entered');
                machine.stop();
              });
            },
            idle ? halt() : nop(),
            jump(2),
          ],
        },
        { time: { kind: 'real' }, host },
      );
      machine.powerOn();
      expect((await machine.run({ untilInstructions: 10_000_000 })).reason).toBe('stopped');
      expect([waited.length, host.slept]).toEqual([1, []]);
      if (idle) expect(waited[0]).toBeLessThan(NANOSECONDS / 10);
      else expect(waited[0]).toBeGreaterThanOrEqual(NANOSECONDS);
      if (!idle) expect(waited[0]).toBeLessThan(NANOSECONDS * 1.1);
    }
  });

  it.each(['power-off', 'instructions', 'reset'] as const)('ends (%s) no sooner than what uses guest memory beside the guest', async (reason) => {
    let over = false;
    const { machine } = build(
      {
        code: [
          (): void => {
            machine.door.beside?.(new Promise<void>((resolve) => setTimeout(resolve, 5)).then(() => (over = true)));
            if (reason === 'power-off') machine.requestPowerOff();
            else if (reason === 'reset') machine.requestReset('host');
          },
          nop(),
          jump(1),
        ],
      },
      { time: { kind: 'real' }, onReset: 'stop' },
    );
    const overAtReset: boolean[] = [];
    machine.add({ name: 'witness', reset: () => void overAtReset.push(over), save: () => ({ version: 1 }), restore: () => undefined });
    machine.powerOn();
    expect((await machine.run({ untilInstructions: 1000 })).reason).toBe(reason);
    expect(over).toBe(true);
    expect(overAtReset).toEqual(reason === 'reset' ? [false, true] : [false]);
  });

  it('executes nothing while a device holds the processors, and is not restored before', async () => {
    let over = false;
    let between: unknown;
    const executed: boolean[] = [];
    const { machine } = build(
      {
        code: [
          (): void => {
            const work = new Promise<void>((resolve) => setTimeout(resolve, 5)).then(() => (over = true));
            machine.door.beside?.(work);
            machine.door.hold?.(work);
            setTimeout(() => {
              try {
                machine.restore(machine.snapshot());
              } catch (error) {
                between = error;
              }
            }, 1);
          },
          (): void => void executed.push(over),
          breakpoint(),
        ],
      },
      { time: { kind: 'real' } },
    );
    machine.powerOn();
    expect((await machine.run()).reason).toBe('breakpoint');
    expect(executed).toEqual([true]);
    expect(String(between)).toMatch(/wait for door.quiet/);
  });

  it('lets a completion in as soon as the host has finished', async () => {
    const { machine, probe } = build(
      {
        code: [enableInterrupts(), out(0x30, 9), halt(), breakpoint(), out(0x21, 0), returnFromInterrupt()],
        vectors: { 0: 4 },
      },
      { time: { kind: 'real' } },
    );
    probe.work = () => new Promise<void>((resolve) => setTimeout(resolve, 3));
    machine.powerOn();
    expect((await machine.run()).reason).toBe('breakpoint');
    expect(probe.log[0]).toMatch(/^done 9@3/);
  });
});

describe('snapshots', () => {
  const program: ScriptedProgram = {
    code: [
      enableInterrupts(),
      out(0x20, 77),
      out(0x30, 1),
      nop(),
      (cpu) => {
        cpu.counter++;
      },
      halt(),
      jump(1),
      out(0x21, 0),
      returnFromInterrupt(),
    ],
    vectors: { 0: 7 },
    startUp: { 8: 0 },
  };
  const start = async (): Promise<ReturnType<typeof build>> => {
    const built = build(program, {
      processors: 2,
      quantum: 13,
      time: { kind: 'deterministic', completionLatency: 123, seed: 5 },
    });
    built.probe.work = () => Promise.resolve();
    built.machine.powerOn();
    built.machine.ram.writeU32(0x2000, 1);
    built.machine.pins[1].startUp(8);
    return built;
  };

  it('go on as if nothing had happened, from any instruction, with host work in flight', async () => {
    const whole = await start();
    await whole.machine.run({ untilInstructions: 700 });
    for (const at of [0, 1, 3, 4, 40, 123, 300, 301, 302, 303]) {
      const first = await start();
      if (at > 0) await first.machine.run({ untilInstructions: at });
      const snapshot = structuredClone(first.machine.snapshot({ kernel: 'none' }));
      const second = build(program, {
        processors: 2,
        quantum: 13,
        time: { kind: 'deterministic', completionLatency: 123, seed: 99 },
      });
      second.probe.work = () => new Promise<void>((resolve) => setTimeout(resolve, 1));
      second.machine.restore(snapshot);
      expect(second.machine.stateHash()).toBe(first.machine.stateHash());
      await second.machine.run({ untilInstructions: 700 });
      expect(second.probe.log).toEqual(whole.probe.log);
      expect(second.machine.stateHash()).toBe(whole.machine.stateHash());
    }
  });

  it('hash RAM, devices and processors', async () => {
    const { machine, probe, cpu } = await start();
    const hashes = [machine.stateHash()];
    machine.ram.writeU8(0x2001, 1);
    hashes.push(machine.stateHash());
    probe.log.push('x');
    hashes.push(machine.stateHash());
    cpu().accumulator++;
    hashes.push(machine.stateHash());
    expect(new Set(hashes).size).toBe(4);
    expect(hashes.every((hash) => /^[0-9a-f]{16}$/.test(hash))).toBe(true);
    machine.ram.writeU8(0x2001, 0);
    probe.log.pop();
    cpu().accumulator--;
    expect(machine.stateHash()).toBe(hashes[0]);
  });

  it('hold the pages that are not zero, in runs', async () => {
    const { machine } = await start();
    machine.ram.writeU8(0x3000, 1);
    machine.ram.writeU8(0xfffff, 1);
    const { ram } = machine.snapshot();
    expect(ram.map(({ start, bytes }) => [start, bytes.length])).toEqual([
      [0x2000, 0x2000],
      [0xff000, 0x1000],
    ]);
    const other = await start();
    other.machine.ram.writeU8(0x9000, 1);
    other.machine.restore(machine.snapshot());
    expect(other.machine.ram.readU8(0x9000)).toBe(0);
    expect(other.machine.ram.readU8(0xfffff)).toBe(1);
  });

  it('are refused by a machine of another shape, naming the difference', async () => {
    const { machine } = await start();
    const snapshot = machine.snapshot();
    expect(() => build(program).machine.restore(snapshot)).toThrow(
      'the snapshot is of a machine with RAM 0x0+0x100000, 2 processors; this one has 0x0+0x100000, 1 processors',
    );
    const { probe: _gone, ...devices } = snapshot.devices;
    expect(() => machine.restore({ ...snapshot, devices: { ...devices, hpet: { version: 1 } } })).toThrow(
      /without probe, with hpet/,
    );
    expect(() => machine.restore({ ...snapshot, version: 2 as 1 })).toThrow(/version 2/);
  });

  it('are not taken from within an instruction', async () => {
    const errors: unknown[] = [];
    const { machine } = build({
      code: [
        () => {
          try {
            machine.snapshot();
          } catch (error) {
            errors.push(error);
          }
        },
        jump(1),
      ],
    });
    machine.powerOn();
    await machine.run({ untilInstructions: 3 });
    expect(String(errors[0])).toMatch(/from within an instruction/);
  });
});

describe('the board', () => {
  it('announces writes to RAM to the processors', () => {
    const processor = scriptedProcessor({ code: [] });
    const machine = new Machine({ ramBytes: 1 << 20, processor, time: { kind: 'deterministic' } });
    machine.addProcessors();
    machine.ram.writeU32(0x1234, 1);
    expect(processor.invalidated).toEqual([{ address: 0x1234, length: 4 }]);
  });

  it('refuses two devices of one name', () => {
    const { machine, probe } = build({ code: [] });
    expect(() => machine.add(probe)).toThrow('there is a device probe already');
  });
});
