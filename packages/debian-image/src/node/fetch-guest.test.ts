import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCpio } from '../cpio.js';
import { makeDeb, makeModule } from '../testing/synthetic-archives.js';
import { buildGuestInitramfs, cachedGuest, fetchGuest, removeGuest } from './fetch-guest.js';
import { defaultCacheFolder, type Guest } from './guest-store.js';

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** A Debian archive in memory with just a kernel and busybox. */
function archive(): Map<string, Uint8Array> {
  const kernel = makeDeb(
    'Package: linux-image-6.1.0-9-cloud-amd64\nVersion: 6.1.9\n',
    [
      { path: './boot/vmlinuz-6.1.0-9-cloud-amd64', data: 'the kernel' },
      { path: './boot/config-6.1.0-9-cloud-amd64', data: 'CONFIG_SMP=y\n' },
      { path: './lib/modules/6.1.0-9-cloud-amd64/modules.builtin', data: 'kernel/fs/ext4/ext4.ko\n' },
      { path: './lib/modules/6.1.0-9-cloud-amd64/kernel/drivers/virtio/virtio_pci.ko', data: makeModule({ name: 'virtio_pci' }) },
      { path: './lib/modules/6.1.0-9-cloud-amd64/kernel/sound/beep.ko', data: makeModule({ name: 'beep' }) },
    ],
    gzipSync,
  );
  const busybox = makeDeb('Package: busybox-static\nVersion: 1:1.35\n', [{ path: './bin/busybox', data: '\x7fELF busybox' }]);
  const files = new Map<string, Uint8Array>([
    ['pool/kernel.deb', kernel],
    ['pool/busybox.deb', busybox],
  ]);
  const stanza = (name: string, version: string, path: string, depends = ''): string => {
    const hash = sha256(files.get(path) ?? new Uint8Array(0));
    return `Package: ${name}\nVersion: ${version}\n${depends}Filename: ${path}\nSHA256: ${hash}\n\n`;
  };
  const packages = gzipSync(
    stanza('busybox-static', '1:1.35', 'pool/busybox.deb') +
      stanza('linux-image-cloud-amd64', '6.1.9', 'pool/none', 'Depends: linux-image-6.1.0-9-cloud-amd64 (= 6.1.9)\n') +
      stanza('linux-image-6.1.0-9-cloud-amd64', '6.1.9', 'pool/kernel.deb', 'Depends: kmod, linux-base (>= 4.3)\n'),
  );
  files.set('dists/bookworm/main/binary-amd64/Packages.gz', packages);
  files.set('dists/bookworm/InRelease', signed(release(packages)));
  return files;
}

function release(packages: Uint8Array): string {
  return `Origin: Debian\nCodename: bookworm\nSHA256:\n ${sha256(packages)} ${packages.length} main/binary-amd64/Packages.gz`;
}

function signed(text: string): Uint8Array {
  return Buffer.from(
    `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${text}\n-----BEGIN PGP SIGNATURE-----\n\nxxxx\n-----END PGP SIGNATURE-----\n`,
  );
}

