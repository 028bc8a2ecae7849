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

/** A disk image for a check to write to; holes stay holes, and blocks are shared where the file system can. */
export function copyImage(from: string, to: string): void {
  mustRun('cp', ['--sparse=always', '--reflink=auto', from, to]);
}

/** @returns options for `pckit guest build` that put a program of the host, and what it is linked with, into the image */
export function addTool(name: string): string[] {
  const program = mustRun('which', [name]).trim();
  const libraries = [...mustRun('ldd', [program]).matchAll(/\/\S+/g)].map(([path]) => path);
  return [program, ...libraries].flatMap((path) => ['--add', `${path}:${path}`]);
}
