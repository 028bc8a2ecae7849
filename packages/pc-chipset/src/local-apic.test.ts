import { Bench, RegionDriver, describeDevice } from '@pckit/device-testing';
import { pulse } from '@pckit/interfaces';
import { describe, expect, it } from 'vitest';
import { ApicBus } from './apic-bus.js';
import { I8259PicPair } from './i8259-pic.js';
import { IoApic } from './ioapic.js';
import { LocalApic } from './local-apic.js';
import type { LocalApicOptions } from './local-apic.js';

const ID = 0x20;
const VERSION = 0x30;
const TPR = 0x80;
const PPR = 0xa0;
const EOI = 0xb0;
const LDR = 0xd0;
const DFR = 0xe0;
const SVR = 0xf0;
const ISR = 0x100;
const TMR = 0x180;
const IRR = 0x200;
const ESR = 0x280;
const ICR_LOW = 0x300;
const ICR_HIGH = 0x310;
const LVT_TIMER = 0x320;
const LVT_LINT0 = 0x350;
const LVT_LINT1 = 0x360;
const LVT_ERROR = 0x370;
const INITIAL_COUNT = 0x380;
const CURRENT_COUNT = 0x390;
const DIVIDE = 0x3e0;

const MASKED = 0x1_0000;
const PERIODIC = 0x2_0000;
const TSC_DEADLINE = 0x4_0000;
const LEVEL = 0x8000;

const APIC_BASE = 0x1b;
const TSC_DEADLINE_MSR = 0x6e0;
const X2APIC = 0x800;

/** The TSC of these tests: 2 GHz. */
const TSC_PER_NS = 2;

function board(processors = 1, options: Partial<LocalApicOptions> = {}) {
  const bench = new Bench();
  const bus = new ApicBus();
  const log: string[] = [];
  const first: { apic?: LocalApic } = {};
  const pic = new I8259PicPair({ intr: { set: (level) => first.apic?.lint0.set(level) } });
  const apics = Array.from({ length: processors }, (_, id) => {
    const apic = new LocalApic(
      {
        bus,
        clock: bench.clock,
        tsc: { toNanoseconds: (tsc) => Math.ceil(Number(tsc) / TSC_PER_NS) },
        pic,
      },
      { id, ...options },
    );
    apic.connect({
      intr: bench.irqs.line(`intr${id}`),
      nmi: bench.irqs.line(`nmi${id}`),
      init: () => log.push(`init ${id}`),
      startUp: (vector) => log.push(`startUp ${id} ${vector.toString(16)}`),
    });
    return apic;
  });
  first.apic = apics[0];
  const registers = apics.map((apic) => new RegionDriver(apic.regions.registers));
  return {
    bench,
    bus,
    log,
    pic,
    apics,
    apic: apics[0],
    registers,
    r: registers[0],
    clock: bench.clock,
    intr: (id = 0) => bench.irqs.level(`intr${id}`),
    ipi(from: number, command: number, destination = 0): void {
      registers[from].write32(ICR_HIGH, destination * 0x100_0000);
      registers[from].write32(ICR_LOW, command);
    },
  };
}

/** All APICs enabled by software. */
function enabled(processors = 1, options: Partial<LocalApicOptions> = {}) {
  const b = board(processors, options);
  for (const registers of b.registers) registers.write32(SVR, 0x1ff);
  return b;
}

function vectorsIn(registers: RegionDriver, base: number): number[] {
  const vectors = [];
  for (let vector = 0; vector < 256; vector++) {
    if ((registers.read32(base + (vector >> 5) * 16) & (1 << (vector & 31))) !== 0) vectors.push(vector);
  }
  return vectors;
}

describe('after reset', () => {
  it('shows the state of the SDM on an application processor', () => {
    const b = board(2);
    const r = b.registers[1];
    expect(r.read32(ID)).toBe(0x0100_0000);
    expect(r.read32(VERSION) & 0xff).toBe(0x14);
    expect((r.read32(VERSION) >> 16) & 0xff).toBe(5); // LVT entries - 1
    expect(r.read32(DFR)).toBe(0xffff_ffff);
    expect(r.read32(LDR)).toBe(0);
    expect(r.read32(SVR)).toBe(0xff);
    for (let lvt = LVT_TIMER; lvt <= LVT_ERROR; lvt += 16) expect(r.read32(lvt)).toBe(MASKED);
    expect(b.apics[1].readMsr(APIC_BASE)).toBe(0xfee0_0800n);
  });

  it('is in virtual wire mode on the bootstrap processor, as firmware leaves it', () => {
    const b = board();
    expect(b.apic.readMsr(APIC_BASE)).toBe(0xfee0_0900n);
    expect(b.r.read32(LVT_LINT0)).toBe(0x700);
    expect(b.r.read32(LVT_LINT1)).toBe(0x400);
    expect(b.r.read32(SVR)).toBe(0x1ff);
  });

  it('refuses impossible options', () => {
    expect(() => board(1, { id: 255 })).toThrow(/255/);
    expect(() => board(1, { timerPeriod: 0.5 })).toThrow(/0.5/);
  });
});

