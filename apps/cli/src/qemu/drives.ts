import { DISK_FORMATS, type DiskFormat } from '@pckit/disk-image';
import { CliError } from '../cli-error.js';
import type { DiskOption } from '../parse/disk-option.js';
import { KeyValues } from './key-values.js';

/** A drive or block node that a -device names. */
interface Source {
  readonly path: string;
  readonly format?: DiskFormat;
  readonly readOnly: boolean;
  readonly overlay: boolean;
}

/** Which controller "ide" means: the machine's own. */
export type IdeBus = 'ide' | 'ahci';

const DRIVE_KEYS = 'file, if=ide|virtio|none, format=raw|qcow2|vmdk|vpc|vhdx, index, media=disk|cdrom, readonly, snapshot, id';
/** How the host does it; nothing that a guest sees. */
const HOST_KEYS = ['cache', 'aio', 'discard', 'detect-zeroes', 'werror', 'rerror', 'copy-on-read', 'auto-read-only', 'cache.direct', 'cache.no-flush', 'cache.writeback', 'file.locking', 'locking', 'force-share'];

/** -hda, -cdrom, -drive, -blockdev and the devices that use them, in the order in which they are written. */
export class Drives {
  readonly disks: DiskOption[] = [];
  readonly #sources = new Map<string, Source>();
  readonly #used = new Set<string>();
  readonly #controllers = new Map<string, number>();
  /** -blockdev nodes of protocols, and formats above them. */
  readonly #files = new Map<string, { readonly path: string; readonly readOnly: boolean }>();

  constructor(private readonly ide: IdeBus) {}

  /** `-hda FILE` */
  hd(unit: number, path: string): void {
    this.disks.push({ path, readOnly: false, overlay: false, interface: this.ide, unit });
  }

  cdrom(path: string): void {
    this.disks.push({ path, readOnly: true, overlay: false, interface: this.ide, cdrom: true, unit: 2 });
  }

  drive(text: string): void {
    const values = new KeyValues('-drive', text);
    for (const key of HOST_KEYS) values.take(key);
    const path = values.take('file', 'file.filename');
    const kind = values.take('if') ?? 'ide';
    const media = values.take('media') ?? 'disk';
    const readOnly = values.takeBoolean('readonly') ?? values.takeBoolean('read-only') ?? false;
    const overlay = values.takeBoolean('snapshot') ?? false;
    const format = formatNamed('-drive', values.take('format', 'driver'));
    const index = values.takeNumber('index');
    const bus = values.takeNumber('bus');
    const unit = values.takeNumber('unit');
    const id = values.take('id');
    values.takeAll('serial');
    values.expectNoMore(DRIVE_KEYS);
    if (path === undefined || path === '') throw new CliError('usage', `-drive ${text} names no file`, `Write -drive file=FILE. What there is: ${DRIVE_KEYS}.`);
    const source: Source = { path, readOnly: readOnly || media === 'cdrom', overlay: overlay && !readOnly && media !== 'cdrom', ...(format === undefined ? {} : { format }) };
    if (kind === 'none') {
      if (id === undefined) throw new CliError('usage', `-drive ${text}: with if=none nothing can use it without id=`, 'Add id=NAME, and a -device with drive=NAME.');
      this.#sources.set(id, source);
    } else if (kind === 'virtio') {
      if (media === 'cdrom') throw new CliError('usage', `-drive ${text}: a CD-ROM is attached to ide`, 'Leave if=virtio out.');
      this.disks.push(source);
    } else if (kind === 'ide') {
      const position = index ?? (bus === undefined && unit === undefined ? undefined : 2 * (bus ?? 0) + (unit ?? 0)) ?? (media === 'cdrom' ? 2 : undefined);
      this.disks.push({ ...source, interface: this.ide, ...(media === 'cdrom' ? { cdrom: true } : {}), ...(position === undefined ? {} : { unit: position }) });
    } else {
      throw new CliError('usage', `-drive ${text}: pckit has no if=${kind}`, 'The interfaces are ide, virtio and none; -device ahci has disks on AHCI.');
    }
  }

