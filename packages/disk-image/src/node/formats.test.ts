import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskImageError } from '../disk-image-error.js';
import { openVhd } from '../formats/vhd.js';
import { openVhdx } from '../formats/vhdx.js';
import { openVmdk } from '../formats/vmdk.js';
import { MemoryFile } from '../image-file.js';
import { formatOf, nodeDecompressors, openDisk } from './index.js';
import type { OpenDisk } from './index.js';
import { noQemuImg, qemuImg, qemuImgNote } from './qemu-img.testing.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'formats-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
const SIZE = 3 << 20;
const contents = Uint8Array.from({ length: SIZE }, (_, i) => ((i >> 16) % 3 === 1 ? 0 : (i * 7 + (i >> 9)) & 0xff));
const all = (disk: OpenDisk): Uint8Array => {
  const bytes = new Uint8Array(disk.size);
  void disk.read(0, bytes);
  return bytes;
};

const FORMATS = [
  ['vmdk', 'vmdk', 'subformat=monolithicSparse'],
  ['vmdk', 'vmdk', 'subformat=monolithicFlat'],
  ['vmdk', 'vmdk', 'subformat=twoGbMaxExtentSparse'],
  ['vmdk', 'vmdk', 'subformat=twoGbMaxExtentFlat'],
  ['vmdk', 'vmdk', 'subformat=streamOptimized'],
  ['vhd', 'vpc', 'subformat=dynamic,force_size=on'],
  ['vhd', 'vpc', 'subformat=fixed,force_size=on'],
  ['vhdx', 'vhdx', 'subformat=dynamic'],
  ['vhdx', 'vhdx', 'subformat=fixed'],
] as const;

function make(driver: string, options: string): string {
  writeFileSync(at('source'), contents);
  qemuImg(['convert', '-f', 'raw', '-O', driver, '-o', options, at('source'), at('disk')]);
  return at('disk');
}

describe.skipIf(noQemuImg)(`images of others${qemuImgNote}`, () => {
  it.each(FORMATS)('%s (%s, %s) is read as qemu-img wrote it, and not written', (format, driver, options) => {
    const path = make(driver, options);
    expect(formatOf(path)).toBe(format);
    const disk = openDisk(path, { readOnly: true });
    expect(disk.size).toBeGreaterThanOrEqual(SIZE);
    expect(Buffer.compare(all(disk).subarray(0, SIZE), contents)).toBe(0);
    expect(disk.readOnly).toBe(true);
    disk.close();
    expect(() => openDisk(path)).toThrow('which is only read');
    // An overlay leaves it as it is.
    const overlay = openDisk(path, { overlay: true });
    void overlay.write(0, new Uint8Array(512).fill(1));
    overlay.close();
  });

  it.each(FORMATS)('%s (%s, %s) is refused, or read without harm, with anything changed or cut off', (format, driver, options) => {
    const path = make(driver, options);
    const whole = readFileSync(path);
    const open = (bytes: Uint8Array): void => {
      const file = new MemoryFile(bytes);
      const extents = { decompressors: nodeDecompressors, openExtent: () => new MemoryFile(bytes) };
      const disk = format === 'vmdk' ? openVmdk(file, extents) : format === 'vhd' ? openVhd(file) : openVhdx(file);
      void disk.read(0, new Uint8Array(Math.min(disk.size, 300_032)));
      void disk.read(Math.max(0, disk.size - 65536), new Uint8Array(Math.min(disk.size, 65536)));
    };
    const harmless = (act: () => void): void => {
      try {
        act();
      } catch (error) {
        if (!(error instanceof DiskImageError)) throw error;
      }
    };
    for (const length of [0, 1, 100, 511, 512, 513, 1000, 1024, 4096, 65536, 70_000, 200_000, 1 << 20]) harmless(() => open(Uint8Array.from(whole.subarray(0, length))));
    const place = fc.oneof(fc.nat(1024), fc.nat(0x5_0000), fc.nat(whole.length - 1), fc.nat(600).map((n) => whole.length - 1 - n)).map((n) => Math.max(0, n % whole.length));
    fc.assert(
      fc.property(fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 4 }), (changes) => {
        const old = changes.map(([offset]) => whole[offset] as number);
        for (const [offset, value] of changes) whole[offset] = value;
        harmless(() => open(whole));
        changes.forEach(([offset], i) => (whole[offset] = old[i] as number));
      }),
      { seed: 5, numRuns: 40 },
    );
  });

  it('names the parent that a difference needs', () => {
    qemuImg(['create', '-q', '-f', 'vmdk', at('base'), '1M']);
    qemuImg(['create', '-q', '-f', 'vmdk', '-b', 'base', '-F', 'vmdk', at('difference')]);
    expect(() => openDisk(at('difference'), { readOnly: true })).toThrow('is a difference to another image');
  });
});

describe('a file without a format', () => {
  it('is refused when it looks like something else, unless it is said to be raw', () => {
    for (const [head, what] of [
      [[0x1f, 0x8b, 8, 0], 'gzip'],
      [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], 'an xz file'],
      [[...Buffer.from('QED\0')], 'QED'],
    ] as const) {
      const bytes = new Uint8Array(4096);
      bytes.set(head);
      writeFileSync(at('file'), bytes);
      expect(() => openDisk(at('file'))).toThrow(what);
      openDisk(at('file'), { format: 'raw' }).close();
    }
  });

  it('stays raw whatever the guest writes into its first sector', () => {
    writeFileSync(at('file'), new Uint8Array(4096));
    const guess = openDisk(at('file'));
    const head = new Uint8Array(512);
    head.set(Buffer.from('QFI\xfb\0\0\0\x03', 'latin1'));
    expect(() => guess.write(0, head)).toThrow('the beginning of another format');
    void guess.write(512, head);
    head[0] = 0;
    void guess.write(0, head);
    guess.close();
    const told = openDisk(at('file'), { format: 'raw' });
    head[0] = 0x51;
    void told.write(0, head);
    told.close();
    expect(formatOf(at('file'))).toBe('qcow2');
  });
});