describe('priorities', () => {
  it('deliver the highest vector, and nested ones of a higher class only', () => {
    const b = enabled();
    b.ipi(0, 0x4_0041);
    b.ipi(0, 0x4_0051);
    b.ipi(0, 0x4_0052);
    expect(vectorsIn(b.r, IRR)).toEqual([0x41, 0x51, 0x52]);
    expect(b.apic.acknowledge()).toBe(0x52);
    expect(vectorsIn(b.r, ISR)).toEqual([0x52]);
    expect(b.r.read32(PPR)).toBe(0x50);
    expect(b.intr()).toBe(false); // 51h is of the same class
    b.ipi(0, 0x4_0061);
    expect(b.intr()).toBe(true);
    expect(b.apic.acknowledge()).toBe(0x61);
    b.r.write32(EOI, 0);
    b.r.write32(EOI, 0);
    expect(b.apic.acknowledge()).toBe(0x51);
    b.r.write32(EOI, 0);
    expect(b.apic.acknowledge()).toBe(0x41);
  });

  it('follow the task priority, which is CR8', () => {
    const b = enabled();
    b.apic.writeTaskPriority(5);
    expect(b.r.read32(TPR)).toBe(0x50);
    b.ipi(0, 0x4_005f);
    expect(b.intr()).toBe(false);
    b.r.write32(TPR, 0x4f);
    expect(b.apic.readTaskPriority()).toBe(4);
    expect(b.intr()).toBe(true);
    expect(b.r.read32(PPR)).toBe(0x4f);
    b.apic.acknowledge();
    expect(b.r.read32(PPR)).toBe(0x50);
  });

  it('give the spurious vector when nothing is deliverable any more', () => {
    const b = enabled();
    b.r.write32(SVR, 0x1ef);
    b.ipi(0, 0x4_0041);
    b.apic.writeTaskPriority(15);
    expect(b.apic.acknowledge()).toBe(0xef);
    expect(vectorsIn(b.r, ISR)).toEqual([]);
    expect(vectorsIn(b.r, IRR)).toEqual([0x41]);
  });
});

describe('software disable', () => {
  it('masks all LVT entries and keeps them masked', () => {
    const b = enabled();
    b.r.write32(LVT_TIMER, 0x40);
    b.r.write32(SVR, 0xff);
    expect(b.r.read32(LVT_TIMER)).toBe(MASKED | 0x40);
    b.r.write32(LVT_TIMER, 0x40);
    expect(b.r.read32(LVT_TIMER)).toBe(MASKED | 0x40);
  });

  it('accepts no fixed interrupts but NMI, INIT and SIPI, and keeps what is pending', () => {
    const b = enabled(2);
    b.ipi(0, 0x0041, 1);
    b.registers[1].write32(SVR, 0xff);
    b.ipi(0, 0x0051, 1);
    expect(vectorsIn(b.registers[1], IRR)).toEqual([0x41]);
    b.ipi(0, 0x0400, 1);
    expect(b.bench.irqs.rises('nmi1')).toBe(1);
    b.ipi(0, 0x4500, 1);
    b.ipi(0, 0x4608, 1);
    expect(b.log).toEqual(['init 1', 'startUp 1 8']);
  });
});

