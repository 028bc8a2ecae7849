import { DISK_FORMATS, type DiskFormat } from '@pckit/disk-image';
import type { DiskInterface } from '@pckit/machine';
import { CliError } from '../cli-error.js';

/** `--disk FILE[,ro][,overlay][,if=virtio|ide|ahci][,cdrom][,format=raw|qcow2|...]` */
export interface DiskOption {
  readonly path: string;
  /** The guest sees a write-protected disk. */
  readonly readOnly: boolean;
  /** The guest's writes are kept in memory and forgotten at the end; the file stays as it is. */
  readonly overlay: boolean;
  /** What it is attached to; virtio when absent. */
  readonly interface?: DiskInterface;
  /** A CD-ROM drive with the file as its disc. */
  readonly cdrom?: true;
  /** Found out when absent. */
  readonly format?: DiskFormat;
  /** Position on its controller; of -hda on IDE it is 0, of -hdd 3. */
  readonly unit?: number;
}

export const DISK_INTERFACES: readonly DiskInterface[] = ['virtio', 'ide', 'ahci'];

const FLAGS = 'The flags are ro, overlay, cdrom, if=virtio|ide|ahci and format=raw|qcow2: --disk FILE,ro or --disk FILE,if=ide,overlay.';

export function parseDisk(text: string): DiskOption {
  let path = text;
  let readOnly = false;
  let overlay = false;
  let cdrom = false;
  let kind: DiskInterface | undefined;
  let format: DiskFormat | undefined;
  // Flags stand at the end, so that a path may contain commas.
  for (;;) {
    const comma = path.lastIndexOf(',');
    const flag = comma < 0 ? '' : path.slice(comma + 1);
    if (flag === 'ro') readOnly = true;
    else if (flag === 'overlay') overlay = true;
    else if (flag === 'cdrom') cdrom = true;
    else if (flag.startsWith('if=')) {
      kind = DISK_INTERFACES.find((name) => name === flag.slice(3));
      if (kind === undefined) throw new CliError('usage', `--disk: there is no interface "${flag.slice(3)}"`, `The interfaces are ${DISK_INTERFACES.join(', ')}.`);
    } else if (flag.startsWith('format=')) {
      format = DISK_FORMATS.find((name) => name === flag.slice(7));
      if (format === undefined) throw new CliError('usage', `--disk: there is no format "${flag.slice(7)}"`, `The formats are ${DISK_FORMATS.join(', ')}.`);
    } else if (/^[a-z]{1,12}$/.test(flag)) {
      throw new CliError('usage', `--disk: "${flag}" in "${text}" is not a flag`, FLAGS);
    } else break;
    path = path.slice(0, comma);
  }
  if (path === '') throw new CliError('usage', `--disk: "${text}" names no file`, 'Write --disk FILE[,ro][,overlay][,if=ide][,cdrom].');
  if (readOnly && overlay) {
    throw new CliError('usage', `--disk: "${text}" is both ro and overlay`, 'ro: the guest can\'t write. overlay: its writes are forgotten at the end. Choose one.');
  }
  if (cdrom && kind === 'virtio') throw new CliError('usage', `--disk: "${text}" is a CD-ROM on virtio`, 'A CD-ROM is attached to ide or ahci.');
  const known = format === undefined ? {} : { format };
  if (cdrom) return { path, readOnly: true, overlay: false, interface: kind ?? 'ide', cdrom, ...known };
  return { path, readOnly, overlay, ...(kind === undefined || kind === 'virtio' ? {} : { interface: kind }), ...known };
}
