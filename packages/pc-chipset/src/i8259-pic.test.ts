import { IrqRecorder, RegionDriver, describeDevice } from '@pckit/device-testing';
import { pulse } from '@pckit/interfaces';
import { describe, expect, it } from 'vitest';
import { I8259PicPair } from './i8259-pic.js';

const COMMAND = 0;
const DATA = 1;

function board() {
  const irqs = new IrqRecorder();
  const pic = new I8259PicPair({ intr: irqs.line('intr') });
  const master = new RegionDriver(pic.regions.master);
  const slave = new RegionDriver(pic.regions.slave);
  const elcr = new RegionDriver(pic.regions.elcr);
  return { irqs, pic, master, slave, elcr, intr: () => irqs.level('intr') };
}

/** The initialization that PC firmware and Linux do: vectors 20h and 28h, cascade on IR2, everything unmasked. */
function initialized(icw4 = 0x01, slaveIcw4 = 0x01) {
  const b = board();
  for (const [chip, base, cascade, mode] of [
    [b.master, 0x20, 0x04, icw4],
    [b.slave, 0x28, 0x02, slaveIcw4],
  ] as const) {
    chip.write8(COMMAND, 0x11);
    chip.write8(DATA, base);
    chip.write8(DATA, cascade);
    chip.write8(DATA, mode);
    chip.write8(DATA, 0x00);
  }
  return b;
}

describe('initialization', () => {
  it('asks for nothing before its sequence is complete', () => {
    const b = board();
    b.pic.irq(0).set(true);
    b.master.write8(COMMAND, 0x11);
    b.master.write8(DATA, 0x20);
    b.master.write8(DATA, 0x04);
    b.pic.irq(1).set(true);
    expect(b.intr()).toBe(false);
    b.master.write8(DATA, 0x01);
    // IR0 rose before ICW1, which resets the edge sense; IR1 after it.
    expect(b.intr()).toBe(true);
    expect(b.pic.acknowledge()).toBe(0x21);
  });

  it('clears the mask and forgets edges at ICW1', () => {
    const b = initialized();
    b.master.write8(DATA, 0xff);
    pulse(b.pic.irq(3));
    b.master.write8(COMMAND, 0x11);
    b.master.write8(DATA, 0x20);
    b.master.write8(DATA, 0x04);
    b.master.write8(DATA, 0x01);
    expect(b.master.read8(DATA)).toBe(0);
    expect(b.master.read8(COMMAND)).toBe(0);
    expect(b.intr()).toBe(false);
  });

  it('takes only the upper five bits of the vector', () => {
    const b = board();
    b.master.write8(COMMAND, 0x11);
    b.master.write8(DATA, 0x57);
    b.master.write8(DATA, 0x04);
    b.master.write8(DATA, 0x01);
    pulse(b.pic.irq(1));
    expect(b.pic.acknowledge()).toBe(0x51);
  });

  it('skips ICW3 in single mode and ICW4 without IC4', () => {
    const b = board();
    b.master.write8(COMMAND, 0x12);
    b.master.write8(DATA, 0x40);
    b.master.write8(DATA, 0xfe); // the mask already
    expect(b.master.read8(DATA)).toBe(0xfe);
    pulse(b.pic.irq(0));
    expect(b.pic.acknowledge()).toBe(0x40);
  });

  it('is found by writing and reading the mask, as Linux probes it', () => {
    const b = initialized();
    b.slave.write8(DATA, 0xff);
    b.master.write8(DATA, ~(1 << 2) & 0xff);
    expect(b.master.read8(DATA)).toBe(0xfb);
    expect(b.slave.read8(DATA)).toBe(0xff);
  });
});