describe('interprocessor interrupts', () => {
  it('reach a physical destination, oneself included', () => {
    const b = enabled(3);
    b.ipi(0, 0x0041, 2);
    expect([b.intr(0), b.intr(1), b.intr(2)]).toEqual([false, false, true]);
    b.ipi(0, 0x0042, 0);
    expect(b.intr(0)).toBe(true);
  });

  it('reach everybody at FFh and by shorthand', () => {
    for (const [command, destination, reached] of [
      [0x0_0041, 0xff, [true, true, true]],
      [0x4_0041, 0x00, [false, true, false]],
      [0x8_0041, 0x00, [true, true, true]],
      [0xc_0041, 0x00, [true, false, true]],
    ] as const) {
      const b = enabled(3);
      b.ipi(1, command, destination);
      expect([b.intr(0), b.intr(1), b.intr(2)]).toEqual(reached);
    }
  });

  it('match logical destinations in the flat model', () => {
    const b = enabled(3);
    b.registers.forEach((r, i) => r.write32(LDR, (1 << i) * 0x100_0000));
    b.ipi(0, 0x841, 0b101);
    expect([b.intr(0), b.intr(1), b.intr(2)]).toEqual([true, false, true]);
  });

  it('match logical destinations in the cluster model', () => {
    const b = enabled(3);
    [0x11, 0x12, 0x21].forEach((ldr, i) => {
      b.registers[i].write32(DFR, 0x0fff_ffff);
      b.registers[i].write32(LDR, ldr * 0x100_0000);
    });
    b.ipi(0, 0x841, 0x13);
    expect([b.intr(0), b.intr(1), b.intr(2)]).toEqual([true, true, false]);
    b.ipi(0, 0x841, 0x21);
    expect(b.intr(2)).toBe(true);
  });

  it('start an application processor: INIT, de-assert, SIPI twice', () => {
    const b = enabled(2);
    b.registers[1].write32(TPR, 0x30);
    b.ipi(0, 0xc500, 1);
    expect(b.registers[1].read32(TPR)).toBe(0); // INIT resets the APIC, but for its ID
    expect(b.registers[1].read32(ID)).toBe(0x0100_0000);
    b.ipi(0, 0x8500, 1);
    b.ipi(0, 0x0699, 1);
    b.ipi(0, 0x0699, 1);
    expect(b.log).toEqual(['init 1', 'startUp 1 99', 'startUp 1 99']);
  });

  it('go to the processor of lowest priority', () => {
    const b = enabled(3);
    b.registers.forEach((r, i) => r.write32(LDR, (1 << i) * 0x100_0000));
    b.apics[0].writeTaskPriority(3);
    b.apics[1].writeTaskPriority(2);
    b.apics[2].writeTaskPriority(4);
    b.ipi(0, 0x0991, 0b111);
    expect([b.intr(0), b.intr(1), b.intr(2)]).toEqual([false, true, false]);
  });

  it('always show as sent', () => {
    const b = enabled();
    b.ipi(0, 0xfff3_f8ff, 0x5a);
    expect(b.r.read32(ICR_LOW) & 0x1000).toBe(0);
    expect(b.r.read32(ICR_HIGH)).toBe(0x5a00_0000);
  });
});

describe('errors', () => {
  it('are latched by writing ESR and raise one interrupt until then', () => {
    const b = enabled();
    b.r.write32(LVT_ERROR, 0xfe);
    b.ipi(0, 0x4_0005); // vectors below 16 are illegal
    expect(b.r.read32(ESR)).toBe(0);
    expect(b.apic.acknowledge()).toBe(0xfe);
    b.r.write32(EOI, 0);
    b.r.read32(0x040); // no such register
    expect(b.intr()).toBe(false); // not rearmed
    b.r.write32(ESR, 0);
    expect(b.r.read32(ESR)).toBe(0x20 | 0x80);
    b.r.read32(0x040);
    expect(b.intr()).toBe(true);
    b.r.write32(ESR, 0);
    expect(b.r.read32(ESR)).toBe(0x80);
    b.r.write32(ESR, 0);
    expect(b.r.read32(ESR)).toBe(0);
  });

  it('include an illegal vector received', () => {
    const b = enabled();
    b.bus.send(0xfee0_0000, 0x0003);
    b.r.write32(ESR, 0);
    expect(b.r.read32(ESR)).toBe(0x40);
    expect(vectorsIn(b.r, IRR)).toEqual([]);
  });

  it('do not loop over an illegal error vector', () => {
    const b = enabled();
    b.r.write32(LVT_ERROR, 0x02);
    b.r.read32(0x040);
    b.r.write32(ESR, 0);
    expect(b.r.read32(ESR)).toBe(0x80 | 0x40);
  });
});

