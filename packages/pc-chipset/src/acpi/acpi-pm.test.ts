import { Bench, describeDevice } from '@pckit/device-testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AcpiPm, ticksAt, timeOf } from './acpi-pm.js';
import type { AcpiPmOptions } from './acpi-pm.js';

const PM1_STATUS = 0x00;
const PM1_ENABLE = 0x02;
const PM1_CONTROL = 0x04;
const PM_TIMER = 0x08;
const GPE0 = 0x0c;

const TMR = 0x0001;
const PWRBTN = 0x0100;
const SCI_EN = 0x0001;
const SLP_EN = 0x2000;
const SECOND = 1_000_000_000;

function build(options: AcpiPmOptions = {}, bench = new Bench()) {
  let powerOffs = 0;
  const pm = new AcpiPm({ clock: bench.clock, sci: bench.irqs.line('sci'), powerOff: () => powerOffs++ }, options);
  return {
    pm,
    bench,
    read: (offset: number, size: 1 | 2 | 4) => pm.regions.pm.handler.read(offset, size),
    write: (offset: number, value: number, size: 1 | 2 | 4) => pm.regions.pm.handler.write(offset, value, size),
    command: (value: number) => pm.regions.smi.handler.write(0, value, 1),
    sci: () => bench.irqs.levels.sci,
    powerOffs: () => powerOffs,
  };
}

describe('the SMI command port', () => {
  it('switches ACPI mode on and off; SCI_EN tells', () => {
    const { read, command } = build();
    expect(read(PM1_CONTROL, 2) & SCI_EN).toBe(0);
    command(0xf1);
    expect(read(PM1_CONTROL, 2) & SCI_EN).toBe(SCI_EN);
    command(0x55);
    expect(read(PM1_CONTROL, 2) & SCI_EN).toBe(SCI_EN);
    command(0xf0);
    expect(read(PM1_CONTROL, 2) & SCI_EN).toBe(0);
  });

  it('isn\'t needed on a machine whose firmware did it', () => {
    expect(build({ acpiEnabled: true }).read(PM1_CONTROL, 2)).toBe(SCI_EN);
  });

  it('holds command and status for reading', () => {
    const { pm, command } = build();
    command(0x12);
    pm.regions.smi.handler.write(1, 0x34, 1);
    expect([pm.regions.smi.handler.read(0, 1), pm.regions.smi.handler.read(1, 1)]).toEqual([0x12, 0x34]);
  });

  it('is the only way to SCI_EN', () => {
    const { read, write } = build();
    write(PM1_CONTROL, SCI_EN, 2);
    expect(read(PM1_CONTROL, 2) & SCI_EN).toBe(0);
  });
});

describe('the power button', () => {
  it('raises the SCI while status and enable are both set in ACPI mode', () => {
    const { pm, read, write, command, sci } = build();
    pm.pressPowerButton();
    expect([read(PM1_STATUS, 2), sci()]).toEqual([PWRBTN, false]);
    write(PM1_ENABLE, PWRBTN, 2);
    expect(sci()).toBe(false);
    command(0xf1);
    expect(sci()).toBe(true);
    write(PM1_STATUS, PWRBTN, 2);
    expect([read(PM1_STATUS, 2), sci()]).toEqual([0, false]);
  });

  it('is cleared by writing its own bit only', () => {
    const { pm, read, write } = build();
    pm.pressPowerButton();
    write(PM1_STATUS, 0xffff & ~PWRBTN, 2);
    expect(read(PM1_STATUS, 2)).toBe(PWRBTN);
    write(PM1_STATUS + 1, 0x01, 1);
    expect(read(PM1_STATUS, 2)).toBe(0);
  });
});

describe('sleep', () => {
  it('with the type of S5 powers off', () => {
    const { write, powerOffs } = build();
    write(PM1_CONTROL, 0x0001, 2);
    expect(powerOffs()).toBe(0);
    write(PM1_CONTROL, SLP_EN | 0x0001, 2);
    expect(powerOffs()).toBe(1);
  });

  it('of any other type wakes at once: WAK_STS', () => {
    const { read, write, powerOffs } = build();
    write(PM1_CONTROL, SLP_EN | (1 << 10), 2);
    expect(powerOffs()).toBe(0);
    expect(read(PM1_STATUS, 2)).toBe(0x8000);
    expect(read(PM1_CONTROL, 2)).toBe(1 << 10);
  });

  it('is entered by a byte write to the upper half too', () => {
    const { write, powerOffs } = build();
    write(PM1_CONTROL + 1, 0x20, 1);
    expect(powerOffs()).toBe(1);
  });
});

