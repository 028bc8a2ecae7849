import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskImageError } from '../disk-image-error.js';
import type { OverlayDisk } from '../overlay-disk.js';
import { createRawFile, FileClusters, openDisk, RawFile } from './index.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pckit-disk-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const image = (contents: Uint8Array | number, name = 'disk.img'): string => {
  const path = join(folder, name);
  writeFileSync(path, typeof contents === 'number' ? new Uint8Array(contents) : contents);
  return path;
};
const pattern = (length: number, seed = 1): Uint8Array => Uint8Array.from({ length }, (_, i) => (i >>> 9) * 5 + seed);
const codeOf = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    if (error instanceof DiskImageError) return error.code;
    throw error;
  }
  return 'none';
};
const all = (disk: { size: number; read(offset: number, into: Uint8Array): unknown }): Uint8Array => {
  const into = new Uint8Array(disk.size);
  disk.read(0, into);
  return into;
};
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

describe('a raw file', () => {
  it('is the disk, byte by byte', () => {
    const path = image(pattern(8192));
    const disk = new RawFile(path);
    expect(disk.size).toBe(8192);
    const into = new Uint8Array(1024);
    disk.read(1536, into);
    expect(into).toEqual(pattern(8192).slice(1536, 2560));
    disk.write(4096, new Uint8Array(512).fill(0xee));
    disk.flush();
    const expected = pattern(8192).fill(0xee, 4096, 4608);
    expect(same(readFileSync(path), expected)).toBe(true);
    disk.close();
  });

  // As QEMU's block layer rounds a raw image up to whole sectors.
  it('that does not end at a sector reads zeros after its end, and grows when that sector is written', () => {
    const path = image(pattern(1000).fill(3));
    const disk = new RawFile(path);
    expect(disk.size).toBe(1024);
    const into = new Uint8Array(512).fill(9);
    disk.read(512, into);
    expect([into[487], into[488], into[511]]).toEqual([3, 0, 0]);
    expect(statSync(path).size).toBe(1000);
    disk.write(512, new Uint8Array(512).fill(4));
    expect(statSync(path).size).toBe(1024);
    disk.close();
  });

  it('that was cut short behind our back reads zeros', () => {
    const path = image(pattern(4096).fill(3));
    const disk = new RawFile(path);
    truncateSync(path, 700);
    const into = new Uint8Array(4096).fill(9);
    disk.read(0, into);
    expect([into[699], into[700], into[4095]]).toEqual([3, 0, 0]);
    disk.close();
  });

  it('keeps its holes under zeros', () => {
    const path = join(folder, 'sparse.img');
    createRawFile(path, 16 << 20);
    const disk = new RawFile(path);
    disk.write(1 << 20, new Uint8Array(4096).fill(1));
    disk.writeZeroes(0, 16 << 20, true);
    disk.flush();
    expect(all(disk).every((byte) => byte === 0)).toBe(true);
    // 512-byte blocks of the file system.
    expect(statSync(path).blocks * 512).toBeLessThan(1 << 20);
    disk.close();
  });

  it('zeroes neither more nor less than asked', () => {
    const path = image(pattern(200 * 1024).fill(1));
    const disk = new RawFile(path);
    disk.writeZeroes(512, 150 * 1024);
    const bytes = all(disk);
    expect(bytes.findIndex((byte) => byte === 0)).toBe(512);
    expect(bytes.lastIndexOf(0)).toBe(512 + 150 * 1024 - 1);
    disk.close();
  });

  it('says what is wrong', () => {
    expect(codeOf(() => new RawFile(join(folder, 'nothing')))).toBe('not-found');
    expect(codeOf(() => new RawFile(folder, { readOnly: true }))).toBe('unsupported-format');
    expect(codeOf(() => new RawFile(image(0)))).toBe('bad-size');
    expect(codeOf(() => createRawFile(join(folder, 'x'), 1000))).toBe('bad-size');
    expect(codeOf(() => createRawFile(image(512), 1024))).toBe('exists');
    const disk = new RawFile(image(1024));
    expect(codeOf(() => disk.read(512, new Uint8Array(1024)))).toBe('out-of-range');
    expect(codeOf(() => disk.write(1024, new Uint8Array(1)))).toBe('out-of-range');
    expect(codeOf(() => disk.writeZeroes(-512, 512))).toBe('out-of-range');
    disk.close();
    disk.close();
    expect(codeOf(() => disk.read(0, new Uint8Array(1)))).toBe('closed');
    expect(codeOf(() => disk.flush())).toBe('closed');
  });

  it('is not written to when read-only', () => {
    const path = image(pattern(1024));
    const disk = new RawFile(path, { readOnly: true });
    expect(codeOf(() => disk.write(0, new Uint8Array(512)))).toBe('read-only');
    expect(codeOf(() => disk.writeZeroes(0, 512))).toBe('read-only');
    disk.flush();
    disk.close();
    expect(same(readFileSync(path), pattern(1024))).toBe(true);
  });

  it('is refused when it looks like another format, at every length of its beginning', () => {
    for (const [magic, format] of [
      ['QFI\xfb', 'qcow2'],
      ['KDMV', 'VMDK'],
      ['vhdxfile', 'VHDX'],
    ] as const) {
      const bytes = Buffer.alloc(1024);
      bytes.write(magic, 'latin1');
      const path = image(bytes, `${format}.img`);
      expect(codeOf(() => new RawFile(path))).toBe('unsupported-format');
      expect(() => new RawFile(path)).toThrow(/not like a raw one/);
      new RawFile(path, { force: true }).close();
      for (let length = 1; length < magic.length; length++) new RawFile(image(Buffer.from(magic.slice(0, length), 'latin1'), `${format}${length}`)).close();
    }
  });
});