describe('LINT pins', () => {
  it('pass the PIC through LINT0 as ExtINT', () => {
    const b = board();
    const master = new RegionDriver(b.pic.regions.master);
    for (const [offset, value] of [
      [0, 0x11],
      [1, 0x20],
      [1, 0x04],
      [1, 0x01],
    ]) {
      master.write8(offset, value);
    }
    pulse(b.pic.irq(0));
    expect(b.intr()).toBe(true);
    expect(b.apic.acknowledge()).toBe(0x20);
    expect(b.intr()).toBe(false);
    expect(vectorsIn(b.r, ISR)).toEqual([]); // the PIC holds it
    master.write8(0, 0x20);
    b.r.write32(LVT_LINT0, MASKED | 0x700);
    pulse(b.pic.irq(0));
    expect(b.intr()).toBe(false);
    b.r.write32(LVT_LINT0, 0x700);
    expect(b.intr()).toBe(true);
  });

  it('are INTR and NMI themselves while the APIC is disabled', () => {
    const b = board();
    expect(b.apic.writeMsr(APIC_BASE, 0xfee0_0100n)).toBe(true);
    expect(b.apic.mapped).toBe(false);
    b.apic.lint0.set(true);
    expect(b.intr()).toBe(true);
    expect(b.apic.acknowledge()).toBe(0x07); // the PIC's spurious vector: it has not been initialized
    b.apic.lint0.set(false);
    expect(b.intr()).toBe(false);
    b.apic.lint1.set(true);
    expect(b.bench.irqs.rises('nmi0')).toBe(1);
  });

  it('deliver NMI through LINT1', () => {
    const b = board();
    b.apic.lint1.set(true);
    b.apic.lint1.set(false);
    b.r.write32(LVT_LINT1, MASKED | 0x400);
    b.apic.lint1.set(true);
    expect(b.bench.irqs.rises('nmi0')).toBe(1);
  });

  it('deliver edges and levels with a vector', () => {
    const b = enabled();
    b.r.write32(LVT_LINT1, 0x61);
    b.apic.lint1.set(true);
    expect(b.apic.acknowledge()).toBe(0x61);
    b.r.write32(EOI, 0);
    expect(b.intr()).toBe(false);

    b.r.write32(LVT_LINT1, LEVEL | 0x62); // still asserted
    expect(b.r.read32(LVT_LINT1) & 0x4000).toBe(0x4000);
    expect(vectorsIn(b.r, TMR)).toEqual([0x62]);
    expect(b.apic.acknowledge()).toBe(0x62);
    b.r.write32(EOI, 0);
    expect(b.apic.acknowledge()).toBe(0x62);
    b.apic.lint1.set(false);
    b.r.write32(EOI, 0);
    expect(b.intr()).toBe(false);
    expect(b.r.read32(LVT_LINT1)).toBe(LEVEL | 0x62);
  });

  it('take ExtINT by message, answered by the PIC', () => {
    const b = enabled();
    b.r.write32(LVT_LINT0, MASKED);
    b.bus.send(0xfee0_0000, 0x0700);
    expect(b.intr()).toBe(true);
    expect(b.apic.acknowledge()).toBe(0x07);
    expect(b.intr()).toBe(false);
  });
});

describe('EOI broadcast', () => {
  function levelInterrupt() {
    const b = enabled();
    const ioapic = new IoApic({ bus: b.bus });
    const io = new RegionDriver(ioapic.regions.registers);
    io.write32(0, 0x10 + 2 * 18);
    io.write32(0x10, LEVEL | 0x71);
    ioapic.pin(18).set(true);
    b.apic.acknowledge();
    ioapic.pin(18).set(false);
    return { ...b, remoteIrr: () => (io.read32(0x10) & 0x4000) !== 0 };
  }

  it('goes out for level-triggered vectors', () => {
    const b = levelInterrupt();
    expect(vectorsIn(b.r, TMR)).toEqual([0x71]);
    b.r.write32(EOI, 0);
    expect(b.remoteIrr()).toBe(false);
  });

  it('is suppressed by SVR bit 12', () => {
    const b = levelInterrupt();
    b.r.write32(SVR, 0x11ff);
    b.r.write32(EOI, 0);
    expect(b.remoteIrr()).toBe(true);
  });
});

