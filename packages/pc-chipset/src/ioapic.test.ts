import { Bench, RegionDriver, describeDevice } from '@pckit/device-testing';
import { pulse } from '@pckit/interfaces';
import { describe, expect, it } from 'vitest';
import { ApicBus } from './apic-bus.js';
import { IoApic } from './ioapic.js';
import { LocalApic } from './local-apic.js';

const MASKED = 0x1_0000;
const LEVEL = 0x8000;
const LOGICAL = 0x800;
const REMOTE_IRR = 0x4000;

function board(processors = 2) {
  const bench = new Bench();
  const bus = new ApicBus();
  const locals = Array.from({ length: processors }, (_, id) => {
    const apic = new LocalApic({ bus, clock: bench.clock, tsc: { toNanoseconds: Number } }, { id });
    apic.connect({
      intr: bench.irqs.line(`intr${id}`),
      nmi: bench.irqs.line(`nmi${id}`),
      init: () => undefined,
      startUp: () => undefined,
    });
    new RegionDriver(apic.regions.registers).write32(0xf0, 0x1ff);
    return apic;
  });
  const ioapic = new IoApic({ bus });
  const registers = new RegionDriver(ioapic.regions.registers);
  return {
    bench,
    bus,
    ioapic,
    locals,
    registers,
    intr: (id: number) => bench.irqs.level(`intr${id}`),
    read(index: number): number {
      registers.write32(0, index);
      return registers.read32(0x10);
    },
    write(index: number, value: number): void {
      registers.write32(0, index);
      registers.write32(0x10, value);
    },
    redirect(pin: number, low: number, destination = 0): void {
      this.write(0x11 + 2 * pin, destination * 0x100_0000);
      this.write(0x10 + 2 * pin, low);
    },
    eoi: (id: number) => new RegionDriver(locals[id].regions.registers).write32(0xb0, 0),
  };
}

describe('registers', () => {
  it('identifies itself: 24 pins, version 20h, all entries masked', () => {
    const b = board();
    expect(b.read(0x01)).toBe(0x0017_0020);
    for (let pin = 0; pin < 24; pin++) {
      expect(b.read(0x10 + 2 * pin)).toBe(MASKED);
      expect(b.read(0x11 + 2 * pin)).toBe(0);
    }
    expect(b.read(0x40)).toBe(0); // past the last pin
    expect(b.read(0x03)).toBe(0);
  });

  it('keeps a four-bit ID that the arbitration register follows', () => {
    const b = board();
    b.write(0x00, 0xff00_0000);
    expect(b.read(0x00)).toBe(0x0f00_0000);
    expect(b.read(0x02)).toBe(0x0f00_0000);
  });

  it('has read-only status bits in an entry', () => {
    const b = board();
    b.write(0x10, 0xffff_ffff);
    expect(b.read(0x10)).toBe(0x1_afff);
    b.write(0x11, 0xffff_ffff);
    expect(b.read(0x11)).toBe(0xff00_0000);
  });

  it('refuses impossible pin counts and pins', () => {
    expect(() => new IoApic({ bus: new ApicBus() }, { pins: 241 })).toThrow(/241/);
    expect(() => board().ioapic.pin(24)).toThrow(/24/);
  });
});

describe('edge-triggered pins', () => {
  it('deliver once for each rise', () => {
    const b = board();
    b.redirect(4, 0x34);
    b.ioapic.pin(4).set(true);
    b.ioapic.pin(4).set(true);
    expect(b.intr(0)).toBe(true);
    expect(b.intr(1)).toBe(false);
    expect(b.locals[0].acknowledge()).toBe(0x34);
    b.eoi(0);
    expect(b.intr(0)).toBe(false);
    b.ioapic.pin(4).set(false);
    b.ioapic.pin(4).set(true);
    expect(b.locals[0].acknowledge()).toBe(0x34);
  });

  it('lose edges while masked', () => {
    const b = board();
    b.redirect(4, MASKED | 0x34);
    pulse(b.ioapic.pin(4));
    b.redirect(4, 0x34);
    expect(b.intr(0)).toBe(false);
  });
});

