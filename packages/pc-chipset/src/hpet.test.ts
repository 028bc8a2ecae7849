import { FakeClock, IrqRecorder, RegionDriver, describeDevice } from '@pckit/device-testing';
import { describe, expect, it } from 'vitest';
import { Hpet } from './hpet.js';

const CONFIGURATION = 0x10;
const STATUS = 0x20;
const COUNTER = 0xf0;
const timer = (n: number) => ({ configuration: 0x100 + 0x20 * n, comparator: 0x108 + 0x20 * n });

const LEVEL = 0x2;
const ENABLE = 0x4;
const PERIODIC = 0x8;
const VAL_SET = 0x40;
const MODE_32 = 0x100;

function board() {
  const clock = new FakeClock();
  const irqs = new IrqRecorder();
  const pins = Object.fromEntries([2, 8, 20, 21].map((pin) => [pin, irqs.line(`pin${pin}`)]));
  const hpet = new Hpet({ clock, pins, irq0: irqs.line('irq0'), irq8: irqs.line('irq8') });
  const r = new RegionDriver(hpet.regions.registers);
  return { clock, irqs, hpet, r };
}

function running() {
  const b = board();
  b.r.write32(CONFIGURATION, 1);
  return b;
}

describe('identification', () => {
  it('shows vendor, three 64-bit comparators, legacy replacement and a period of 10 ns', () => {
    const b = board();
    expect(b.r.read32(0)).toBe(0x8086_a201);
    expect(b.r.read32(4)).toBe(10_000_000);
    expect(b.r.read64(0)).toBe(0x0098_9680_8086_a201n);
    expect(b.hpet.eventTimerBlockId).toBe(0x8086_a201);
  });

  it('advertises the routes that are wired, periodic mode and 64 bits for every comparator', () => {
    const b = board();
    for (let n = 0; n < 3; n++) {
      expect(b.r.read32(timer(n).configuration)).toBe(0x30);
      expect(b.r.read32(timer(n).configuration + 4)).toBe(0x0030_0104);
    }
    expect(b.r.read32(timer(3).configuration)).toBe(0);
  });

  it('refuses impossible numbers of comparators', () => {
    const clock = new FakeClock();
    const irqs = new IrqRecorder();
    expect(() => new Hpet({ clock, pins: {}, irq0: irqs.line('a'), irq8: irqs.line('b') }, { comparators: 2 })).toThrow(/2/);
  });
});

describe('main counter', () => {
  it('stands still until enabled, runs at 100 MHz, and halts with its value', () => {
    const b = board();
    b.clock.advance(1000);
    expect(b.r.read64(COUNTER)).toBe(0n);
    b.r.write32(CONFIGURATION, 1);
    b.clock.advance(1000);
    expect(b.r.read64(COUNTER)).toBe(100n);
    b.r.write32(CONFIGURATION, 0);
    b.clock.advance(1000);
    expect(b.r.read64(COUNTER)).toBe(100n);
    b.r.write32(CONFIGURATION, 1);
    b.clock.advance(50);
    expect(b.r.read32(COUNTER)).toBe(105);
  });

  it('is written in halves or whole, and wraps at 64 bits', () => {
    const b = board();
    b.r.write32(COUNTER, 0xffff_fff0);
    b.r.write32(COUNTER + 4, 0x1234_5678);
    expect(b.r.read64(COUNTER)).toBe(0x1234_5678_ffff_fff0n);
    b.r.write32(CONFIGURATION, 1);
    b.clock.advance(160);
    expect(b.r.read32(COUNTER)).toBe(0);
    expect(b.r.read32(COUNTER + 4)).toBe(0x1234_5679);
    b.r.write64(COUNTER, 0xffff_ffff_ffff_ffffn);
    b.clock.advance(20);
    expect(b.r.read64(COUNTER)).toBe(1n);
  });
});

