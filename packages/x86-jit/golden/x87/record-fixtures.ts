/**
 * Records the fixtures that `tests/x87/golden.test.ts` reads, on this processor:
 *
 *   node --conditions=@pckit/source --import tsx packages/x86-jit/golden/x87/record-fixtures.ts [SEED]
 */
import { writeFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';
import { recordVectors } from '../../tests/x87/recorder.js';
import { SSE_GENERATOR } from '../../tests/x87/sse-vectors.js';
import { X87_GENERATOR } from '../../tests/x87/x87-vectors.js';

const seed = Number(process.argv[2] ?? 1);

for (const [generator, cases] of [
  [SSE_GENERATOR, 40],
  [X87_GENERATOR, 40],
] as const) {
  const bytes = recordVectors(generator, seed, cases);
  const compressed = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 },
  });
  const name = generator.source.replace(/\.c$/, '.bin.br');
  writeFileSync(new URL(name, import.meta.url), compressed);
  process.stdout.write(`${name}: ${bytes.length} bytes, ${compressed.length} compressed\n`);
}
