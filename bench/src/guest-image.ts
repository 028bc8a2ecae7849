/** What both machines boot: Debian's kernel, and an initramfs with the guest programs in it. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildGuestInitramfs, defaultCacheFolder, fetchGuest } from '@pckit/debian-image/node';

const here = fileURLToPath(new URL('..', import.meta.url));

export function workFolder(): string {
  const folder = process.env['PCKIT_BENCH_FOLDER'] ?? join(tmpdir(), 'pckit-bench');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Runs a tool to its end. @returns its standard output */
export function tool(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `status ${status}`}\n${stderr ?? ''}`);
  return stdout;
}

export interface BenchImage {
  readonly kernel: string;
  /** With the programs; waits for orders on the console. */
  readonly initrd: string;
  /** busybox alone. */
  readonly plainInitrd: string;
  /** The programs, for the host. */
  readonly program: string;
}

/** Static, -O2, baseline x86-64 (or i686 with SSE2). */
export function buildPrograms(architecture: 'amd64' | 'i386'): string {
  const output = join(workFolder(), `bench-${architecture}`);
  const sources = readdirSync(join(here, 'guest')).filter((name) => name.endsWith('.c')).sort();
  const target = architecture === 'amd64' ? [] : ['-m32', '-march=i686', '-msse2', '-mfpmath=sse'];
  tool('gcc', ['-O2', '-Wall', '-Wextra', '-static', ...target, '-o', output, ...sources.map((name) => join(here, 'guest', name)), '-lm']);
  return output;
}

export async function buildImage(guestName: string): Promise<BenchImage> {
  const guest = await fetchGuest(guestName, { cacheDir: defaultCacheFolder() });
  const program = buildPrograms(guest.definition.architecture);
  const { bytes } = await buildGuestInitramfs(guest, {
    files: [
      { path: '/bin/bench', content: readFileSync(program), mode: 0o755 },
      { path: '/etc/rc', content: 'bench serve\noff\n' },
    ],
  });
  const initrd = join(workFolder(), `${guestName}-bench.cpio`);
  writeFileSync(initrd, bytes);
  const plainInitrd = join(workFolder(), `${guestName}-plain.cpio`);
  writeFileSync(plainInitrd, (await buildGuestInitramfs(guest, {})).bytes);
  return { kernel: join(guest.folder, 'vmlinuz'), initrd, plainInitrd, program };
}

/** The program that reads another process's CPU time. */
export function buildCpuTime(): string {
  const output = join(workFolder(), 'cpu-time');
  tool('gcc', ['-O2', '-o', output, join(here, 'tools', 'cpu-time.c')]);
  return output;
}
