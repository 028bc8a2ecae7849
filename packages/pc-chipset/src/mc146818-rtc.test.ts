import { FakeClock, IrqRecorder, RegionDriver, describeDevice } from '@pckit/device-testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Mc146818Rtc } from './mc146818-rtc.js';
import type { Mc146818RtcOptions } from './mc146818-rtc.js';

const A = 0x0a;
const B = 0x0b;
const C = 0x0c;
const D = 0x0d;
const SECOND = 1e9;

function board(epoch = Date.UTC(2024, 1, 28, 23, 59, 58), cmos?: Mc146818RtcOptions['cmos']) {
  const clock = new FakeClock();
  const irqs = new IrqRecorder();
  const rtc = new Mc146818Rtc({ irq: irqs.line('irq8'), clock }, cmos === undefined ? { epoch } : { epoch, cmos });
  const ports = new RegionDriver(rtc.regions.ports);
  return {
    clock,
    irqs,
    rtc,
    ports,
    irq: () => irqs.level('irq8'),
    read(register: number): number {
      ports.write8(0, register);
      return ports.read8(1);
    },
    write(register: number, value: number): void {
      ports.write8(0, register);
      ports.write8(1, value);
    },
    /** Century, year, month, day, hour, minute, second and weekday as the registers show them. */
    time(): string {
      return [0x32, 9, 8, 7, 4, 2, 0, 6].map((register) => this.read(register).toString(16).padStart(2, '0')).join(' ');
    },
  };
}

describe('the time', () => {
  it('is the epoch at power-on, in BCD and 24 hours', () => {
    const b = board();
    expect(b.time()).toBe('20 24 02 28 23 59 58 04'); // a Wednesday
  });

  it('goes on, through a leap day', () => {
    const b = board();
    b.clock.advance(2 * SECOND);
    expect(b.time()).toBe('20 24 02 29 00 00 00 05');
    b.clock.advance(86_400 * SECOND);
    expect(b.time()).toBe('20 24 03 01 00 00 00 06');
  });

  it('carries into the century', () => {
    const b = board(Date.UTC(1999, 11, 31, 23, 59, 59));
    expect(b.time()).toBe('19 99 12 31 23 59 59 06');
    b.clock.advance(SECOND);
    expect(b.time()).toBe('20 00 01 01 00 00 00 07');
  });

  it('begins its seconds where the epoch does', () => {
    const b = board(Date.UTC(2024, 0, 1) + 250);
    b.clock.advance(0.75 * SECOND - 1);
    expect(b.read(0)).toBe(0x00);
    b.clock.advance(1);
    expect(b.read(0)).toBe(0x01);
  });

  it('shows as binary and in 12 hours when register B says so', () => {
    const b = board(Date.UTC(2024, 0, 15, 0, 30, 45));
    b.write(B, 0x04 | 0x02);
    expect([b.read(0), b.read(2), b.read(4), b.read(7)]).toEqual([45, 30, 0, 15]);
    b.write(B, 0x04);
    expect(b.read(4)).toBe(12); // midnight is 12 AM
    b.clock.advance(12 * 3600 * SECOND);
    expect(b.read(4)).toBe(0x80 | 12);
    b.clock.advance(3600 * SECOND);
    expect(b.read(4)).toBe(0x80 | 1);
    b.write(B, 0x00);
    expect(b.read(4)).toBe(0x81);
  });

  it('agrees with the calendar for any date (seeded)', () => {
    const dates = fc.integer({ min: Date.UTC(1970, 0, 1) / 1000, max: Date.UTC(2099, 11, 31) / 1000 });
    fc.assert(
      fc.property(dates, (seconds) => {
        const b = board(seconds * 1000);
        const [century, year, month, day, hour, minute, second] = b.time().split(' ').map(Number);
        expect(Date.UTC(century * 100 + year, month - 1, day, hour, minute, second)).toBe(seconds * 1000);
      }),
      { seed: 146818 },
    );
  });
});

