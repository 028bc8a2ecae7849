import * as fs from 'node:fs';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RawFile } from './index.js';

// What a local file system does not do when it is asked to: calls that move less than they could, are interrupted, or fail midway.

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  return { ...real, readvSync: vi.fn(real.readvSync), writevSync: vi.fn(real.writevSync), readv: vi.fn(real.readv), writev: vi.fn(real.writev) };
});

const { readvSync, writevSync } = await vi.importActual<typeof fs>('node:fs');
const failure = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code });

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pckit-disk-'));
});
afterEach(() => {
  vi.mocked(fs.readvSync).mockReset();
  vi.mocked(fs.writevSync).mockReset();
  rmSync(folder, { recursive: true, force: true });
});

const SIZE = 8192;
const BYTES = Uint8Array.from({ length: SIZE }, (_, i) => i * 7 + (i >>> 8));
const LENGTHS = [1000, 24, 0, 3072, 1, 4095];

function cut(bytes: Uint8Array): Uint8Array[] {
  let at = 0;
  return LENGTHS.map((length) => bytes.subarray(at, (at += length)));
}

/** The first `limit` bytes of `buffers`. */
function shortened(buffers: readonly NodeJS.ArrayBufferView[], limit: number): Uint8Array[] {
  let left = limit;
  return (buffers as Uint8Array[]).map((buffer) => {
    const part = buffer.subarray(0, left);
    left -= part.length;
    return part;
  });
}

describe('a raw file whose system calls', () => {
  it.each([1, 999, 1000, 1001, 1024, 1025, 4096, 4097, 8191])('move at most %i bytes loses none', (limit) => {
    vi.mocked(fs.readvSync).mockImplementation((fd, buffers, at) => readvSync(fd, shortened(buffers, limit), at));
    vi.mocked(fs.writevSync).mockImplementation((fd, buffers, at) => writevSync(fd, shortened(buffers, limit), at));
    const path = join(folder, 'disk.img');
    writeFileSync(path, new Uint8Array(SIZE));
    const disk = new RawFile(path);
    disk.writev(0, cut(BYTES));
    expect(Buffer.compare(readFileSync(path), BYTES)).toBe(0);
    const into = new Uint8Array(SIZE);
    disk.readv(0, cut(into));
    expect(Buffer.compare(into, BYTES)).toBe(0);
    disk.close();
  });

  it('are interrupted by signals makes them again', () => {
    vi.mocked(fs.readvSync).mockImplementationOnce(() => { throw failure('EINTR'); }).mockImplementation(readvSync);
    vi.mocked(fs.writevSync).mockImplementationOnce(() => { throw failure('EINTR'); }).mockImplementation(writevSync);
    const path = join(folder, 'disk.img');
    writeFileSync(path, new Uint8Array(SIZE));
    const disk = new RawFile(path);
    disk.writev(0, cut(BYTES));
    const into = new Uint8Array(SIZE);
    disk.readv(0, cut(into));
    expect(Buffer.compare(into, BYTES)).toBe(0);
    disk.close();
  });

  it('fail midway throws what the host says', () => {
    const path = join(folder, 'disk.img');
    writeFileSync(path, BYTES);
    const disk = new RawFile(path);
    vi.mocked(fs.readvSync).mockImplementationOnce((fd, buffers, at) => readvSync(fd, shortened(buffers, 1010), at)).mockImplementation(() => { throw failure('EIO'); });
    expect(() => disk.readv(0, cut(new Uint8Array(SIZE)))).toThrow(expect.objectContaining({ code: 'host', message: expect.stringMatching(/can't read .*EIO/) as string }) as Error);
    vi.mocked(fs.writevSync).mockImplementationOnce((fd, buffers, at) => writevSync(fd, shortened(buffers, 1010), at)).mockImplementation(() => { throw failure('ENOSPC'); });
    expect(() => disk.writev(0, cut(new Uint8Array(SIZE)))).toThrow(expect.objectContaining({ code: 'host', message: expect.stringMatching(/can't write .*ENOSPC/) as string }) as Error);
    // The rest of the buffer in which the short call ended went along.
    expect(Buffer.compare(readFileSync(path), BYTES.slice().fill(0, 0, 1024))).toBe(0);
    disk.close();
  });
});

describe('a raw file that moves data beside the guest', () => {
  const answers = {
    'moves all': undefined,
    'is cut short': (...[, , , done]: Parameters<typeof fs.readv>): void => done?.(null, 5, []),
    'is interrupted': (...[, , , done]: Parameters<typeof fs.readv>): void => done?.(failure('EINTR'), 0, []),
  };

  it.each(Object.entries(answers))('loses none when the call %s', async (_, answer) => {
    if (answer !== undefined) {
      vi.mocked(fs.readv).mockImplementationOnce(answer as unknown as typeof fs.readv);
      vi.mocked(fs.writev).mockImplementationOnce(answer as unknown as typeof fs.writev);
    }
    const path = join(folder, 'disk.img');
    writeFileSync(path, new Uint8Array(SIZE));
    const disk = new RawFile(path, { force: true });
    await disk.writevBeside(0, cut(BYTES));
    const into = cut(new Uint8Array(SIZE));
    await disk.readvBeside(0, into);
    disk.close();
    expect(Buffer.concat(into).equals(BYTES)).toBe(true);
    expect(Buffer.from(readFileSync(path)).equals(BYTES)).toBe(true);
  });

  it('says what fails, and checks before it begins', async () => {
    const path = join(folder, 'disk.img');
    writeFileSync(path, new Uint8Array(SIZE));
    const disk = new RawFile(path);
    vi.mocked(fs.readvSync).mockImplementation(() => {
      throw failure('EIO');
    });
    vi.mocked(fs.readv).mockImplementationOnce(((...[, , , done]: Parameters<typeof fs.readv>) => done?.(failure('EIO'), 0, [])) as unknown as typeof fs.readv);
    await expect(disk.readvBeside(0, [new Uint8Array(512)])).rejects.toThrow(/can't read .*EIO/);
    await expect(disk.readvBeside(SIZE - 512, [new Uint8Array(1024)])).rejects.toThrow(/8192/);
    await expect(disk.writevBeside(SIZE, [new Uint8Array(512)])).rejects.toThrow(/8192/);
    // Nobody said that the image is raw: a look at the bytes and the write are one.
    const guessed = new RawFile(join(folder, 'disk.img'), { guessed: true, lock: false });
    const qcow2 = new Uint8Array(1024);
    qcow2.set([0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3]);
    vi.mocked(fs.writev).mockClear();
    await expect(guessed.writevBeside(0, [qcow2])).rejects.toThrow(/another format/);
    expect(vi.mocked(fs.writev)).not.toHaveBeenCalled();
    guessed.close();
    disk.close();
  });
});
