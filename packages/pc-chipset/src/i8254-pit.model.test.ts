import { FakeClock, IrqRecorder, RegionDriver } from '@pckit/device-testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timeOfTick } from './frequency.js';
import { I8254Pit, PIT_FREQUENCY_HZ } from './i8254-pit.js';

/**
 * A counter of the 8254 stepped CLK by CLK, written down from the datasheet's mode descriptions without a thought for speed: the
 * count register CR, the counting element CE, OUT. `I8254Pit` computes where this would stand.
 */
class SteppedCounter {
  out = false;
  ce = 0;
  /** CE holds what the guest wrote at some time. */
  defined = false;
  private cr = 0;
  private written = false;
  private load = false;
  private counting = false;
  private expired = false;
  /** The half cycle of mode 3 that is under way has an odd count. */
  private odd = false;

  constructor(
    readonly mode: number,
    private gate: boolean,
  ) {
    this.out = mode !== 0;
  }

  writeCount(count: number): void {
    this.cr = count === 0 ? 0x10000 : count;
    const first = !this.written;
    this.written = true;
    if (this.mode === 0 || this.mode === 4) this.load = true;
    // Modes 2 and 3 load at once only the first time, 1 and 5 only when triggered.
    if ((this.mode === 2 || this.mode === 3) && first) this.load = true;
    if (this.mode === 0) this.out = false;
  }

  setGate(level: boolean): void {
    const rises = level && !this.gate;
    this.gate = level;
    if ((this.mode === 2 || this.mode === 3) && !level) this.out = true;
    if (rises && this.written && this.mode !== 0 && this.mode !== 4) this.load = true;
  }

  clk(): void {
    if (this.load) {
      this.load = false;
      this.counting = true;
      this.expired = false;
      this.defined = true;
      this.reload();
      if (this.mode === 1) this.out = false;
      if (this.mode !== 0 && this.mode !== 1) this.out = true;
      return;
    }
    if (!this.counting) return;
    if (!this.gate && this.mode !== 1 && this.mode !== 5) {
      if (this.mode === 4) this.out = true;
      return;
    }
    switch (this.mode) {
      case 0:
      case 1:
        this.ce = (this.ce - 1) & 0xffff;
        if (this.ce === 0) this.out = true;
        break;
      case 2:
        this.ce--;
        if (this.ce === 0) this.reload();
        this.out = this.ce !== 1;
        break;
      case 3:
        // An odd count stays at zero for one CLK while OUT is high.
        if (this.ce === 0) {
          this.toggle();
        } else {
          this.ce -= 2;
          if (this.ce === 0 && !(this.odd && this.out)) this.toggle();
        }
        break;
      default:
        this.ce = (this.ce - 1) & 0xffff;
        this.out = this.expired || this.ce !== 0;
        if (this.ce === 0) this.expired = true;
    }
  }

  private toggle(): void {
    this.out = !this.out;
    this.reload();
  }

  private reload(): void {
    this.odd = this.mode === 3 && this.cr % 2 === 1;
    this.ce = this.odd ? this.cr - 1 : this.cr;
  }
}

const step = fc.oneof(
  fc.record({ clk: fc.integer({ min: 1, max: 30 }) }),
  fc.record({ count: fc.oneof(fc.integer({ min: 3, max: 12 }), fc.constant(0)) }),
  fc.record({ gate: fc.boolean() }),
);

describe('the 8254 against a counter that is stepped CLK by CLK (seeded)', () => {
  for (let mode = 0; mode <= 5; mode++) {
    it(`mode ${mode}`, () => {
      fc.assert(
        fc.property(fc.boolean(), fc.array(step, { minLength: 1, maxLength: 30 }), (gate, steps) => {
          const clock = new FakeClock();
          const irqs = new IrqRecorder();
          const pit = new I8254Pit({ clock, out0: irqs.line('out0'), out2: irqs.line('out2') });
          const ports = new RegionDriver(pit.regions.ports);
          let tick = 0;
          pit.gate(2).set(gate);
          ports.write8(3, 0x90 | (mode << 1)); // LSB only
          const model = new SteppedCounter(mode, gate);
          for (const s of steps) {
            if ('count' in s) {
              ports.write8(2, s.count);
              model.writeCount(s.count);
            } else if ('gate' in s) {
              pit.gate(2).set(s.gate);
              model.setGate(s.gate);
            } else {
              for (let i = 0; i < s.clk; i++) {
                clock.advanceTo(timeOfTick(++tick, PIT_FREQUENCY_HZ));
                model.clk();
                expect(irqs.level('out2')).toBe(model.out);
                if (model.defined) expect(ports.read8(2)).toBe(model.ce & 0xff);
              }
            }
            expect(pit.output(2)).toBe(model.out);
          }
        }),
        { seed: 8254 + mode, numRuns: 300 },
      );
    });
  }
});
