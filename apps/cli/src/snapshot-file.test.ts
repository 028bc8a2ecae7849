import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Plain } from '@pckit/interfaces';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CliError } from './cli-error.js';
import { readSnapshotFile, writeSnapshotFile } from './snapshot-file.js';

let folder: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pckit-snapshot-'));
  path = join(folder, 'a.snap');
});
afterAll(() => rmSync(folder, { recursive: true }));

function ram(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[0] = 1;
  bytes[5 * 4096 + 7] = 2;
  bytes.fill(3, 40_000, 60_000);
  bytes[length - 1] = 4;
  return bytes;
}

/** Comparing large arrays element by element takes vitest minutes. */
function expectSame(actual: Plain, expected: Plain): void {
  expect(shorten(actual)).toEqual(shorten(expected));
}

function shorten(value: Plain): unknown {
  if (value instanceof Uint8Array && value.length > 100) return `${value.length} bytes, sha256 ${createHash('sha256').update(value).digest('hex')}`;
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value;
  return Array.isArray(value) ? value.map(shorten) : Object.fromEntries(Object.entries(value).map(([name, item]) => [name, shorten(item)]));
}

const state = (): Plain => ({
  version: 1,
  instructions: 12345678901234567890n,
  devices: { com1: { version: 1, fifo: Uint8Array.of(1, 2, 3), on: true, name: null, deadline: Number.POSITIVE_INFINITY }, list: [1, [2n], 'x'] },
  ram: ram(1_000_001),
  empty: new Uint8Array(0),
  // A state hash tells it from 0.
  minusZero: -0,
});

describe('snapshot files', () => {
  it('give back what was written', () => {
    writeSnapshotFile(path, state());
    expectSame(readSnapshotFile(path), state());
  });

  it('hold no page that is all zeros', () => {
    writeSnapshotFile(path, { ram: ram(64 * 2 ** 20) });
    expect(statSync(path).size).toBeLessThan(12 * 4096);
    expectSame(readSnapshotFile(path), { ram: ram(64 * 2 ** 20) });
  });

  it('leave an earlier one, and no rubbish, when they can not be written', () => {
    writeSnapshotFile(path, { version: 1 });
    const cyclic: Record<string, Plain> = {};
    cyclic['self'] = cyclic;
    expect(() => writeSnapshotFile(path, cyclic)).toThrow(CliError);
    expect(readSnapshotFile(path)).toEqual({ version: 1 });
    expect(readdirSync(folder)).toEqual(['a.snap']);
    expect(() => writeSnapshotFile(join(folder, 'no', 'b.snap'), 1)).toThrow('there is no such file');
  });

  it('are refused with a reason when they are something else, or missing', () => {
    expect(() => readSnapshotFile(join(folder, 'none'))).toThrow('there is no such file');
    expect(() => readSnapshotFile(folder)).toThrow(CliError);
    writeFileSync(path, 'hello');
    expect(() => readSnapshotFile(path)).toThrow('is not a snapshot');
  });

  it('are refused wherever they are cut off', () => {
    writeSnapshotFile(path, { version: 1, a: ram(20_000), b: 5n });
    const whole = readFileSync(path);
    const cut = join(folder, 'cut.snap');
    for (let length = 0; length < whole.length; length += length < 200 || length > whole.length - 50 ? 1 : 37) {
      writeFileSync(cut, whole.subarray(0, length));
      expect(() => readSnapshotFile(cut), `cut at ${length}`).toThrow(CliError);
    }
    rmSync(cut);
  });

  it('are read or refused, whatever bytes are damaged', () => {
    writeSnapshotFile(path, { version: 1, a: ram(20_000), b: 5n, c: Uint8Array.of(9) });
    const whole = readFileSync(path);
    // The arrays' lengths stand behind the JSON and behind the first array's last run.
    const lengths = [20_000, 1].map((length) => {
      const field = Buffer.alloc(8);
      field.writeBigUInt64LE(BigInt(length));
      return whole.indexOf(field);
    });
    const damaged = join(folder, 'damaged.snap');
    const place = fc.nat(whole.length - 1);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.oneof(place, fc.nat(200)), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }), (changes) => {
        const copy = Buffer.from(whole);
        for (const [at, value] of changes) copy[at] = value;
        // A damaged length may ask for gigabytes before the file turns out to be short: refused too, but slow to try.
        if (changes.some(([at]) => lengths.some((from) => at >= from && at < from + 8))) return;
        writeFileSync(damaged, copy);
        try {
          readSnapshotFile(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(CliError);
        }
      }),
      { seed: 11, numRuns: 400 },
    );
    rmSync(damaged);
  });
});
