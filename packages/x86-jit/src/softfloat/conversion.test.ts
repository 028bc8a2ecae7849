import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packBcd, unpackBcd } from './bcd.js';
import { convert, fromInteger, roundToIntegral, toInteger } from './conversion.js';
import { IE, PE, RC_UP, RC_ZERO, sseEnvironment, UE, x87Environment } from './float-environment.js';
import { float16, float32, float64, float80, unpackInteger } from './float-format.js';
import { remainderStep } from './remainder.js';

const masked = () => sseEnvironment(0x1f80);
const view = new DataView(new ArrayBuffer(16));

function unpackNumber(value: number) {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  return float64.unpack(bits.getBigUint64(0));
}

describe('integers', () => {
  it('come back as they were from a format that holds them', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), (value) => {
        const environment = x87Environment(0x37f);
        const stored = fromInteger(float80, value, environment);
        expect(toInteger(float80.unpack(stored), { bits: 64, signed: true }, environment)).toBe(value);
        expect(environment.flags).toBe(0);
      }),
      { seed: 1 },
    );
  });

  it('of 64 bits round into doubles as the host rounds them', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 64n) - 1n }), (value) => {
        view.setFloat64(0, Number(value));
        expect(fromInteger(float64, value, masked())).toBe(view.getBigUint64(0));
      }),
      { seed: 2 },
    );
  });

  it('that do not fit are invalid and indefinite', () => {
    const cases = [
      [2 ** 31, 32, true, -(2n ** 31n)],
      [-(2 ** 31) - 1, 32, true, -(2n ** 31n)],
      [2 ** 32, 32, false, 2n ** 32n - 1n],
      [-1, 64, false, 2n ** 64n - 1n],
      [NaN, 16, true, -(2n ** 15n)],
      [Infinity, 64, true, -(2n ** 63n)],
    ] as const;
    for (const [value, bits, signed, indefinite] of cases) {
      const environment = masked();
      expect(toInteger(unpackNumber(value), { bits, signed }, environment)).toBe(indefinite);
      expect(environment.flags).toBe(IE);
    }
  });

  it('fit when rounding makes them', () => {
    const environment = masked();
    const options = { bits: 32, signed: true, rounding: RC_ZERO } as const;
    expect(toInteger(unpackNumber(-(2 ** 31) - 0.5), options, environment)).toBe(-(2n ** 31n));
    expect(environment.flags).toBe(PE);
    expect(toInteger(unpackNumber(2 ** 32 - 1), { bits: 32, signed: false }, environment)).toBe(2n ** 32n - 1n);
    expect(toInteger(unpackNumber(-0.25), { bits: 64, signed: false }, environment)).toBe(0n);
  });
});

describe('formats', () => {
  it('narrow as Math.fround does', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        view.setFloat32(0, value);
        expect(convert(float32, unpackNumber(value), { reportDenormal: true }, masked())).toBe(view.getUint32(0));
      }),
      { seed: 3, numRuns: 1000 },
    );
  });

  it('widen and narrow without a trace', () => {
    for (let bits = 0; bits < 0x10000; bits += 7) {
      const value = float16.unpack(bits);
      if (value.kind === 'signaling') continue;
      const environment = masked();
      const wide = convert(float80, value, { reportDenormal: false }, environment);
      expect(convert(float16, float80.unpack(wide), { reportDenormal: false }, environment)).toBe(bits);
      expect(environment.flags).toBe(0);
    }
  });

  it('flush a result that is tiny to zero under FTZ', () => {
    const environment = sseEnvironment(0x9f80);
    expect(convert(float32, unpackNumber(-(2 ** -130)), { reportDenormal: true }, environment)).toBe(0x80000000);
    expect(environment.flags).toBe(UE | PE);
  });
});

describe('rounding to an integral value', () => {
  it('is that of Math.floor, Math.ceil and Math.trunc', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        const host = [undefined, Math.floor, Math.ceil, Math.trunc] as const;
        for (const rounding of [1, 2, 3] as const) {
          view.setFloat64(0, host[rounding](value));
          const options = { rounding, reportDenormal: false };
          expect(roundToIntegral(float64, unpackNumber(value), options, masked())).toBe(view.getBigUint64(0));
        }
      }),
      { seed: 4 },
    );
  });
});

describe('packed BCD', () => {
  it('has 18 digits, least significant first, and a sign', () => {
    packBcd(unpackInteger(-1234567n), view, x87Environment(0x37f));
    expect(Array.from(new Uint8Array(view.buffer, 0, 10))).toEqual([0x67, 0x45, 0x23, 0x01, 0, 0, 0, 0, 0, 0x80]);
    expect(unpackBcd(view)).toEqual({ sign: 1, magnitude: 1234567n });
  });

  it('comes back as it was', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n }), (value) => {
        const environment = x87Environment(0x37f);
        packBcd(unpackInteger(value), view, environment);
        const { sign, magnitude } = unpackBcd(view);
        expect(sign === 1 ? -magnitude : magnitude).toBe(value);
        expect(environment.flags).toBe(0);
      }),
      { seed: 5 },
    );
  });

  it('is indefinite where 18 digits are not enough, rounding included', () => {
    const environment = { ...x87Environment(0x37f), rounding: RC_UP } as const;
    packBcd({ ...unpackInteger(10n ** 19n - 1n), exponent: -3 }, view, environment);
    expect(environment.flags).toBe(IE);
    expect(Array.from(new Uint8Array(view.buffer, 0, 10))).toEqual([0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff]);
  });
});

describe('remainder', () => {
  const extended = fc
    .tuple(fc.bigInt({ min: 1n << 63n, max: (1n << 64n) - 1n }), fc.integer({ min: 16000, max: 16700 }))
    .map(([significand, signExponent]) => ({ significand, signExponent }));

  it('is exact, whatever the number of steps', () => {
    fc.assert(
      fc.property(extended, extended, (a, b) => {
        const environment = x87Environment(0x37f);
        let value = a;
        let steps = 0;
        for (;;) {
          const step = remainderStep(float80.unpack(value), float80.unpack(b), false, environment);
          value = step.result;
          steps++;
          if (!step.incomplete) break;
          expect(steps).toBeLessThan(25);
        }
        const scale = (bits: typeof a): bigint => {
          const { significand, exponent } = float80.unpack(bits);
          return significand << BigInt(exponent + 800);
        };
        expect(scale(value)).toBe(scale(a) % scale(b));
        expect(environment.flags).toBe(0);
      }),
      { seed: 6 },
    );
  });

  it("has the quotient's low bits", () => {
    const step = remainderStep(unpackInteger(29n), unpackInteger(5n), false, x87Environment(0x37f));
    expect(float80.unpack(step.result)).toMatchObject({ kind: 'finite', sign: 0 });
    expect(step.quotient).toBe(5);
    const nearest = remainderStep(unpackInteger(29n), unpackInteger(5n), true, x87Environment(0x37f));
    expect(nearest.quotient).toBe(6);
    expect(float80.unpack(nearest.result).sign).toBe(1);
  });
});
