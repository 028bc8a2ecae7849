import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImageError } from './image-error.js';
import { readModuleInfo } from './modinfo.js';
import { formatModulesAlias, formatModulesDep, moduleName, parseModulesBuiltin, resolveModules } from './modules.js';
import type { ModuleTree } from './modules.js';
import { makeModule } from './testing/synthetic-archives.js';

function tree(modules: Record<string, { depends?: string; softdep?: string; alias?: string[] }>, builtin: string[] = []): ModuleTree {
  const files = new Map(
    Object.entries(modules).map(([name, { depends = '', ...info }], index) => {
      const bytes = makeModule({ name, depends, ...info }, index % 2 === 0 ? 64 : 32);
      return [`kernel/${name}.ko${index % 3 === 0 ? '.gz' : ''}`, index % 3 === 0 ? gzipSync(bytes) : bytes];
    }),
  );
  return {
    release: '6.1-test',
    paths: [...files.keys()],
    builtin: new Set(builtin),
    read: (path) => Promise.resolve(files.get(path) ?? new Uint8Array(0)),
  };
}

describe('readModuleInfo', () => {
  const module = makeModule({
    name: 'virtio-net',
    depends: 'net_failover,virtio-ring',
    alias: ['virtio:d00000001v*', 'x'],
    softdep: 'pre: a b post: c',
    vermagic: '6.1',
  });

  it.each([32, 64] as const)('reads .modinfo of an ELF%s object', (bits) => {
    expect(readModuleInfo(makeModule({ name: 'a-b', depends: 'c-d,e' }, bits))).toMatchObject({ name: 'a_b', depends: ['c_d', 'e'] });
  });

  it('knows aliases and soft dependencies', () => {
    expect(readModuleInfo(module)).toEqual({
      name: 'virtio_net',
      depends: ['net_failover', 'virtio_ring'],
      softPre: ['a', 'b'],
      softPost: ['c'],
      aliases: ['virtio:d00000001v*', 'x'],
      vermagic: '6.1',
    });
  });

  it('is a typed error at every truncation', () => {
    for (let length = 0; length < module.length; length++) {
      expect(() => readModuleInfo(module.subarray(0, length)), `${length} bytes`).toThrow(ImageError);
    }
  });

  it('throws nothing but typed errors when damaged', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(module.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }), (changes) => {
        const copy = module.slice();
        for (const [at, value] of changes) copy[at] = value;
        try {
          readModuleInfo(copy);
        } catch (error) {
          expect(error).toBeInstanceOf(ImageError);
        }
      }),
      { seed: 13, numRuns: 1000 },
    );
  });
});

describe('resolveModules', () => {
  const modules = tree(
    {
      virtio_pci: { depends: 'virtio,virtio_ring' },
      virtio: { depends: 'virtio_ring' },
      virtio_ring: {},
      ext4: { depends: 'jbd2,crc16', softdep: 'pre: crc32c' },
      jbd2: {},
      crc16: {},
      crc32c: { softdep: 'pre: ext4' },
    },
    ['loop'],
  );
  const order = async (...names: string[]): Promise<string[]> => (await resolveModules(modules, names)).modules.map(({ name }) => name);

  it('puts every module behind what it needs, once', async () => {
    expect(await order('virtio_pci', 'virtio')).toEqual(['virtio_ring', 'virtio', 'virtio_pci']);
    expect(await order('virtio-pci')).toEqual(['virtio_ring', 'virtio', 'virtio_pci']);
  });

  it('honours soft dependencies where they exist, also circular ones', async () => {
    expect(await order('ext4')).toEqual(['jbd2', 'crc16', 'crc32c', 'ext4']);
  });

  it('tells built in from missing', async () => {
    expect(await resolveModules(modules, ['loop', 'nope?'])).toEqual({ modules: [], builtin: ['loop'], missing: ['nope'] });
    await expect(resolveModules(modules, ['nope'])).rejects.toThrow('no module nope for kernel 6.1-test');
    await expect(resolveModules(tree({ a: { depends: 'b' } }), ['a'])).rejects.toThrow(/no module b .* which a needs/);
  });

  it('refuses a circle and shows it', async () => {
    const circle = tree({ a: { depends: 'b' }, b: { depends: 'c' }, c: { depends: 'a' } });
    await expect(resolveModules(circle, ['a'])).rejects.toThrow('a -> b -> c -> a');
  });

  it('gives decompressed modules with plain names', async () => {
    const [module] = (await resolveModules(modules, ['virtio_ring'])).modules;
    expect(module.path).toBe('kernel/virtio_ring.ko');
    expect([...module.bytes.subarray(0, 4)]).toEqual([0x7f, 0x45, 0x4c, 0x46]);
  });
});

describe('the files for modprobe', () => {
  it('list dependencies so that what is deepest stands last', async () => {
    // a needs c and b, b needs c: loading from the right must load c before b, whatever a's own order is.
    const { modules } = await resolveModules(tree({ a: { depends: 'c,b' }, b: { depends: 'c' }, c: {} }), ['a']);
    expect(formatModulesDep(modules)).toBe('kernel/a.ko: kernel/b.ko kernel/c.ko\nkernel/b.ko: kernel/c.ko\nkernel/c.ko:\n');
  });

  it('list aliases', async () => {
    const { modules } = await resolveModules(tree({ ext4: { alias: ['fs-ext4', 'fs-ext3'] } }), ['ext4']);
    expect(formatModulesAlias(modules)).toBe('alias fs-ext3 ext4\nalias fs-ext4 ext4\n');
  });
});

describe('module names', () => {
  it('come from paths', () => {
    expect(moduleName('kernel/drivers/virtio/virtio-rng.ko.xz')).toBe('virtio_rng');
    expect(moduleName('modules.builtin')).toBeUndefined();
    expect([...parseModulesBuiltin('kernel/a-b.ko\nkernel/c.ko\n\n')]).toEqual(['a_b', 'c']);
  });
});
