import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { readCpio } from './cpio.js';
import { INIT_SCRIPT } from './init-script.js';
import { buildInitramfs } from './initramfs.js';
import type { ModuleTree } from './modules.js';
import { makeModule } from './testing/synthetic-archives.js';

const busybox = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 1, 2, 3);
const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

function modules(): ModuleTree {
  const files: Record<string, Uint8Array> = {
    'kernel/b.ko': makeModule({ name: 'b', depends: 'a' }),
    'kernel/a.ko': makeModule({ name: 'a' }),
    'kernel/net.ko': makeModule({ name: 'net', alias: 'pci:v00001AF4d*' }),
  };
  return { release: '9.9', paths: Object.keys(files), builtin: new Set(['c']), read: (path) => Promise.resolve(files[path]) };
}

async function entries(...options: Parameters<typeof buildInitramfs>): Promise<Map<string, { mode: string; content: string }>> {
  const { bytes } = await buildInitramfs(...options);
  return new Map([...readCpio(bytes)].map((entry) => [entry.path, { mode: entry.mode.toString(8), content: text(entry.data) }]));
}

describe('buildInitramfs', () => {
  it('holds what the kernel needs before init has mounted anything', async () => {
    const image = await entries({ busybox });
    expect(image.get('init')).toEqual({ mode: '100755', content: INIT_SCRIPT });
    expect(image.get('dev/console')?.mode).toBe('20600');
    expect(image.get('bin/sh')).toEqual({ mode: '120777', content: 'busybox' });
    expect(image.get('bin/busybox')?.mode).toBe('100755');
    for (const folder of ['proc', 'sys', 'dev', 'run']) expect(image.get(folder)?.mode).toBe('40755');
    expect(image.get('tmp')?.mode).toBe('41777');
  });

  it('puts every folder before what is in it', async () => {
    const image = await entries({ busybox, modules: modules(), load: ['b'], files: [{ path: '/opt/deep/er/x', content: '' }] });
    const seen = new Set<string>(['']);
    for (const [path, { mode }] of image) {
      expect(seen.has(path.split('/').slice(0, -1).join('/')), path).toBe(true);
      if (mode.startsWith('4')) seen.add(path);
    }
    expect(image.has('opt/deep/er/x')).toBe(true);
  });

  it('gives the same bytes for the same input', async () => {
    const files = [
      { path: '/b', content: '2' },
      { path: '/a', content: '1' },
    ];
    const first = await buildInitramfs({ busybox, modules: modules(), load: ['b'], onDemand: ['net'], files });
    const second = await buildInitramfs({ busybox, modules: modules(), load: ['b'], onDemand: ['net'], files: files.toReversed() });
    expect(Buffer.compare(first.bytes, second.bytes)).toBe(0);
    for (const entry of readCpio(first.bytes)) expect([entry.mtime, entry.uid, entry.gid], entry.path).toEqual([0, 0, 0]);
  });

  it('lists the modules to load in order, and the others for modprobe', async () => {
    const image = await entries({ busybox, modules: modules(), load: ['b', 'c', 'd?'], onDemand: ['net'] });
    expect(image.get('lib/pckit/load')?.content).toBe('kernel/a.ko\nkernel/b.ko\n');
    expect(image.has('lib/modules/9.9/kernel/net.ko')).toBe(true);
    expect(image.get('lib/modules/9.9/modules.alias')?.content).toBe('alias pci:v00001AF4d* net\n');
    expect(image.get('lib/modules/9.9/modules.dep')?.content).toContain('kernel/b.ko: kernel/a.ko\n');
  });

  it('adds files and links of the caller\'s, and makes programs executable', async () => {
    const image = await entries({
      busybox,
      init: '#!/bin/sh\n',
      files: [
        { path: '/etc/rc', content: 'echo hi\n' },
        { path: '/usr/local/bin/tool', content: '#!/bin/sh\n' },
        { path: '/secret', content: 'x', mode: 0o600 },
        { path: '/etc/passwd', content: 'mine' },
      ],
      links: [{ path: '/bin/tool', target: '/usr/local/bin/tool' }],
    });
    expect(image.get('init')?.content).toBe('#!/bin/sh\n');
    expect(image.get('etc/rc')?.mode).toBe('100644');
    expect(image.get('usr/local/bin/tool')?.mode).toBe('100755');
    expect(image.get('secret')?.mode).toBe('100600');
    expect(image.get('etc/passwd')?.content).toBe('mine');
    expect(image.get('bin/tool')).toEqual({ mode: '120777', content: '/usr/local/bin/tool' });
  });

  it.each([
    ['a relative path', { files: [{ path: 'etc/rc', content: '' }] }],
    ['a path that leads out', { files: [{ path: '/../x', content: '' }] }],
    ['a file in a folder\'s place', { files: [{ path: '/dev', content: '' }] }],
    ['modules without a tree', { load: ['a'] }],
    ['a busybox that is no program', { busybox: Uint8Array.of(1, 2, 3, 4) }],
  ])('refuses %s', async (_, options) => {
    await expect(buildInitramfs({ busybox, ...options })).rejects.toMatchObject({ code: 'bad-option' });
  });
});

describe('/init', () => {
  const shell = [['busybox', 'sh'], ['dash'], ['sh']].find(([program]) => spawnSync(program, ['--help']).error === undefined);
  it.skipIf(shell === undefined)('is a script that a shell can parse (needs a shell)', () => {
    const [program, ...rest] = shell ?? ['sh'];
    const result = spawnSync(program, [...rest, '-n'], { input: INIT_SCRIPT, encoding: 'utf8' });
    expect(result.stderr).toBe('');
    expect(result.status).toBe(0);
  });
});
