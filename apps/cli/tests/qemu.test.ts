import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pckit } from './run-cli.js';
import { echoes, exits, resets, spins } from './tiny-kernels.js';

let folder: string;
const kernels: Record<string, string> = {};
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pckit-qemu-'));
  for (const [name, bytes] of Object.entries({ exits: exits('hello', 0x10), spins: spins('going\n'), resets: resets('again '), echoes: echoes() })) writeFileSync((kernels[name] = join(folder, name)), bytes);
});
afterAll(() => rmSync(folder, { recursive: true }));

const qemu = (kernel: string, ...args: string[]): string[] => ['qemu', '-kernel', kernels[kernel]!, '-append', 'console=ttyS0', '-m', '16', '-net', 'none', '-nographic', '-q', ...args];

describe('pckit qemu', () => {
  it('ends with the status of isa-debug-exit', async () => {
    const { status, stdout, stderr } = await pckit(qemu('exits', '-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04'), { input: '' });
    expect([status, stdout, stderr]).toEqual([33, 'hello', '']);
  });

  it('ends with 0 at a reset that is not to be, as QEMU does', async () => {
    const { status, stdout } = await pckit(qemu('resets', '-no-reboot'), { input: '' });
    expect([status, stdout]).toEqual([0, 'again ']);
  });

  it('has a monitor behind Ctrl-A c, also for what is piped in', async () => {
    const pidFile = join(folder, 'pid');
    let pid = '';
    const { status, stdout } = await pckit(qemu('echoes', '-pidfile', pidFile), {
      watch: (shown, { type }) => {
        if (shown !== '>') return;
        pid = readFileSync(pidFile, 'utf8');
        type('ab\x01cinfo status\rstop\rinfo status\rinfo network\rcont\rnonsense\rquit\r');
      },
    });
    expect(status).toBe(0);
    expect(stdout).toMatch(/VM status: running[^]*VM status: paused[^]*no networks[^]*"nonsense" is no command/);
    expect(Number(pid)).toBeGreaterThan(0);
    expect(existsSync(pidFile)).toBe(false);
  });

  it('stands still with -S until the monitor lets it go', async () => {
    let begun = false;
    const { status, stdout } = await pckit(qemu('exits', '-S'), {
      watch: (shown) => {
        if (shown.includes('hello')) begun = true;
      },
      input: '\x01cinfo status\rcont\r',
    });
    expect([status, begun]).toEqual([33, true]);
    expect(stdout.indexOf('VM status: paused')).toBeLessThan(stdout.indexOf('hello'));
    expect(stdout).toContain('VM status: paused');
  });

  it('goes on from what savevm wrote', async () => {
    const name = join(folder, 'here');
    const saved = await pckit(qemu('echoes'), { watch: (shown, { type }) => shown === '>' && type(`\x01csavevm ${name}\rquit\r`) });
    expect(saved.status, saved.stdout + saved.stderr).toBe(0);
    const resumed = await pckit(['qemu', '-loadvm', name, '-nographic', '-q'], { input: 'xq' });
    expect([resumed.status, resumed.stdout]).toEqual([7, 'xq']);
  });

  it('refuses what is not there by its name', async () => {
    const { status, stderr } = await pckit(qemu('spins', '-virtfs', 'local'), { input: '' });
    expect(status).toBe(2);
    expect(stderr).toBe('pckit: pckit qemu has no -virtfs\n       There is no shared folder: make a disk of one, "mke2fs -d FOLDER disk.img 1G", and attach it with -drive file=disk.img,format=raw,if=virtio.\n');
  });

  it('shows its flags', async () => expect((await pckit(['qemu', '-help'], { input: '' })).stdout).toContain('-hda FILE'));
});
