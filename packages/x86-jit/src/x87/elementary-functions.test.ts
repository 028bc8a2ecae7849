import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sseEnvironment } from '../softfloat/float-environment.js';
import { float64 } from '../softfloat/float-format.js';
import { roundToFormat } from '../softfloat/rounding.js';
import { LN2, LOG10_2, LOG2_10, LOG2_E, ONE, PI, WORKING_BITS } from './elementary-constants.js';
import type { Approximation, Magnitude } from './elementary-functions.js';
import { arctangent, cosine, exp2MinusOne, log2, log2OnePlus, sine, tangent } from './elementary-functions.js';

const view = new DataView(new ArrayBuffer(8));

function magnitude(value: number): Magnitude {
  view.setFloat64(0, Math.abs(value));
  return float64.unpack(view.getBigUint64(0));
}

function toNumber({ sign, exponent, significand, exact }: Approximation): number {
  view.setBigUint64(0, roundToFormat(float64, sign, exponent, significand, !exact, sseEnvironment(0x1f80)));
  return view.getFloat64(0);
}

/** The host's functions are good to about one unit in the last place. */
function expectClose(ours: number, host: number): void {
  expect(Math.abs(ours - host)).toBeLessThanOrEqual(Math.abs(host) * 2 ** -50);
}

describe('constants, with guard bits, from their series', () => {
  const guard = 32n;
  const bits = BigInt(WORKING_BITS) + guard;
  const inverseSeries = (n: bigint, alternating: boolean): bigint => {
    let power = (1n << bits) / n;
    let sum = 0n;
    for (let k = 1n; power !== 0n; k += 2n) {
      sum += alternating && k % 4n === 3n ? -power / k : power / k;
      power /= n * n;
    }
    return sum;
  };

  it('pi by Machin', () => {
    expect((16n * inverseSeries(5n, true) - 4n * inverseSeries(239n, true)) >> guard).toBe(PI);
  });

  it('logarithms by atanh', () => {
    const ln2 = 2n * inverseSeries(3n, false);
    const ln10 = 3n * ln2 + 2n * inverseSeries(9n, false);
    expect(ln2 >> guard).toBe(LN2);
    expect(((1n << (2n * bits)) / ln2) >> guard).toBe(LOG2_E);
    expect(((ln10 << bits) / ln2) >> guard).toBe(LOG2_10);
    expect(((ln2 << bits) / ln10) >> guard).toBe(LOG10_2);
  });
});

describe('functions against the host, to its accuracy', () => {
  const positive = fc.double({ min: 1e-300, max: 1e300, noNaN: true });

  it('log2', () => {
    fc.assert(
      fc.property(positive, (x) => {
        fc.pre(Math.abs(x - 1) > 0.01);
        expectClose(toNumber(log2(magnitude(x))), Math.log2(x));
      }),
      { seed: 1 },
    );
  });

  it('log2(1 + x), near zero too', () => {
    fc.assert(
      fc.property(fc.double({ min: -0.29, max: 0.41, noNaN: true }), (x) => {
        fc.pre(x !== 0 && Math.abs(x) > 1e-290);
        expectClose(toNumber(log2OnePlus(x < 0 ? 1 : 0, magnitude(x))), Math.log1p(x) / Math.LN2);
      }),
      { seed: 2 },
    );
  });

  it('2^x - 1', () => {
    fc.assert(
      fc.property(fc.double({ min: -1, max: 1, noNaN: true }), (x) => {
        fc.pre(x !== 0 && Math.abs(x) > 1e-290);
        expectClose(toNumber(exp2MinusOne(x < 0 ? 1 : 0, magnitude(x))), Math.expm1(x * Math.LN2));
      }),
      { seed: 3 },
    );
  });

  it('sine, cosine and tangent where 66 bits of pi are plenty', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-290, max: 3, noNaN: true }), (x) => {
        fc.pre(Math.abs(x - Math.PI / 2) > 0.01 && Math.abs(x - Math.PI) > 0.01);
        expectClose(toNumber(sine(magnitude(x))), Math.sin(x));
        expectClose(toNumber(cosine(magnitude(x))), Math.cos(x));
        expectClose(toNumber(tangent(magnitude(x))), Math.tan(x));
      }),
      { seed: 4 },
    );
  });

  it('the angle of a point, far and near, in both half-planes', () => {
    fc.assert(
      fc.property(positive, positive, fc.boolean(), (y, x, negative) => {
        const host = Math.atan2(y, negative ? -x : x);
        fc.pre(host > 1e-290);
        expectClose(toNumber(arctangent(magnitude(y), magnitude(x), negative)), host);
      }),
      { seed: 5 },
    );
  });
});

describe('identities far beyond doubles', () => {
  const fixed = ({ exponent, significand }: Magnitude): bigint => {
    const shift = exponent + WORKING_BITS;
    return shift >= 0 ? significand << BigInt(shift) : significand >> BigInt(-shift);
  };
  const tolerance = 1n << 20n;

  it('sin^2 + cos^2 = 1', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 1e18, noNaN: true }), (x) => {
        const s = fixed(sine(magnitude(x)));
        const c = fixed(cosine(magnitude(x)));
        const error = (s * s + c * c) / ONE - ONE;
        expect(error < tolerance && error > -tolerance).toBe(true);
      }),
      { seed: 6 },
    );
  });

  it('atan(y/x) + atan(x/y) = pi/2', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-9, max: 1e9, noNaN: true }),
        fc.double({ min: 1e-9, max: 1e9, noNaN: true }),
        (y, x) => {
          const sum =
            fixed(arctangent(magnitude(y), magnitude(x), false)) + fixed(arctangent(magnitude(x), magnitude(y), false));
          const error = sum - PI / 2n;
          expect(error < tolerance && error > -tolerance).toBe(true);
        },
      ),
      { seed: 7 },
    );
  });

  it('log2(2^k) = k, exactly', () => {
    for (const k of [-16445, -1, 1, 63, 16383]) {
      expect(log2({ exponent: k, significand: 1n })).toMatchObject({
        sign: k < 0 ? 1 : 0,
        significand: BigInt(Math.abs(k)),
        exact: true,
      });
    }
  });
});

it('the sine of the double nearest to pi shows the 66-bit pi', () => {
  // With all of pi it would be 1.2246467991473532e-16. SDM vol. 1, 8.3.8.
  expect(toNumber(sine(magnitude(Math.PI)))).toBe(1.2246063538223773e-16);
});