describe('setting the time', () => {
  it('works as Linux does it: SET, registers, divider reset, release', () => {
    const b = board();
    const control = b.read(B);
    b.write(B, control | 0x80);
    const select = b.read(A);
    b.write(A, select | 0x70);
    b.write(0x32, 0x20);
    for (const [register, value] of [
      [9, 0x31],
      [8, 0x07],
      [7, 0x04],
      [4, 0x12],
      [2, 0x34],
      [0, 0x56],
    ]) {
      b.write(register, value);
    }
    b.clock.advance(5 * SECOND);
    expect(b.read(0)).toBe(0x56); // held
    b.write(B, control);
    b.write(A, select);
    // The first update comes half a second after the divider is released.
    b.clock.advance(0.5 * SECOND - 1);
    expect(b.read(0)).toBe(0x56);
    b.clock.advance(1);
    expect(b.read(0)).toBe(0x57);
    expect(b.time().slice(0, 20)).toBe('20 31 07 04 12 34 57');
  });

  it('is held by SET alone, keeping the phase of the second', () => {
    const b = board(Date.UTC(2024, 0, 1) + 100);
    b.write(B, 0x82);
    b.clock.advance(10 * SECOND);
    expect(b.read(0)).toBe(0);
    b.write(0, 0x30);
    b.write(B, 0x02);
    b.clock.advance(0.9 * SECOND - 1);
    expect(b.read(0)).toBe(0x30);
    b.clock.advance(1);
    expect(b.read(0)).toBe(0x31);
  });

  it('takes a single register while running, and the weekday as it is told', () => {
    const b = board(Date.UTC(2024, 0, 1)); // a Monday
    b.write(6, 5);
    b.write(2, 0x10);
    expect(b.time()).toBe('20 24 01 01 00 10 00 05');
    b.clock.advance(86_400 * SECOND);
    expect(b.read(6)).toBe(6);
  });

  it('makes a possible date of an impossible one', () => {
    const b = board();
    b.write(B, 0x82);
    b.write(9, 0x23);
    b.write(8, 0x02);
    b.write(7, 0x31);
    b.write(B, 0x02);
    expect(b.time().slice(0, 11)).toBe('20 23 03 03');
  });
});

describe('update in progress', () => {
  it('shows for 244 microseconds before each second', () => {
    const b = board();
    expect(b.read(A)).toBe(0x26);
    b.clock.advance(SECOND - 244_001);
    expect(b.read(A) & 0x80).toBe(0);
    b.clock.advance(1);
    expect(b.read(A) & 0x80).toBe(0x80);
    b.clock.advance(243_999);
    expect(b.read(A) & 0x80).toBe(0x80);
    b.clock.advance(1);
    expect(b.read(A) & 0x80).toBe(0);
  });

  it('never shows while SET holds the time', () => {
    const b = board();
    b.write(B, 0x82);
    b.clock.advance(SECOND - 100);
    expect(b.read(A) & 0x80).toBe(0);
  });
});

describe('interrupts', () => {
  it('periodic: at the rate of register A, one until C is read', () => {
    const b = board();
    b.write(A, 0x26); // 1024 Hz
    b.write(B, 0x42);
    b.clock.advance(976_562);
    expect(b.irq()).toBe(false);
    b.clock.advance(1);
    expect(b.irq()).toBe(true);
    b.clock.advance(5e6);
    expect(b.irqs.rises('irq8')).toBe(1);
    expect(b.read(C)).toBe(0xc0);
    expect(b.irq()).toBe(false);
    expect(b.read(C)).toBe(0);
  });

  it('periodic: no drift over a second of each rate', () => {
    for (let rate = 3; rate <= 15; rate++) {
      const b = board();
      b.write(A, 0x20 | rate);
      b.write(B, 0x42);
      const hz = 32_768 >> (rate - 1);
      let count = 0;
      const end = 2 * SECOND;
      for (;;) {
        const before = b.clock.now();
        const next = b.clock.armed['rtc.interrupt'];
        if (next === undefined || next > end) break;
        b.clock.advanceTo(next);
        expect(b.clock.now()).toBeGreaterThan(before);
        count++;
        b.read(C);
      }
      expect(count).toBe(2 * hz);
    }
  });

  it('periodic: rates 1 and 2 repeat 256 and 128 Hz, 0 is off', () => {
    for (const [rate, period] of [
      [1, 3_906_250],
      [2, 7_812_500],
    ]) {
      const b = board();
      b.write(A, 0x20 | rate);
      b.write(B, 0x42);
      expect(b.clock.armed).toEqual({ 'rtc.interrupt': period });
    }
    const b = board();
    b.write(A, 0x20);
    b.write(B, 0x42);
    expect(b.clock.armed).toEqual({});
  });

  it('update-ended: every second', () => {
    const b = board();
    b.write(B, 0x12);
    b.clock.advance(SECOND);
    expect(b.irq()).toBe(true);
    expect(b.read(C) & 0x90).toBe(0x90);
    b.clock.advance(SECOND);
    expect(b.irq()).toBe(true);
  });

  it('update-ended: SET clears the enable', () => {
    const b = board();
    b.write(B, 0x92);
    expect(b.read(B)).toBe(0x82);
  });

  it('alarm: at the time that the alarm registers say', () => {
    const b = board(Date.UTC(2024, 0, 1, 10, 0, 0));
    b.write(5, 0x11);
    b.write(3, 0x30);
    b.write(1, 0x15);
    b.write(B, 0x22);
    b.clock.advance((90 * 60 + 14) * SECOND);
    expect(b.irq()).toBe(false);
    b.clock.advance(SECOND);
    expect(b.irq()).toBe(true);
    expect(b.read(C) & 0xa0).toBe(0xa0);
    expect(b.clock.armed).toEqual({ 'rtc.interrupt': b.clock.now() + 86_400 * SECOND });
  });

  it('alarm: any hour, minute or second', () => {
    const b = board(Date.UTC(2024, 0, 1, 10, 0, 30));
    b.write(5, 0xff);
    b.write(3, 0xff);
    b.write(1, 0x20);
    b.write(B, 0x22);
    expect(b.clock.armed).toEqual({ 'rtc.interrupt': 50 * SECOND });
    b.write(1, 0xc0);
    expect(b.clock.armed).toEqual({ 'rtc.interrupt': SECOND });
  });

  it('alarm: in 12 hours', () => {
    const b = board(Date.UTC(2024, 0, 1, 10, 0, 0));
    b.write(B, 0x20);
    b.write(5, 0x81); // 1 PM
    b.write(3, 0);
    b.write(1, 0);
    expect(b.clock.armed).toEqual({ 'rtc.interrupt': 3 * 3600 * SECOND });
  });

  it('alarm: never at a time that does not exist', () => {
    const b = board();
    b.write(3, 0x75);
    b.write(B, 0x22);
    expect(b.clock.armed).toEqual({});
  });

  it('set their flags without being enabled, and raise the line when enabled later', () => {
    const b = board();
    b.clock.advance(SECOND);
    b.write(B, 0x12);
    expect(b.irq()).toBe(true);
    expect(b.read(C)).toBe(0x80 | 0x40 | 0x10);
  });
});

