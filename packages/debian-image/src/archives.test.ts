import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAr } from './ar.js';
import { parseStanzas, readDeb } from './deb.js';
import { decompress, detectCompression } from './decompress.js';
import { ImageError } from './image-error.js';
import { readTar } from './tar.js';
import { makeAr, makeDeb, makeTar } from './testing/synthetic-archives.js';

const require_ = process.env['PCKIT_REQUIRE_TOOLS'] === '1';
const has = (tool: string): boolean => require_ || spawnSync(tool, ['--version']).error === undefined;
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function listTar(bytes: Uint8Array, size = bytes.length || 1): Promise<string[]> {
  const list: string[] = [];
  for await (const entry of readTar(inPieces(bytes, size))) {
    list.push(`${entry.type} ${entry.path}${entry.target === '' ? '' : ` -> ${entry.target}`}: ${text(await entry.data())}`);
  }
  return list;
}

async function typedErrorOrValue(run: () => Promise<unknown>): Promise<'value' | 'error'> {
  try {
    await run();
    return 'value';
  } catch (error) {
    expect(error).toBeInstanceOf(ImageError);
    return 'error';
  }
}

describe('ar', () => {
  const archive = makeAr([
    { name: 'debian-binary', data: new TextEncoder().encode('2.0\n') },
    { name: 'odd/', data: Uint8Array.of(1, 2, 3) },
    { name: 'last', data: Uint8Array.of(4) },
  ]);

  it('lists members, without the slash that some writers add', () => {
    expect(readAr(archive).map(({ name, data }) => [name, data.length])).toEqual([
      ['debian-binary', 4],
      ['odd', 3],
      ['last', 1],
    ]);
  });

  it('is a shorter archive or a typed error at every truncation', () => {
    for (let length = 0; length < archive.length - 1; length++) {
      try {
        expect(readAr(archive.subarray(0, length)).length).toBeLessThan(3);
      } catch (error) {
        expect(error).toBeInstanceOf(ImageError);
      }
    }
  });

  it('throws nothing but typed errors at any bytes', () => {
    fc.assert(
      fc.property(fc.nat(archive.length - 1), fc.uint8Array({ minLength: 1, maxLength: 12 }), (at, bytes) => {
        const copy = archive.slice();
        copy.set(bytes.subarray(0, copy.length - at), at);
        try {
          readAr(copy);
        } catch (error) {
          expect(error).toBeInstanceOf(ImageError);
        }
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});

describe('tar', () => {
  const long = `${'d'.repeat(120)}/${'f'.repeat(120)}`;
  const pax = `${`path=${long}-pax\n`.length + 4} path=${long}-pax\n`;
  const archive = makeTar([
    { path: './', type: '5' },
    { path: './a/file', data: 'x'.repeat(700) },
    { path: './a/link', type: '2', target: 'file' },
    { path: '././@LongLink', type: 'L', data: `./${long}\0` },
    { path: './ddd', data: 'long' },
    { path: 'pax', type: 'x', data: pax },
    { path: 'short', data: 'pax' },
  ]);
  const expected = ['directory : ', `file a/file: ${'x'.repeat(700)}`, 'symlink a/link -> file: ', `file ${long}: long`, `file ${long}-pax: pax`];

  it('lists entries with long names, in pieces of any size', async () => {
    for (const size of [1, 7, 511, 512, 513, 1_000_000]) expect(await listTar(archive, size)).toEqual(expected);
  });

  it('skips what is not asked for', async () => {
    const paths: string[] = [];
    for await (const entry of readTar(inPieces(archive, 100))) paths.push(entry.path);
    expect(paths).toHaveLength(5);
  });

  it('refuses files above the limit', async () => {
    for await (const entry of readTar(inPieces(archive, 4096), 600)) {
      if (entry.path === 'a/file') await expect(entry.data()).rejects.toMatchObject({ code: 'too-large' });
    }
  });

  it('is a typed error at every truncation', async () => {
    for (let length = 0; length <= archive.length - 1024; length += 64) {
      expect(await typedErrorOrValue(() => listTar(archive.subarray(0, length))), `${length}`).toBe('error');
    }
  });

  it('throws nothing but typed errors when damaged', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }), async (changes) => {
        const copy = archive.slice();
        for (const [at, value] of changes) copy[at] = value;
        await typedErrorOrValue(() => listTar(copy));
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  it.skipIf(!has('tar')).each(['gnu', 'ustar', 'pax'])('reads what tar writes in %s format (needs tar)', async (format) => {
    const folder = mkdtempSync(join(tmpdir(), 'tar-'));
    try {
      const deep = join('deep', 'n'.repeat(60), 'm'.repeat(60));
      mkdirSync(join(folder, deep), { recursive: true });
      writeFileSync(join(folder, deep, 'ü.txt'), 'text');
      symlinkSync('../x', join(folder, 'deep', 'l'));
      const out = join(folder, 'out.tar');
      const result = spawnSync('tar', [`--format=${format}`, '--sort=name', '-cf', out, './deep'], { cwd: folder, encoding: 'utf8' });
      expect(result.status, result.stderr).toBe(0);
      const list = await listTar(readFileSync(out));
      expect(list).toContain(`file ${deep}/ü.txt: text`);
      expect(list).toContain('symlink deep/l -> ../x: ');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('decompression', () => {
  const plain = new TextEncoder().encode('kernel '.repeat(30_000));
  const compress: Record<string, (bytes: Uint8Array) => Uint8Array> = {
    gzip: (bytes) => gzipSync(bytes),
    xz: (bytes) => spawnSync('xz', ['-c'], { input: bytes }).stdout,
    zstd: (bytes) => spawnSync('zstd', ['-c'], { input: bytes }).stdout,
  };
  for (const kind of ['gzip', 'xz', 'zstd'] as const) {
    const available = kind === 'gzip' || has(kind);
    it.skipIf(!available)(`undoes ${kind}${kind === 'gzip' ? '' : ` (needs ${kind})`}, and refuses every truncation`, async () => {
      const packed = compress[kind](plain);
      expect(detectCompression(packed)).toBe(kind);
      expect(text(await decompress(packed))).toBe(text(plain));
      await expect(decompress(packed, 1000)).rejects.toMatchObject({ code: 'too-large' });
      for (let length = 6; length < packed.length; length++) {
        expect(await typedErrorOrValue(() => decompress(packed.subarray(0, length))), `${length} of ${packed.length}`).toBe('error');
      }
    });

    it.skipIf(!available)(`throws nothing but typed errors at damaged ${kind}`, async () => {
      const packed = compress[kind](plain);
      await fc.assert(
        fc.asyncProperty(fc.nat(packed.length - 7), fc.integer({ min: 1, max: 255 }), async (at, change) => {
          const copy = Uint8Array.from(packed);
          copy[at + 6] ^= change;
          await typedErrorOrValue(() => decompress(copy, 1 << 22));
        }),
        { seed: 11, numRuns: 60 },
      );
    });
  }

  it('gives back what is not compressed', async () => {
    expect(await decompress(plain)).toBe(plain);
  });
});

describe('a .deb', () => {
  const control = 'Package: thing\nVersion: 1.2-3\nDepends: a (= 1), b | c\nDescription: short\n long one\n .\n end\n';

  it('gives control fields and files, compressed or not', async () => {
    for (const compress of [undefined, gzipSync]) {
      const deb = await readDeb(makeDeb(control, [{ path: './usr/bin/x', data: 'program' }], compress));
      expect(deb.control.get('Version')).toBe('1.2-3');
      const files: string[] = [];
      for await (const entry of deb.files()) files.push(`${entry.path}=${text(await entry.data())}`);
      expect(files).toEqual(['usr/bin/x=program']);
    }
  });

  it('refuses what is no .deb', async () => {
    await expect(readDeb(makeAr([{ name: 'x', data: new Uint8Array(1) }]))).rejects.toThrow(/debian-binary/);
    const three = makeAr([{ name: 'debian-binary', data: new TextEncoder().encode('3.0\n') }]);
    await expect(readDeb(three)).rejects.toMatchObject({ code: 'unsupported' });
  });

  it.skipIf(!has('dpkg-deb'))('is read as dpkg-deb builds it (needs dpkg-deb)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'deb-'));
    try {
      mkdirSync(join(folder, 'tree/DEBIAN'), { recursive: true });
      mkdirSync(join(folder, 'tree/bin'));
      writeFileSync(join(folder, 'tree/DEBIAN/control'), 'Package: thing\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n');
      writeFileSync(join(folder, 'tree/bin/x'), 'program');
      const built = spawnSync('dpkg-deb', ['-b', '--root-owner-group', 'tree', 'out.deb'], { cwd: folder, encoding: 'utf8' });
      expect(built.status, built.stderr).toBe(0);
      const deb = await readDeb(readFileSync(join(folder, 'out.deb')));
      expect(deb.control.get('Package')).toBe('thing');
      const files: string[] = [];
      for await (const entry of deb.files()) if (entry.type === 'file') files.push(`${entry.path}=${text(await entry.data())}`);
      expect(files).toEqual(['bin/x=program']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('parseStanzas', () => {
  it('separates paragraphs and joins continuation lines', () => {
    const [first, second, ...rest] = parseStanzas('A: 1\nB: two\n three\n\n\nA: 2\n# comment\nC:\n x\n');
    expect(rest).toEqual([]);
    expect([...first]).toEqual([
      ['A', '1'],
      ['B', 'two\nthree'],
    ]);
    expect(second.get('C')).toBe('\nx');
  });
});
