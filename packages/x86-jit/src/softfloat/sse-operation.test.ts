import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DE, PE, UE, ZE } from './float-environment.js';
import type { SseOperationName } from './sse-operation.js';
import { sseOperation } from './sse-operation.js';

const MASKED = 0x1f80;

function vector(...values: number[]): bigint {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, index) => view.setFloat32(4 * index, value, true));
  let bits = 0n;
  for (let index = values.length - 1; index >= 0; index--)
    bits = (bits << 32n) | BigInt(view.getUint32(4 * index, true));
  return bits;
}

describe('packed instructions', () => {
  it('treat every lane alone and collect the flags of all', () => {
    const { result, flags } = sseOperation('divps', vector(1, 6, 1, 1e-40), vector(0, 2, 3, 1), MASKED);
    expect(result).toBe(vector(Infinity, 3, 1 / 3, 1e-40));
    expect(flags).toBe(ZE | PE | DE);
  });

  it('report no inexact of any lane when another has an unmasked exception that comes before it', () => {
    const { flags } = sseOperation('divps', vector(1, 6, 1, 1), vector(0, 2, 3, 1), MASKED & ~(ZE << 7));
    expect(flags).toBe(ZE);
  });

  it('of 256 bits are two of 128', () => {
    const names: SseOperationName[] = [
      'addps',
      'mulpd',
      'haddps',
      'hsubpd',
      'addsubps',
      'dpps',
      'roundpd',
      'vcmpps',
      'vfmaddsub213ps',
    ];
    const half = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        half,
        half,
        half,
        half,
        fc.integer({ min: 0, max: 15 }),
        (name, a0, a1, b0, b1, immediate) => {
          const low = sseOperation(name, a0, b0, MASKED, { immediate, c: a1 });
          const high = sseOperation(name, a1, b1, MASKED, { immediate, c: b0 });
          const both = sseOperation(name, a0 | (a1 << 128n), b0 | (b1 << 128n), MASKED, {
            immediate,
            c: a1 | (b0 << 128n),
            width: 256,
          });
          expect(both.result).toBe(low.result | (high.result << 128n));
          expect(both.flags).toBe(low.flags | high.flags);
        },
      ),
      { seed: 1 },
    );
  });

  it('convert between widths at 256 bits', () => {
    const { result } = sseOperation('cvtps2pd', 0n, vector(1, 2, 3, 4), MASKED, { width: 256 });
    expect(sseOperation('cvtpd2ps', 0n, result, MASKED, { width: 256 }).result).toBe(vector(1, 2, 3, 4));
  });
});

describe('scalar instructions', () => {
  it('leave the upper lanes of the first operand', () => {
    expect(sseOperation('addss', vector(1, 2, 3, 4), vector(10, 20, 30, 40), MASKED).result).toBe(vector(11, 2, 3, 4));
    expect(sseOperation('sqrtss', vector(1, 2, 3, 4), vector(9, 20, 30, 40), MASKED).result).toBe(vector(3, 2, 3, 4));
  });
});

describe('VCMPPS', () => {
  it('has for each predicate another that says the opposite', () => {
    const values = [-1, 0, 1, NaN];
    for (const x of values) {
      for (const y of values) {
        for (let predicate = 0; predicate < 4; predicate++) {
          const says = (immediate: number) =>
            sseOperation('vcmpss', vector(x), vector(y), MASKED, { immediate }).result;
          expect(says(predicate) ^ says(predicate + 4)).toBe(0xffffffffn);
          expect(says(predicate + 8) ^ says(predicate + 12)).toBe(0xffffffffn);
          expect(says(predicate + 16)).toBe(says(predicate));
        }
      }
    }
  });
});

describe('FTZ', () => {
  it('acts only while underflow is masked', () => {
    const tiny = vector(2 ** -100);
    expect(sseOperation('mulss', tiny, tiny, MASKED | 0x8000)).toEqual({ result: 0n, flags: UE | PE });
    expect(sseOperation('mulss', tiny, tiny, 0x8000 | (MASKED & ~(UE << 7))).flags).toBe(UE);
  });
});

it('refuses a name that is no instruction', () => {
  expect(() => sseOperation('fooss' as SseOperationName, 0n, 0n, MASKED)).toThrow(/fooss/);
});
