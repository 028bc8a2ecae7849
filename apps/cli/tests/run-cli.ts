import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const cli = resolve(fileURLToPath(import.meta.url), '../..');

/** The program: what `npm test` has built, else the source, so that the tests run in a working copy without a build. */
export const program: readonly string[] =
  process.env['PCKIT_TEST_BUILT'] === '1'
    ? [join(cli, 'dist/main.js')]
    : ['--conditions=@pckit/source', '--import', import.meta.resolve('tsx'), join(cli, 'src/main.ts')];

export interface Finished {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** What is piped in; then it ends. Absent: an input that never says anything. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Kills the program after so many seconds: for tests that would hang otherwise. */
  readonly patience?: number;
  /** Called with all of standard output so far, at each piece. */
  readonly watchErrors?: (stderr: string) => void;
  readonly watch?: (stdout: string, program: { kill(signal: NodeJS.Signals): void; type(text: string): void }) => void;
}

/** Runs the program in a home folder of its own. */
export async function pckit(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const home = mkdtempSync(join(tmpdir(), 'pckit-home-'));
  try {
    return await new Promise((done, fail) => {
      const { XDG_CACHE_HOME: _cache, PCKIT_DEBUG: _debug, NODE_OPTIONS: _options, ...env } = process.env;
      const child = spawn(process.execPath, [...program, ...args], { cwd: home, env: { ...env, HOME: home, ...options.env } });
      let stdout = '';
      let stderr = '';
      const timer = setTimeout(() => child.kill('SIGKILL'), (options.patience ?? 100) * 1000);
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
        options.watch?.(stdout, { kill: (signal) => child.kill(signal), type: (typed) => child.stdin.write(typed) });
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
        options.watchErrors?.(stderr);
      });
      child.stdin.on('error', () => {});
      if (options.input !== undefined) child.stdin.end(options.input);
      child.on('error', fail);
      child.on('close', (status, signal) => {
        clearTimeout(timer);
        done({ status, signal, stdout, stderr });
      });
    });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
