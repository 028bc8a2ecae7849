/** A linux-image .deb, taken apart. */
import { readDeb } from './deb.js';
import { ImageError } from './image-error.js';
import { moduleName, parseModulesBuiltin } from './modules.js';
import type { ModuleTree } from './modules.js';

export interface KernelPackage {
  readonly package: string;
  readonly version: string;
  /** `uname -r` */
  readonly release: string;
  /** The bzImage. */
  readonly kernel: Uint8Array;
  /** What it was built with ("CONFIG_SMP=y" lines). */
  readonly config: string;
  readonly modules: ModuleTree;
}

export interface ReadKernelOptions {
  /** Whether to keep a file below /lib/modules/RELEASE. Default: all. */
  readonly keep?: (path: string) => boolean;
  /** Takes each module as it comes out of the archive, instead of it being held in memory. */
  readonly store?: (path: string, bytes: Uint8Array) => Promise<void> | void;
}

/** Since Debian 13 the modules lie in /usr/lib. */
const MODULES = /^(?:usr\/)?lib\/modules\/([^/]+)\/(.+)$/;

export async function readKernelPackage(deb: Uint8Array, options: ReadKernelOptions = {}): Promise<KernelPackage> {
  const { control, files } = await readDeb(deb);
  const name = control.get('Package') ?? '?';
  let release: string | undefined;
  let kernel: Uint8Array | undefined;
  let config = '';
  let builtin = new Set<string>();
  const stored = new Map<string, Uint8Array | undefined>();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

  for await (const entry of files()) {
    if (entry.type !== 'file') continue;
    if (entry.path.startsWith('boot/vmlinuz-')) {
      kernel = await entry.data();
      release ??= entry.path.slice('boot/vmlinuz-'.length);
    } else if (entry.path.startsWith('boot/config-')) {
      config = text(await entry.data());
    } else {
      const match = MODULES.exec(entry.path);
      if (match === null) continue;
      const path = match[2];
      if (path === 'modules.builtin') builtin = parseModulesBuiltin(text(await entry.data()));
      if (moduleName(path) === undefined || options.keep?.(path) === false) continue;
      const bytes = await entry.data();
      if (options.store === undefined) stored.set(path, bytes);
      else {
        stored.set(path, undefined);
        await options.store(path, bytes);
      }
    }
  }
  if (kernel === undefined || release === undefined) {
    throw new ImageError('missing', `${name}: no boot/vmlinuz-* in the package; a metapackage? Its Depends field names the real one`);
  }
  return {
    package: name,
    version: control.get('Version') ?? '?',
    release,
    kernel,
    config,
    modules: {
      release,
      paths: [...stored.keys()].sort(),
      builtin,
      read: (path) => {
        const bytes = stored.get(path);
        return bytes === undefined
          ? Promise.reject(new ImageError('missing', `${name}: ${path} is not held in memory`))
          : Promise.resolve(bytes);
      },
    },
  };
}

/** The program out of a busybox-static .deb. */
export async function readBusyboxPackage(deb: Uint8Array): Promise<Uint8Array> {
  const { control, files } = await readDeb(deb);
  for await (const entry of files()) {
    if (entry.type === 'file' && /^(usr\/)?bin\/busybox$/.test(entry.path)) {
      const program = await entry.data(); // before the return closes the archive
      return program;
    }
  }
  throw new ImageError('missing', `${control.get('Package') ?? '?'}: no bin/busybox in the package`);
}
