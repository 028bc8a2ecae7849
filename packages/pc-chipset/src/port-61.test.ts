import { FakeClock, IrqRecorder, RegionDriver, describeDevice } from '@pckit/device-testing';
import { describe, expect, it } from 'vitest';
import { I8254Pit } from './i8254-pit.js';
import { Port61 } from './port-61.js';

describe('port 61h', () => {
  function board() {
    const clock = new FakeClock();
    const irqs = new IrqRecorder();
    const pit = new I8254Pit({ clock, out0: irqs.line('irq0') });
    const port61 = new Port61({ clock, gate2: pit.gate(2), out2: () => pit.output(2), speaker: irqs.line('speaker') });
    return { clock, irqs, pit: new RegionDriver(pit.regions.ports), port: new RegionDriver(port61.regions.port) };
  }

  it('times a stretch with channel 2, as Linux calibrates the TSC', () => {
    const b = board();
    b.port.write8(0, (b.port.read8(0) & ~0x02) | 0x01);
    b.pit.write8(3, 0xb0);
    const count = Math.floor((1_193_182 * 50) / 1000);
    b.pit.write8(2, count & 0xff);
    b.pit.write8(2, count >> 8);
    const start = b.clock.now();
    while ((b.port.read8(0) & 0x20) === 0) b.clock.advance(1000);
    expect(Math.abs(b.clock.now() - start - 50e6)).toBeLessThan(3000);
  });

  it('toggles the refresh bit every 15 microseconds', () => {
    const b = board();
    let toggles = 0;
    let last = b.port.read8(0) & 0x10;
    for (let i = 0; i < 3000; i++) {
      b.clock.advance(500);
      const now = b.port.read8(0) & 0x10;
      if (now !== last) toggles++;
      last = now;
    }
    expect(toggles).toBe(Math.floor(1.5e-3 / (18 / 1_193_182)));
  });

  it('enables the speaker and reads back its control bits only', () => {
    const b = board();
    b.port.write8(0, 0xff);
    expect(b.port.read8(0) & 0xcf).toBe(0x0f);
    expect(b.irqs.level('speaker')).toBe(true);
  });
});

describeDevice(
  'port 61h',
  (bench) =>
    new Port61({
      clock: bench.clock,
      gate2: bench.irqs.line('gate2'),
      out2: () => bench.irqs.level('gate2'),
      speaker: bench.irqs.line('speaker'),
    }),
  (port) => new RegionDriver(port.regions.port).write8(0, 0x07),
);
