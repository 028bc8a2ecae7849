/**
 * Records the fixture that `tests/sse/golden.test.ts` reads, on this processor:
 *
 *   node --conditions=@pckit/source --import tsx packages/x86-jit/golden/sse/record-fixture.ts [SEED]
 */
import { writeFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';
import { record } from '../../tests/sse/fixture.js';
import { withNativeProcessor } from '../../tests/sse/native.js';

const seed = Number(process.argv[2] ?? 1);
const bytes = withNativeProcessor((processor) => record(processor, seed));
const compressed = brotliCompressSync(bytes, {
  params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 },
});
writeFileSync(new URL('sse-results.bin.br', import.meta.url), compressed);
process.stdout.write(`sse-results.bin.br: ${bytes.length} bytes, ${compressed.length} compressed\n`);