describe('timer', () => {
  it('fires once after the initial count, divided', () => {
    const b = enabled();
    b.r.write32(LVT_TIMER, 0xec);
    b.r.write32(DIVIDE, 0x3); // by 16
    b.r.write32(INITIAL_COUNT, 1000);
    b.clock.advance(8000);
    expect(b.r.read32(CURRENT_COUNT)).toBe(500);
    b.clock.advance(7999);
    expect(b.r.read32(CURRENT_COUNT)).toBe(1);
    expect(b.intr()).toBe(false);
    b.clock.advance(1);
    expect(b.apic.acknowledge()).toBe(0xec);
    expect(b.r.read32(CURRENT_COUNT)).toBe(0);
    b.clock.advance(1e6);
    b.r.write32(EOI, 0);
    expect(b.intr()).toBe(false);
  });

  it('divides as the configuration says', () => {
    for (const [configuration, divisor] of [
      [0x0, 2],
      [0x1, 4],
      [0x2, 8],
      [0x3, 16],
      [0x8, 32],
      [0x9, 64],
      [0xa, 128],
      [0xb, 1],
    ]) {
      const b = enabled();
      b.r.write32(DIVIDE, configuration);
      b.r.write32(INITIAL_COUNT, 0xffff_ffff);
      b.clock.advance(128_000);
      expect(b.r.read32(CURRENT_COUNT)).toBe(0xffff_ffff - 128_000 / divisor);
    }
  });

  it('runs periodically without drift, also while masked', () => {
    const b = enabled();
    b.r.write32(LVT_TIMER, PERIODIC | 0xec);
    b.r.write32(DIVIDE, 0xb);
    b.clock.advance(17);
    b.r.write32(INITIAL_COUNT, 4_000_003);
    for (let i = 1; i <= 50; i++) {
      b.clock.advanceTo(17 + i * 4_000_003 - 1);
      expect(b.intr()).toBe(false);
      b.clock.advance(1);
      expect(b.apic.acknowledge()).toBe(0xec);
      b.r.write32(EOI, 0);
      b.clock.advance((i * 7919) % 1000); // however late it is served
    }
    b.r.write32(LVT_TIMER, MASKED | PERIODIC | 0xec);
    b.clock.advanceTo(17 + 60 * 4_000_003 + 5);
    expect(b.intr()).toBe(false);
    expect(b.r.read32(CURRENT_COUNT)).toBe(4_000_003 - 5);
    b.r.write32(LVT_TIMER, PERIODIC | 0xec);
    b.clock.advanceTo(17 + 61 * 4_000_003);
    expect(b.intr()).toBe(true);
  });

  it('stops with an initial count of 0', () => {
    const b = enabled();
    b.r.write32(LVT_TIMER, PERIODIC | 0xec);
    b.r.write32(INITIAL_COUNT, 1000);
    b.r.write32(INITIAL_COUNT, 0);
    b.clock.advance(1e6);
    expect(b.intr()).toBe(false);
    expect(b.r.read32(CURRENT_COUNT)).toBe(0);
    expect(b.clock.armed).toEqual({});
  });

  it('keeps its count when the divisor or the mode changes', () => {
    const b = enabled();
    b.r.write32(LVT_TIMER, 0xec);
    b.r.write32(DIVIDE, 0xb);
    b.r.write32(INITIAL_COUNT, 10_000);
    b.clock.advance(4000);
    b.r.write32(DIVIDE, 0x0); // by 2 from here
    expect(b.r.read32(CURRENT_COUNT)).toBe(6000);
    b.r.write32(LVT_TIMER, PERIODIC | 0xec);
    b.clock.advance(11_999);
    expect(b.intr()).toBe(false);
    b.clock.advance(1);
    expect(b.intr()).toBe(true);
    b.apic.acknowledge();
    b.r.write32(EOI, 0);
    b.clock.advance(20_000);
    expect(b.intr()).toBe(true);
  });

  it('merges expirations that no processor could take', () => {
    const b = enabled();
    b.r.write32(LVT_TIMER, PERIODIC | 0xec);
    b.r.write32(DIVIDE, 0xb);
    b.r.write32(INITIAL_COUNT, 1);
    let fired = 0;
    for (let i = 0; i < 5000; i++) {
      b.clock.advance(1);
      if (!b.intr()) continue;
      b.apic.acknowledge();
      b.r.write32(EOI, 0);
      fired++;
    }
    expect(fired).toBe(5);
  });

  it('follows a slower input clock', () => {
    const b = enabled(1, { timerPeriod: 40 }); // 25 MHz
    b.r.write32(LVT_TIMER, 0xec);
    b.r.write32(DIVIDE, 0xb);
    b.r.write32(INITIAL_COUNT, 25);
    b.clock.advance(999);
    expect(b.intr()).toBe(false);
    b.clock.advance(1);
    expect(b.intr()).toBe(true);
  });
});