describe('the PM timer', () => {
  it('counts 3.579545 MHz of virtual time', () => {
    const { bench, read } = build({ timerBits: 32 });
    expect(read(PM_TIMER, 4)).toBe(0);
    bench.clock.advance(279);
    expect(read(PM_TIMER, 4)).toBe(0);
    bench.clock.advance(1);
    expect(read(PM_TIMER, 4)).toBe(1);
    bench.clock.advanceTo(SECOND);
    expect(read(PM_TIMER, 4)).toBe(3_579_545);
    bench.clock.advanceTo(100 * SECOND);
    expect(read(PM_TIMER, 4)).toBe(357_954_500);
  });

  it('has 24 bits as on PIIX4, or 32', () => {
    const short = build();
    const long = build({ timerBits: 32 });
    for (const { bench } of [short, long]) bench.clock.advanceTo(5 * SECOND);
    expect(short.read(PM_TIMER, 4)).toBe(5 * 3_579_545 - 2 ** 24);
    expect(long.read(PM_TIMER, 4)).toBe(5 * 3_579_545);
    expect(short.read(PM_TIMER + 2, 2)).toBe((5 * 3_579_545 - 2 ** 24) >>> 16);
  });

  it.each([[24 as const], [32 as const]])('of %i bits sets TMR_STS whenever its top bit changes, and raises the SCI at that instant', (timerBits) => {
    const { bench, read, write, command, sci } = build({ timerBits });
    command(0xf1);
    write(PM1_ENABLE, TMR, 2);
    const top = 2 ** (timerBits - 1);
    for (let change = 1; change <= 3; change++) {
      const at = timeOf(change * top);
      bench.clock.advanceTo(at - 1);
      expect([read(PM1_STATUS, 2), sci()]).toEqual([0, false]);
      expect((read(PM_TIMER, 4) >= top) === (change % 2 === 0)).toBe(true);
      bench.clock.advanceTo(at);
      expect(sci()).toBe(true);
      expect(read(PM1_STATUS, 2)).toBe(TMR);
      expect((read(PM_TIMER, 4) >= top) === (change % 2 === 1)).toBe(true);
      write(PM1_STATUS, TMR, 2);
      expect(sci()).toBe(false);
    }
  });

  it('sets TMR_STS for whoever looks when nobody asked for the SCI', () => {
    const { bench, read, write, sci } = build({ acpiEnabled: true });
    bench.clock.advanceTo(timeOf(5 * 2 ** 23));
    expect([read(PM1_STATUS, 2), sci()]).toEqual([TMR, false]);
    write(PM1_ENABLE, TMR, 2);
    expect(sci()).toBe(true);
  });

  it('lets a clock without a listener sleep', () => {
    const { bench, write } = build({ acpiEnabled: true });
    const armed = bench.clock.armed;
    write(PM1_ENABLE, TMR, 2);
    expect(bench.clock.armed).not.toEqual(armed);
    write(PM1_ENABLE, 0, 2);
    expect(bench.clock.armed).toEqual(armed);
  });

  it('is the exact quotient over a century, and timeOf its inverse', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 * 365 * 86400 }), fc.integer({ min: 0, max: SECOND - 1 }), (seconds, rest) => {
        const now = Math.min(seconds * SECOND + rest, Number.MAX_SAFE_INTEGER);
        const ticks = ticksAt(now);
        expect(BigInt(ticks)).toBe((BigInt(now) * 3_579_545n) / 1_000_000_000n);
        expect(ticksAt(timeOf(ticks))).toBe(ticks);
        if (ticks > 0) expect(ticksAt(timeOf(ticks) - 1)).toBe(ticks - 1);
      }),
      { seed: 0x357, numRuns: 2000 },
    );
  });
});

describe('registers that the PIIX4 has and nothing uses', () => {
  it('store or read zero', () => {
    const { read, write } = build();
    write(GPE0, 0xffff_ffff, 4);
    expect(read(GPE0, 4)).toBe(0xffff_0000);
    write(0x10, 0x1234_5678, 4);
    expect(read(0x10, 2)).toBe(0x5678);
    for (let offset = 0x14; offset < 0x40; offset += 4) {
      write(offset, 0xffff_ffff, 4);
      expect(read(offset, 4)).toBe(0);
    }
  });
});

describeDevice(
  'AcpiPm',
  (bench) => build({}, bench).pm,
  (pm, bench) => {
    pm.regions.smi.handler.write(0, 0xf1, 1);
    pm.regions.pm.handler.write(PM1_ENABLE, TMR | PWRBTN, 2);
    // Past an overflow, so that the next one is not the first.
    bench.clock.advance(5 * SECOND);
    pm.regions.pm.handler.write(PM1_STATUS, TMR, 2);
    pm.pressPowerButton();
  },
  {
    goOn: (pm, bench) => {
      pm.regions.pm.handler.write(PM1_STATUS, PWRBTN, 2);
      bench.clock.advance(5 * SECOND);
      return pm.regions.pm.handler.read(PM_TIMER, 4);
    },
  },
);
