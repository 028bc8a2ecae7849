import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFREG, readCpio, writeCpio } from './cpio.js';
import type { CpioEntry } from './cpio.js';
import { ImageError } from './image-error.js';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const entries: CpioEntry[] = [
  { path: 'dir', mode: S_IFDIR | 0o755 },
  { path: 'dir/file', mode: S_IFREG | 0o640, data: text('contents') },
  { path: 'dir/link', mode: S_IFLNK | 0o777, data: text('file') },
  { path: 'empty', mode: S_IFREG | 0o644 },
];
const console_: CpioEntry = { path: 'console', mode: S_IFCHR | 0o600, device: [5, 1], uid: 3, gid: 4, mtime: 77 };

describe('newc cpio', () => {
  it('has the header that the kernel reads', () => {
    const archive = writeCpio([console_]);
    const field = (index: number): string => new TextDecoder().decode(archive.subarray(6 + index * 8, 14 + index * 8));
    expect(new TextDecoder().decode(archive.subarray(0, 6))).toBe('070701');
    expect([1, 2, 3, 4, 5, 6, 9, 10, 11].map((index) => Number.parseInt(field(index), 16))).toEqual([0o20600, 3, 4, 1, 77, 0, 5, 1, 8]);
    expect(archive.length % 512).toBe(0);
  });

  it('reads back what it wrote', () => {
    const back = [...readCpio(writeCpio([...entries, console_]))];
    expect(back.map((entry) => [entry.path, entry.mode, new TextDecoder().decode(entry.data)])).toEqual(
      [...entries, console_].map((entry) => [entry.path, entry.mode, new TextDecoder().decode(entry.data)]),
    );
    expect(back.at(-1)).toMatchObject({ device: [5, 1], uid: 3, gid: 4, mtime: 77 });
  });

  const cpio = [['cpio'], ['busybox', 'cpio']].find(([program, ...rest]) => spawnSync(program, [...rest, '--help']).error === undefined);
  it.skipIf(cpio === undefined && process.env['PCKIT_REQUIRE_TOOLS'] !== '1')('is unpacked by cpio (needs cpio or busybox)', () => {
    const folder = mkdtempSync(join(tmpdir(), 'cpio-'));
    try {
      const [program, ...rest] = cpio ?? ['cpio'];
      const result = spawnSync(program, [...rest, '-i', '-d'], { cwd: folder, input: writeCpio(entries), encoding: 'utf8' });
      expect(result.status, result.stderr).toBe(0);
      expect(readFileSync(join(folder, 'dir/file'), 'utf8')).toBe('contents');
      expect(statSync(join(folder, 'dir/file')).mode & 0o777).toBe(0o640);
      expect(readlinkSync(join(folder, 'dir/link'))).toBe('file');
      expect(statSync(join(folder, 'empty')).size).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('refuses paths that no entry can have', () => {
    for (const path of ['', '/abs', 'TRAILER!!!', 'a\0b']) {
      expect(() => writeCpio([{ path, mode: S_IFREG }]), JSON.stringify(path)).toThrow(ImageError);
    }
    expect(() => writeCpio([entries[0], entries[0]])).toThrow(/two entries for dir/);
  });

  it('takes every truncation before the trailer for one', () => {
    const archive = writeCpio(entries, 1);
    for (let length = 0; length < archive.length - 3; length++) {
      expect(() => [...readCpio(archive.subarray(0, length))], `${length} bytes`).toThrow(ImageError);
    }
  });

  it('throws nothing but typed errors at damaged archives', () => {
    const archive = writeCpio(entries);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }), (changes) => {
        const copy = archive.slice();
        for (const [at, value] of changes) copy[at] = value;
        try {
          for (const entry of readCpio(copy)) expect(entry.path).toBeTypeOf('string');
        } catch (error) {
          expect(error).toBeInstanceOf(ImageError);
        }
      }),
      { seed: 70701, numRuns: 1000 },
    );
  });
});