  blockdev(text: string): void {
    const values = new KeyValues('-blockdev', text, 'driver');
    for (const key of HOST_KEYS) values.take(key);
    const driver = values.take('driver') ?? '';
    const name = values.take('node-name');
    const readOnly = values.takeBoolean('read-only') ?? false;
    for (const key of HOST_KEYS) values.take(`file.${key}`);
    const filename = values.take('filename');
    const file = values.take('file');
    const inner = values.take('file.filename');
    values.take('file.driver');
    values.expectNoMore('driver=file|raw|qcow2|vmdk|vpc|vhdx, node-name, filename, file, file.driver=file, file.filename, read-only');
    if (name === undefined) throw new CliError('usage', `-blockdev ${text} has no node-name`, 'A -device names it: -blockdev driver=file,node-name=disk,filename=FILE -device virtio-blk-pci,drive=disk.');
    if (driver === 'file') {
      if (filename === undefined) throw new CliError('usage', `-blockdev ${text} names no file`, 'Add filename=FILE.');
      this.#files.set(name, { path: filename, readOnly });
      // As QEMU has it: a protocol node used as a disk is raw.
      this.#sources.set(name, { path: filename, readOnly, overlay: false, format: 'raw' });
      return;
    }
    const format = formatNamed('-blockdev', driver);
    const below = inner === undefined ? this.#files.get(file ?? '') : { path: inner, readOnly: false };
    if (below === undefined) throw new CliError('usage', `-blockdev ${text}: there is no node ${JSON.stringify(file ?? '')} before it`, 'Name the file with file.driver=file,file.filename=FILE, or a -blockdev driver=file before this one.');
    this.#sources.set(name, { path: below.path, readOnly: readOnly || below.readOnly, overlay: false, ...(format === undefined ? {} : { format }) });
  }

  /** `-device ahci,id=X`; its disks follow, on `X.0`, `X.1` ... */
  ahci(id: string | undefined): void {
    this.#controllers.set(id ?? 'ahci', 0);
  }

  /** `-device virtio-blk-pci|ide-hd|ide-cd,drive=ID` */
  device(model: 'virtio' | 'ide-hd' | 'ide-cd', values: KeyValues, text: string): void {
    const id = values.take('drive');
    const bus = values.take('bus');
    const unit = values.takeNumber('unit') ?? 0;
    for (const key of ['id', 'serial', 'bootindex', 'num-queues', 'addr', 'logical_block_size', 'physical_block_size', 'write-cache', 'iothread', 'disable-legacy', 'disable-modern']) values.take(key);
    values.expectNoMore('drive, bus, unit');
    const source = id === undefined ? undefined : this.#sources.get(id);
    if (id === undefined || source === undefined) throw new CliError('usage', `-device ${text}: there is no drive ${JSON.stringify(id ?? '')}`, 'Give one with -drive if=none,id=NAME,file=FILE or -blockdev node-name=NAME,...; -device names it with drive=NAME.');
    if (this.#used.has(id)) throw new CliError('usage', `-device ${text}: the drive ${id} has a device already`);
    this.#used.add(id);
    if (model === 'virtio') {
      this.disks.push(source);
      return;
    }
    const cdrom = model === 'ide-cd' ? ({ cdrom: true, readOnly: true, overlay: false } as const) : {};
    const dot = bus?.lastIndexOf('.') ?? -1;
    const controller = bus === undefined ? undefined : dot < 0 ? bus : bus.slice(0, dot);
    const number = bus === undefined || dot < 0 ? 0 : Number(bus.slice(dot + 1));
    if (controller !== undefined && this.#controllers.has(controller)) this.disks.push({ ...source, ...cdrom, interface: 'ahci', unit: number });
    else if (controller === undefined) this.disks.push({ ...source, ...cdrom, interface: this.ide });
    else if (controller === 'ide' && Number.isInteger(number)) this.disks.push({ ...source, ...cdrom, interface: this.ide, unit: this.ide === 'ahci' ? number : 2 * number + unit });
    else throw new CliError('usage', `-device ${text}: there is no bus ${JSON.stringify(bus)}`, 'The buses are ide.0 and ide.1, and those of a -device ahci,id=NAME: NAME.0, NAME.1 ...');
  }

  /** With -snapshot nothing that is written stays. */
  result(snapshot: boolean): readonly DiskOption[] {
    return this.disks.map((disk) => (snapshot && !disk.readOnly ? { ...disk, overlay: true } : disk));
  }

  /** Drives that no device uses. */
  get unused(): readonly string[] {
    return [...this.#sources.keys()].filter((id) => !this.#used.has(id) && !this.#files.has(id));
  }
}

function formatNamed(flag: string, name: string | undefined): DiskFormat | undefined {
  if (name === undefined) return undefined;
  const format = name === 'vpc' ? 'vhd' : DISK_FORMATS.find((known) => known === name);
  if (format === undefined) throw new CliError('usage', `${flag}: pckit has no format ${JSON.stringify(name)}`, 'The formats are raw, qcow2, vmdk, vpc and vhdx; "qemu-img convert -O qcow2" makes one of others.');
  return format;
}
