import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { pckit } from './run-cli.js';

// Debian's debuggers on Debian's stock kernel, without its debug package and with KASLR as it comes.

const required = process.env['PCKIT_REQUIRE_TOOLS'] === '1';
const cache = resolve(dirname(fileURLToPath(import.meta.url)), '../../../node_modules/.cache/pckit-guests');
const env = { XDG_CACHE_HOME: cache };
const patience = 600;

let whyNot = '';
beforeAll(async () => {
  mkdirSync(cache, { recursive: true });
  const { status, stderr } = await pckit(['guest', 'fetch'], { input: '', env, patience });
  if (status !== 0) whyNot = `no guest: ${stderr}`;
}, patience * 1000);

const run = promisify(execFile);

/** Boots the default guest, and runs a debugger when the machine waits for one. @returns what the debugger said */
async function debugged(debug: (address: string) => Promise<string>, ...args: string[]): Promise<string> {
  let said: Promise<string> | undefined;
  const { status, stderr } = await pckit(['boot', '--gdb', '0', '--wait', '--memory', '256M', ...args], {
    env,
    patience,
    watchErrors: (stderr) => {
      const address = /gdb: target remote (\S+)\n/.exec(stderr)?.[1];
      if (address !== undefined) said ??= debug(address);
    },
  });
  const text = (await said) ?? '';
  // The debugger's `kill` ends the run.
  expect(status, `${stderr}\n${text}`).toBe(0);
  return text;
}

async function gdb(commands: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run('gdb', ['-nx', '-batch', ...['set pagination off', 'set confirm off', ...commands].flatMap((command) => ['-ex', command])], { timeout: patience * 1000 });
  return stdout + stderr;
}

function tool(name: string): boolean {
  return existsSync(`/usr/bin/${name}`) || existsSync(`/usr/local/bin/${name}`);
}

describe('pckit boot --gdb --wait', () => {
  it('gdb finds the kernel wherever it is, stops, steps and traces back by the kernel’s own symbols', { timeout: patience * 1000 }, async ({ skip }) => {
    if (!tool('gdb') && !required) skip('no gdb');
    if (whyNot !== '' && !required) skip(whyNot);
    const text = await debugged(
      (address) =>
        gdb([
          `target remote ${address}`,
          'monitor instructions',
          // The host unpacked the kernel: it knows already where that will run.
          'break start_kernel',
          'continue',
          'backtrace',
          'monitor kaslr',
          'disconnect',
          `target remote ${address}`,
          'break vfs_caches_init_early',
          'continue',
          'backtrace',
          'stepi',
          'finish',
          'info threads',
          'watch *(long*)&jiffies_64',
          'continue',
          'monitor kaslr',
          'kill',
        ]),
      '--smp',
      '2',
    );
    expect(text).toContain('0 instructions, 0.000000000 s');
    expect(text).toMatch(/Breakpoint 1, 0xffffffff[0-9a-f]{8} in start_kernel \(\)\n#0 {2}0xffffffff[0-9a-f]{8} in start_kernel \(\)/);
    expect(text).toMatch(/Breakpoint 2, 0xffffffff[0-9a-f]{8} in vfs_caches_init_early \(\)\n#0 {2}.* in vfs_caches_init_early \(\)\n#1 {2}.* in start_kernel \(\)\n#2 {2}.* in \w+ \(\)/);
    expect(text).toMatch(/Thread 1\.2 "CPU#1" \(not started\)/);
    expect(text).toContain('Hardware watchpoint 3: *(long*)&jiffies_64\n\nOld value');
    expect(text).toMatch(/by .*page tables/);
  });

  it('lldb attaches, stops at a breakpoint, steps and reads', { timeout: patience * 1000 }, async ({ skip }) => {
    if (!tool('lldb') && !required) skip('no lldb');
    if (whyNot !== '' && !required) skip(whyNot);
    const text = await debugged(async (address) => {
      const at = await gdb([`target remote ${address}`, 'monitor stop-at start_kernel', 'detach']).then((said) => /CPU#0 at (0x[0-9a-f]+)/.exec(said)?.[1]);
      const commands = [`gdb-remote ${address}`, 'register read rip cr3', 'thread step-inst', 'thread list', `disassemble -s ${String(at)} -c 2`, 'process kill'];
      const { stdout } = await run('lldb', ['--no-use-colors', '-b', ...commands.flatMap((command) => ['-o', command])], { timeout: patience * 1000 }).catch((error: { stdout: string }) => error);
      return stdout;
    });
    expect(text).toMatch(/rip = 0x[0-9a-f]{16}/);
    expect(text).toMatch(/cr3 = 0x[0-9a-f]{16}/);
    expect(text).toContain('stop reason = instruction step into');
    expect(text).toMatch(/name = 'CPU#0'/);
  });
});
