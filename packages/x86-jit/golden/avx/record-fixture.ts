/**
 * Records the fixture that `tests/avx/golden.test.ts` reads, on this processor:
 *
 *   node --conditions=@pckit/source --import tsx packages/x86-jit/golden/avx/record-fixture.ts [SEED]
 */
import { writeFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';
import { AVX_PROGRAM, AVX_SUITE } from '../../tests/avx/comparison.js';
import { record } from '../../tests/sse/fixture.js';
import { withNativeProcessor } from '../../tests/sse/native.js';

const seed = Number(process.argv[2] ?? 1);
const bytes = withNativeProcessor((processor) => record(processor, seed, AVX_SUITE), AVX_PROGRAM);
const compressed = brotliCompressSync(bytes, {
  params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 },
});
writeFileSync(new URL('avx-results.bin.br', import.meta.url), compressed);
process.stdout.write(`avx-results.bin.br: ${bytes.length} bytes, ${compressed.length} compressed\n`);
