import type { BlockBackend } from '@pckit/interfaces';
import type { DiskInterface } from '@pckit/machine';
import { findRoot } from './disk-root.js';
import type { SerialOption } from './parse/serial-option.js';
import type { TerminalSize } from './terminal/host-terminal.js';

export interface AttachedDisk {
  readonly backend: BlockBackend;
  readonly interface?: DiskInterface;
  readonly cdrom?: boolean;
  readonly unit?: number;
}

/** What Linux calls the disks, in their order: /dev/vda, /dev/sda, /dev/sr0 ... */
export function deviceNames(disks: readonly AttachedDisk[]): readonly string[] {
  // The SCSI names go by controller, IDE first as its PCI device is, and by position there. (A kernel with both drivers built in probes AHCI first: with hard disks on
  // both controllers only a file system's UUID is sure.)
  const placed = (['ide', 'ahci'] as const).flatMap((kind) => {
    const ours = disks.map((disk, index) => ({ disk, index })).filter(({ disk }) => disk.interface === kind);
    const taken = new Set(ours.map(({ disk }) => disk.unit));
    let free = 0;
    const units = ours.map(({ disk, index }) => {
      let unit = disk.unit;
      if (unit === undefined) {
        while (taken.has(free)) free++;
        unit = free++;
      }
      return { index, unit, cdrom: disk.cdrom === true };
    });
    return units.sort((a, b) => a.unit - b.unit);
  });
  const names: string[] = [];
  let hard = 0;
  let optical = 0;
  for (const { index, cdrom } of placed) names[index] = cdrom ? `/dev/sr${optical++}` : `/dev/sd${letter(hard++)}`;
  let virtio = 0;
  disks.forEach((_, index) => (names[index] ??= `/dev/vd${letter(virtio++)}`));
  return names;
}

function letter(index: number): string {
  return String.fromCharCode(0x61 + index);
}

export interface CommandLineContext {
  readonly serials: readonly SerialOption[];
  readonly disks: readonly AttachedDisk[];
  /** Tells our own init how large the window is. */
  readonly size?: TerminalSize | undefined;
}

/** The kernel command line for those who gave none: a console where they can see it, and the first disk that can be booted from as root. */
export async function defaultCommandLine({ serials, disks, size }: CommandLineContext): Promise<string> {
  const terminal = serials.findIndex(({ kind }) => kind === 'stdio');
  const first = serials.findIndex(({ kind }) => kind !== 'none');
  const words = [`console=ttyS${terminal >= 0 ? terminal : Math.max(first, 0)}`];
  const names = deviceNames(disks);
  for (const [index, { backend, cdrom }] of disks.entries()) {
    const root = cdrom === true ? undefined : await findRoot(backend);
    if (root === undefined) continue;
    words.push(`root=${names[index] as string}${root.partition ?? ''}`, backend.readOnly ? 'ro' : 'rw');
    break;
  }
  if (size !== undefined) words.push(`pckit.rows=${size.rows}`, `pckit.columns=${size.columns}`);
  return words.join(' ');
}
