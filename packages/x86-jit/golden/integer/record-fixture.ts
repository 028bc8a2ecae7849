/**
 * Records the fixture that `tests/integer/golden.test.ts` reads, on this processor:
 *
 *   node --conditions=@pckit/source --import tsx packages/x86-jit/golden/integer/record-fixture.ts [SEED] [CASES]
 *
 * CASES is the number for each form in each mode.
 */
import { writeFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';
import { allCases } from '../../tests/integer/all-cases.js';
import { packFixture } from '../../tests/integer/fixture.js';
import { hostProcessor, record } from '../../tests/integer/recorder.js';

const seed = Number(process.argv[2] ?? 1);
const count = Number(process.argv[3] ?? 48);
const bytes = packFixture({ processor: hostProcessor(), vectors: record(allCases(count, seed)) });
const compressed = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 } });
writeFileSync(new URL('integer-vectors.bin.br', import.meta.url), compressed);
process.stdout.write(`${bytes.length} bytes, ${compressed.length} compressed\n`);