describe('priorities', () => {
  it('serves the lowest number first and holds equal and lower requests until EOI', () => {
    const b = initialized();
    pulse(b.pic.irq(4));
    pulse(b.pic.irq(1));
    expect(b.pic.acknowledge()).toBe(0x21);
    expect(b.intr()).toBe(false); // 4 waits
    b.master.write8(COMMAND, 0x20);
    expect(b.intr()).toBe(true);
    expect(b.pic.acknowledge()).toBe(0x24);
    pulse(b.pic.irq(0)); // higher: interrupts the handler
    expect(b.intr()).toBe(true);
    expect(b.pic.acknowledge()).toBe(0x20);
    b.master.write8(COMMAND, 0x0b);
    expect(b.master.read8(COMMAND)).toBe(0x11); // both in service
    b.master.write8(COMMAND, 0x20); // ends the highest
    expect(b.master.read8(COMMAND)).toBe(0x10);
  });

  it('ends a given level with a specific EOI', () => {
    const b = initialized();
    pulse(b.pic.irq(5));
    b.pic.acknowledge();
    pulse(b.pic.irq(3));
    b.pic.acknowledge();
    b.master.write8(COMMAND, 0x60 | 5);
    b.master.write8(COMMAND, 0x0b);
    expect(b.master.read8(COMMAND)).toBe(0x08);
  });

  it('rotates on non-specific EOI: the level served becomes the lowest', () => {
    const b = initialized();
    pulse(b.pic.irq(4));
    b.pic.acknowledge();
    b.master.write8(COMMAND, 0xa0);
    pulse(b.pic.irq(4));
    pulse(b.pic.irq(3));
    pulse(b.pic.irq(6));
    // Order now: 5 6 7 0 1 2 3 4
    expect(b.pic.acknowledge()).toBe(0x26);
    b.master.write8(COMMAND, 0x20);
    expect(b.pic.acknowledge()).toBe(0x23);
    b.master.write8(COMMAND, 0x20);
    expect(b.pic.acknowledge()).toBe(0x24);
  });

  it('rotates on a specific EOI and sets priority by command', () => {
    const b = initialized();
    pulse(b.pic.irq(1));
    b.pic.acknowledge();
    b.master.write8(COMMAND, 0xe0 | 1); // 1 is the lowest, 2 the highest
    pulse(b.pic.irq(0));
    pulse(b.pic.irq(3));
    expect(b.pic.acknowledge()).toBe(0x23);
    b.master.write8(COMMAND, 0x20);
    b.master.write8(COMMAND, 0xc0 | 7); // set priority: 7 lowest
    pulse(b.pic.irq(3));
    expect(b.pic.acknowledge()).toBe(0x20);
  });
});

describe('automatic EOI', () => {
  it('leaves nothing in service', () => {
    const b = initialized(0x03);
    pulse(b.pic.irq(4));
    expect(b.pic.acknowledge()).toBe(0x24);
    b.master.write8(COMMAND, 0x0b);
    expect(b.master.read8(COMMAND)).toBe(0);
    pulse(b.pic.irq(5));
    expect(b.intr()).toBe(true);
  });

  it('rotates when told to', () => {
    const b = initialized(0x03);
    b.master.write8(COMMAND, 0x80);
    pulse(b.pic.irq(0));
    pulse(b.pic.irq(1));
    expect(b.pic.acknowledge()).toBe(0x20);
    pulse(b.pic.irq(0));
    expect(b.pic.acknowledge()).toBe(0x21);
    expect(b.pic.acknowledge()).toBe(0x20);
    b.master.write8(COMMAND, 0x00); // no rotation any more: 0 stays the lowest
    pulse(b.pic.irq(0));
    pulse(b.pic.irq(7));
    expect(b.pic.acknowledge()).toBe(0x27);
  });
});

