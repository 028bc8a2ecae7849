/** Executes cases on the host's own processor. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { State, type Case } from './cases.js';

/** A program under `golden/` that executes cases, and the size of its `struct state`. */
export interface NativeProgram {
  readonly source: string;
  readonly stateSize: number;
}
export const SSE_PROGRAM: NativeProgram = { source: 'sse/execute.c', stateSize: State.size };

export interface Outcome {
  readonly state: Uint8Array;
  /** An unmasked floating-point exception. */
  readonly trapped: boolean;
}

export interface NativeProcessor {
  readonly name: string;
  execute(cases: readonly Case[]): Outcome[];
}

export function withNativeProcessor<T>(body: (processor: NativeProcessor) => T, { source, stateSize } = SSE_PROGRAM): T {
  const [inputSize, outputSize] = [16 + stateSize, stateSize + 8];
  const directory = mkdtempSync(join(tmpdir(), 'pckit-golden-'));
  try {
    const program = join(directory, 'execute');
    execFileSync('gcc', ['-O1', '-o', program, fileURLToPath(new URL(`../../golden/${source}`, import.meta.url))], { timeout: 120_000 });
    return body({
      name: execFileSync(program, ['--processor'], { encoding: 'latin1', timeout: 20_000 }).trim(),
      execute: (cases) => {
        const input = new Uint8Array(cases.length * inputSize);
        cases.forEach(({ code, state }, n) => {
          input.set(code, n * inputSize);
          input[n * inputSize + 15] = code.length;
          input.set(state, n * inputSize + 16);
        });
        const output = execFileSync(program, { input, maxBuffer: 2 ** 30, timeout: 120_000 });
        if (output.length !== cases.length * outputSize) throw new Error(`the processor executed ${output.length / outputSize} of ${cases.length} cases`);
        return cases.map((_, n) => ({
          state: Uint8Array.from(output.subarray(n * outputSize, n * outputSize + stateSize)),
          trapped: output[n * outputSize + stateSize] !== 0,
        }));
      },
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