describe('TSC deadline', () => {
  it('fires when the TSC reaches it, once', () => {
    const b = enabled();
    b.r.write32(LVT_TIMER, TSC_DEADLINE | 0xec);
    expect(b.apic.writeMsr(TSC_DEADLINE_MSR, 10_001n)).toBe(true);
    expect(b.apic.readMsr(TSC_DEADLINE_MSR)).toBe(10_001n);
    b.clock.advance(5000);
    expect(b.intr()).toBe(false);
    b.clock.advance(1);
    expect(b.intr()).toBe(true);
    expect(b.apic.readMsr(TSC_DEADLINE_MSR)).toBe(0n);
    expect(b.r.read32(CURRENT_COUNT)).toBe(0);
  });

  it('fires at once for a deadline in the past, and 0 disarms', () => {
    const b = enabled();
    b.clock.advance(1e6);
    b.r.write32(LVT_TIMER, TSC_DEADLINE | 0xec);
    b.apic.writeMsr(TSC_DEADLINE_MSR, 5n);
    b.clock.advance(0);
    expect(b.apic.acknowledge()).toBe(0xec);
    b.r.write32(EOI, 0);
    b.apic.writeMsr(TSC_DEADLINE_MSR, 3_000_000n);
    b.apic.writeMsr(TSC_DEADLINE_MSR, 0n);
    b.clock.advance(1e9);
    expect(b.intr()).toBe(false);
  });

  it('is ignored in the other modes and disarmed by leaving its own', () => {
    const b = enabled();
    b.apic.writeMsr(TSC_DEADLINE_MSR, 5000n);
    expect(b.apic.readMsr(TSC_DEADLINE_MSR)).toBe(0n);
    b.r.write32(LVT_TIMER, TSC_DEADLINE | 0xec);
    b.r.write32(INITIAL_COUNT, 100);
    expect(b.r.read32(INITIAL_COUNT)).toBe(0);
    b.apic.writeMsr(TSC_DEADLINE_MSR, 5000n);
    b.r.write32(LVT_TIMER, 0xec);
    expect(b.apic.readMsr(TSC_DEADLINE_MSR)).toBe(0n);
    b.clock.advance(1e6);
    expect(b.intr()).toBe(false);
  });

  it('waits for ever for a deadline at the end of time', () => {
    const b = enabled();
    b.r.write32(LVT_TIMER, TSC_DEADLINE | 0xec);
    b.apic.writeMsr(TSC_DEADLINE_MSR, 0xffff_ffff_ffff_ffffn);
    expect(b.clock.armed).toEqual({});
    expect(b.apic.readMsr(TSC_DEADLINE_MSR)).toBe(0xffff_ffff_ffff_ffffn);
  });

  it('passes unheard while masked', () => {
    const b = enabled();
    b.r.write32(LVT_TIMER, MASKED | TSC_DEADLINE | 0xec);
    b.apic.writeMsr(TSC_DEADLINE_MSR, 2000n);
    b.clock.advance(999);
    expect(b.apic.readMsr(TSC_DEADLINE_MSR)).toBe(2000n);
    b.clock.advance(1);
    expect(b.apic.readMsr(TSC_DEADLINE_MSR)).toBe(0n);
    b.clock.advance(1000);
    b.r.write32(LVT_TIMER, TSC_DEADLINE | 0xec);
    b.clock.advance(1000);
    expect(b.intr()).toBe(false);
  });

  it('moves when the TSC is written', () => {
    const bench = new Bench();
    let offset = 0;
    const apic = new LocalApic(
      { bus: new ApicBus(), clock: bench.clock, tsc: { toNanoseconds: (tsc) => Number(tsc) - offset } },
      { id: 0 },
    );
    const r = new RegionDriver(apic.regions.registers);
    r.write32(LVT_TIMER, TSC_DEADLINE | 0xec);
    apic.writeMsr(TSC_DEADLINE_MSR, 5000n);
    offset = 2000;
    apic.tscChanged();
    expect(bench.clock.armed).toEqual({ 'lapic0.timer': 3000 });
  });
});

