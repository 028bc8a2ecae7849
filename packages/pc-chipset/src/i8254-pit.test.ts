import { FakeClock, IrqRecorder, RegionDriver, describeDevice } from '@pckit/device-testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timeOfTick } from './frequency.js';
import { I8254Pit, PIT_FREQUENCY_HZ } from './i8254-pit.js';

const CONTROL = 3;

function board() {
  const clock = new FakeClock();
  const irqs = new IrqRecorder();
  const pit = new I8254Pit({ clock, out0: irqs.line('out0'), out2: irqs.line('out2') });
  const ports = new RegionDriver(pit.regions.ports);
  let tick = 0;
  return {
    clock,
    irqs,
    pit,
    ports,
    /** Lets CLK pulse `n` times. */
    clk(n: number): void {
      tick += n;
      clock.advanceTo(timeOfTick(tick, PIT_FREQUENCY_HZ));
    },
    program(channel: number, mode: number, count: number): void {
      ports.write8(CONTROL, (channel << 6) | 0x30 | (mode << 1));
      ports.write8(channel, count & 0xff);
      ports.write8(channel, (count >> 8) & 0xff);
    },
    count(channel: number): number {
      ports.write8(CONTROL, channel << 6);
      return ports.read8(channel) | (ports.read8(channel) << 8);
    },
    /** OUT over the next `n` CLKs, one character each. */
    trace(channel: number, n: number): string {
      let out = '';
      for (let i = 0; i < n; i++) {
        out += pit.output(channel) ? '1' : '0';
        this.clk(1);
      }
      return out;
    },
  };
}

describe('mode 0, interrupt on terminal count', () => {
  it('raises OUT N + 1 CLKs after the count is written, and keeps it', () => {
    const b = board();
    b.program(0, 0, 4);
    expect(b.trace(0, 8)).toBe('00000111');
    expect(b.irqs.events).toEqual([{ line: 'out0', level: true }]);
  });

  it('goes low with the control word', () => {
    const b = board();
    b.program(0, 0, 2);
    b.clk(10);
    expect(b.pit.output(0)).toBe(true);
    b.ports.write8(CONTROL, 0x30);
    expect(b.pit.output(0)).toBe(false);
  });

  it('counts on through zero and wraps', () => {
    const b = board();
    b.program(0, 0, 3);
    b.clk(1);
    const counts = [];
    for (let i = 0; i < 6; i++) {
      counts.push(b.count(0));
      b.clk(1);
    }
    expect(counts).toEqual([3, 2, 1, 0, 0xffff, 0xfffe]);
  });

  it('stops while GATE is low and adds no CLK', () => {
    const b = board();
    b.pit.gate(2).set(true);
    b.program(2, 0, 4);
    b.clk(3); // loaded, then two down
    expect(b.count(2)).toBe(2);
    b.pit.gate(2).set(false);
    b.clk(100);
    expect(b.count(2)).toBe(2);
    expect(b.pit.output(2)).toBe(false);
    b.pit.gate(2).set(true);
    expect(b.trace(2, 4)).toBe('0011');
  });

  it('stops and goes low at the first byte of a new two-byte count', () => {
    const b = board();
    b.program(0, 0, 2);
    b.clk(5);
    b.ports.write8(0, 3);
    expect(b.pit.output(0)).toBe(false);
    b.clk(50);
    expect(b.pit.output(0)).toBe(false);
    b.ports.write8(0, 0);
    expect(b.trace(0, 6)).toBe('000011');
  });
});

describe('mode 1, hardware retriggerable one-shot', () => {
  it('goes low with the CLK after the trigger for N CLKs', () => {
    const b = board();
    b.program(2, 1, 3);
    expect(b.trace(2, 3)).toBe('111'); // no trigger yet
    b.pit.gate(2).set(true);
    expect(b.trace(2, 6)).toBe('100011');
  });

  it('is retriggerable, and takes a new count at the next trigger only', () => {
    const b = board();
    b.program(2, 1, 3);
    b.pit.gate(2).set(true);
    b.clk(2);
    b.ports.write8(2, 5);
    b.ports.write8(2, 0);
    b.pit.gate(2).set(false); // the falling edge does nothing
    expect(b.trace(2, 1)).toBe('0');
    b.pit.gate(2).set(true);
    expect(b.trace(2, 8)).toBe('00000011');
  });
});

