import { spawnSync } from 'node:child_process';

/** Whether tests that use `program` are to be skipped. With PCKIT_REQUIRE_TOOLS=1 nothing is: the test then fails for want of the tool. */
export function lacks(program: string): boolean {
  if (process.env.PCKIT_REQUIRE_TOOLS === '1') return false;
  return spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0;
}

/** Runs a program in `directory` and gives everything it printed. */
export function run(directory: string, program: string, ...args: readonly string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: directory, encoding: 'utf8', timeout: 30_000 });
  if (error !== undefined) throw error;
  return { status, output: stdout + stderr };
}
