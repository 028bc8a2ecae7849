/**
 * Records the fixture that `tests/state-save/state-save.test.ts` reads, on this processor:
 *
 *   node --conditions=@pckit/source --import tsx packages/x86-jit/golden/state-save/record-fixtures.ts [SEED]
 */
import { writeFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';
import { recordStateVectors } from '../../tests/state-save/record.js';

const bytes = recordStateVectors(Number(process.argv[2] ?? 1), 40);
const compressed = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 } });
writeFileSync(new URL('state-vectors.bin.br', import.meta.url), compressed);
process.stdout.write(`${bytes.length} bytes, ${compressed.length} compressed\n`);
