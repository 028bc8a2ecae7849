/** The images on a machine that none of us wrote: QEMU, with the guests that are in the cache. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { GUESTS } from '../src/index.js';
import { buildGuestInitramfs, cachedGuest, fetchGuest } from '../src/node/index.js';
import type { Guest } from '../src/node/index.js';

const required = process.env['PCKIT_REQUIRE_TOOLS'] === '1';
const names = process.env['PCKIT_TEST_ALL_GUESTS'] === '1' ? GUESTS.map((guest) => guest.name) : ['bookworm-cloud'];
const guests: Guest[] = [];
for (const name of names) {
  // Where nothing may be skipped, a guest that is not there yet is fetched.
  const guest = (await cachedGuest(name)) ?? (required ? await fetchGuest(name) : undefined);
  if (guest !== undefined) guests.push(guest);
}
const hasQemu = required || spawnSync('qemu-system-x86_64', ['--version']).status === 0;
const skip = !hasQemu || guests.length === 0;

const folder = mkdtempSync(join(tmpdir(), 'debian-image-boot-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Machine {
  readonly guest: Guest;
  readonly initramfs: Uint8Array;
  readonly append: string;
  readonly parameters?: readonly string[];
  /** Each is typed when its prompt has come. */
  readonly typed?: readonly (readonly [prompt: string, text: string])[];
}

/** @returns the console's text; rejects if the machine doesn't power off in time */
function boot({ guest, initramfs, append, parameters = [], typed = [] }: Machine): Promise<string> {
  const image = join(folder, 'initramfs.cpio');
  writeFileSync(image, initramfs);
  const qemu = spawn(
    'qemu-system-x86_64',
    [
      ...['-machine', 'pc', '-m', '512', '-nographic', '-no-reboot', '-nodefaults', '-serial', 'stdio', '-device', 'virtio-rng-pci'],
      ...['-kernel', join(guest.folder, 'vmlinuz'), '-initrd', image, '-append', `console=ttyS0 loglevel=4 panic=-1 ${append}`],
      ...parameters,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  return new Promise((resolve, reject) => {
    let output = '';
    let seen = 0;
    const waiting = [...typed];
    const timer = setTimeout(() => {
      qemu.kill('SIGKILL');
      reject(new Error(`no power-off in time; the console's end: ${output.slice(-2000)}`));
    }, 100_000);
    qemu.stdout.setEncoding('latin1').on('data', (text: string) => {
      output += text;
      const next = waiting[0];
      if (next === undefined || !output.slice(seen).includes(next[0])) return;
      waiting.shift();
      seen = output.length;
      qemu.stdin.write(next[1]);
    });
    qemu.on('error', reject);
    qemu.on('close', () => {
      clearTimeout(timer);
      resolve(output);
    });
  });
}

// Retried: on a busy host the kernel stops waiting for QEMU's UART after 10 ms (wait_for_xmitr) and overwrites the character.
describe.skipIf(skip)(`images under QEMU${skip ? ' (needs qemu-system-x86_64 and a fetched guest)' : ''}`, { retry: 2, timeout: 400_000 }, () => {
  it.each(guests.map((guest) => [guest.name, guest] as const))(
    '%s runs a command of the command line, with modules loaded, and powers off',
    async (_, guest) => {
      const { bytes } = await buildGuestInitramfs(guest, { files: [{ path: '/etc/rc', content: 'echo rc ran\n' }] });
      const output = await boot({
        guest,
        initramfs: bytes,
        append: 'pckit.exec="uname -r; cat /sys/class/misc/hw_random/rng_current; tty; (exit 3)"',
      });
      expect(output).toContain(`${guest.release}\r\nvirtio_rng`);
      expect(output).toContain('rc ran');
      expect(output).toContain('pckit: exit status 3');
      expect(output).toContain('Power down');
    },
  );

  it('gives a shell with job control, and poweroff works in it', async () => {
    const { bytes } = await buildGuestInitramfs(guests[0]);
    const output = await boot({
      guest: guests[0],
      initramfs: bytes,
      append: '',
      typed: [
        ['/ # ', "sh -c 'echo star''ted; sleep 1000'\n"],
        ['started', '\x1a'], // Ctrl-Z
        ['Stopped', 'jobs; tty; poweroff\n'],
      ],
    });
    expect(output).toMatch(/Stopped +sh -c/);
    expect(output).toContain('/dev/ttyS0');
    expect(output).toContain('Power down');
  });

  const hasMke2fs = required || spawnSync('mke2fs', ['-V']).status === 0;
  it.skipIf(!hasMke2fs)('mounts root= and starts its init (needs mke2fs)', async () => {
    const tree = join(folder, 'tree');
    for (const path of ['bin', 'sbin', 'proc', 'sys', 'dev', 'run']) mkdirSync(join(tree, path), { recursive: true });
    writeFileSync(join(tree, 'bin/busybox'), guests[0].busybox, { mode: 0o755 });
    symlinkSync('busybox', join(tree, 'bin/sh'));
    const init = '#!/bin/sh\necho "real init, pid $$"; busybox grep " / " /proc/mounts; busybox ls /dev/vda; busybox poweroff -f\n';
    writeFileSync(join(tree, 'sbin/init'), init, { mode: 0o755 });
    const disk = join(folder, 'disk.img');
    const made = spawnSync('mke2fs', ['-q', '-t', 'ext4', '-L', 'testroot', '-d', tree, disk, '16M'], { encoding: 'utf8' });
    expect(made.status, made.stderr).toBe(0);
    const { bytes } = await buildGuestInitramfs(guests[0]);
    for (const root of ['/dev/vda', 'LABEL=testroot']) {
      const output = await boot({
        guest: guests[0],
        initramfs: bytes,
        append: `root=${root} ro`,
        parameters: ['-drive', `file=${disk},format=raw,if=virtio`],
      });
      expect(output).toContain('real init, pid 1');
      expect(output).toMatch(/\/dev\/(vda|root) \/ ext4 ro/);
    }
  });

  it('says which disks there are when root= is none of them, and gives a shell', async () => {
    const { bytes } = await buildGuestInitramfs(guests[0]);
    const output = await boot({ guest: guests[0], initramfs: bytes, append: 'root=/dev/nope rootdelay=1', typed: [['/ # ', 'exit\n']] });
    expect(output).toContain('pckit: no block device /dev/nope after 1 s; there are:');
    expect(output).toContain('Power down');
  });
});