describe('a raw file, by many buffers at once', () => {
  const cut = (bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] => {
    let at = 0;
    return lengths.map((length) => bytes.subarray(at, (at += length)));
  };

  it('reads and writes as by one', () => {
    const path = image(pattern(16384));
    const disk = new RawFile(path);
    const lengths = [1, 511, 0, 1024, 0, 3000, 584];
    const into = new Uint8Array(5120);
    disk.readv(1536, cut(into, lengths));
    expect(same(into, pattern(16384).subarray(1536, 6656))).toBe(true);
    disk.writev(8192, cut(into, lengths));
    disk.readv(0, []);
    disk.writev(0, []);
    const expected = pattern(16384);
    expected.set(into, 8192);
    expect(same(readFileSync(path), expected)).toBe(true);
    disk.close();
  });

  it('takes more of them than one system call does', () => {
    const count = 2500;
    const random = Uint8Array.from({ length: 512 * count }, (_, i) => (i * 31 + (i >>> 8)) & 0xff);
    const path = image(512 * (count + 1));
    const disk = new RawFile(path);
    // Backwards in memory, so that none is where it would be by itself.
    const backwards = (bytes: Uint8Array): Uint8Array[] => Array.from({ length: count }, (_, i) => bytes.subarray(512 * (count - 1 - i), 512 * (count - i)));
    disk.writev(512, backwards(random));
    expect(same(readFileSync(path).subarray(512), Buffer.concat(backwards(random)))).toBe(true);
    const into = new Uint8Array(random.length);
    disk.readv(512, backwards(into));
    expect(same(into, random)).toBe(true);
    disk.close();
  });

  it('reads zeros after the end, wherever that lies in a buffer', () => {
    for (const [length, lengths] of [[700, [512, 188, 324]], [700, [100, 900, 24]], [1000, [1, 1022, 1]], [513, [512, 512]]] as const) {
      const path = image(pattern(length).fill(3), `${length}-${lengths.join('-')}`);
      const disk = new RawFile(path);
      const into = new Uint8Array(1024).fill(9);
      disk.readv(0, cut(into, lengths));
      expect(same(into, new Uint8Array(1024).fill(3, 0, length))).toBe(true);
      // Cut short behind our back, before the first buffer.
      truncateSync(path, 10);
      disk.readv(512, cut(into, [200, 312]));
      expect(into.subarray(0, 512).every((byte) => byte === 0)).toBe(true);
      disk.writev(0, cut(new Uint8Array(1024).fill(4), lengths));
      expect(same(readFileSync(path), new Uint8Array(1024).fill(4))).toBe(true);
      disk.close();
    }
  });

  it('says what is wrong, and writes nothing then', () => {
    const path = image(pattern(1024));
    const disk = new RawFile(path, { guessed: true });
    expect(codeOf(() => disk.readv(512, [new Uint8Array(512), new Uint8Array(1)]))).toBe('out-of-range');
    expect(codeOf(() => disk.writev(512, [new Uint8Array(512), new Uint8Array(1)]))).toBe('out-of-range');
    expect(codeOf(() => disk.readv(-512, [new Uint8Array(512)]))).toBe('out-of-range');
    expect(codeOf(() => disk.writev(0, cut(Buffer.from('QFI\xfb'.padEnd(512, '\0'), 'latin1'), [1, 0, 2, 509])))).toBe('unsupported-format');
    disk.close();
    expect(codeOf(() => disk.readv(0, [new Uint8Array(1)]))).toBe('closed');
    const readOnly = new RawFile(path, { readOnly: true });
    expect(codeOf(() => readOnly.writev(0, [new Uint8Array(512)]))).toBe('read-only');
    readOnly.close();
    expect(same(readFileSync(path), pattern(1024))).toBe(true);
  });
});