describe('level-triggered pins', () => {
  it('deliver once, set remote IRR, and deliver again after EOI while asserted', () => {
    const b = board();
    b.redirect(20, LEVEL | 0x51, 1);
    b.ioapic.pin(20).set(true);
    expect(b.read(0x10 + 40)).toBe(LEVEL | REMOTE_IRR | 0x51);
    expect(b.locals[1].acknowledge()).toBe(0x51);
    expect(b.intr(1)).toBe(false);
    b.eoi(1);
    expect(b.intr(1)).toBe(true); // still asserted
    expect(b.locals[1].acknowledge()).toBe(0x51);
    b.ioapic.pin(20).set(false);
    b.eoi(1);
    expect(b.intr(1)).toBe(false);
    expect(b.read(0x10 + 40)).toBe(LEVEL | 0x51);
  });

  it('deliver when unmasked while asserted', () => {
    const b = board();
    b.redirect(20, MASKED | LEVEL | 0x51);
    b.ioapic.pin(20).set(true);
    expect(b.intr(0)).toBe(false);
    b.redirect(20, LEVEL | 0x51);
    expect(b.locals[0].acknowledge()).toBe(0x51);
  });

  it('end by the EOI register too, and by a detour over edge', () => {
    const b = board();
    b.redirect(20, LEVEL | 0x51);
    b.ioapic.pin(20).set(true);
    b.locals[0].acknowledge();
    b.ioapic.pin(20).set(false);
    b.registers.write32(0x40, 0x50); // another vector
    expect(b.read(0x38) & REMOTE_IRR).toBe(REMOTE_IRR);
    b.registers.write32(0x40, 0x51);
    expect(b.read(0x38) & REMOTE_IRR).toBe(0);
    b.eoi(0);

    b.ioapic.pin(20).set(true);
    b.locals[0].acknowledge();
    b.ioapic.pin(20).set(false);
    b.write(0x38, MASKED | 0x51);
    b.write(0x38, LEVEL | 0x51);
    expect(b.read(0x38) & REMOTE_IRR).toBe(0);
  });

  it('keep asking while no processor accepts, without remote IRR', () => {
    const b = board(1);
    b.redirect(20, LEVEL | 0x51, 7);
    b.ioapic.pin(20).set(true);
    expect(b.read(0x38) & REMOTE_IRR).toBe(0);
    b.redirect(20, LEVEL | 0x51, 0);
    expect(b.locals[0].acknowledge()).toBe(0x51);
  });

  it('sharing a vector each get their EOI', () => {
    const b = board();
    b.redirect(16, LEVEL | 0x61);
    b.redirect(17, LEVEL | 0x61);
    b.ioapic.pin(16).set(true);
    b.ioapic.pin(17).set(true);
    b.locals[0].acknowledge();
    b.ioapic.pin(16).set(false);
    b.eoi(0);
    expect(b.read(0x10 + 32) & REMOTE_IRR).toBe(0);
    expect(b.read(0x10 + 34) & REMOTE_IRR).toBe(REMOTE_IRR); // sent again
    expect(b.locals[0].acknowledge()).toBe(0x61);
  });
});

describe('delivery', () => {
  it('knows whether an NMI may come of it', () => {
    const b = board();
    expect(b.ioapic.maySendNmi).toBe(false);
    b.redirect(3, 0x400 | MASKED);
    expect(b.ioapic.maySendNmi).toBe(false);
    b.redirect(3, 0x400);
    expect(b.ioapic.maySendNmi).toBe(true);
    expect(b.locals[0]!.lint0IsNmi).toBe(false);
    new RegionDriver(b.locals[0]!.regions.registers).write32(0x350, 0x400);
    expect(b.locals[0]!.lint0IsNmi).toBe(true);
  });

  it('broadcasts to destination FFh', () => {
    const b = board();
    b.redirect(3, 0x33, 0xff);
    pulse(b.ioapic.pin(3));
    expect([b.intr(0), b.intr(1)]).toEqual([true, true]);
  });

  it('reaches a set of processors in logical mode', () => {
    const b = board(3);
    b.locals.forEach((apic, i) => new RegionDriver(apic.regions.registers).write32(0xd0, (1 << i) * 0x100_0000));
    b.redirect(3, LOGICAL | 0x33, 0b110);
    pulse(b.ioapic.pin(3));
    expect([b.intr(0), b.intr(1), b.intr(2)]).toEqual([false, true, true]);
  });

  it('picks the processor of lowest priority', () => {
    const b = board();
    b.locals.forEach((apic, i) => new RegionDriver(apic.regions.registers).write32(0xd0, (1 << i) * 0x100_0000));
    b.locals[0].writeTaskPriority(5);
    b.locals[1].writeTaskPriority(2);
    b.redirect(3, LOGICAL | 0x100 | 0x93, 0b11);
    pulse(b.ioapic.pin(3));
    expect([b.intr(0), b.intr(1)]).toEqual([false, true]);
  });

  it('sends NMI', () => {
    const b = board();
    b.redirect(3, 0x400, 1);
    pulse(b.ioapic.pin(3));
    expect(b.bench.irqs.rises('nmi1')).toBe(1);
    expect(b.bench.irqs.rises('nmi0')).toBe(0);
  });

  it('delivers in the format of MSI', () => {
    const b = board();
    b.bus.send(0xfee0_1000, 0x0045);
    expect(b.locals[1].acknowledge()).toBe(0x45);
    b.bus.send(0xfeef_f00c, 0x0056); // FFh: everybody
    expect([b.intr(0), b.intr(1)]).toEqual([true, true]);
  });
});

describeDevice(
  'the I/O APIC',
  (bench) => {
    // The bus of a processor that accepts everything, with a log.
    const bus = new ApicBus();
    bus.deliver = (mode, vector, destination) => {
      bench.msi.send(destination, (mode << 8) | vector);
      return true;
    };
    return new IoApic({ bus });
  },
  (ioapic) => {
    const registers = new RegionDriver(ioapic.regions.registers);
    for (const [index, value] of [
      [0x00, 0x0200_0000],
      [0x10 + 32, LEVEL | 0x71],
      [0x10 + 8, 0x31],
    ]) {
      registers.write32(0, index);
      registers.write32(0x10, value);
    }
    ioapic.pin(16).set(true);
    ioapic.pin(18).set(true);
  },
  {
    survivesReset: ['lines'],
    goOn: (ioapic) => {
      new RegionDriver(ioapic.regions.registers).write32(0x40, 0x71);
      return ioapic.save();
    },
  },
);
