/** AVX, AVX2, FMA and F16C against a real processor, as `tests/sse` does it; every form in the decoder's table, at both vector lengths. */
import { describe, expect, it } from 'vitest';
import { describeGolden } from '../sse/golden-suite.js';
import { cannotRecord } from '../x87/recorder.js';
import { AVX_PROGRAM, AVX_SUITE, difference, unifyKinds } from './comparison.js';
import { AvxEmulator } from './emulator.js';
import { lacksAvx } from './host.js';
import { avxForms, avxVariants } from './variants.js';

describe('the forms under test', () => {
  it('have at least 500 cases each, and keys of their own', () => {
    const variants = avxVariants();
    expect(new Set(variants.map(({ key }) => key)).size).toBe(variants.length);
    const few = avxForms().filter((form) => {
      const mine = variants.filter(({ key }) => key.startsWith(`${form.encoding} V`));
      return mine.reduce((sum, { cases }) => sum + cases, 0) < 500;
    });
    expect(few.map(({ encoding }) => encoding)).toEqual([]);
  });
});

const tool = cannotRecord();
describeGolden({
  suite: AVX_SUITE, program: AVX_PROGRAM, name: 'avx', emulator: () => new AvxEmulator(), difference, familyLetters: 3, unify: unifyKinds, freshShare: 5, reason: tool ?? lacksAvx(), reasonIsTool: tool !== undefined,
});