describe('registers', () => {
  it('hold 114 bytes of RAM as configured, which a warm reset leaves alone', () => {
    const b = board(0, { 0x10: 0x40, 0x15: 0x80, 0x7f: 0xaa, 0x02: 0x99 });
    expect([b.read(0x10), b.read(0x15), b.read(0x7f), b.read(0x02)]).toEqual([0x40, 0x80, 0xaa, 0x00]);
    for (let register = 0x0e; register < 0x80; register++) if (register !== 0x32) b.write(register, register ^ 0x5a);
    b.write(B, 0x72);
    b.rtc.reset('warm');
    for (let register = 0x0e; register < 0x80; register++) {
      if (register !== 0x32) expect(b.read(register)).toBe(register ^ 0x5a);
    }
    expect(b.read(B)).toBe(0x02);
  });

  it('have a write-only index whose bit 7 is not part of it', () => {
    const b = board();
    b.ports.write8(0, 0x80 | D);
    expect(b.ports.read8(1)).toBe(0x80); // the battery is good
    expect(b.ports.read8(0)).toBe(0xff);
  });

  it('don’t let UIP, C and D be written', () => {
    const b = board();
    b.write(A, 0xff);
    expect(b.read(A)).toBe(0x7f);
    b.write(C, 0xff);
    expect(b.read(C)).toBe(0);
    b.write(D, 0);
    expect(b.read(D)).toBe(0x80);
  });
});

describeDevice(
  'the RTC',
  (bench) =>
    new Mc146818Rtc({ irq: bench.irqs.line('irq8'), clock: bench.clock }, { epoch: Date.UTC(2024, 5, 1), cmos: { 0x40: 7 } }),
  (rtc, bench) => {
    const ports = new RegionDriver(rtc.regions.ports);
    for (const [register, value] of [
      [0x41, 0x99],
      [2, 0x20],
      [6, 3],
      [3, 0xff],
      [1, 0x10],
      [A, 0x2f],
      [B, 0x62],
    ]) {
      ports.write8(0, register);
      ports.write8(1, value);
    }
    bench.clock.advance(700_000_000);
  },
  {
    goOn: (rtc, bench) => {
      const ports = new RegionDriver(rtc.regions.ports);
      const seen = [];
      for (let i = 0; i < 30; i++) {
        bench.clock.advance(777_777_777);
        ports.write8(0, i % 14);
        seen.push(ports.read8(1));
      }
      return seen;
    },
  },
);