describe('one-shot comparators', () => {
  it('interrupt when the counter gets there, once', () => {
    const b = running();
    b.r.write32(timer(2).configuration, ENABLE | (20 << 9));
    b.r.write64(timer(2).comparator, 500n);
    b.clock.advance(4990);
    expect(b.irqs.rises('pin20')).toBe(0);
    b.clock.advance(10);
    expect(b.irqs.rises('pin20')).toBe(1);
    expect(b.irqs.level('pin20')).toBe(false); // an edge
    expect(b.r.read32(STATUS)).toBe(0);
    b.clock.advance(1e9);
    expect(b.irqs.rises('pin20')).toBe(1);
  });

  it('in 32-bit mode match again a lap later', () => {
    const b = running();
    b.r.write32(timer(0).configuration, ENABLE | MODE_32 | (20 << 9));
    b.r.write32(timer(0).comparator, 1000);
    b.clock.advanceTo(10_000 + 2 ** 32 * 10 - 1);
    expect(b.irqs.rises('pin20')).toBe(1);
    b.clock.advance(1);
    expect(b.irqs.rises('pin20')).toBe(2);
  });

  it('wait for the enable bit and for the counter', () => {
    const b = board();
    b.r.write32(timer(0).configuration, 20 << 9);
    b.r.write64(timer(0).comparator, 100n);
    b.clock.advance(10_000);
    b.r.write32(CONFIGURATION, 1);
    b.clock.advance(500);
    b.r.write32(timer(0).configuration, ENABLE | (20 << 9));
    expect(b.irqs.rises('pin20')).toBe(0);
    b.clock.advance(500);
    expect(b.irqs.rises('pin20')).toBe(1);
  });

  it('follow a counter that is set', () => {
    const b = running();
    b.r.write32(timer(0).configuration, ENABLE | (20 << 9));
    b.r.write64(timer(0).comparator, 1_000_000n);
    b.r.write64(COUNTER, 999_990n);
    b.clock.advance(100);
    expect(b.irqs.rises('pin20')).toBe(1);
  });
});

describe('level-triggered comparators', () => {
  it('hold the line until their status bit is written', () => {
    const b = running();
    b.r.write32(timer(1).configuration, ENABLE | LEVEL | (21 << 9));
    b.r.write64(timer(1).comparator, 10n);
    b.clock.advance(100);
    expect(b.irqs.level('pin21')).toBe(true);
    expect(b.r.read32(STATUS)).toBe(2);
    b.r.write32(STATUS, 1);
    expect(b.irqs.level('pin21')).toBe(true);
    b.r.write32(STATUS, 2);
    expect(b.irqs.level('pin21')).toBe(false);
    expect(b.r.read32(STATUS)).toBe(0);
  });

  it('share a line', () => {
    const b = running();
    for (const n of [0, 1]) {
      b.r.write32(timer(n).configuration, ENABLE | LEVEL | (21 << 9));
      b.r.write64(timer(n).comparator, 10n);
    }
    b.clock.advance(100);
    b.r.write32(STATUS, 1);
    expect(b.irqs.level('pin21')).toBe(true);
    b.r.write32(STATUS, 2);
    expect(b.irqs.level('pin21')).toBe(false);
  });

  it('let go when disabled or rerouted', () => {
    const b = running();
    b.r.write32(timer(0).configuration, ENABLE | LEVEL | (21 << 9));
    b.r.write64(timer(0).comparator, 10n);
    b.clock.advance(100);
    b.r.write32(timer(0).configuration, ENABLE | LEVEL | (20 << 9));
    expect([b.irqs.level('pin20'), b.irqs.level('pin21')]).toEqual([true, false]);
    b.r.write32(timer(0).configuration, LEVEL | (20 << 9));
    expect(b.irqs.level('pin20')).toBe(false);
  });
});

