import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskImageError } from '../disk-image-error.js';
import type { ImageFile } from '../image-file.js';
import { MemoryFile } from '../image-file.js';
import { Qcow2Disk } from '../qcow2/qcow2-disk.js';
import { nodeDecompressors, openDisk } from './index.js';
import type { OpenDisk } from './index.js';
import { noQemuImg, qemuImg, qemuImgNote } from './qemu-img.testing.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qcow2-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
const all = (disk: OpenDisk | Qcow2Disk): Uint8Array => {
  const bytes = new Uint8Array(disk.size);
  void disk.read(0, bytes);
  return bytes;
};
const firstDifference = (a: Uint8Array, b: Uint8Array): number => (Buffer.compare(a, b) === 0 ? -1 : a.findIndex((byte, i) => byte !== b[i]));
const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof DiskImageError) return error.code;
    throw error;
  }
  return 'none';
};
/** What qemu-img reads from the image. */
const asRaw = (path: string): Uint8Array => {
  qemuImg(['convert', '-O', 'raw', path, at('as-raw')]);
  return readFileSync(at('as-raw'));
};

const SIZE = 2 << 20;
const noise = (length: number, seed: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  let x = seed * 2654435761 + 1;
  for (let i = 0; i < length; i++) {
    x = (x * 1103515245 + 12345) >>> 0;
    // Compressible, with runs of zeros.
    bytes[i] = (i >> 14) % 3 === 2 ? 0 : (x >>> 24) & 0x3f;
  }
  return bytes;
};

interface Kind {
  readonly name: string;
  readonly options: string;
  readonly prepare?: (path: string) => void;
}
const KINDS: readonly Kind[] = [
  { name: 'default', options: '' },
  { name: 'version 2', options: 'compat=0.10' },
  { name: 'clusters of 512 bytes', options: 'cluster_size=512' },
  { name: 'clusters of 2 MiB', options: 'cluster_size=2M' },
  { name: 'refcounts of one bit', options: 'refcount_bits=1,cluster_size=4096' },
  { name: 'refcounts of 64 bits', options: 'refcount_bits=64,cluster_size=4096' },
  { name: 'lazy refcounts', options: 'lazy_refcounts=on' },
  { name: 'extended L2 entries', options: 'extended_l2=on' },
  { name: 'preallocated metadata', options: 'preallocation=metadata' },
  { name: 'preallocated in full', options: 'preallocation=full,cluster_size=16k' },
  { name: 'an internal snapshot', options: 'cluster_size=4096', prepare: (path) => void qemuImg(['snapshot', '-c', 'before', path]) },
  { name: 'an internal snapshot, extended L2', options: 'cluster_size=16384,extended_l2=on', prepare: (path) => void qemuImg(['snapshot', '-c', 'before', path]) },
];

/** An image of `kind` with `contents`, by qemu-img. */
function make(kind: Kind, contents: Uint8Array, more: readonly string[] = []): string {
  writeFileSync(at('source'), contents);
  qemuImg(['convert', '-f', 'raw', '-O', 'qcow2', ...more, ...(kind.options === '' ? [] : ['-o', kind.options]), at('source'), at('disk.qcow2')]);
  kind.prepare?.(at('disk.qcow2'));
  return at('disk.qcow2');
}

