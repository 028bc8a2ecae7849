import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, it } from 'vitest';
import { boundaries } from '../eslint/boundaries.mjs';
import { mayImport, packageOf, packages } from './architecture.mjs';
import { documentPath, imports, withDiagram, workspace } from './diagram.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** The ids of what the boundary rule says about `code` in `file`. */
function lint(file, code) {
  const linter = new Linter({ cwd: root });
  return linter
    .verify(
      code,
      [
        {
          files: ['**/*.ts'],
          languageOptions: { parser: tseslint.parser },
          plugins: { pckit: { rules: { boundaries } } },
          rules: { 'pckit/boundaries': 'error' },
        },
      ],
      { filename: join(root, file) },
    )
    .map((message) => message.messageId ?? message.message);
}

describe('the import table', () => {
  it('lets imports point down and nowhere else', () => {
    expect(mayImport('cli', 'machine')).toBe(true);
    expect(mayImport('machine', 'cli')).toBe(false);
    expect(mayImport('virtio-blk', 'virtio')).toBe(true);
    expect(mayImport('virtio', 'virtio-blk')).toBe(false);
    expect(mayImport('pc-chipset', 'guest-memory')).toBe(false);
    expect(mayImport('linux-boot', 'interfaces')).toBe(false);
  });

  it('gives the fakes to tests only', () => {
    expect(mayImport('virtio', 'device-testing', { test: true })).toBe(true);
    expect(mayImport('virtio', 'device-testing')).toBe(false);
  });

  const listed = Object.entries(packages).filter(([, { tier, mayImport: allowed }]) => tier !== 'dev' && allowed.length > 0 && allowed !== 'lower');
  it.each(listed)('%s imports only lower tiers', (_name, { tier, mayImport: allowed }) => {
    for (const to of allowed) expect(packages[to].tier).toBeLessThan(tier);
  });
});

describe('the boundary rule', () => {
  it('reports an import that points up or sideways', () => {
    expect(lint('packages/virtio/src/a.ts', "import { createPc } from '@pckit/machine';")).toEqual(['tier']);
    expect(lint('packages/pc-chipset/src/a.ts', "export * from '@pckit/virtio/testing';")).toEqual(['tier']);
    expect(lint('packages/linux-boot/src/a.ts', "import type { Clock } from '@pckit/interfaces';")).toEqual(['tier']);
    expect(lint('packages/virtio/src/a.ts', "const x = await import('@pckit/machine');")).toEqual(['tier']);
    expect(lint('packages/virtio/src/a.ts', "type X = import('@pckit/machine').Pc;")).toEqual(['tier']);
  });

  it('accepts what the table allows', () => {
    expect(lint('packages/virtio-blk/src/a.ts', "import { Virtqueue } from '@pckit/virtio';")).toEqual([]);
    expect(lint('apps/cli/src/a.ts', "import { createPc } from '@pckit/machine';")).toEqual([]);
    expect(lint('packages/virtio/src/a.test.ts', "import { FakeClock } from '@pckit/device-testing';")).toEqual([]);
    expect(lint('packages/virtio/src/a.ts', "import { b } from './b.js'; import x from 'other';")).toEqual([]);
  });

  it('keeps relative imports inside the package', () => {
    expect(lint('packages/virtio/src/a.ts', "import { b } from '../../machine/src/b.js';")).toEqual(['relative']);
    expect(lint('packages/virtio/src/deep/a.ts', "import { b } from '../b.js';")).toEqual([]);
  });

  it("keeps Node's modules behind the node subpath", () => {
    expect(lint('packages/disk-image/src/a.ts', "import { open } from 'node:fs/promises';")).toEqual(['node']);
    expect(lint('packages/disk-image/src/node/a.ts', "import { open } from 'node:fs/promises';")).toEqual([]);
    expect(lint('apps/cli/src/a.ts', "import { open } from 'node:fs/promises';")).toEqual([]);
  });
});

describe.each(workspace())('$name', ({ name, folder, manifest }) => {
  it('is in the table and depends on what it allows', () => {
    expect(packages).toHaveProperty([name]);
    for (const to of imports(manifest)) expect(mayImport(name, to), `${name} -> ${to}`).toBe(true);
    for (const to of Object.keys(manifest.devDependencies ?? {}).map(packageOf)) {
      if (to !== undefined) expect(mayImport(name, to, { test: true }), `${name} -> ${to} (dev)`).toBe(true);
    }
  });

  it('has project references for its dependencies and no others', () => {
    const config = JSON.parse(readFileSync(join(folder, 'tsconfig.json'), 'utf8'));
    const references = config.references.map((reference) => basename(reference.path)).sort();
    const depends = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies, ...manifest.peerDependencies });
    const ours = depends.map(packageOf).filter((to) => to !== undefined);
    expect(references).toEqual([...new Set(ours)].sort());
  });

  it('is published with a licence, a README, types and source maps', () => {
    expect(manifest).toMatchObject({ license: 'MIT', type: 'module', publishConfig: { access: 'public' }, engines: { node: '>=20.19' } });
    expect(manifest.files).toContain('dist');
    expect(existsSync(join(folder, 'README.md')), 'README.md').toBe(true);
    // npm packs only what lies in the package's own folder.
    expect(readFileSync(join(folder, 'LICENSE'), 'utf8')).toBe(readFileSync(join(root, 'LICENSE'), 'utf8'));
    for (const [path, target] of Object.entries(manifest.exports ?? {})) {
      if (typeof target === 'string') continue;
      expect(Object.keys(target), path).toEqual(['@pckit/source', 'types', 'default']);
      expect(existsSync(join(folder, target['@pckit/source'])), `${path}: ${target['@pckit/source']}`).toBe(true);
      expect(manifest.typedocOptions.entryPoints, 'what the API reference shows').toContain(target['@pckit/source'].slice(2));
    }
  });
});

describe('docs/architecture.md', () => {
  it('shows the diagram of the packages as they are (npm run diagram)', () => {
    const text = readFileSync(documentPath, 'utf8');
    expect(text).toBe(withDiagram(text));
  });
});
