/** Records fresh state-saving vectors where the host is an x86-64 Linux with gcc, and has AVX and XSAVEC. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cannotRecord } from '../x87/recorder.js';

const SOURCE = fileURLToPath(new URL('../../golden/state-save/state-vectors.c', import.meta.url));

export function cannotRecordState(): string | undefined {
  const reason = cannotRecord();
  if (reason !== undefined) return reason;
  const info = readFileSync('/proc/cpuinfo', 'latin1');
  return / avx .* xsaveopt xsavec /.test(info) ? undefined : 'the processor has no AVX or XSAVEC';
}

export function recordStateVectors(seed: number, cases: number): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), 'pckit-golden-'));
  try {
    const program = join(directory, 'generator');
    execFileSync('gcc', ['-O1', '-mavx', '-o', program, SOURCE], { timeout: 120_000 });
    return new Uint8Array(execFileSync(program, [String(seed), String(cases)], { maxBuffer: 2 ** 30, timeout: 120_000 }));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
