import { describe, expect, it } from 'vitest';
import { compareCode, compareRandom, compareRows, compareTruncated, report } from './comparison.js';
import { elfCode, openExecutable, present } from './executables.js';
import { codesInScope } from './iced.js';

// `npm run oracle` does the same at full size. The seed changes with PCKIT_SEED.
const seed = Number(process.env['PCKIT_SEED'] ?? 1);
const full = process.env['PCKIT_ORACLE'] === 'full';

const binaries = present([
  '/lib/x86_64-linux-gnu/libc.so.6',
  '/usr/bin/gdb',
  '/usr/lib/x86_64-linux-gnu/libcrypto.so.3',
]);

describe('agreement with iced-x86 on length, mnemonic, operands and their access, flags and control flow', () => {
  const seen = new Set<string>();

  it('for every row of the table, in every mode', { timeout: 300_000 }, () => {
    const comparison = compareRows(full ? 256 : 64, seed, seen);
    expect(report(comparison)).toEqual([]);
    expect(comparison.unreached).toEqual([]);
    expect(comparison.compared).toBeGreaterThan(50_000);
  });

  it.each([16, 32, 64] as const)('for random byte strings in %i-bit mode', { timeout: 300_000 }, (mode) => {
    for (const uniform of [false, true]) {
      const comparison = compareRandom(full ? 1_000_000 : 150_000, mode, seed + mode, uniform, seen);
      expect(report(comparison)).toEqual([]);
    }
  });

  it('with no instruction missing that iced decodes, other extensions aside', () => {
    expect(codesInScope().filter(({ key }) => !seen.has(key))).toEqual([]);
  });

  it.each([16, 32, 64] as const)(
    'for byte strings cut at every length in %i-bit mode',
    { timeout: 120_000 },
    (mode) => {
      expect(report(compareTruncated(full ? 10_000 : 500, mode, seed + mode))).toEqual([]);
    },
  );

  it.skipIf(binaries.length === 0)(
    `for the code of ${binaries.join(', ') || 'Debian binaries (none here)'}`,
    { timeout: 600_000 },
    () => {
      for (const binary of binaries) {
        for (const { name, bytes } of elfCode(openExecutable(binary))) {
          const comparison = compareCode(`${binary} ${name}`, bytes, 64, full ? Infinity : 150_000);
          expect(report(comparison)).toEqual([]);
        }
      }
    },
  );
});
