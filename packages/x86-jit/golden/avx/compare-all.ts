/**
 * Compares every AVX form with this processor and prints what differs:
 *
 *   node --conditions=@pckit/source --import tsx packages/x86-jit/golden/avx/compare-all.ts [SEED] [PATTERN]
 */
import { AVX_PROGRAM, AVX_SUITE, difference, unifyKinds } from '../../tests/avx/comparison.js';
import { AvxEmulator } from '../../tests/avx/emulator.js';
import { withNativeProcessor } from '../../tests/sse/native.js';

const seed = Number(process.argv[2] ?? Date.now() % 2 ** 31);
const pattern = new RegExp(process.argv[3] ?? '.');
const emulator = new AvxEmulator();
let compared = 0;
let different = 0;
withNativeProcessor((processor) => {
  for (const variant of AVX_SUITE.variants().filter(({ key }) => pattern.test(key))) {
    const cases = AVX_SUITE.casesOf(variant, seed);
    const before = different;
    processor.execute(cases).forEach((outcome, n) => {
      const theirs = unifyKinds(variant, AVX_SUITE.comparable(variant, outcome));
      const ours = unifyKinds(variant, AVX_SUITE.comparable(variant, emulator.execute(cases[n]!)));
      compared++;
      // The first of each variant says enough.
      if (Buffer.compare(ours, theirs) !== 0 && ++different === before + 1) console.log(difference(variant, cases[n]!, ours, theirs));
    });
  }
}, AVX_PROGRAM);
console.log(`seed ${seed}: ${compared} cases, ${different} differences`);
process.exitCode = different > 0 ? 1 : 0;
