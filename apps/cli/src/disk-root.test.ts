import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryDisk } from '@pckit/disk-image';
import { RawFile } from '@pckit/disk-image/node';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findRoot } from './disk-root.js';

function disk(bytes: Uint8Array): MemoryDisk {
  return new MemoryDisk(bytes);
}

const MIB = 2 ** 20;

function ext4At(image: Buffer, start: number): Buffer {
  image.writeUInt16LE(0xef53, start + 1024 + 0x38);
  return image;
}

describe('findRoot', () => {
  it('finds nothing on an empty disk, and on a tiny one', async () => {
    expect(await findRoot(disk(Buffer.alloc(MIB)))).toBeUndefined();
    expect(await findRoot(disk(Buffer.alloc(512)))).toBeUndefined();
  });

  it('finds a file system on the whole disk', async () => {
    expect(await findRoot(disk(ext4At(Buffer.alloc(MIB), 0)))).toEqual({ partition: undefined, fileSystem: 'ext4' });
    const xfs = Buffer.alloc(MIB);
    xfs.write('XFSB');
    expect(await findRoot(disk(xfs))).toEqual({ partition: undefined, fileSystem: 'xfs' });
    const btrfs = Buffer.alloc(MIB);
    btrfs.write('_BHRfS_M', 65536 + 64);
    expect(await findRoot(disk(btrfs))).toEqual({ partition: undefined, fileSystem: 'btrfs' });
  });

  it('finds it in the second partition of an MBR', async () => {
    const image = Buffer.alloc(4 * MIB);
    image.writeUInt16LE(0xaa55, 510);
    image[446 + 4] = 0x82;
    image.writeUInt32LE(2048, 446 + 8);
    image[462 + 4] = 0x83;
    image.writeUInt32LE(4096, 462 + 8);
    expect(await findRoot(disk(ext4At(image, 2 * MIB)))).toEqual({ partition: 2, fileSystem: 'ext4' });
  });

  it('finds it in a GPT', async () => {
    const image = Buffer.alloc(4 * MIB);
    image.writeUInt16LE(0xaa55, 510);
    image[446 + 4] = 0xee;
    image.write('EFI PART', 512);
    image.writeBigUInt64LE(2n, 512 + 72);
    image.writeUInt32LE(128, 512 + 80);
    image.writeUInt32LE(128, 512 + 84);
    for (const [index, start] of [
      [0, 2048n],
      [4, 4096n],
    ] as const) {
      image.fill(0xab, 1024 + 128 * index, 1024 + 128 * index + 32);
      image.writeBigUInt64LE(start, 1024 + 128 * index + 32);
    }
    expect(await findRoot(disk(ext4At(image, 2 * MIB)))).toEqual({ partition: 5, fileSystem: 'ext4' });
  });

  const mke2fs = spawnSync('mke2fs', ['-V']).error === undefined;
  it.skipIf(!mke2fs && process.env.PCKIT_REQUIRE_TOOLS !== '1')('finds what mke2fs made (needs e2fsprogs)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pckit-root-'));
    try {
      const path = join(folder, 'disk.img');
      writeFileSync(path, '');
      truncateSync(path, 8 * MIB);
      execFileSync('mke2fs', ['-q', '-t', 'ext4', path]);
      const file = new RawFile(path, { readOnly: true });
      expect(await findRoot(file)).toEqual({ partition: undefined, fileSystem: 'ext4' });
      await file.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('survives any partition table', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1536, maxLength: 4096 }), fc.boolean(), async (noise, gpt) => {
        const image = Buffer.alloc(Math.ceil(noise.length / 512) * 512);
        image.set(noise);
        image.writeUInt16LE(0xaa55, 510);
        if (gpt) {
          image[450] = 0xee;
          image.write('EFI PART', 512);
        }
        const found = await findRoot(disk(image));
        expect(found === undefined || found.fileSystem.length > 0).toBe(true);
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});
