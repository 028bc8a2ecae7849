/** AVX, AVX2, FMA and F16C against a real processor, as `tests/sse` does it; every form in the decoder's table, at both vector lengths. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeGolden } from '../sse/golden-suite.js';
import { cannotRecord } from '../x87/recorder.js';
import { AVX_PROGRAM, AVX_SUITE, difference } from './comparison.js';
import { AvxEmulator } from './emulator.js';
import { avxForms, avxVariants } from './variants.js';

/** A host may be a processor without AVX2; no tool would help. */
function lacksAvx(): string | undefined {
  const flags = new Set(readFileSync('/proc/cpuinfo', 'latin1').match(/^flags\s*:.*$/m)?.[0].split(/\s+/));
  const missing = ['avx2', 'fma', 'f16c'].filter((flag) => !flags.has(flag));
  return missing.length > 0 ? `this processor has no ${missing.join(', ')}` : undefined;
}

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
  suite: AVX_SUITE, program: AVX_PROGRAM, name: 'avx', emulator: () => new AvxEmulator(), difference, familyLetters: 3, freshShare: 5, reason: tool ?? lacksAvx(), reasonIsTool: tool !== undefined,
});
