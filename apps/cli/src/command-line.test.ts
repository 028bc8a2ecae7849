import { MemoryDisk } from '@pckit/disk-image';
import { describe, expect, it } from 'vitest';
import { defaultCommandLine, deviceNames, type AttachedDisk } from './command-line.js';

const disk = (attached: Omit<AttachedDisk, 'backend'> = {}, magic = false): AttachedDisk => {
  const bytes = new Uint8Array(8192);
  // s_magic of ext4.
  if (magic) bytes.set([0x53, 0xef], 1024 + 0x38);
  return { backend: new MemoryDisk(bytes), ...attached };
};

describe('deviceNames', () => {
  it('follows each kind of disk in the order that Linux finds them', () => {
    const disks = [disk(), disk({ interface: 'ide', unit: 3 }), disk({ interface: 'ide', cdrom: true }), disk(), disk({ interface: 'ide' })];
    expect(deviceNames(disks)).toEqual(['/dev/vda', '/dev/sdb', '/dev/sr0', '/dev/vdb', '/dev/sda']);
  });
});

describe('defaultCommandLine', () => {
  it('names the first disk with a file system as root, by the name that it will have', async () => {
    const serials = [{ kind: 'stdio' }] as const;
    expect(await defaultCommandLine({ serials, disks: [disk(), disk({ interface: 'ide' }, true)] })).toBe('console=ttyS0 root=/dev/sda rw');
    expect(await defaultCommandLine({ serials, disks: [disk({ interface: 'ide', cdrom: true }, true), disk({}, true)] })).toBe('console=ttyS0 root=/dev/vda rw');
  });
});