describe('periodic comparators', () => {
  it('start as Linux programs them: first match, then the period', () => {
    const b = running();
    b.r.write32(timer(0).configuration, ENABLE | PERIODIC | VAL_SET | MODE_32 | (20 << 9));
    b.r.write32(timer(0).comparator, 5000);
    b.r.write32(timer(0).comparator, 100_000); // VAL_SET is gone: the period only
    expect(b.r.read32(timer(0).configuration) & VAL_SET).toBe(0);
    expect(b.r.read32(timer(0).comparator)).toBe(5000);
    b.clock.advanceTo(50_000);
    expect(b.irqs.rises('pin20')).toBe(1);
    expect(b.r.read32(timer(0).comparator)).toBe(105_000);
    b.clock.advanceTo(50_000 + 1000 * 1_000_000 - 1);
    expect(b.irqs.rises('pin20')).toBe(1000);
    b.clock.advance(1);
    expect(b.irqs.rises('pin20')).toBe(1001);
  });

  it('take one write for both', () => {
    const b = running();
    b.r.write32(timer(2).configuration, ENABLE | PERIODIC | VAL_SET | (20 << 9));
    b.r.write64(timer(2).comparator, 1000n);
    b.clock.advance(35_000);
    expect(b.irqs.rises('pin20')).toBe(3);
  });

  it('go on while their interrupt is disabled', () => {
    const b = running();
    b.r.write32(timer(2).configuration, PERIODIC | VAL_SET | (20 << 9));
    b.r.write64(timer(2).comparator, 1000n);
    b.clock.advance(25_000);
    expect(b.r.read64(timer(2).comparator)).toBe(3000n);
    b.r.write32(timer(2).configuration, ENABLE | PERIODIC | (20 << 9));
    b.clock.advance(4999);
    expect(b.irqs.rises('pin20')).toBe(0);
    b.clock.advance(1);
    expect(b.irqs.rises('pin20')).toBe(1);
  });

  it('merge matches that no processor could take', () => {
    const b = running();
    b.r.write32(timer(2).configuration, ENABLE | PERIODIC | VAL_SET | (20 << 9));
    b.r.write64(timer(2).comparator, 1n);
    b.clock.advance(100_000);
    expect(b.irqs.rises('pin20')).toBe(100);
  });
});

describe('legacy replacement', () => {
  it('passes the 8254 and the RTC until it is on', () => {
    const b = board();
    b.hpet.pit.set(true);
    b.hpet.rtc.set(true);
    expect([b.irqs.level('irq0'), b.irqs.level('irq8')]).toEqual([true, true]);
    b.r.write32(CONFIGURATION, 2);
    expect([b.irqs.level('irq0'), b.irqs.level('irq8')]).toEqual([false, false]);
    b.hpet.pit.set(false);
    b.hpet.pit.set(true);
    expect(b.irqs.rises('irq0')).toBe(1);
    b.r.write32(CONFIGURATION, 0);
    expect([b.irqs.level('irq0'), b.irqs.level('irq8')]).toEqual([true, true]);
  });

  it('gives IRQ 0 and 8 to comparators 0 and 1, whatever their route says', () => {
    const b = board();
    b.r.write32(CONFIGURATION, 3);
    for (const n of [0, 1, 2]) {
      b.r.write32(timer(n).configuration, ENABLE | (20 << 9));
      b.r.write64(timer(n).comparator, 100n);
    }
    b.clock.advance(1000);
    expect([b.irqs.rises('irq0'), b.irqs.rises('irq8'), b.irqs.rises('pin20')]).toEqual([1, 1, 1]);
  });
});

describeDevice(
  'the HPET',
  (bench) =>
    new Hpet({
      clock: bench.clock,
      pins: { 20: bench.irqs.line('pin20'), 21: bench.irqs.line('pin21') },
      irq0: bench.irqs.line('irq0'),
      irq8: bench.irqs.line('irq8'),
    }),
  (hpet, bench) => {
    const r = new RegionDriver(hpet.regions.registers);
    r.write32(CONFIGURATION, 3);
    r.write32(timer(0).configuration, ENABLE | PERIODIC | VAL_SET);
    r.write64(timer(0).comparator, 12_345n);
    r.write32(timer(1).configuration, ENABLE | LEVEL);
    r.write64(timer(1).comparator, r.read64(COUNTER) + 10n);
    r.write32(timer(2).configuration, ENABLE | MODE_32 | (21 << 9));
    r.write32(timer(2).comparator, 0x1000_0000);
    bench.clock.advance(1_000_003);
  },
  {
    goOn: (hpet, bench) => {
      hpet.rtc.set(true);
      const r = new RegionDriver(hpet.regions.registers);
      bench.clock.advance(3_000_000_000);
      r.write32(STATUS, 7);
      r.write32(CONFIGURATION, 1);
      return [r.read64(COUNTER), r.read64(timer(0).comparator)];
    },
  },
);
