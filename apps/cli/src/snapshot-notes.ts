import { resolve } from 'node:path';
import type { Plain } from '@pckit/interfaces';
import { isPlainObject } from './plain-object.js';
import type { Unpack } from './commands/boot-options.js';
import type { DiskOption } from './parse/disk-option.js';
import type { NetOption, NicOption } from './parse/net-option.js';

/**
 * What a snapshot of ours says about the machine it was taken of, so that `--resume FILE` alone builds the same one again. In the file, paths are
 * absolute.
 */
export interface SnapshotNotes {
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly cpuModel?: string;
  readonly deterministic: boolean;
  readonly seed: number;
  readonly kernel?: string;
  readonly guest: string;
  readonly initrd?: string;
  readonly commandLine: string;
  readonly disks: readonly DiskOption[];
  /** What the guest wrote to the disks with overlay, by position. */
  readonly overlays: Readonly<Record<string, Plain>>;
  /** Number of UARTs. */
  readonly serialPorts: number;
  /** Networks and cards, as they were asked for. */
  readonly nets: readonly NetOption[];
  readonly nics: readonly NicOption[];
  /** What networks had under way, by position; of those that end with the process. */
  readonly underWay?: Readonly<Record<string, Plain>>;
  /** Who unpacks the kernel when the guest restarts. */
  readonly unpack?: Unpack;
}

export function notesOf(notes: SnapshotNotes): Plain {
  const { kernel, initrd, cpuModel, disks, nets, nics, ...rest } = notes;
  return {
    version: 1,
    ...rest,
    ...(cpuModel === undefined ? {} : { cpuModel }),
    ...(kernel === undefined ? {} : { kernel: resolve(kernel) }),
    ...(initrd === undefined ? {} : { initrd: resolve(initrd) }),
    disks: disks.map((disk) => ({ ...disk, path: resolve(disk.path) })),
    nets: nets.map(plain),
    nics: nics.map(plain),
  };
}

/** @returns undefined for notes that aren't ours: another program's snapshot */
export function readNotes(notes: Plain | undefined): SnapshotNotes | undefined {
  if (!isPlainObject(notes) || notes['version'] !== 1) return undefined;
  const { memoryBytes, cpus, cpuModel, deterministic, seed, kernel, guest, initrd, commandLine, disks, overlays, serialPorts, nets, nics, underWay, unpack } = notes;
  if (typeof memoryBytes !== 'number' || typeof cpus !== 'number' || typeof deterministic !== 'boolean' || typeof seed !== 'number') return undefined;
  if (typeof guest !== 'string' || typeof commandLine !== 'string' || typeof serialPorts !== 'number') return undefined;
  if (!Array.isArray(disks) || !disks.every(isDisk) || !isPlainObject(overlays)) return undefined;
  return {
    memoryBytes,
    cpus,
    deterministic,
    seed,
    guest,
    commandLine,
    disks,
    overlays: overlays as Record<string, Plain>,
    serialPorts,
    // Snapshots from before there were networks have none.
    nets: Array.isArray(nets) ? (nets as unknown as NetOption[]) : [],
    nics: Array.isArray(nics) ? (nics as unknown as NicOption[]) : [],
    ...(isPlainObject(underWay) ? { underWay: underWay as Record<string, Plain> } : {}),
    ...(typeof cpuModel === 'string' ? { cpuModel } : {}),
    ...(typeof kernel === 'string' ? { kernel } : {}),
    ...(typeof initrd === 'string' ? { initrd } : {}),
    ...(unpack === 'host' || unpack === 'guest' ? { unpack } : {}),
  };
}

/** Options have only plain fields, which their types don't say. */
function plain(option: NetOption | NicOption): Plain {
  return { ...option } as unknown as Plain;
}

function isDisk(value: unknown): value is DiskOption {
  return isPlainObject(value) && typeof value['path'] === 'string' && typeof value['readOnly'] === 'boolean' && typeof value['overlay'] === 'boolean';
}