describe('IA32_APIC_BASE', () => {
  it('moves the registers and tells the board', () => {
    const b = board();
    let told = 0;
    b.apic.onRelocate = () => told++;
    expect(b.apic.writeMsr(APIC_BASE, 0xfed0_0900n)).toBe(true);
    expect([b.apic.base, b.apic.mapped, told]).toEqual([0xfed0_0000, true, 1]);
    b.apic.reset('warm');
    expect([b.apic.base, told]).toEqual([0xfee0_0000, 2]);
  });

  it('allows the transitions of the SDM only', () => {
    const DISABLED = 0xfee0_0100n;
    const XAPIC = 0xfee0_0900n;
    const X2 = 0xfee0_0d00n;
    const INVALID = 0xfee0_0500n;
    const to: Record<string, readonly [readonly bigint[], readonly bigint[]]> = {
      xapic: [[], [XAPIC, X2, DISABLED]],
      x2apic: [[X2], [X2, DISABLED]],
      disabled: [[DISABLED], [XAPIC, DISABLED]],
    };
    for (const [path, legal] of Object.values(to)) {
      for (const target of [DISABLED, XAPIC, X2, INVALID]) {
        const b = board();
        for (const step of path) b.apic.writeMsr(APIC_BASE, step);
        expect(b.apic.writeMsr(APIC_BASE, target)).toBe(legal.includes(target));
      }
    }
  });

  it('refuses reserved bits and addresses beyond the physical', () => {
    const b = board();
    expect(b.apic.writeMsr(APIC_BASE, 0xfee0_0901n)).toBe(false);
    expect(b.apic.writeMsr(APIC_BASE, 0xfee0_0b00n)).toBe(false);
    expect(b.apic.writeMsr(APIC_BASE, 0xf_ffff_fee0_0900n)).toBe(true);
    expect(b.apic.writeMsr(APIC_BASE, 0x10_0000_fee0_0900n)).toBe(false);
  });

  it('comes back as after reset when disabled and enabled', () => {
    const b = enabled();
    b.r.write32(TPR, 0x40);
    b.apic.writeMsr(APIC_BASE, 0xfee0_0100n);
    b.apic.writeMsr(APIC_BASE, 0xfee0_0900n);
    expect(b.r.read32(TPR)).toBe(0);
    expect(b.r.read32(SVR)).toBe(0xff);
  });
});

describe('x2APIC', () => {
  function x2(processors = 1) {
    const b = enabled(processors);
    for (const apic of b.apics) {
      apic.writeMsr(APIC_BASE, (apic.readMsr(APIC_BASE)! & ~0xfffn) | (apic.id === 0 ? 0xd00n : 0xc00n));
    }
    return { ...b, rd: (register: number) => b.apic.readMsr(X2APIC + register) };
  }

  it('leaves the memory bus and answers MSRs, which fault before', () => {
    const b = enabled();
    expect(b.apic.readMsr(X2APIC + 2)).toBeUndefined();
    expect(b.apic.writeMsr(X2APIC + 8, 0n)).toBe(false);
    const c = x2(3);
    expect(c.apic.mapped).toBe(false);
    expect(c.apics[2].readMsr(X2APIC + 2)).toBe(2n);
    expect(c.apics[2].readMsr(X2APIC + 0xd)).toBe(4n); // cluster 0, bit 2
    expect(c.rd(0x3)! & 0xffn).toBe(0x14n);
    expect(c.rd(0xf)).toBe(0x1ffn);
  });

  it('shows the logical ID of a higher cluster', () => {
    const b = board(1, { id: 0x25, bootstrap: true });
    b.apic.writeMsr(APIC_BASE, 0xfee0_0d00n);
    expect(b.apic.readMsr(X2APIC + 0xd)).toBe(0x2_0020n);
  });

  it('faults where the SDM has no register, on read-only and on reserved bits', () => {
    const b = x2();
    for (const register of [0x0, 0x1, 0x4, 0x9, 0xb, 0xc, 0xe, 0x29, 0x2f, 0x31, 0x3a, 0x3f, 0x40, 0xff]) {
      expect(b.rd(register), register.toString(16)).toBeUndefined();
    }
    for (const register of [0x2, 0x3, 0xa, 0xd, 0xe, 0x10, 0x18, 0x20, 0x31, 0x39]) {
      expect(b.apic.writeMsr(X2APIC + register, 0n), register.toString(16)).toBe(false);
    }
    for (const [register, value] of [
      [0x8, 0x100n],
      [0xb, 1n],
      [0xf, 0x2000n],
      [0x28, 1n],
      [0x30, 0x1000n],
      [0x32, 0x8_0000n],
      [0x35, 0x800n],
      [0x38, 0x1_0000_0000n],
      [0x3e, 0x4n],
      [0x3f, 0x100n],
    ] as const) {
      expect(b.apic.writeMsr(X2APIC + register, value), register.toString(16)).toBe(false);
    }
  });

  it('sends IPIs with one 64-bit write: physical, logical, broadcast', () => {
    const b = x2(3);
    b.apic.writeMsr(X2APIC + 0x30, 0x2_0000_0041n);
    expect([b.intr(0), b.intr(1), b.intr(2)]).toEqual([false, false, true]);
    expect(b.rd(0x30)).toBe(0x2_0000_0041n);
    b.apic.writeMsr(X2APIC + 0x30, 0x3_0000_0841n); // logical: cluster 0, bits 0 and 1
    expect([b.intr(0), b.intr(1)]).toEqual([true, true]);
    const c = x2(3);
    c.apic.writeMsr(X2APIC + 0x30, 0xffff_ffff_0000_0041n);
    expect([c.intr(0), c.intr(1), c.intr(2)]).toEqual([true, true, true]);
    const d = x2(3);
    d.apic.writeMsr(X2APIC + 0x30, 0xff_0000_0041n); // 255 is nobody in particular here
    expect([d.intr(0), d.intr(1), d.intr(2)]).toEqual([false, false, false]);
  });

  it('sends itself an interrupt through SELF IPI, ends it through EOI', () => {
    const b = x2();
    expect(b.apic.writeMsr(X2APIC + 0x3f, 0x77n)).toBe(true);
    expect(b.apic.acknowledge()).toBe(0x77);
    expect(b.rd(0x13)).toBe(1n << 0x17n);
    expect(b.apic.writeMsr(X2APIC + 0xb, 0n)).toBe(true);
    expect(b.rd(0x13)).toBe(0n);
  });

  it('takes physical interrupts from 8-bit senders', () => {
    const b = x2(2);
    b.bus.send(0xfee0_1000, 0x0055);
    expect(b.apics[1].acknowledge()).toBe(0x55);
  });
});