describe('the lock of an image', () => {
  it('lets one writer in, and readers', () => {
    const path = image(1024);
    const disk = new RawFile(path);
    expect(() => new RawFile(path)).toThrow(new RegExp(`in use by process ${process.pid}`));
    new RawFile(path, { readOnly: true }).close();
    disk.close();
    expect(existsSync(`${path}.lock`)).toBe(false);
    new RawFile(path).close();
  });

  it('of a process that is gone, or that names none, does not count', () => {
    const path = image(1024);
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    for (const contents of [`${gone}\n`, '', 'x', '-1', '0']) {
      writeFileSync(`${path}.lock`, contents);
      const disk = new RawFile(path);
      expect(readFileSync(`${path}.lock`, 'latin1')).toBe(`${process.pid}\n`);
      disk.close();
    }
  });

  it('is given back when opening fails', () => {
    const path = image(0);
    expect(codeOf(() => new RawFile(path))).toBe('bad-size');
    expect(existsSync(`${path}.lock`)).toBe(false);
    const overlay = join(folder, 'overlay');
    writeFileSync(overlay, 'something else');
    expect(codeOf(() => new FileClusters(overlay, 1024))).toBe('unsupported-format');
    expect(existsSync(`${overlay}.lock`)).toBe(false);
  });

  it('leaves no descriptor open when opening fails', () => {
    const path = image(0);
    const probe = openSync(path, 'r');
    closeSync(probe);
    expect(codeOf(() => new RawFile(path))).toBe('bad-size');
    expect(() => fstatSync(probe)).toThrow(/EBADF/);
  });
});

