/** Records fresh MMX vectors where the host is an x86-64 Linux with gcc. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('../../golden/mmx/mmx-vectors.c', import.meta.url));

export function recordMmxVectors(seed: number, cases: number): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), 'pckit-golden-'));
  try {
    const program = join(directory, 'generator');
    execFileSync('gcc', ['-O1', '-o', program, SOURCE], { timeout: 120_000 });
    return new Uint8Array(execFileSync(program, [String(seed), String(cases)], { maxBuffer: 2 ** 30, timeout: 120_000 }));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
