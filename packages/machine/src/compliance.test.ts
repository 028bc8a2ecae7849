import { describeDevice } from '@pckit/device-testing';
import type { IrqLine } from '@pckit/interfaces';
import { describe, expect, it, vi } from 'vitest';
import { Door } from './door.js';
import { defaultHost } from './host.js';
import { IsaInterrupts } from './pc/isa-interrupts.js';
import { SerialLine } from './pc/serial-line.js';
import { hostEntropy, SeededEntropy } from './seeded-entropy.js';
import { scriptedProcessor, script, type ScriptedVcpu } from './testing/scripted-processor.js';
import { VirtualClock } from './virtual-clock.js';

describeDevice(
  'SeededEntropy',
  () => new SeededEntropy(7),
  (entropy) => entropy.fill(new Uint8Array(33)),
  {
    goOn: (entropy) => {
      const bytes = new Uint8Array(100);
      entropy.fill(bytes);
      return bytes;
    },
  },
);

const inputs = new WeakMap<IsaInterrupts, IrqLine[]>();
describeDevice(
  'IsaInterrupts',
  (bench) => {
    const isa = new IsaInterrupts((irq) => bench.irqs.line(`irq${irq}`));
    inputs.set(
      isa,
      [3, 4, 4, 10, 10, 10].map((irq) => isa.irq(irq)),
    );
    return isa;
  },
  (isa) => {
    const lines = inputs.get(isa) as IrqLine[];
    for (const index of [0, 1, 2, 4, 5]) lines[index].set(true);
    lines[1].set(false);
    lines[5].set(false);
  },
  {
    survivesReset: ['levels'],
    linesAreOthers: true,
    goOn: (isa) => {
      const lines = inputs.get(isa) as IrqLine[];
      lines[2].set(false); // the last of two
      lines[3].set(true); // one more of three
      lines[4].set(false);
      lines[3].set(false);
    },
  },
);

const doors = new WeakMap<SerialLine, Door>();
describeDevice(
  'SerialLine',
  (bench) => {
    const door = new Door({ clock: new VirtualClock(), instructions: () => 0, completionLatency: undefined });
    const line = new SerialLine('com1-line', door, bench.chars);
    // A UART with room for three bytes at a time, which it shows by writing them back.
    line.attach((bytes) => {
      for (const byte of bytes.subarray(0, 3)) line.write(byte);
      return Math.min(3, bytes.length);
    });
    doors.set(line, door);
    return line;
  },
  (line, bench) => {
    bench.chars.type('a long line of text');
    doors.get(line)?.deliver();
  },
  {
    goOn: (line) => {
      line.onReady();
      line.onReady();
    },
  },
);

let scripted: ScriptedVcpu;
describeDevice(
  'ScriptedVcpu',
  () => {
    const factory = scriptedProcessor({
      code: [script.set(5), script.nop(), script.loop(1), script.enableInterrupts(), script.halt()],
    });
    const bus = {
      readMemory: () => 0,
      writeMemory: () => undefined,
      readMemory64: () => 0n,
      writeMemory64: () => undefined,
      readPort: () => 0,
      writePort: () => undefined,
    };
    factory.create({ ports: [{ bus }], yieldOnPause: false } as never);
    scripted = factory.vcpus[0];
    return scripted;
  },
  (cpu) => void cpu.run(7),
  { goOn: (cpu) => cpu.run(100), survivesReset: ['instructions'] },
);

describe('the host', () => {
  it('gives turns by messages where there is no setImmediate, as in browsers', async () => {
    vi.stubGlobal('setImmediate', undefined);
    const posted: unknown[] = [];
    class Channel {
      port1: { onmessage: (() => void) | null } = { onmessage: null };
      port2 = {
        postMessage: (message: unknown) => {
          posted.push(message);
          setTimeout(() => this.port1.onmessage?.(), 0);
        },
      };
    }
    vi.stubGlobal('MessageChannel', Channel);
    try {
      const host = defaultHost();
      await host.turn();
      await host.turn();
      expect(posted).toHaveLength(2);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('sleeps until woken, or until the time is over', async () => {
    const host = defaultHost();
    const before = host.now();
    await host.sleep(5).done;
    expect(host.now()).toBeGreaterThan(before);
    const sleep = host.sleep(Infinity);
    setTimeout(() => sleep.wake(), 1);
    await sleep.done;
    const woken = host.sleep(60_000);
    woken.wake();
    await woken.done;
    await host.turn();
  });

  it('has random numbers, more than fit in one request', () => {
    const bytes = new Uint8Array(200_000);
    hostEntropy.fill(bytes);
    expect(new Set(bytes.subarray(150_000)).size).toBeGreaterThan(200);
  });
});
