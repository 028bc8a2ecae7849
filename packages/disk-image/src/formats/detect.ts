/** What a file is, by its magic numbers. */
export type DiskFormat = 'raw' | 'qcow2' | 'vmdk' | 'vhd' | 'vhdx';
export const DISK_FORMATS: readonly DiskFormat[] = ['raw', 'qcow2', 'vmdk', 'vhd', 'vhdx'];

/** Bytes from the beginning that are looked at, and from the end. */
export const HEAD_BYTES = 512;
export const TAIL_BYTES = 512;

const READABLE: readonly (readonly [magic: string, at: number, format: DiskFormat])[] = [
  ['QFI\xfb', 0, 'qcow2'],
  ['KDMV', 0, 'vmdk'],
  ['# Disk DescriptorFile', 0, 'vmdk'],
  ['vhdxfile', 0, 'vhdx'],
  ['conectix', 0, 'vhd'],
];

/** What is no disk, or a disk in a format that isn't read here; with the words for it. */
const OTHERS: readonly (readonly [magic: string, at: number, what: string])[] = [
  ['COWD', 0, 'a VMDK image of ESX'],
  ['\x7f\x10\xda\xbe', 64, 'a VirtualBox (VDI) image'],
  ['QED\0', 0, 'a QED image'],
  ['WithoutFreeSpace', 0, 'a Parallels image'],
  ['WithouFreSpacExt', 0, 'a Parallels image'],
  ['LUKS\xba\xbe', 0, 'a LUKS volume'],
  ['\x1f\x8b', 0, 'a gzip file'],
  ['\xfd7zXZ\0', 0, 'an xz file'],
  ['\x28\xb5\x2f\xfd', 0, 'a Zstandard file'],
  ['BZh', 0, 'a bzip2 file'],
  ['PK\x03\x04', 0, 'a zip file'],
  ['\x7fELF', 0, 'an ELF file'],
];

export type Detected = { readonly format: DiskFormat } | { readonly other: string };

/** @param tail the last 512 bytes: a fixed VHD has its magic there only */
export function detectFormat(head: Uint8Array, tail: Uint8Array): Detected {
  const has = (bytes: Uint8Array, magic: string, at: number): boolean => {
    for (let i = 0; i < magic.length; i++) if (bytes[at + i] !== magic.charCodeAt(i)) return false;
    return true;
  };
  for (const [magic, at, format] of READABLE) {
    if (!has(head, magic, at)) continue;
    // The version tells qcow2 from its predecessor.
    if (format === 'qcow2' && head[7] === 1) return { other: 'a qcow image of version 1' };
    return { format };
  }
  for (const [magic, at, what] of OTHERS) if (has(head, magic, at)) return { other: what };
  if (has(tail, 'conectix', 0)) return { format: 'vhd' };
  return { format: 'raw' };
}
