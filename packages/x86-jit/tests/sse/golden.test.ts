/**
 * SSE to SSE4.2, AES and PCLMULQDQ against a real processor: a recording on any host, fresh results with a new seed where they can be
 * had. Every form in the decoder's table takes part.
 */
import { mnemonicName } from '@pckit/x86-decoder';
import { describe, expect, it } from 'vitest';
import { cannotRecord } from '../x87/recorder.js';
import { difference, unifyNaNs } from './comparison.js';
import { State } from './cases.js';
import { Emulator } from './emulator.js';
import { SSE_SUITE } from './fixture.js';
import { describeGolden } from './golden-suite.js';
import { SSE_PROGRAM } from './native.js';
import { sseForms, sseVariants, whyLeftOut } from './variants.js';

const variants = sseVariants();

describe('the forms under test', () => {
  it('are all of the decoder that work on XMM registers', () => {
    const leftOut = new Map<string, string[]>();
    for (const form of sseForms()) {
      const reason = whyLeftOut(form);
      if (reason !== undefined) leftOut.set(reason, [...(leftOut.get(reason) ?? []), mnemonicName(form.mnemonic)]);
    }
    for (const [reason, names] of leftOut) console.info(`not covered here, ${reason}: ${names.join(' ')}`);
    expect([...leftOut.keys()].sort()).toEqual(['a VEX form', 'a hint', 'an x87 instruction', 'has an MMX register', 'has no vector operand']);
    expect(new Set(variants.map(({ key }) => key)).size).toBe(variants.length);
  });
});

describeGolden({
  suite: SSE_SUITE, program: SSE_PROGRAM, name: 'sse', emulator: () => new Emulator(), difference, familyLetters: 2, reason: cannotRecord(), reasonIsTool: true,
  unify: ({ mnemonic }, bytes) => (mnemonic.startsWith('Dpp') ? unifyNaNs(bytes, State.xmm + 16, State.xmm + 32, mnemonic.endsWith('ps')) : bytes),
});
