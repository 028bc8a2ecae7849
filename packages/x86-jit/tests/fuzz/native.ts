/** Executes programs on the host's own processor. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Fault, Outcome } from './outcome.js';
import { Space, type Program } from './program.js';

const STATE = 16 * 8 + 512 + 8;
const MEMORY = Space.codeSize + Space.dataSize + Space.stackSize;
const PROGRAM = STATE + 4 + 4 * (Space.mostParts + 1) + MEMORY;
const FAULT = 24;
const RESULT = STATE + 8 + FAULT * Space.mostParts + MEMORY;

/** `struct program` has 8-byte alignment. */
const align = (size: number): number => (size + 7) & ~7;

export const TOO_SLOW = 'too slow on the processor';

export interface NativeRunner {
  /** A program that takes more than a second has no outcome. */
  run(programs: readonly Program[]): (Outcome | typeof TOO_SLOW)[];
}

export function withNativeRunner<T>(body: (runner: NativeRunner) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'pckit-fuzz-'));
  try {
    const path = join(directory, 'execute');
    execFileSync('gcc', ['-O1', '-fno-stack-protector', '-o', path, fileURLToPath(new URL('../../golden/fuzz/execute.c', import.meta.url))], { timeout: 120_000 });
    return body({ run: (programs) => decode(execFileSync(path, { input: encode(programs), maxBuffer: 2 ** 30, timeout: 120_000 }), programs.length) });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function encode(programs: readonly Program[]): Uint8Array {
  const size = align(PROGRAM);
  const bytes = new Uint8Array(programs.length * size);
  programs.forEach((program, n) => {
    const view = new DataView(bytes.buffer, n * size, size);
    program.registers.forEach((value, k) => view.setBigUint64(8 * k, value, true));
    bytes.set(program.ymm, n * size + 128);
    view.setUint32(640, program.flags, true);
    view.setUint32(644, program.mxcsr, true);
    view.setUint32(STATE, program.starts.length - 1, true);
    program.starts.forEach((start, k) => view.setUint32(STATE + 4 + 4 * k, start, true));
    let at = n * size + STATE + 4 + 4 * (Space.mostParts + 1);
    for (const part of [program.code, program.data, program.stack]) {
      bytes.set(part, at);
      at += part.length;
    }
  });
  return bytes;
}

function decode(bytes: Uint8Array, count: number): (Outcome | typeof TOO_SLOW)[] {
  if (bytes.length !== count * RESULT) throw new Error(`the processor gave ${bytes.length} bytes for ${count} programs`);
  return Array.from({ length: count }, (_, n) => {
    const from = n * RESULT;
    const view = new DataView(bytes.buffer, bytes.byteOffset + from, RESULT);
    if (view.getUint32(STATE, true) === 0xffffffff) return TOO_SLOW;
    const faults: Fault[] = Array.from({ length: view.getUint32(STATE, true) }, (__, k) => {
      const at = STATE + 8 + FAULT * k;
      return { vector: view.getUint32(at, true), flags: view.getUint32(at + 4, true), ip: view.getBigUint64(at + 8, true), address: view.getBigUint64(at + 16, true) };
    });
    const memory = STATE + 8 + FAULT * Space.mostParts;
    const slice = (at: number, length: number): Uint8Array => bytes.slice(from + at, from + at + length);
    return {
      registers: BigUint64Array.from({ length: 16 }, (__, k) => view.getBigUint64(8 * k, true)), ymm: slice(128, 512), flags: view.getUint32(640, true), mxcsr: view.getUint32(644, true), faults,
      code: slice(memory, Space.codeSize), data: slice(memory + Space.codeSize, Space.dataSize), stack: slice(memory + Space.codeSize + Space.dataSize, Space.stackSize),
    };
  });
}
