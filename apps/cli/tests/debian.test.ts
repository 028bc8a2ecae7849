import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pckit } from './run-cli.js';

const required = process.env['PCKIT_REQUIRE_TOOLS'] === '1';
/** Fetched once for all runs of the tests. */
const cache = resolve(dirname(fileURLToPath(import.meta.url)), '../../../node_modules/.cache/pckit-guests');
const env = { XDG_CACHE_HOME: cache };
const patience = 600;

let kernel = '';
let whyNot = '';
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pckit-debian-'));
  mkdirSync(cache, { recursive: true });
  const { status, stdout, stderr } = await pckit(['guest', 'fetch'], { input: '', env, patience });
  if (status === 0) kernel = stdout.trim();
  else whyNot = stderr;
}, patience * 1000);
afterAll(() => rmSync(folder, { recursive: true }));

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

describe('the default guest (needs apt and a mirror, or a filled cache)', () => {
  it('boots to a shell that works, and powers off with status 0', { timeout: patience * 1000 }, async ({ skip }) => {
    if (kernel === '' && !required) skip(`no guest: ${whyNot}`);
    const commands = ['uname -a', 'grep -c ^processor /proc/cpuinfo', 'ls /sys/bus/pci/devices', 'echo "seven times six is $((7*6))"', 'poweroff'];
    const { status, stdout, stderr } = await pckit(['boot', '--smp', '2', '--timeout', '300', '--exit-on', 'Kernel panic'], { input: `${commands.join('\n')}\n`, env, patience });
    expect(stdout).toMatch(/^Linux pckit \S+-cloud-amd64 #1 SMP .* x86_64 GNU\/Linux\r$/m);
    expect(stdout).toMatch(/^2\r$/m);
    expect(stdout).toMatch(/^0000:00:00\.0 .*0000:00:01\.0/m);
    expect(stdout).toContain('\nseven times six is 42\r\n');
    expect(stdout).toContain('reboot: Power down');
    expect(status).toBe(0);
    // Where the kernel lies is all that there is to say.
    expect(stderr).toMatch(/^pckit: KASLR: the kernel's addresses are 0x[0-9a-f]+ above those of its System\.map\n$/);
  });

  const tools = ['mke2fs', 'debugfs', 'e2fsck'].filter((tool) => spawnSync(tool, ['-V']).error !== undefined);

  it('boots from a disk without being told where its root is; an overlay is forgotten (needs e2fsprogs)', { timeout: patience * 1000 }, async ({ skip }) => {
    if (kernel === '' && !required) skip(`no guest: ${whyNot}`);
    if (tools.length > 0 && !required) skip(`not installed: ${tools.join(', ')}`);
    const [root, scratch] = [join(folder, 'root.img'), join(folder, 'scratch.img')];
    const tree = join(folder, 'tree');
    for (const path of ['bin', 'sbin', 'proc', 'sys', 'dev', 'run', 'tmp', 'mnt']) mkdirSync(join(tree, path), { recursive: true });
    copyFileSync(join(dirname(kernel), 'busybox'), join(tree, 'bin/busybox'));
    chmodSync(join(tree, 'bin/busybox'), 0o755);
    symlinkSync('busybox', join(tree, 'bin/sh'));
    const init = join(tree, 'sbin/init');
    const lines = [
      '#!/bin/sh',
      'export PATH=/bin',
      'busybox mount -t ext4 /dev/vdb /mnt && echo forgotten >/mnt/written && busybox umount /mnt && echo "overlay written"',
      'echo "kept by $(busybox uname -m)" >/written',
      'busybox mount -o remount,ro / && echo "root written"',
      'busybox poweroff -f',
    ];
    writeFileSync(init, `${lines.join('\n')}\n`);
    chmodSync(init, 0o755);
    for (const [path, ...options] of [[root, '-d', tree], [scratch]] as const) {
      writeFileSync(path, '');
      truncateSync(path, 32 * 2 ** 20);
      execFileSync('mke2fs', ['-q', '-t', 'ext4', ...options, path]);
    }
    const before = sha256(scratch);

    const { status, stdout } = await pckit(['boot', '--timeout', '300', '--exit-on', 'Kernel panic', '--disk', root, '--disk', `${scratch},overlay`], { input: '', env, patience });
    expect(stdout).toContain('root=/dev/vda rw');
    expect(stdout).toContain('overlay written');
    expect(stdout).toContain('root written');
    expect(status).toBe(0);
    expect(execFileSync('debugfs', ['-R', 'cat /written', root], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })).toBe('kept by x86_64\n');
    expect(spawnSync('e2fsck', ['-fn', root]).status).toBe(0);
    expect(sha256(scratch)).toBe(before);
  });
});