describe('cascade', () => {
  it('answers with the slave’s vector and needs an EOI to each', () => {
    const b = initialized();
    pulse(b.pic.irq(8));
    expect(b.pic.acknowledge()).toBe(0x28);
    pulse(b.pic.irq(9));
    b.slave.write8(COMMAND, 0x20);
    expect(b.intr()).toBe(false); // the master still serves IR2
    b.master.write8(COMMAND, 0x20);
    expect(b.intr()).toBe(true);
    expect(b.pic.acknowledge()).toBe(0x29);
  });

  it('ranks the slave’s inputs between master inputs 1 and 3', () => {
    const b = initialized();
    pulse(b.pic.irq(3));
    pulse(b.pic.irq(14));
    pulse(b.pic.irq(1));
    const order = [];
    for (let i = 0; i < 3; i++) {
      const vector = b.pic.acknowledge();
      order.push(vector);
      if (vector >= 0x28) b.slave.write8(COMMAND, 0x20);
      b.master.write8(COMMAND, 0x20);
    }
    expect(order).toEqual([0x21, 0x2e, 0x23]);
  });

  it('lets a higher slave input through in special fully nested mode only', () => {
    for (const [icw4, nested] of [
      [0x01, false],
      [0x11, true],
    ] as const) {
      const b = initialized(icw4);
      pulse(b.pic.irq(12));
      b.pic.acknowledge();
      pulse(b.pic.irq(8));
      expect(b.intr()).toBe(nested);
      if (nested) expect(b.pic.acknowledge()).toBe(0x28);
    }
  });

  it('has no vector when no slave knows the identity', () => {
    const b = board();
    for (const [chip, base, cascade] of [
      [b.master, 0x20, 0x04],
      [b.slave, 0x28, 0x05],
    ] as const) {
      chip.write8(COMMAND, 0x11);
      chip.write8(DATA, base);
      chip.write8(DATA, cascade);
      chip.write8(DATA, 0x01);
    }
    pulse(b.pic.irq(8));
    expect(b.pic.acknowledge()).toBe(0xff);
  });

  it('has no input 2 and none above 15', () => {
    const b = initialized();
    b.pic.irq(2).set(true);
    expect(b.intr()).toBe(false);
    expect(() => b.pic.irq(16)).toThrow(/16/);
  });
});

describe('edge and level', () => {
  it('takes one interrupt from one edge, however long the line stays high', () => {
    const b = initialized();
    b.pic.irq(3).set(true);
    b.pic.acknowledge();
    b.master.write8(COMMAND, 0x20);
    expect(b.intr()).toBe(false);
    b.pic.irq(3).set(false);
    b.pic.irq(3).set(true);
    expect(b.intr()).toBe(true);
  });

  it('takes interrupts from a level until the line falls', () => {
    const b = initialized();
    b.elcr.write8(0, 0x20);
    b.elcr.write8(1, 0x08);
    for (const [irq, vector, chip] of [
      [5, 0x25, b.master],
      [11, 0x2b, b.slave],
    ] as const) {
      b.pic.irq(irq).set(true);
      for (let i = 0; i < 2; i++) {
        expect(b.pic.acknowledge()).toBe(vector);
        if (chip === b.slave) b.slave.write8(COMMAND, 0x20);
        b.master.write8(COMMAND, 0x20);
        expect(b.intr()).toBe(true);
      }
      b.pic.irq(irq).set(false);
      expect(b.intr()).toBe(false);
    }
  });

  it('keeps IRQ 0, 1, 2, 8 and 13 edge triggered', () => {
    const b = board();
    b.elcr.write8(0, 0xff);
    b.elcr.write8(1, 0xff);
    expect(b.elcr.read8(0)).toBe(0xf8);
    expect(b.elcr.read8(1)).toBe(0xde);
  });
});