describeDevice(
  'the local APIC',
  (bench) => {
    const apic = new LocalApic(
      { bus: new ApicBus(), clock: bench.clock, tsc: { toNanoseconds: (tsc) => Number(tsc) } },
      { id: 0 },
    );
    apic.connect({
      intr: bench.irqs.line('intr'),
      nmi: bench.irqs.line('nmi'),
      init: () => undefined,
      startUp: () => undefined,
    });
    return apic;
  },
  (apic) => {
    const r = new RegionDriver(apic.regions.registers);
    r.write32(SVR, 0x1fe);
    r.write32(TPR, 0x20);
    r.write32(LVT_TIMER, PERIODIC | 0x41);
    r.write32(DIVIDE, 0x2);
    r.write32(INITIAL_COUNT, 123_457);
    r.write32(ICR_LOW, 0x4_0091);
    apic.acknowledge();
    r.write32(ICR_LOW, 0x4_0095);
    r.write32(LVT_LINT1, LEVEL | 0x33);
    apic.lint1.set(true);
    r.read32(0x040);
  },
  {
    survivesReset: ['lint'],
    goOn: (apic, bench) => {
      const r = new RegionDriver(apic.regions.registers);
      bench.clock.advance(1_000_001);
      const seen = [r.read32(CURRENT_COUNT), r.read32(PPR)];
      r.write32(EOI, 0);
      seen.push(apic.acknowledge(), r.read32(IRR + 0x20));
      bench.clock.advance(10_000_000);
      return seen;
    },
  },
);

describeDevice(
  'the local APIC with a TSC deadline',
  (bench) => {
    const apic = new LocalApic({ bus: new ApicBus(), clock: bench.clock, tsc: { toNanoseconds: (tsc) => Number(tsc) } }, { id: 3 });
    apic.connect({
      intr: bench.irqs.line('intr'),
      nmi: bench.irqs.line('nmi'),
      init: () => undefined,
      startUp: () => undefined,
    });
    return apic;
  },
  (apic) => {
    apic.writeMsr(APIC_BASE, 0xfee0_0c00n);
    apic.writeMsr(X2APIC + 0xf, 0x1ffn);
    apic.writeMsr(X2APIC + 0x32, 0x4_00ecn);
    apic.writeMsr(TSC_DEADLINE_MSR, 77_777n);
  },
  { goOn: (_apic, bench) => bench.clock.advance(100_000) },
);
