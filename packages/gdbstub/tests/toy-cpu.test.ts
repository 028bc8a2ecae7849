import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, expect, it, vi } from 'vitest';

const gdb = ['/usr/bin/gdb', '/usr/local/bin/gdb'].find((path) => existsSync(path));
if (gdb === undefined && process.env['PCKIT_REQUIRE_TOOLS'] === '1') throw new Error('gdb is not installed');

vi.stubEnv('PORT', '0');
const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
const { listener } = await import('../examples/toy-cpu.js');
afterAll(() => listener.close());

const source = readFileSync(new URL('../examples/toy-cpu.ts', import.meta.url), 'utf8');

it('a stub for a toy processor takes less than 60 lines', () => {
  expect(log.mock.calls.flat()).toEqual([`gdb -ex 'target remote :${listener.port}'`]);
  expect(source.split('\n').length).toBeLessThan(60);
});

it.skipIf(gdb === undefined)('gdb steps, stops at a conditional breakpoint, changes a register, and interrupts (skipped without gdb)', async () => {
  const commands = [`target remote :${listener.port}`, 'x/3i $pc', 'stepi', 'break *0x100 if $eax == 5000', 'continue', 'print $eax', 'set var $eax = 77', 'stepi', 'print $eax', 'set var *(char*)0x101 = 0x40', 'stepi', 'print $eax', 'x/i 0x101', 'detach'];
  const args = ['-nx', '-batch', ...commands.flatMap((command) => ['-ex', command])];
  const { stdout } = await promisify(execFile)(gdb as string, args, { timeout: 60_000 });
  expect(stdout).toContain('inc    %eax');
  const values = [...stdout.matchAll(/\$\d = (\d+)/g)].map(([, value]) => Number(value));
  expect(values).toEqual([5000, 78, 79]);
  expect(stdout).toContain('0x101:\tinc    %eax');
  expect(stdout).toContain('detached');
});
