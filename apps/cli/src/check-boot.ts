import type { BlockBackend } from '@pckit/interfaces';
import { deviceNames, type AttachedDisk } from './command-line.js';
import { readExtFile } from './ext-file.js';
import type { SerialOption } from './parse/serial-option.js';
import { formatSize } from './parse/size.js';

export interface BootToCheck {
  /** What the person wrote; a command line of ours has no traps. */
  readonly commandLine: string;
  readonly kernel: Uint8Array | undefined;
  readonly initrdBytes: number;
  readonly memoryBytes: number;
  readonly disks: readonly AttachedDisk[];
  readonly nics: number;
  readonly serials: readonly SerialOption[];
}

/** What user space takes at least, beside the kernel. */
const USER_SPACE = 32 << 20;

/**
 * The well-known traps of a kernel's command line, one line each: a machine that boots to a panic, or says nothing, is a poor way to learn of
 * them.
 */
export async function checkBoot(boot: BootToCheck): Promise<readonly string[]> {
  const words = boot.commandLine.split(/\s+/).filter((word) => word !== '');
  const value = (key: string): string | undefined => words.findLast((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);
  return [consoleTrap(words, boot.serials), rootTrap(value('root'), boot.disks), words.includes('nokaslr') ? 'nokaslr is not needed here: --gdb finds out where the kernel is' : undefined, memoryTrap(boot), await nameTrap(words, value('root'), boot)].filter(
    (warning) => warning !== undefined,
  );
}

function consoleTrap(words: readonly string[], serials: readonly SerialOption[]): string | undefined {
  const terminal = serials.findIndex(({ kind }) => kind === 'stdio');
  if (terminal < 0) return undefined;
  const consoles = words.filter((word) => word.startsWith('console='));
  if (consoles.length === 0) return `the command line has no console=ttyS${terminal}: Linux will say nothing here`;
  if (!consoles.some((word) => word.startsWith(`console=ttyS${terminal}`))) return `the command line has ${consoles.join(' ')}; the console here is console=ttyS${terminal}`;
  return undefined;
}

function rootTrap(root: string | undefined, disks: readonly AttachedDisk[]): string | undefined {
  const name = root === undefined ? undefined : /^\/dev\/((?:[shv]d[a-z]+|sr\d+|nvme\d+n\d+|mmcblk\d+))(?:p?\d+)?$/.exec(root)?.[1];
  if (name === undefined || root === undefined) return undefined;
  const names = deviceNames(disks);
  if (names.includes(`/dev/${name}`)) return undefined;
  if (names.length === 0) return `root=${root}: no disk is attached`;
  const kind = name.startsWith('vd') ? 'no virtio disk' : name.startsWith('sd') ? 'no disk on IDE or AHCI' : 'no such disk';
  return `root=${root}: ${kind} is attached there; the disks will be ${names.join(', ')}`;
}

/** The boot protocol's init_size (offset 260H of a bzImage): what the kernel needs from its load address on until it runs. */
function memoryTrap({ kernel, initrdBytes, memoryBytes }: BootToCheck): string | undefined {
  if (kernel === undefined || kernel.length < 0x264) return undefined;
  const view = new DataView(kernel.buffer, kernel.byteOffset, kernel.length);
  const isBzImage = view.getUint32(0x202, true) === 0x5372_6448 && view.getUint16(0x206, true) >= 0x20a;
  const kernelBytes = isBzImage ? view.getUint32(0x260, true) : kernel.length;
  // An initramfs is unpacked beside itself, at two to four times its size.
  const needed = kernelBytes + 4 * initrdBytes + USER_SPACE;
  return memoryBytes < needed ? `${formatSize(memoryBytes)} of memory is little for this kernel${initrdBytes > 0 ? ' and its initrd' : ''}: ${formatSize(needed)} or more would be safe` : undefined;
}

/** A card that udev calls ens3 (enp0s3 if the kernel has no CONFIG_ACPI_PCI_SLOT), and an image that configures eth0 (which create-image.sh of syzkaller makes). */
async function nameTrap(words: readonly string[], root: string | undefined, { disks, nics }: BootToCheck): Promise<string | undefined> {
  if (nics === 0 || words.includes('net.ifnames=0')) return undefined;
  const index = deviceNames(disks).indexOf(root ?? '');
  const disk: BlockBackend | undefined = disks[index]?.backend;
  if (disk === undefined) return undefined;
  const text = await readExtFile(disk, '/etc/network/interfaces');
  if (text === undefined || !/^\s*(?:auto|allow-hotplug|iface)\s+eth0\b/m.test(text)) return undefined;
  return 'the image configures eth0, and udev will call the card ens3 or enp0s3: add net.ifnames=0 to the command line';
}
