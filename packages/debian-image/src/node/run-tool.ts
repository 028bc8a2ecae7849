import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { ImageError } from '../image-error.js';

export interface RunOptions {
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  /** Lines that the tool writes to descriptor 3. */
  readonly onStatus?: (line: string) => void;
}

export interface ToolResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of the host. A status other than 0 is a result; only a program that isn't there (or was aborted) throws. */
export function runTool(program: string, parameters: readonly string[], options: RunOptions = {}): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, {
      cwd: options.cwd,
      env: { ...process.env, LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'pipe', 'pipe', options.onStatus === undefined ? 'ignore' : 'pipe'],
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    let stdout = '';
    let stderr = '';
    let pending = '';
    (child.stdio[1] as Readable).setEncoding('utf8').on('data', (text: string) => (stdout += text));
    (child.stdio[2] as Readable).setEncoding('utf8').on('data', (text: string) => (stderr += text));
    (child.stdio[3] as Readable | null)?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (pending + text).split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) options.onStatus?.(line);
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      reject(new ImageError(error.code === 'ENOENT' ? 'missing' : 'tool', `${program}: ${error.message}`, { cause: error }));
    });
    child.on('close', (status, signal) => {
      if (status === null) reject(new ImageError('tool', `${program} was ended by ${signal ?? 'a signal'}`));
      else resolve({ status, stdout, stderr });
    });
  });
}

/** Whether a program can be started at all. */
export async function hasTool(program: string): Promise<boolean> {
  try {
    await runTool(program, ['--version']);
    return true;
  } catch {
    return false;
  }
}
