/** Executes cases on the host's own processor. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { State, type Case } from './cases.js';

export interface Outcome {
  readonly state: Uint8Array;
  /** An unmasked floating-point exception. */
  readonly trapped: boolean;
}

const INPUT = 16 + State.size;
const OUTPUT = State.size + 8;

export interface NativeProcessor {
  readonly name: string;
  execute(cases: readonly Case[]): Outcome[];
}

export function withNativeProcessor<T>(body: (processor: NativeProcessor) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'pckit-golden-'));
  try {
    const program = join(directory, 'execute');
    execFileSync('gcc', ['-O1', '-o', program, fileURLToPath(new URL('../../golden/sse/execute.c', import.meta.url))], { timeout: 120_000 });
    return body({
      name: execFileSync(program, ['--processor'], { encoding: 'latin1', timeout: 20_000 }).trim(),
      execute: (cases) => {
        const input = new Uint8Array(cases.length * INPUT);
        cases.forEach(({ code, state }, n) => {
          input.set(code, n * INPUT);
          input[n * INPUT + 15] = code.length;
          input.set(state, n * INPUT + 16);
        });
        const output = execFileSync(program, { input, maxBuffer: 2 ** 30, timeout: 120_000 });
        if (output.length !== cases.length * OUTPUT) throw new Error(`the processor executed ${output.length / OUTPUT} of ${cases.length} cases`);
        return cases.map((_, n) => ({
          state: Uint8Array.from(output.subarray(n * OUTPUT, n * OUTPUT + State.size)),
          trapped: output[n * OUTPUT + State.size] !== 0,
        }));
      },
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