describe('mode 2, rate generator', () => {
  it('is low for the last CLK of every N', () => {
    const b = board();
    b.program(0, 2, 4);
    b.clk(1);
    expect(b.trace(0, 12)).toBe('111011101110');
    expect(b.irqs.rises('out0')).toBe(1 + 3); // the control word raises OUT first
  });

  it('takes a new count at the end of the present cycle', () => {
    const b = board();
    b.program(0, 2, 5);
    b.clk(2);
    b.ports.write8(0, 3);
    b.ports.write8(0, 0);
    expect(b.trace(0, 10)).toBe('1110110110');
  });

  it('holds OUT high while GATE is low and starts anew with it', () => {
    const b = board();
    b.pit.gate(2).set(true);
    b.program(2, 2, 3);
    b.clk(3);
    expect(b.pit.output(2)).toBe(false);
    b.pit.gate(2).set(false);
    expect(b.trace(2, 5)).toBe('11111');
    b.pit.gate(2).set(true);
    expect(b.trace(2, 7)).toBe('1110110');
  });

  it('does not drift: a day of 1000 Hz interrupts ends at the exact CLK', () => {
    const b = board();
    const divisor = 1193;
    b.program(0, 2, divisor);
    const from = b.irqs.rises('out0');
    const seconds = 100;
    b.clock.advance(seconds * 1e9);
    const expected = Math.floor((PIT_FREQUENCY_HZ * seconds - 1) / divisor);
    expect(b.irqs.rises('out0') - from).toBe(expected);
  });

  it('counts 65536 for 0', () => {
    const b = board();
    b.program(0, 2, 0);
    b.clk(1);
    expect(b.count(0)).toBe(0);
    b.clk(1);
    expect(b.count(0)).toBe(0xffff);
    b.clk(65533);
    expect(b.count(0)).toBe(2);
    expect(b.trace(0, 3)).toBe('101');
  });

  it('survives an illegal count of 1', () => {
    const b = board();
    b.program(0, 2, 1);
    b.clk(3);
    expect(b.pit.output(0)).toBe(true);
    expect(b.clock.armed).toEqual({});
  });
});

describe('mode 3, square wave', () => {
  it('halves an even count evenly', () => {
    const b = board();
    b.program(0, 3, 4);
    b.clk(1);
    expect(b.trace(0, 12)).toBe('110011001100');
  });

  it('is high one CLK longer with an odd count', () => {
    const b = board();
    b.program(0, 3, 5);
    b.clk(1);
    expect(b.trace(0, 15)).toBe('111001110011100');
  });

  it('counts down by two', () => {
    const b = board();
    b.program(0, 3, 6);
    b.clk(1);
    const counts = [];
    for (let i = 0; i < 7; i++) {
      counts.push(b.count(0));
      b.clk(1);
    }
    expect(counts).toEqual([6, 4, 2, 6, 4, 2, 6]);
  });

  it('takes a new count at the end of the present half', () => {
    const b = board();
    b.program(0, 3, 8);
    b.clk(2);
    b.ports.write8(0, 4);
    b.ports.write8(0, 0);
    //                               the rest of the high half, then halves of 2
    expect(b.trace(0, 11)).toBe('11100110011');
  });

  it('is mode 7 too', () => {
    const b = board();
    b.program(0, 7, 4);
    b.clk(1);
    expect(b.trace(0, 6)).toBe('110011');
    b.ports.write8(CONTROL, 0xe2); // status of channel 0 shows what was written
    expect(b.ports.read8(0) & 0x0e).toBe(0x0e);
  });
});

describe('modes 4 and 5, strobes', () => {
  it('strobes for one CLK, N + 1 CLKs after the count was written', () => {
    const b = board();
    b.program(0, 4, 3);
    expect(b.trace(0, 8)).toBe('11110111');
    expect(b.irqs.events.map((event) => event.level)).toEqual([true, false, true]);
  });

  it('strobes again when the count is written again', () => {
    const b = board();
    b.program(0, 4, 2);
    b.clk(20);
    b.ports.write8(0, 2);
    b.ports.write8(0, 0);
    expect(b.trace(0, 6)).toBe('111011');
  });

  it('strobes after a trigger in mode 5', () => {
    const b = board();
    b.program(2, 5, 3);
    expect(b.trace(2, 5)).toBe('11111');
    b.pit.gate(2).set(true);
    expect(b.trace(2, 8)).toBe('11110111');
    b.pit.gate(2).set(false);
    b.pit.gate(2).set(true);
    expect(b.trace(2, 8)).toBe('11110111');
  });
});

