import { spawnSync } from 'node:child_process';

export interface ToolResult {
  readonly status: number | null;
  /** Of both streams, or why it could not be started. */
  readonly output: string;
}

/** Programs of file systems often aren't on the path of those who aren't root. */
const environment = (): NodeJS.ProcessEnv => ({ ...process.env, LC_ALL: 'C', PATH: `${process.env['PATH'] ?? ''}:/sbin:/usr/sbin` });

/** Runs a program to its end, whatever that is. */
export function tool(name: string, args: readonly string[]): ToolResult {
  const { status, stdout, stderr, error } = spawnSync(name, args, { encoding: 'utf8', env: environment() });
  return { status, output: `${error?.message ?? ''}${stdout}${stderr}` };
}

/** Runs a program that must not fail. @returns its standard output */
export function mustRun(name: string, args: readonly string[], cwd?: string): string {
  const { status, stdout, stderr, error } = spawnSync(name, args, { encoding: 'utf8', cwd, env: environment(), maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${name} ${args.join(' ')}: ${error?.message ?? ''}${stdout}${stderr}`);
  return stdout;
}