describe.skipIf(noQemuImg)(`qcow2, with qemu-img${qemuImgNote}`, () => {
  it.each(KINDS)('$name: reads what qemu-img wrote', (kind) => {
    const contents = noise(SIZE, 1);
    const disk = openDisk(make(kind, contents), { readOnly: true });
    expect(firstDifference(all(disk), contents)).toBe(-1);
    disk.close();
  });

  it.each(['zlib', 'zstd'])('reads clusters compressed with %s, and writes over them', (type) => {
    for (const size of [4096, 65536]) {
      const contents = noise(SIZE, 2);
      const path = make({ name: '', options: `compression_type=${type},cluster_size=${size}` }, contents, ['-c']);
      expect(statSync(path).size).toBeLessThan(SIZE * 0.8);
      const disk = openDisk(path);
      expect(firstDifference(all(disk), contents)).toBe(-1);
      const data = noise(10_000 - (10_000 % 512), 3);
      for (const offset of [512, 70_144, 1 << 20]) {
        void disk.write(offset, data);
        contents.set(data, offset);
      }
      disk.close();
      qemuImg(['check', path]);
      expect(firstDifference(asRaw(path), contents)).toBe(-1);
    }
  });

  it.each(KINDS)('$name: after any writes qemu-img finds the image right, and the same data in it', (kind) => {
    const operation = fc.record({
      kind: fc.constantFrom('write', 'write', 'write', 'zero', 'discard', 'flush', 'reopen'),
      sector: fc.oneof(fc.nat(SIZE / 512 - 1), fc.constantFrom(0, 7, 8, 127, 128)),
      count: fc.oneof(fc.integer({ min: 1, max: 16 }), fc.constantFrom(128, 129, 700)),
      seed: fc.nat(1000),
    });
    fc.assert(
      fc.property(fc.array(operation, { minLength: 5, maxLength: 25 }), (operations) => {
        const contents = noise(SIZE, 1);
        const path = make(kind, contents);
        let disk = openDisk(path);
        for (const { kind: what, sector, count, seed } of operations) {
          const offset = sector * 512;
          const length = Math.min(count * 512, SIZE - offset);
          if (what === 'write') {
            const data = noise(length, seed);
            void disk.write(offset, data);
            contents.set(data, offset);
          } else if (what === 'zero' || what === 'discard') {
            if (what === 'zero') void disk.writeZeroes?.(offset, length, true);
            else void disk.discard?.(offset, length);
            contents.fill(0, offset, offset + length);
          } else if (what === 'flush') {
            void disk.flush();
          } else {
            disk.close();
            disk = openDisk(path);
          }
        }
        expect(firstDifference(all(disk), contents)).toBe(-1);
        disk.close();
        qemuImg(['check', path]);
        expect(firstDifference(asRaw(path), contents)).toBe(-1);
        if (kind.prepare !== undefined) {
          // The snapshot still has what was there when it was made.
          qemuImg(['snapshot', '-a', 'before', path]);
          expect(firstDifference(asRaw(path), noise(SIZE, 1))).toBe(-1);
        }
      }),
      { seed: 11, numRuns: 2 },
    );
  });

  it.each(['', 'extended_l2=on', 'compat=0.10', 'cluster_size=4k'])('writes over a backing file and leaves it as it is (%s)', (options) => {
    const below = noise(SIZE - 100 * 512, 5);
    writeFileSync(at('below.raw'), below);
    qemuImg(['create', '-q', '-f', 'qcow2', '-b', 'below.raw', '-F', 'raw', ...(options === '' ? [] : ['-o', options]), at('top.qcow2'), String(SIZE)]);
    const contents = new Uint8Array(SIZE);
    contents.set(below);
    const disk = openDisk(at('top.qcow2'));
    expect(firstDifference(all(disk), contents)).toBe(-1);
    for (const [offset, length] of [[1024, 512], [65536, 65536], [SIZE - 102 * 512, 4096], [1 << 20, 200_192]] as const) {
      const data = noise(length, offset);
      void disk.write(offset, data);
      contents.set(data, offset);
    }
    void disk.writeZeroes?.(3 << 19, 100_352, true);
    contents.fill(0, 3 << 19, (3 << 19) + 100_352);
    disk.close();
    qemuImg(['check', at('top.qcow2')]);
    expect(firstDifference(asRaw(at('top.qcow2')), contents)).toBe(-1);
    expect(firstDifference(readFileSync(at('below.raw')), below)).toBe(-1);
    expect(existsSync(at('below.raw.lock'))).toBe(false);
  });

  it('lists snapshots', () => {
    const path = make(KINDS[10] as Kind, noise(SIZE, 1));
    qemuImg(['snapshot', '-c', 'another one', path]);
    const disk = openDisk(path) as Qcow2Disk;
    expect(disk.snapshots.map(({ id, name, stateBytes }) => [id, name, stateBytes])).toEqual([['1', 'before', 0], ['2', 'another one', 0]]);
    expect(Math.abs((disk.snapshots[0]?.date ?? 0) - Date.now())).toBeLessThan(3_600_000);
    disk.close();
  });

  it('grows a refcount table that is too small', () => {
    qemuImg(['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=512', at('small.qcow2'), '64M']);
    const disk = openDisk(at('small.qcow2'));
    const data = noise(12 << 20, 9);
    for (let offset = 0; offset < data.length; offset += 1 << 20) void disk.write(offset, data.subarray(offset, offset + (1 << 20)));
    disk.close();
    qemuImg(['check', at('small.qcow2')]);
    expect(firstDifference(asRaw(at('small.qcow2')).subarray(0, data.length), data)).toBe(-1);
  });

  it('recounts an image that was left dirty', () => {
    const path = make({ name: '', options: 'lazy_refcounts=on,cluster_size=4096' }, noise(SIZE, 1));
    // As after a crash: the dirty bit is set, and the first refcount block says that nothing is used.
    const bytes = readFileSync(path);
    bytes[79] = (bytes[79] ?? 0) | 1;
    const table = Number(bytes.readBigUInt64BE(48));
    const block = Number(bytes.readBigUInt64BE(table));
    bytes.fill(0, block, block + 4096);
    writeFileSync(path, bytes);
    const disk = openDisk(path);
    void disk.write(0, noise(4096, 7));
    disk.close();
    qemuImg(['check', path]);
    expect(readFileSync(path)[79]).toBe(0);
  });

  it('keeps in a crash what was flushed, and leaves an image that is right', () => {
    for (const options of ['', 'cluster_size=512', 'extended_l2=on']) {
      const contents = noise(1 << 20, 1);
      // Clusters to allocate.
      contents.fill(0, 1 << 18);
      const original = readFileSync(make({ name: '', options }, contents));
      const log = new LoggedFile(Uint8Array.from(original));
      const disk = new Qcow2Disk(log, { decompressors: nodeDecompressors });
      const flushed: { at: number; contents: Uint8Array }[] = [{ at: 0, contents: contents.slice() }];
      for (let i = 0; i < 12; i++) {
        const offset = ((i * 137_777) % ((1 << 20) - 65536)) & ~511;
        const data = noise(((i % 4) + 1) * 8192, i + 50);
        if (i % 5 === 3) {
          disk.writeZeroes(offset, data.length, true);
          contents.fill(0, offset, offset + data.length);
        } else {
          disk.write(offset, data);
          contents.set(data, offset);
        }
        if (i % 3 === 2) {
          disk.flush();
          flushed.push({ at: log.events.length, contents: contents.slice() });
        }
      }
      disk.flush();
      flushed.push({ at: log.events.length, contents: contents.slice() });
      for (let cut = 0; cut <= log.events.length; cut += Math.max(1, Math.floor(log.events.length / 6))) {
        for (const lost of [false, true]) {
          const crashed = at('crashed.qcow2');
          writeFileSync(crashed, log.after(original, cut, lost));
          // 0: right; 3: clusters are leaked, nothing else.
          qemuImg(['check', crashed], [0, 3]);
          const found = openDisk(crashed);
          const bytes = all(found);
          found.close();
          // What was flushed last, but for what was written since: there it is either.
          const index = flushed.findLastIndex((each) => each.at <= cut);
          const [before, next] = [flushed[index], flushed[index + 1] ?? flushed[index]];
          const wrong = bytes.findIndex((byte, i) => byte !== before?.contents[i] && byte !== next?.contents[i]);
          expect(wrong, `${options}, after ${cut} of ${log.events.length}`).toBe(-1);
        }
      }
      log.close();
    }
  });

  it('refuses, or reads without harm, an image that is cut off anywhere', () => {
    const path = make({ name: '', options: 'cluster_size=512' }, noise(65536, 1));
    const whole = readFileSync(path);
    for (let length = 0; length < whole.length; length += length < 600 ? 13 : 1533) {
      writeFileSync(at('cut.qcow2'), whole.subarray(0, length));
      const code = codeOf(() => {
        const disk = openDisk(at('cut.qcow2'), { format: 'qcow2' });
        all(disk);
        disk.close();
      });
      expect(['none', 'corrupt', 'unsupported-format']).toContain(code);
    }
  });

  it('refuses, or works with, an image in which anything is anything', () => {
    const path = make({ name: '', options: 'cluster_size=512' }, noise(65536, 1), ['-c']);
    qemuImg(['snapshot', '-c', 's', path]);
    const whole = readFileSync(path);
    const header = whole.readBigUInt64BE(40);
    const place = fc.oneof(fc.nat(112), fc.nat(511), fc.nat(whole.length - 1), fc.nat(300).map((n) => Number(header) + n));
    fc.assert(
      fc.property(fc.array(fc.tuple(place, fc.oneof(fc.nat(255), fc.constantFrom(0, 0x40, 0x80, 0xff))), { minLength: 1, maxLength: 5 }), fc.boolean(), (changes, readOnly) => {
        const bytes = Uint8Array.from(whole);
        for (const [offset, value] of changes) bytes[offset] = value;
        const code = codeOf(() => {
          const disk = new Qcow2Disk(new MemoryFile(bytes), { readOnly, decompressors: nodeDecompressors });
          const into = new Uint8Array(Math.min(disk.size, 65536));
          disk.read(0, into);
          if (!readOnly) {
            disk.write(0, into.subarray(0, 4096));
            disk.flush();
          }
        });
        expect(['none', 'corrupt', 'unsupported-format', 'bad-option', 'out-of-range']).toContain(code);
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  it('refuses to write where that would destroy something else', () => {
    const path = make({ name: '', options: 'cluster_size=4096' }, noise(65536, 1));
    const bytes = readFileSync(path);
    const l1 = Number(bytes.readBigUInt64BE(40));
    const l2 = Number(bytes.readBigUInt64BE(l1) & 0x00ff_ffff_ffff_fe00n);
    // The first cluster's data is said to be where the L1 table is.
    bytes.writeBigUInt64BE(0x8000_0000_0000_0000n | BigInt(l1), l2);
    writeFileSync(path, bytes);
    expect(() => openDisk(path)).toThrow(/qemu-img check/);
    openDisk(path, { readOnly: true }).close();
  });

  it.each([
    ['loops of backing files', () => {
      qemuImg(['create', '-q', '-f', 'qcow2', at('a'), '1M']);
      qemuImg(['create', '-q', '-f', 'qcow2', '-b', 'a', '-F', 'qcow2', at('b'), '1M']);
      qemuImg(['rebase', '-u', '-b', 'b', '-F', 'qcow2', at('a')]);
      return at('a');
    }, /its own backing file/],
    ['a missing backing file', () => {
      qemuImg(['create', '-q', '-f', 'qcow2', '-u', '-b', 'nowhere', '-F', 'raw', at('a'), '1M']);
      return at('a');
    }, /nowhere/],
    ['a backing file over the network', () => {
      qemuImg(['create', '-q', '-f', 'qcow2', '-u', '-b', 'nbd://example.org/x', '-F', 'raw', at('a'), '1M']);
      return at('a');
    }, /is no file/],
    ['data in another file', () => {
      qemuImg(['create', '-q', '-f', 'qcow2', '-o', `data_file=${at('data')}`, at('a'), '1M']);
      return at('a');
    }, /keeps its data in another file/],
    ['encryption', () => {
      const bytes = readFileSync(make(KINDS[0] as Kind, noise(SIZE, 1)));
      bytes.writeUInt32BE(2, 32);
      writeFileSync(at('a'), bytes);
      return at('a');
    }, /is encrypted/],
  ] as const)('refuses %s', (_, prepare, message) => expect(() => openDisk(prepare())).toThrow(message));
});

/** Remembers writes and flushes, so that a test can say what a crash would have left. */
class LoggedFile implements ImageFile {
  readonly name = 'logged';
  readonly events: ({ readonly offset: number; readonly bytes: Uint8Array } | 'flush')[] = [];
  readonly #file: MemoryFile;

  constructor(contents: Uint8Array) {
    this.#file = new MemoryFile(contents);
  }

  get length(): number {
    return this.#file.length;
  }

  read(offset: number, into: Uint8Array): void {
    this.#file.read(offset, into);
  }

  write(offset: number, from: Uint8Array): void {
    this.events.push({ offset, bytes: from.slice() });
    this.#file.write(offset, from);
  }

  flush(): void {
    this.events.push('flush');
  }

  close(): void {}

  /** @param lost of what was written since the last flush every other write is lost, as in a power cut; otherwise none, as when a process is killed */
  after(original: Uint8Array, count: number, lost: boolean): Uint8Array {
    const file = new MemoryFile(Uint8Array.from(original));
    const happened = this.events.slice(0, count);
    const safe = happened.lastIndexOf('flush');
    happened.forEach((event, i) => {
      if (event !== 'flush' && !(lost && i > safe && i % 2 === 0)) file.write(event.offset, event.bytes);
    });
    return file.bytes;
  }
}

describe('a qcow2 image', () => {
  it('can be opened by one at a time for writing', () => {
    if (noQemuImg) return;
    qemuImg(['create', '-q', '-f', 'qcow2', at('a'), '1M']);
    const disk = openDisk(at('a'));
    expect(codeOf(() => openDisk(at('a')))).toBe('in-use');
    disk.close();
    openDisk(at('a')).close();
    copyFileSync(at('a'), at('b'));
  });
});