describe('openDisk', () => {
  it('opens for writing, for reading, and with an overlay in memory', () => {
    const path = image(pattern(4096));
    const writable = openDisk(path);
    writable.write(0, new Uint8Array(512).fill(1));
    writable.close();
    const readOnly = openDisk(path, { readOnly: true });
    expect(readOnly.readOnly).toBe(true);
    readOnly.close();
    const before = readFileSync(path);
    const overlay = openDisk(path, { overlay: true });
    overlay.write(512, new Uint8Array(512).fill(2));
    expect(all(overlay)[512]).toBe(2);
    overlay.flush();
    overlay.close();
    expect(same(readFileSync(path), before)).toBe(true);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it('keeps an overlay in a file from one time to the next', () => {
    const path = image(pattern(300 * 1024));
    const before = readFileSync(path);
    const overlay = join(folder, 'changes');
    const expected = pattern(300 * 1024);
    for (let round = 0; round < 3; round++) {
      const disk = openDisk(path, { overlay });
      expect(same(all(disk), expected)).toBe(true);
      expect(codeOf(() => openDisk(path, { overlay }))).toBe('in-use');
      disk.write(round * 1024, new Uint8Array(512).fill(0xc0 + round));
      expected.fill(0xc0 + round, round * 1024, round * 1024 + 512);
      disk.writeZeroes?.(100 * 1024, 70 * 1024, false);
      expected.fill(0, 100 * 1024, 170 * 1024);
      disk.close();
    }
    expect(same(readFileSync(path), before)).toBe(true);
  });

  it('refuses an overlay of another disk, or of no version it knows', () => {
    const overlay = join(folder, 'changes');
    openDisk(image(1024), { overlay }).close();
    expect(codeOf(() => openDisk(image(2048, 'other.img'), { overlay }))).toBe('bad-size');
    const bytes = readFileSync(overlay);
    bytes[8] = 2;
    writeFileSync(overlay, bytes);
    expect(codeOf(() => openDisk(image(1024), { overlay }))).toBe('unsupported-format');
  });

  it('takes an overlay file that is cut off anywhere for damaged or for empty, never for another disk', () => {
    const path = image(pattern(4096));
    const overlay = join(folder, 'changes');
    const disk = openDisk(path, { overlay });
    disk.write(0, new Uint8Array(512).fill(1));
    disk.close();
    const whole = readFileSync(overlay);
    for (let length = 0; length < whole.length; length += length < 32 || length > 8000 ? 1 : 97) {
      writeFileSync(overlay, whole.subarray(0, length));
      const code = codeOf(() => {
        const again = openDisk(path, { overlay });
        // A sector whose bit is set and whose data is gone reads as zeros.
        const bytes = all(again);
        expect([1, 0, pattern(4096)[0]]).toContain(bytes[0]);
        expect(same(bytes.subarray(512), pattern(4096).subarray(512))).toBe(true);
        again.close();
      });
      expect(code).toBe(length < 24 ? 'unsupported-format' : 'none');
    }
  });

  it('takes noise for no overlay', () => {
    const path = image(4096);
    const overlay = join(folder, 'noise');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        writeFileSync(overlay, bytes);
        expect(codeOf(() => openDisk(path, { overlay }))).toBe('unsupported-format');
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it('keeps in a crash what was flushed', () => {
    const path = image(pattern(4096));
    const overlay = join(folder, 'changes');
    const disk = openDisk(path, { overlay });
    disk.write(0, new Uint8Array(512).fill(1));
    disk.flush();
    disk.write(512, new Uint8Array(512).fill(2));
    // The process dies: nothing is closed.
    const crashed = join(folder, 'crashed');
    writeFileSync(crashed, readFileSync(overlay));
    const again = openDisk(path, { overlay: crashed });
    const bytes = all(again);
    expect([bytes[0], bytes[512]]).toEqual([1, pattern(4096)[512]]);
    again.close();
    disk.close();
  });
});

describe('file systems survive', () => {
  const tools = ['mkfs.ext4', 'e2fsck'];
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
  const missing = tools.filter((tool) => spawnSync(tool, ['-V'], { env }).error !== undefined);
  const skip = missing.length > 0 && process.env['PCKIT_REQUIRE_TOOLS'] !== '1';

  it.skipIf(skip)(`being copied through every kind of disk, as e2fsck says${skip ? ` (skipped: no ${missing.join(', ')})` : ''}`, () => {
    expect(missing).toEqual([]);
    const original = join(folder, 'original.img');
    createRawFile(original, 8 << 20);
    const made = spawnSync('mkfs.ext4', ['-q', '-F', '-d', import.meta.dirname, original], { env, encoding: 'utf8' });
    expect([made.status, made.stderr]).toEqual([0, '']);
    const contents = readFileSync(original);

    const check = (path: string): void => {
      const { status, stdout } = spawnSync('e2fsck', ['-fn', path], { env, encoding: 'utf8' });
      expect(status, stdout).toBe(0);
    };
    const fill = (disk: { write(offset: number, from: Uint8Array): unknown; writeZeroes?(offset: number, length: number, unmap: boolean): unknown }): void => {
      // Pieces of changing length, backwards; zeros as zeros.
      for (let end = contents.length, length = 512; end > 0; length = length >= 300_000 ? 512 : length * 2) {
        const start = Math.max(0, end - length);
        const piece = contents.subarray(start, end);
        if (piece.every((byte) => byte === 0)) disk.writeZeroes?.(start, piece.length, true);
        else disk.write(start, piece);
        end = start;
      }
    };

    const copy = join(folder, 'copy.img');
    writeFileSync(copy, new Uint8Array(8 << 20).fill(0x5a));
    const raw = openDisk(copy);
    fill(raw);
    raw.flush();
    raw.close();
    check(copy);
    expect(same(readFileSync(copy), contents)).toBe(true);

    for (const overlay of [true, join(folder, 'changes')]) {
      const base = image(new Uint8Array(8 << 20).fill(0xa5), 'base.img');
      const disk = openDisk(base, { overlay }) as OverlayDisk;
      fill(disk);
      const flat = image(all(disk), 'flat.img');
      disk.close();
      check(flat);
    }
  });
});
