/** Records fresh vectors where the host is an x86-64 Linux with gcc. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const GOLDEN = fileURLToPath(new URL('../../golden/x87/', import.meta.url));

export interface Generator {
  readonly source: 'sse-vectors.c' | 'x87-vectors.c';
  /** Bytes of one record. */
  readonly record: number;
}

/** @returns why nothing can be recorded here, or undefined if it can */
export function cannotRecord(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `${process.platform}/${process.arch} is not linux/x64`;
  try {
    execFileSync('gcc', ['--version'], { stdio: 'ignore', timeout: 20_000 });
    return undefined;
  } catch {
    return 'gcc is missing';
  }
}

/**
 * Records twice and keeps what both recordings agree on: a task switch of the host may lose the x87's last data
 * pointer.
 */
export function recordVectors({ source, record }: Generator, seed: number, cases: number): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), 'pckit-golden-'));
  try {
    const program = join(directory, 'generator');
    execFileSync('gcc', ['-O1', '-o', program, join(GOLDEN, source)], { timeout: 120_000 });
    const run = (): Buffer =>
      execFileSync(program, [String(seed), String(cases)], { maxBuffer: 2 ** 30, timeout: 120_000 });
    return agreeing(run(), run(), record);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function agreeing(first: Buffer, second: Buffer, record: number): Uint8Array {
  const start = first.indexOf('\n\n') + 2;
  const kept = [first.subarray(0, start)];
  for (let at = start; at < first.length; at += record) {
    const bytes = first.subarray(at, at + record);
    if (bytes.equals(second.subarray(at, at + record))) kept.push(bytes);
  }
  return new Uint8Array(Buffer.concat(kept));
}