describe('reading', () => {
  it('latches a count until it is read, ignoring a second latch', () => {
    const b = board();
    b.program(0, 2, 1000);
    b.clk(11);
    b.ports.write8(CONTROL, 0x00);
    b.clk(100);
    b.ports.write8(CONTROL, 0x00);
    expect(b.ports.read8(0) | (b.ports.read8(0) << 8)).toBe(990);
    expect(b.ports.read8(0)).toBe(890 & 0xff); // unlatched
  });

  it('reads the low and high byte of what the access mode says', () => {
    const b = board();
    b.ports.write8(CONTROL, 0x10 | 4); // LSB only
    b.ports.write8(0, 0x80);
    b.clk(1);
    expect([b.ports.read8(0), b.ports.read8(0)]).toEqual([0x80, 0x80]);
    b.ports.write8(CONTROL, 0x20 | 4); // MSB only
    b.ports.write8(0, 0x12);
    b.clk(1);
    expect([b.ports.read8(0), b.ports.read8(0)]).toEqual([0x12, 0x12]);
  });

  it('reads back status and count of several counters, status first', () => {
    const b = board();
    b.program(0, 3, 100);
    b.program(1, 2, 200);
    b.clk(1);
    b.ports.write8(CONTROL, 0xc0 | 0x06); // count and status of 0 and 1
    b.clk(50);
    expect(b.ports.read8(0)).toBe(0x80 | 0x30 | (3 << 1));
    expect(b.ports.read8(0) | (b.ports.read8(0) << 8)).toBe(100);
    expect(b.ports.read8(1)).toBe(0x80 | 0x30 | (2 << 1));
    expect(b.ports.read8(1) | (b.ports.read8(1) << 8)).toBe(200);
  });

  it('shows NULL COUNT until the count is in the counting element', () => {
    const b = board();
    const nullCount = (): boolean => {
      b.ports.write8(CONTROL, 0xe2);
      return (b.ports.read8(0) & 0x40) !== 0;
    };
    b.ports.write8(CONTROL, 0x34);
    expect(nullCount()).toBe(true);
    b.ports.write8(0, 10);
    b.ports.write8(0, 0);
    expect(nullCount()).toBe(true);
    b.clk(1);
    expect(nullCount()).toBe(false);
    b.ports.write8(0, 20);
    b.ports.write8(0, 0);
    b.clk(5);
    expect(nullCount()).toBe(true); // the cycle has not ended
    b.clk(5);
    expect(nullCount()).toBe(false);
  });

  it('counts in BCD', () => {
    const b = board();
    b.ports.write8(CONTROL, 0x35);
    b.ports.write8(0, 0x00);
    b.ports.write8(0, 0x10); // one thousand
    b.clk(2);
    expect(b.count(0)).toBe(0x0999);
    b.ports.write8(CONTROL, 0x31);
    b.ports.write8(0, 0);
    b.ports.write8(0, 0); // ten thousand
    b.clk(2);
    expect(b.count(0)).toBe(0x9999);
  });

  it('has a write-only control register', () => {
    const b = board();
    expect(b.ports.read8(CONTROL)).toBe(0xff);
  });
});

describe('the line', () => {
  it('shows what OUT is at every CLK, whatever the guest programs (seeded)', () => {
    const step = fc.record({
      action: fc.constantFrom('control', 'count', 'gate', 'wait'),
      value: fc.integer({ min: 0, max: 255 }),
      wait: fc.integer({ min: 0, max: 40 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const b = board();
        for (const { action, value, wait } of steps) {
          if (action === 'control') b.ports.write8(CONTROL, 0x90 | (value & 0x2f));
          else if (action === 'count') b.ports.write8(2, value & 0x0f);
          else if (action === 'gate') b.pit.gate(2).set((value & 1) !== 0);
          for (let i = 0; i < wait; i++) {
            expect(b.irqs.level('out2')).toBe(b.pit.output(2));
            b.clk(1);
          }
          b.ports.read8(2); // the driver checks that it is a byte
        }
      }),
      { seed: 231164, numRuns: 200 },
    );
  });
});

describeDevice(
  'the 8254',
  (bench) => new I8254Pit({ clock: bench.clock, out0: bench.irqs.line('out0'), out2: bench.irqs.line('out2') }),
  (pit, bench) => {
    const ports = new RegionDriver(pit.regions.ports);
    ports.write8(CONTROL, 0x34);
    ports.write8(0, 0xa9);
    ports.write8(0, 0x04);
    pit.gate(2).set(true);
    ports.write8(CONTROL, 0xb6);
    ports.write8(2, 0x77);
    ports.write8(2, 0x00);
    bench.clock.advance(1_234_567);
    ports.write8(2, 0x55); // half a new count
    ports.write8(CONTROL, 0x00);
    ports.read8(0); // half a latched one
  },
  {
    goOn: (pit, bench) => {
      const ports = new RegionDriver(pit.regions.ports);
      const seen = [ports.read8(0)];
      ports.write8(2, 0x00);
      bench.clock.advance(20_000_000);
      for (let i = 0; i < 6; i++) seen.push(ports.read8(i % 3));
      return seen;
    },
  },
);
