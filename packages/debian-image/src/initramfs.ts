/**
 * An initramfs image: busybox, our /init, kernel modules, files of the caller's. The same input gives the same bytes: entries are
 * sorted, owned by root, and dated 1970.
 */
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFREG, writeCpio } from './cpio.js';
import type { CpioEntry } from './cpio.js';
import { ImageError } from './image-error.js';
import { INIT_SCRIPT, UDHCPC_SCRIPT } from './init-script.js';
import { formatModulesAlias, formatModulesDep, resolveModules } from './modules.js';
import type { ModuleSelection, ModuleTree } from './modules.js';

export interface ImageFile {
  /** Absolute in the guest: "/etc/rc". Directories above it are made. */
  readonly path: string;
  /** Text is stored as UTF-8. */
  readonly content: Uint8Array | string;
  /** Permissions. Default 0o644, and 0o755 where the contents begin as an ELF file or "#!". */
  readonly mode?: number;
}

export interface ImageLink {
  readonly path: string;
  readonly target: string;
}

export interface InitramfsOptions {
  /** A static busybox for the guest's architecture. */
  readonly busybox: Uint8Array;
  readonly modules?: ModuleTree;
  /**
   * Modules loaded at boot, in this order, each behind what it needs. "name?" is left out where the kernel has no such module; built
   * in is as good as loaded. Default: none.
   */
  readonly load?: readonly string[];
  /** Modules in the image that are loaded when a device's alias (or the kernel, through modprobe) asks for them. */
  readonly onDemand?: readonly string[];
  readonly files?: readonly ImageFile[];
  readonly links?: readonly ImageLink[];
  /** Replaces /init: a program or a script. */
  readonly init?: Uint8Array | string;
}

export interface Initramfs {
  /** An uncompressed cpio archive, which every kernel with initramfs support takes. */
  readonly bytes: Uint8Array;
  readonly modules: ModuleSelection;
}

/** What the board has drivers for: virtio, the PIIX and AHCI disks, e1000; and ext4 to mount a disk. */
export const DEFAULT_LOAD: readonly string[] = ['virtio_pci?', 'virtio_mmio?'];
export const DEFAULT_ON_DEMAND: readonly string[] = [
  'virtio_blk?',
  'virtio_net?',
  'virtio_rng?',
  'virtio_console?',
  'ata_piix?',
  'ahci?',
  'sd_mod?',
  'sr_mod?',
  'e1000?',
  'ext4?',
  'crc32c_generic?',
  'crc32c_intel?',
  'af_packet?',
];

const DIRECTORIES = ['bin', 'dev', 'etc', 'lib', 'proc', 'root', 'run', 'sbin', 'sys', 'tmp', 'usr', 'usr/bin', 'usr/sbin'];

const PROFILE = `export PS1='\\w # '\nalias ll='ls -l'\n`;

export async function buildInitramfs(options: InitramfsOptions): Promise<Initramfs> {
  const entries = new Map<string, CpioEntry>();
  const encoder = new TextEncoder();

  const directory = (path: string, mode = 0o755): void => {
    if (path === '' || entries.has(path)) return;
    directory(parent(path));
    entries.set(path, { path, mode: S_IFDIR | mode });
  };
  const add = (entry: CpioEntry): void => {
    directory(parent(entry.path));
    const existing = entries.get(entry.path);
    if (existing !== undefined && existing.mode >>> 12 === S_IFDIR >>> 12) {
      throw new ImageError('bad-option', `initramfs: /${entry.path} is a directory of the image, no file can take its place`);
    }
    entries.set(entry.path, entry);
  };
  const file = (path: string, content: Uint8Array | string, mode?: number): void => {
    const data = typeof content === 'string' ? encoder.encode(content) : content;
    add({ path, data, mode: S_IFREG | (mode ?? (isProgram(data) ? 0o755 : 0o644)) });
  };
  const link = (path: string, target: string): void => add({ path, data: encoder.encode(target), mode: S_IFLNK | 0o777 });

  for (const path of DIRECTORIES) directory(path);
  entries.set('tmp', { path: 'tmp', mode: S_IFDIR | 0o1777 });
  entries.set('root', { path: 'root', mode: S_IFDIR | 0o700 });
  // The kernel opens /dev/console for init before anything is mounted.
  add({ path: 'dev/console', mode: S_IFCHR | 0o600, device: [5, 1] });
  add({ path: 'dev/null', mode: S_IFCHR | 0o666, device: [1, 3] });

  if (!isElf(options.busybox)) throw new ImageError('bad-option', 'initramfs: busybox is not an ELF program');
  file('bin/busybox', options.busybox, 0o755);
  link('bin/sh', 'busybox');
  file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n');
  file('etc/group', 'root:x:0:\ntty:x:5:\n');
  file('etc/profile', PROFILE);
  file('lib/pckit/udhcpc', UDHCPC_SCRIPT);
  file('init', options.init ?? INIT_SCRIPT, 0o755);

  const modules = await addModules(options, file, directory);
  for (const { path, content, mode } of options.files ?? []) file(relative(path), content, mode);
  for (const { path, target } of options.links ?? []) link(relative(path), target);

  const sorted = [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { bytes: writeCpio(sorted), modules };
}

async function addModules(
  options: InitramfsOptions,
  file: (path: string, content: Uint8Array | string) => void,
  directory: (path: string) => void,
): Promise<ModuleSelection> {
  const load = options.load ?? [];
  const onDemand = options.onDemand ?? [];
  const tree = options.modules;
  if (tree === undefined) {
    if (load.length + onDemand.length > 0) throw new ImageError('bad-option', 'initramfs: `load` and `onDemand` need `modules`');
    return { modules: [], builtin: [], missing: [] };
  }
  const base = `lib/modules/${tree.release}`;
  const first = await resolveModules(tree, load);
  const all = await resolveModules(tree, [...load, ...onDemand]);
  directory(base);
  for (const module of all.modules) file(`${base}/${module.path}`, module.bytes);
  file(`${base}/modules.dep`, formatModulesDep(all.modules));
  file(`${base}/modules.alias`, formatModulesAlias(all.modules));
  file('lib/pckit/load', first.modules.map((module) => `${module.path}\n`).join(''));
  return all;
}

function relative(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (!path.startsWith('/') || parts.length === 0 || parts.includes('..')) {
    throw new ImageError('bad-option', `initramfs: ${JSON.stringify(path)} is not an absolute path in the guest`);
  }
  return parts.join('/');
}

function parent(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

function isElf(data: Uint8Array): boolean {
  return data.length >= 4 && data[0] === 0x7f && data[1] === 0x45 && data[2] === 0x4c && data[3] === 0x46;
}

function isProgram(data: Uint8Array): boolean {
  return isElf(data) || (data.length >= 2 && data[0] === 0x23 && data[1] === 0x21);
}
