import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { elfCode, openExecutable, present } from './executables.js';
import { compareWithObjdump } from './objdump.js';

const [libc] = present(['/lib/x86_64-linux-gnu/libc.so.6']);

/** Why objdump can't be asked, or empty. Its text changes between versions; ours is that of 2.40. */
function objdumpMissing(): string {
  let version: string;
  try {
    version = execFileSync('objdump', ['--version'], { encoding: 'utf8' }).split('\n')[0]!;
  } catch {
    if (process.env['PCKIT_REQUIRE_TOOLS'] === '1') throw new Error('objdump is missing, and PCKIT_REQUIRE_TOOLS=1');
    return 'no objdump here';
  }
  return / 2\.40\b/.test(version) ? '' : `${version} is not 2.40`;
}

const missing = libc === undefined ? 'no libc here' : objdumpMissing();

describe(`agreement with objdump${missing && ` (skipped: ${missing})`}`, () => {
  it.skipIf(missing !== '').each(['att', 'intel'] as const)(
    'in %s syntax over the code of libc',
    { timeout: 120_000 },
    (syntax) => {
      const start = elfCode(openExecutable(libc!)).find(({ name }) => name === '.text')!.address;
      const range = [`--start-address=${start}`, `--stop-address=${start + 200_000}`];
      const result = compareWithObjdump(libc!, syntax, Infinity, range);
      expect(result.differences).toEqual([]);
      expect(result.compared).toBeGreaterThan(40_000);
    },
  );

  // The same bytes make no sense as 32-bit code, but all that they decode to is printed the same.
  it.skipIf(missing !== '').each(['att', 'intel'] as const)(
    'in %s syntax over bytes taken for 32-bit code',
    { timeout: 120_000 },
    (syntax) => {
      const text = elfCode(openExecutable(libc!)).find(({ name }) => name === '.text')!;
      const folder = mkdtempSync(join(tmpdir(), 'pckit-objdump-'));
      try {
        const file = join(folder, 'code.bin');
        writeFileSync(file, text.bytes.subarray(0, 60_000));
        const result = compareWithObjdump(file, syntax, Infinity, [], 32);
        expect(result.differences.filter((line) => !/\.byte|\(bad\)|bnd/.test(line))).toEqual([]);
        expect(result.compared).toBeGreaterThan(15_000);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
});
