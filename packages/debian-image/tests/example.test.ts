import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { readCpio } from '../src/index.js';

const example = fileURLToPath(new URL('../examples/image.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'debian-image-example-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('examples/image.ts', () => {
  it('writes a kernel and an initramfs of a guest in the cache', () => {
    const guest = join(folder, 'cache/pckit/guests/bookworm-cloud');
    mkdirSync(guest, { recursive: true });
    writeFileSync(join(guest, 'vmlinuz'), 'kernel');
    writeFileSync(join(guest, 'config'), '');
    writeFileSync(join(guest, 'busybox'), '\x7fELF');
    const manifest = { format: 1, name: 'bookworm-cloud', release: '6.1', packages: [], verified: 'apt', allModules: false, modules: [], builtin: [] };
    writeFileSync(join(guest, 'guest.json'), JSON.stringify(manifest));
    const run = spawnSync(process.execPath, ['--conditions=@pckit/source', '--import', 'tsx', example, folder], {
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') },
    });
    expect(run.stderr).toBe('');
    expect(run.stdout).toMatch(/^Linux 6\.1, 0 modules, \d+ bytes$/m);
    expect(readFileSync(join(folder, 'vmlinuz'), 'utf8')).toBe('kernel');
    const paths = [...readCpio(readFileSync(join(folder, 'initramfs.cpio')))].map((entry) => entry.path);
    expect(paths).toContain('etc/rc');
  }, 120_000);

  it('is what the README shows', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    expect(readme).toContain(readFileSync(example, 'utf8').trim());
  });
});
