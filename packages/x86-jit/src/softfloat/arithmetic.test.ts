import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { add, divide, fusedMultiplyAdd, integerSquareRoot, multiply, squareRoot, subtract } from './arithmetic.js';
import type { FloatEnvironment, RoundingControl } from './float-environment.js';
import {
  DE,
  IE,
  OE,
  PE,
  RC_DOWN,
  RC_NEAREST,
  RC_UP,
  RC_ZERO,
  sseEnvironment,
  UE,
  x87Environment,
  ZE,
} from './float-environment.js';
import { float32, float64, float80 } from './float-format.js';
import { roundShift } from './rounding.js';

const view = new DataView(new ArrayBuffer(8));

function bitsOf(value: number): bigint {
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

function valueOf(bits: bigint): number {
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

function single(value: number): number {
  view.setFloat32(0, value);
  return view.getUint32(0);
}

const masked = (rounding: RoundingControl = RC_NEAREST): FloatEnvironment => sseEnvironment(0x1f80 | (rounding << 13));

const doubles = fc.double().map((value) => ({ value, unpacked: float64.unpack(bitsOf(value)) }));

describe('arithmetic rounded to nearest is that of the host', () => {
  const same = (ours: bigint, host: number): void => {
    if (Number.isNaN(host)) expect(valueOf(ours)).toBeNaN();
    else expect(ours).toBe(bitsOf(host));
  };

  it('add, subtract, multiply and divide doubles', () => {
    fc.assert(
      fc.property(doubles, doubles, (a, b) => {
        same(add(float64, a.unpacked, b.unpacked, masked()), a.value + b.value);
        same(subtract(float64, a.unpacked, b.unpacked, masked()), a.value - b.value);
        same(multiply(float64, a.unpacked, b.unpacked, masked()), a.value * b.value);
        same(divide(float64, a.unpacked, b.unpacked, masked()), a.value / b.value);
      }),
      { seed: 1, numRuns: 1000 },
    );
  });

  it('square roots of doubles', () => {
    fc.assert(
      fc.property(doubles, (a) => same(squareRoot(float64, a.unpacked, masked()), Math.sqrt(a.value))),
      { seed: 2, numRuns: 1000 },
    );
  });

  it('singles, from operands of another format', () => {
    fc.assert(
      fc.property(fc.float(), fc.float(), (a, b) => {
        const product = multiply(float32, float64.unpack(bitsOf(a)), float64.unpack(bitsOf(b)), masked());
        const host = Math.fround(a * b);
        if (!Number.isNaN(host)) expect(product).toBe(single(host));
      }),
      { seed: 3, numRuns: 1000 },
    );
  });
});

describe('directed rounding', () => {
  it('brackets the exact result, and nearest is one of the two', () => {
    fc.assert(
      fc.property(doubles, doubles, (a, b) => {
        fc.pre(Number.isFinite(a.value) && Number.isFinite(b.value) && b.value !== 0);
        const [nearest, down, up, zero] = [RC_NEAREST, RC_DOWN, RC_UP, RC_ZERO].map((rounding) =>
          valueOf(divide(float64, a.unpacked, b.unpacked, masked(rounding as RoundingControl))),
        ) as [number, number, number, number];
        expect(down).toBeLessThanOrEqual(up);
        expect([down, up]).toContain(nearest);
        expect(zero).toBe(nearest < 0 || Object.is(nearest, -0) ? up : down);
      }),
      { seed: 4, numRuns: 500 },
    );
  });

  it('gives -0 for an exact difference of nothing only when rounding down', () => {
    const one = float64.unpack(bitsOf(1));
    expect(subtract(float64, one, one, masked(RC_DOWN))).toBe(bitsOf(-0));
    expect(subtract(float64, one, one, masked(RC_UP))).toBe(0n);
  });

  it('tells a tie from what lies just above it', () => {
    expect(roundShift(0, 2n, 0, true, RC_NEAREST)).toEqual({ significand: 2n, inexact: true, up: false });
    expect(roundShift(0, 5n, 1, false, RC_NEAREST)).toEqual({ significand: 2n, inexact: true, up: false });
    expect(roundShift(0, 5n, 1, true, RC_NEAREST)).toEqual({ significand: 3n, inexact: true, up: true });
    expect(roundShift(0, 7n, 1, false, RC_NEAREST)).toEqual({ significand: 4n, inexact: true, up: true });
  });
});

describe('exceptions', () => {
  const flagsOf = (run: (environment: FloatEnvironment) => unknown, mxcsr = 0x1f80): number => {
    const environment = sseEnvironment(mxcsr);
    run(environment);
    return environment.flags;
  };
  const d = (value: number) => float64.unpack(bitsOf(value));

  it('are invalid for 0/0, inf - inf, 0 * inf, sqrt(-1)', () => {
    expect(flagsOf((e) => divide(float64, d(0), d(0), e))).toBe(IE);
    expect(flagsOf((e) => subtract(float64, d(Infinity), d(Infinity), e))).toBe(IE);
    expect(flagsOf((e) => multiply(float64, d(0), d(Infinity), e))).toBe(IE);
    expect(flagsOf((e) => squareRoot(float64, d(-1), e))).toBe(IE);
  });

  it('are division by zero, denormal operand, overflow, underflow, inexact', () => {
    expect(flagsOf((e) => divide(float64, d(1), d(0), e))).toBe(ZE);
    expect(flagsOf((e) => add(float64, d(5e-324), d(0), e))).toBe(DE);
    expect(flagsOf((e) => multiply(float64, d(1e300), d(1e300), e))).toBe(OE | PE);
    expect(flagsOf((e) => multiply(float64, d(1e-300), d(1e-300), e))).toBe(UE | PE);
    expect(flagsOf((e) => divide(float64, d(1), d(3), e))).toBe(PE);
  });

  it('find tininess after rounding: what rounds up to the smallest normal number is not tiny', () => {
    const nearlyOne = d(1 - 2 ** -53);
    const smallest = d(2 ** -1022);
    // 53 bits hold this product exactly, below the smallest normal number: tiny, though its denormal rounds up to that
    // number.
    expect(flagsOf((e) => multiply(float64, nearlyOne, smallest, e))).toBe(UE | PE);
    // This one needs 55 bits, and rounding it to 53 leaves nothing tiny.
    const below = { ...smallest, exponent: smallest.exponent - 2, significand: (smallest.significand << 2n) - 1n };
    expect(flagsOf((e) => add(float64, below, d(0), e))).toBe(PE);
  });

  it('of an unmasked denormal operand leave inexact unreported', () => {
    const withoutDenormalMask = 0x1f80 & ~(DE << 7);
    expect(flagsOf((e) => add(float64, d(5e-324), d(1), e), withoutDenormalMask)).toBe(DE);
  });
});

describe('x87', () => {
  const st = (value: number) => float64.unpack(bitsOf(value));

  it('rounds to the precision of the control word, with the range of the register', () => {
    const single24 = divide(float80, st(1), st(3), x87Environment(0x007f));
    expect(single24).toEqual({ signExponent: 0x3ffd, significand: 0xaaaaab0000000000n });
    const huge = float80.unpack({ signExponent: 0x7ffe, significand: 1n << 63n });
    const environment = x87Environment(0x007f);
    expect(add(float80, huge, st(1), environment)).toEqual({ signExponent: 0x7ffe, significand: 1n << 63n });
    expect(environment.flags).toBe(PE);
  });

  it('adjusts the exponent of an unmasked overflow by 24576', () => {
    const huge = float80.unpack({ signExponent: 0x7ffe, significand: 1n << 63n });
    const environment = x87Environment(0x0377);
    // SDM vol. 1, 8.5.4
    expect(add(float80, huge, huge, environment)).toEqual({ signExponent: 0x7fff - 24576, significand: 1n << 63n });
    expect(environment.flags).toBe(OE);
  });

  it('takes the larger significand of two quiet NaNs, where SSE takes the first', () => {
    const small = float80.unpack({ signExponent: 0x7fff, significand: 0xc000000000000001n });
    const large = float80.unpack({ signExponent: 0xffff, significand: 0xc000000000000002n });
    expect(add(float80, small, large, x87Environment(0x37f))).toEqual({
      signExponent: 0xffff,
      significand: 0xc000000000000002n,
    });
    expect(add(float80, small, large, masked())).toEqual({ signExponent: 0x7fff, significand: 0xc000000000000001n });
  });

  it('accepts pseudo-denormals and refuses unnormals', () => {
    const pseudo = float80.unpack({ signExponent: 0, significand: 1n << 63n });
    const environment = x87Environment(0x37f);
    expect(add(float80, pseudo, float80.unpack(float80.zero(0)), environment)).toEqual({
      signExponent: 1,
      significand: 1n << 63n,
    });
    expect(environment.flags).toBe(DE);
    const unnormal = float80.unpack({ signExponent: 0x3fff, significand: 1n });
    expect(add(float80, unnormal, pseudo, environment)).toEqual(float80.indefinite);
    expect(environment.flags & IE).toBe(IE);
  });
});

describe('fused multiply-add', () => {
  it('keeps the bits that two roundings lose', () => {
    const a = 1 + 2 ** -30;
    const exact = fusedMultiplyAdd(
      float64,
      float64.unpack(bitsOf(a)),
      float64.unpack(bitsOf(a)),
      float64.unpack(bitsOf(-a * a)),
      masked(),
    );
    expect(valueOf(exact)).toBe(2 ** -60);
    expect(a * a - a * a).toBe(0);
  });
});

describe('integer square root', () => {
  it('is the floor', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 1n << 300n }), (value) => {
        const root = integerSquareRoot(value);
        expect(root * root <= value && (root + 1n) * (root + 1n) > value).toBe(true);
      }),
      { seed: 5 },
    );
  });
});
