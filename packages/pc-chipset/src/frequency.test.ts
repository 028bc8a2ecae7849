import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ticksAt, timeOfTick } from './frequency.js';

const FREQUENCIES = [1_193_182, 3_579_545, 32_768, 115_200];

describe('ticks of a clock', () => {
  it('agree with exact integer arithmetic over years', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 53 - 1 }), fc.constantFrom(...FREQUENCIES), (ns, hz) => {
        expect(BigInt(ticksAt(ns, hz))).toBe((BigInt(ns) * BigInt(hz)) / 1_000_000_000n);
      }),
      { seed: 1193182 },
    );
  });

  it('begin at the first nanosecond at which they are counted', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 38 }), fc.constantFrom(...FREQUENCIES), (tick, hz) => {
        const at = timeOfTick(tick, hz);
        expect(ticksAt(at, hz)).toBe(tick);
        expect(ticksAt(at - 1, hz)).toBe(tick - 1);
      }),
      { seed: 8254 },
    );
  });

  it('count before the epoch too', () => {
    expect(ticksAt(-1, 1_000_000)).toBe(-1);
    expect(ticksAt(-1000, 1_000_000)).toBe(-1);
  });
});
