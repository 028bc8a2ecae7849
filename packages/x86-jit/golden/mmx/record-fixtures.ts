/**
 * Records the fixture that `tests/mmx/mmx.test.ts` reads, on this processor:
 *
 *   node --conditions=@pckit/source --import tsx packages/x86-jit/golden/mmx/record-fixtures.ts [SEED]
 */
import { writeFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';
import { recordMmxVectors } from '../../tests/mmx/record.js';

const bytes = recordMmxVectors(Number(process.argv[2] ?? 1), 100);
const compressed = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 } });
writeFileSync(new URL('mmx-vectors.bin.br', import.meta.url), compressed);
process.stdout.write(`${bytes.length} bytes, ${compressed.length} compressed\n`);