describe('spurious interrupts', () => {
  it('answers IR7 and puts nothing in service when the request is gone', () => {
    const b = initialized();
    b.elcr.write8(0, 0x20);
    b.pic.irq(5).set(true);
    b.pic.irq(5).set(false);
    expect(b.pic.acknowledge()).toBe(0x27);
    b.master.write8(COMMAND, 0x0b);
    expect(b.master.read8(COMMAND)).toBe(0);
  });

  it('answers the master’s IR7 when a slave’s request is gone: both INTA cycles are one here, nothing falls between them', () => {
    const b = initialized();
    b.elcr.write8(1, 0x08);
    b.pic.irq(11).set(true);
    b.pic.irq(11).set(false);
    expect(b.intr()).toBe(false);
    expect(b.pic.acknowledge()).toBe(0x27);
    b.slave.write8(COMMAND, 0x0b);
    expect(b.slave.read8(COMMAND)).toBe(0);
  });
});

describe('masks', () => {
  it('holds a masked edge and delivers it when unmasked', () => {
    const b = initialized();
    b.master.write8(DATA, 0x10);
    pulse(b.pic.irq(4));
    expect(b.intr()).toBe(false);
    b.master.write8(COMMAND, 0x0a);
    expect(b.master.read8(COMMAND)).toBe(0x10); // IRR shows it
    b.master.write8(DATA, 0x00);
    expect(b.pic.acknowledge()).toBe(0x24);
  });

  it('lets lower levels through in special mask mode while their blocker is masked', () => {
    const b = initialized();
    pulse(b.pic.irq(2 + 1)); // IR3
    b.pic.acknowledge();
    pulse(b.pic.irq(6));
    expect(b.intr()).toBe(false);
    b.master.write8(DATA, 0x08); // mask IR3
    expect(b.intr()).toBe(false);
    b.master.write8(COMMAND, 0x68); // ESMM | SMM
    expect(b.intr()).toBe(true);
    expect(b.pic.acknowledge()).toBe(0x26);
    // A non-specific EOI ends 6, not the masked 3.
    b.master.write8(COMMAND, 0x20);
    b.master.write8(COMMAND, 0x0b);
    expect(b.master.read8(COMMAND)).toBe(0x08);
    b.master.write8(COMMAND, 0x48); // ESMM, not SMM: back to normal
    pulse(b.pic.irq(6));
    expect(b.intr()).toBe(false);
  });
});

describe('polling', () => {
  it('acknowledges by a read and names the level', () => {
    const b = initialized();
    pulse(b.pic.irq(6));
    b.master.write8(COMMAND, 0x0c);
    expect(b.master.read8(COMMAND)).toBe(0x86);
    expect(b.intr()).toBe(false);
    b.master.write8(COMMAND, 0x0b);
    expect(b.master.read8(COMMAND)).toBe(0x40);
  });

  it('says that there is nothing', () => {
    const b = initialized();
    b.master.write8(COMMAND, 0x0c);
    expect(b.master.read8(COMMAND)).toBe(0x00);
  });

  it('takes one read only', () => {
    const b = initialized();
    b.master.write8(COMMAND, 0x0c);
    b.master.read8(COMMAND);
    pulse(b.pic.irq(6));
    expect(b.master.read8(COMMAND)).toBe(0x40); // IRR again
  });
});

describeDevice(
  'the 8259 pair',
  (bench) => {
    const pic = new I8259PicPair({ intr: bench.irqs.line('intr') });
    return pic;
  },
  (pic) => {
    const master = new RegionDriver(pic.regions.master);
    const slave = new RegionDriver(pic.regions.slave);
    for (const [chip, base, cascade] of [
      [master, 0x20, 0x04],
      [slave, 0x28, 0x02],
    ] as const) {
      chip.write8(COMMAND, 0x11);
      chip.write8(DATA, base);
      chip.write8(DATA, cascade);
      chip.write8(DATA, 0x01);
      chip.write8(DATA, 0x00);
    }
    new RegionDriver(pic.regions.elcr).write8(1, 0x0a);
    pulse(pic.irq(4));
    pic.acknowledge();
    pic.irq(3).set(true);
    pic.irq(9).set(true);
    slave.write8(COMMAND, 0x0b);
  },
  { survivesReset: ['lines'] },
);
