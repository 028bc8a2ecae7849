import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryDisk } from '@pckit/disk-image';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkBoot, type BootToCheck } from './check-boot.js';
import type { AttachedDisk } from './command-line.js';
import { readExtFile } from './ext-file.js';

const disk = (kind?: 'ide' | 'ahci'): AttachedDisk => ({ backend: new MemoryDisk(4096), ...(kind === undefined ? {} : { interface: kind }) });
const check = (commandLine: string, more: Partial<BootToCheck> = {}): Promise<readonly string[]> =>
  checkBoot({ commandLine, kernel: undefined, initrdBytes: 0, memoryBytes: 1 << 30, disks: [disk('ide')], nics: 0, serials: [{ kind: 'stdio' }], ...more });

const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
const noMke2fs = process.env['PCKIT_REQUIRE_TOOLS'] !== '1' && spawnSync('mke2fs', ['-V'], { env }).error !== undefined;

/** An ext4 file system with a file in it. */
function image(text: string, options: readonly string[] = []): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'ext-'));
  try {
    mkdirSync(join(folder, 'root/etc/network'), { recursive: true });
    writeFileSync(join(folder, 'root/etc/network/interfaces'), text);
    const { status, stderr } = spawnSync('mke2fs', ['-q', '-t', 'ext4', ...options, '-d', join(folder, 'root'), join(folder, 'image'), '8M'], { env, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, expect.anything()]);
    return readFileSync(join(folder, 'image'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('the check of a command line', () => {
  it('has nothing to say about a good one', async () => {
    expect(await check('console=ttyS0 root=/dev/sda rw')).toEqual([]);
    expect(await check('console=ttyS0,115200 root=/dev/sda1 rw')).toEqual([]);
    expect(await check('console=ttyS0 root=UUID=1234')).toEqual([]);
  });

  it('knows a root that no controller will give', async () => {
    expect(await check('console=ttyS0 root=/dev/vda')).toEqual(['root=/dev/vda: no virtio disk is attached there; the disks will be /dev/sda']);
    expect(await check('console=ttyS0 root=/dev/sda1', { disks: [disk()] })).toEqual(['root=/dev/sda1: no disk on IDE or AHCI is attached there; the disks will be /dev/vda']);
    expect(await check('console=ttyS0 root=/dev/hda', { disks: [] })).toEqual(['root=/dev/hda: no disk is attached']);
  });

  it('misses a console', async () => {
    expect(await check('root=/dev/sda')).toEqual(['the command line has no console=ttyS0: Linux will say nothing here']);
    expect(await check('root=/dev/sda console=tty0')).toEqual(['the command line has console=tty0; the console here is console=ttyS0']);
    expect(await check('root=/dev/sda', { serials: [{ kind: 'none' }] })).toEqual([]);
  });

  it('says that nokaslr is not needed', async () => expect(await check('console=ttyS0 root=/dev/sda nokaslr')).toEqual([expect.stringContaining('nokaslr is not needed')]));

  it('counts the memory that the kernel and its initrd need', async () => {
    const kernel = new Uint8Array(4096);
    const view = new DataView(kernel.buffer);
    view.setUint32(0x202, 0x5372_6448, true);
    view.setUint16(0x206, 0x20f, true);
    view.setUint32(0x260, 40 << 20, true);
    expect(await check('console=ttyS0', { kernel, memoryBytes: 128 << 20 })).toEqual([]);
    expect(await check('console=ttyS0', { kernel, memoryBytes: 64 << 20 })).toEqual([expect.stringMatching(/^64.0 MiB of memory is little for this kernel: 72.0 MiB/)]);
    expect(await check('console=ttyS0', { kernel, initrdBytes: 30 << 20, memoryBytes: 128 << 20 })).toEqual([expect.stringContaining('and its initrd')]);
  });

  it.skipIf(noMke2fs)(`finds an eth0 in the image that udev will rename${noMke2fs ? ' (skipped: no mke2fs)' : ''}`, async () => {
    const eth0 = { backend: new MemoryDisk(image('auto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet dhcp\n')), interface: 'ide' } as const;
    const line = 'console=ttyS0 root=/dev/sda';
    expect(await check(line, { disks: [eth0], nics: 1 })).toEqual([expect.stringContaining('add net.ifnames=0')]);
    expect(await check(`${line} net.ifnames=0`, { disks: [eth0], nics: 1 })).toEqual([]);
    expect(await check(line, { disks: [eth0] })).toEqual([]);
    const other = { backend: new MemoryDisk(image('allow-hotplug ens3\n', ['-b', '1024'])), interface: 'ide' } as const;
    expect(await check(line, { disks: [other], nics: 1 })).toEqual([]);
  });
});

describe.skipIf(noMke2fs)('a file on an ext4 disk', () => {
  it('is read, whatever the blocks and features', async () => {
    for (const options of [[], ['-b', '1024'], ['-O', '^extent,^64bit'], ['-b', '4096', '-I', '128']]) {
      const bytes = image('text\n', options);
      expect(await readExtFile(new MemoryDisk(bytes), '/etc/network/interfaces')).toBe('text\n');
      expect(await readExtFile(new MemoryDisk(bytes), '/etc/network/nothing')).toBeUndefined();
      expect(await readExtFile(new MemoryDisk(bytes), '/etc/network')).toBeUndefined();
    }
  });

  it('is undefined, and nothing else happens, on a disk on which anything is anything', async () => {
    const whole = image('text\n', ['-b', '1024']);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.oneof(fc.nat(4096), fc.nat(200_000)), fc.nat(255)), { maxLength: 20 }), fc.constantFrom(8 << 20, 4096, 65536), async (changes, length) => {
        const bytes = whole.slice(0, length);
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        const text = await readExtFile(new MemoryDisk(bytes), '/etc/network/interfaces');
        expect(text === undefined || text.length <= 65536).toBe(true);
      }),
      { seed: 8, numRuns: 200 },
    );
  });
});
