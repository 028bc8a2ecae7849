/**
 * SSE and x87 against a real processor: fixtures recorded once (`golden/x87/record-fixtures.ts`) on any host, fresh
 * vectors with a new seed where they can be recorded.
 */
import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { x87Operation } from '../../src/x87/x87-operation.js';
import { cannotRecord, recordVectors } from './recorder.js';
import { readSseVectors, SSE_GENERATOR, sseMismatch } from './sse-vectors.js';
import { readX87Vectors, X87_GENERATOR, x87Mismatch } from './x87-vectors.js';

function fixture(name: string): Uint8Array {
  return new Uint8Array(brotliDecompressSync(readFileSync(new URL(`../../golden/x87/${name}`, import.meta.url))));
}

/** @returns the first few mismatches, to be compared with none */
function mismatches<V>(vectors: readonly V[], mismatch: (vector: V) => string | undefined): string[] {
  return vectors
    .map(mismatch)
    .filter((text) => text !== undefined)
    .slice(0, 10);
}

describe('recorded on a processor', () => {
  it('SSE, FMA and F16C instructions give the same results and flags', () => {
    const { vectors, processor } = readSseVectors(fixture('sse-vectors.bin.br'));
    expect(new Set(vectors.map(({ name }) => name)).size).toBeGreaterThan(100);
    expect(mismatches(vectors, (vector) => sseMismatch(vector, processor))).toEqual([]);
  });

  it('x87 instructions leave the same state', () => {
    const { vectors, processor } = readX87Vectors(fixture('x87-vectors.bin.br'));
    expect(mismatches(vectors, (vector) => x87Mismatch(vector, processor))).toEqual([]);
  });

  it('the x87 vectors have every instruction, and an undefined one', () => {
    const { vectors } = readX87Vectors(fixture('x87-vectors.bin.br'));
    const covered = new Set(vectors.map(({ opcode, modrm }) => x87Operation(opcode, modrm)?.name));
    const existing = new Set<string | undefined>();
    for (let opcode = 0xd8; opcode <= 0xdf; opcode++) {
      for (let modrm = 0; modrm < 256; modrm++) existing.add(x87Operation(opcode, modrm)?.name);
    }
    expect([...existing].filter((name) => !covered.has(name))).toEqual([]);
    expect(vectors.some(({ trap }) => trap === '#MF')).toBe(true);
    expect(vectors.some(({ trap }) => trap === '#UD')).toBe(true);
  });
});

const reason = cannotRecord();
const required = process.env['PCKIT_REQUIRE_TOOLS'] === '1';

describe.skipIf(reason !== undefined && !required)(
  `fresh vectors${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    const seed = Number(process.env['PCKIT_GOLDEN_SEED'] ?? Date.now() % 2 ** 31);

    it(`SSE with seed ${seed}`, { timeout: 120_000 }, () => {
      console.info(`fresh SSE vectors: PCKIT_GOLDEN_SEED=${seed}`);
      const { vectors, processor } = readSseVectors(recordVectors(SSE_GENERATOR, seed, 200));
      expect(vectors.length).toBeGreaterThan(10_000);
      expect(mismatches(vectors, (vector) => sseMismatch(vector, processor))).toEqual([]);
    });

    it(`x87 with seed ${seed}`, { timeout: 120_000 }, () => {
      console.info(`fresh x87 vectors: PCKIT_GOLDEN_SEED=${seed}`);
      const { vectors, processor } = readX87Vectors(recordVectors(X87_GENERATOR, seed, 200));
      expect(vectors.length).toBeGreaterThan(10_000);
      expect(mismatches(vectors, (vector) => x87Mismatch(vector, processor))).toEqual([]);
    });
  },
);