let folder: string;
let server: Server;
let mirror: string;
let files: Map<string, Uint8Array>;
let requests: string[];
/** Holds answers back. */
let gate: (path: string) => Promise<void>;
/** A keyring that isn't there: signatures aren't checked, whatever this host has. */
let options: { cacheDir: string; mirror: string; keyring?: string };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fetch-guest-'));
  files = archive();
  requests = [];
  gate = () => Promise.resolve();
  server = createServer((request, response) => {
    const path = (request.url ?? '').replace(/^\/debian\//, '');
    requests.push(path);
    const bytes = files.get(path);
    void gate(path).then(() => response.writeHead(bytes === undefined ? 404 : 200).end(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}/debian/`;
  options = { cacheDir: join(folder, 'cache'), mirror };
});

afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

const hasGpg = process.env['PCKIT_REQUIRE_TOOLS'] === '1' || ['gpg', 'gpgv'].every((tool) => spawnSync(tool, ['--version']).status === 0);

describe.skipIf(!hasGpg)('fetchGuest from a mirror (needs gpg and gpgv)', () => {
  beforeEach(async () => {
    const home = await mkdtemp(join(folder, 'gpg-'));
    const gpg = (...parameters: string[]): void => {
      const result = spawnSync('gpg', ['--homedir', home, '--batch', '--yes', '--passphrase', '', ...parameters], { encoding: 'utf8' });
      if (result.status !== 0) throw new Error(`gpg ${parameters.join(' ')}: ${result.stderr}`);
    };
    gpg('--quick-gen-key', 'Test Archive <test@example.org>', 'ed25519', 'sign', 'never');
    const keyring = join(folder, 'keyring.gpg');
    gpg('--output', keyring, '--export');
    const text = join(folder, 'Release');
    await writeFile(text, release(files.get('dists/bookworm/main/binary-amd64/Packages.gz') ?? new Uint8Array(0)));
    gpg('--output', join(folder, 'InRelease'), '--clearsign', text);
    spawnSync('gpgconf', ['--homedir', home, '--kill', 'all']);
    files.set('dists/bookworm/InRelease', await readFile(join(folder, 'InRelease')));
    options = { ...options, keyring };
  });

  it('gives kernel, configuration, busybox and modules, checked and cached', async () => {
    const stages: string[] = [];
    const guest = await fetchGuest('default', { ...options, onProgress: ({ stage }) => stages.push(stage) });
    expect(guest).toMatchObject({ name: 'bookworm-cloud', release: '6.1.0-9-cloud-amd64', verified: 'gpgv', config: 'CONFIG_SMP=y\n' });
    expect(Buffer.from(guest.kernel).toString()).toBe('the kernel');
    expect(guest.packages).toEqual([
      { name: 'linux-image-6.1.0-9-cloud-amd64', version: '6.1.9' },
      { name: 'busybox-static', version: '1:1.35' },
    ]);
    expect([...new Set(stages)]).toEqual(['index', 'package', 'unpack']);

    requests.length = 0;
    const again = await fetchGuest('bookworm-cloud', options);
    expect(requests).toEqual([]);
    expect(again.release).toBe(guest.release);
    expect((await cachedGuest('bookworm-cloud', options))?.release).toBe(guest.release);
  });

  it('leaves out drivers that no board has, unless they are asked for', async () => {
    expect((await fetchGuest('default', options)).modules.paths).toEqual(['kernel/drivers/virtio/virtio_pci.ko']);
    const all = await fetchGuest('default', { ...options, allModules: true });
    expect(all.modules.paths).toContain('kernel/sound/beep.ko');
    requests.length = 0;
    expect((await fetchGuest('default', options)).modules.paths).toContain('kernel/sound/beep.ko');
    expect(requests).toEqual([]);
  });

  it('makes an initramfs from it', async () => {
    const guest = await fetchGuest('default', options);
    const { bytes, modules } = await buildGuestInitramfs(guest, { files: [{ path: '/etc/rc', content: 'true\n' }] });
    const paths = [...readCpio(bytes)].map((entry) => entry.path);
    expect(paths).toContain('lib/modules/6.1.0-9-cloud-amd64/kernel/drivers/virtio/virtio_pci.ko');
    expect(paths).toContain('etc/rc');
    expect(modules.builtin).toEqual(['ext4']);
  });

  it('fetches again when asked, and forgets when told', async () => {
    await fetchGuest('default', options);
    requests.length = 0;
    await fetchGuest('default', { ...options, refresh: true });
    expect(requests).not.toEqual([]);
    await removeGuest('default', options);
    expect(await cachedGuest('default', options)).toBeUndefined();
  });

  it('leaves the guest to those who use it when another process has fetched it meanwhile', async () => {
    const inode = async (): Promise<number> => (await stat(join(options.cacheDir, 'guests', 'bookworm-cloud'))).ino;
    let other: Promise<Guest> | undefined;
    let theirs = 0;
    gate = async (path) => {
      if (path !== 'pool/kernel.deb' || other !== undefined) return;
      other = fetchGuest('default', options);
      await other;
      theirs = await inode();
    };
    expect((await fetchGuest('default', options)).release).toBe('6.1.0-9-cloud-amd64');
    expect(await inode()).toBe(theirs);
    expect(requests.filter((path) => path === 'pool/kernel.deb')).toHaveLength(2);
    expect(await readdir(join(options.cacheDir, 'guests'))).toEqual(['bookworm-cloud']);
    gate = () => Promise.resolve();
    await fetchGuest('default', { ...options, refresh: true });
    expect(await inode()).not.toBe(theirs);
    expect(await readdir(join(options.cacheDir, 'guests'))).toEqual(['bookworm-cloud']);
  });

  it('refuses an archive index that was changed after it was signed', async () => {
    const text = Buffer.from(files.get('dists/bookworm/InRelease') ?? []).toString();
    files.set('dists/bookworm/InRelease', Buffer.from(text.replace('Origin: Debian', 'Origin: Nobody')));
    await expect(fetchGuest('default', options)).rejects.toMatchObject({ code: 'signature' });
  });

  it('refuses a package and an index that are not what was signed', async () => {
    const packageIndex = 'dists/bookworm/main/binary-amd64/Packages.gz';
    const good = files.get('pool/kernel.deb');
    files.set('pool/kernel.deb', Buffer.from('something else'));
    await expect(fetchGuest('default', options)).rejects.toMatchObject({ code: 'signature' });
    if (good !== undefined) files.set('pool/kernel.deb', good);
    files.set(packageIndex, gzipSync('Package: x\n\n'));
    await expect(fetchGuest('default', options)).rejects.toMatchObject({ code: 'signature' });
  });

  it('leaves nothing half done behind', async () => {
    files.delete('pool/kernel.deb');
    await expect(fetchGuest('default', options)).rejects.toMatchObject({ code: 'network' });
    expect(await cachedGuest('default', options)).toBeUndefined();
    const guests = join(options.cacheDir, 'guests');
    expect(existsSync(guests) ? await readdir(guests) : []).toEqual([]);
    files.set('pool/kernel.deb', Buffer.from('no archive at all'));
  });
});

describe('fetchGuest', () => {
  it('says which guests there are', async () => {
    await expect(fetchGuest('no-such', options)).rejects.toThrow(/bookworm-cloud, bookworm, bullseye, trixie, bookworm-i386/);
  });

  it('says what is wrong with a mirror', async () => {
    await expect(fetchGuest('default', { ...options, mirror: 'ftp://example.org' })).rejects.toMatchObject({ code: 'bad-option' });
    files.clear();
    await expect(fetchGuest('default', options)).rejects.toThrow(/dists\/bookworm\/InRelease: HTTP 404/);
  });

  it('reports a cache that lost files', async () => {
    const broken = join(options.cacheDir, 'guests', 'bookworm-cloud');
    const { mkdir } = await import('node:fs/promises');
    await mkdir(broken, { recursive: true });
    await writeFile(join(broken, 'guest.json'), JSON.stringify({ format: 1, name: 'bookworm-cloud', modules: [], builtin: [] }));
    await expect(fetchGuest('default', options)).rejects.toThrow(/incomplete: remove the folder/);
  });
});

describe('the cache folder', () => {
  it('follows XDG_CACHE_HOME when that is absolute', () => {
    expect(defaultCacheFolder({ XDG_CACHE_HOME: '/x/cache' })).toBe('/x/cache/pckit');
    expect(defaultCacheFolder({ XDG_CACHE_HOME: 'relative' })).toMatch(/\/\.cache\/pckit$/);
    expect(defaultCacheFolder({})).toMatch(/\/\.cache\/pckit$/);
  });
});
