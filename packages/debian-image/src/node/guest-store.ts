/** A guest on disk: CACHE/guests/NAME with guest.json, vmlinuz, config, busybox and modules/. Complete or absent, never half. */
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { GuestDefinition } from '../guest-catalogue.js';
import { ImageError } from '../image-error.js';
import type { KernelPackage } from '../kernel-package.js';
import type { ModuleTree } from '../modules.js';
import type { Verification } from './package-source.js';

const FORMAT = 1;

export interface GuestPackage {
  readonly name: string;
  readonly version: string;
}

export interface Guest {
  readonly name: string;
  readonly definition: GuestDefinition;
  /** `uname -r` */
  readonly release: string;
  /** The bzImage. */
  readonly kernel: Uint8Array;
  /** The kernel's configuration. */
  readonly config: string;
  /** A static busybox of the guest's architecture. */
  readonly busybox: Uint8Array;
  readonly modules: ModuleTree;
  readonly packages: readonly GuestPackage[];
  readonly verified: Verification;
  /** Where it lies on disk; `vmlinuz` is in it. */
  readonly folder: string;
}

interface Manifest {
  readonly format: number;
  readonly name: string;
  readonly release: string;
  readonly packages: readonly GuestPackage[];
  readonly verified: Verification;
  readonly allModules: boolean;
  readonly modules: readonly string[];
  readonly builtin: readonly string[];
}

/** XDG Base Directory Specification: $XDG_CACHE_HOME, or ~/.cache. */
export function defaultCacheFolder(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const xdg = environment['XDG_CACHE_HOME'];
  return join(xdg !== undefined && xdg.startsWith('/') ? xdg : join(homedir(), '.cache'), 'pckit');
}

export function guestFolder(cacheFolder: string, name: string): string {
  return join(cacheFolder, 'guests', name);
}

/** @returns undefined where it isn't in the cache, or lacks modules that are asked for */
export async function loadGuest(cacheFolder: string, definition: GuestDefinition, allModules: boolean): Promise<Guest | undefined> {
  const folder = guestFolder(cacheFolder, definition.name);
  let manifest: Manifest;
  try {
    manifest = JSON.parse(await readFile(join(folder, 'guest.json'), 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
  if (manifest.format !== FORMAT || manifest.name !== definition.name || (allModules && !manifest.allModules)) return undefined;
  try {
    const [kernel, config, busybox] = await Promise.all([
      readFile(join(folder, 'vmlinuz')),
      readFile(join(folder, 'config'), 'utf8'),
      readFile(join(folder, 'busybox')),
    ]);
    return {
      name: manifest.name,
      definition,
      release: manifest.release,
      kernel,
      config,
      busybox,
      modules: diskModules(folder, manifest),
      packages: manifest.packages,
      verified: manifest.verified,
      folder,
    };
  } catch (error) {
    throw new ImageError('missing', `the cached guest ${folder} is incomplete: remove the folder and fetch it again`, { cause: error });
  }
}

function diskModules(folder: string, manifest: Manifest): ModuleTree {
  return {
    release: manifest.release,
    paths: manifest.modules,
    builtin: new Set(manifest.builtin),
    read: (path) => readFile(join(folder, 'modules', path)),
  };
}

/** Takes a guest's parts as they come out of its packages, and puts them into the cache at the end, in one step. */
export class GuestWriter {
  readonly #target: string;
  readonly #temporary: string;
  readonly #made = new Set<string>();

  private constructor(target: string, temporary: string) {
    this.#target = target;
    this.#temporary = temporary;
  }

  static async open(cacheFolder: string, name: string): Promise<GuestWriter> {
    const target = guestFolder(cacheFolder, name);
    await mkdir(dirname(target), { recursive: true });
    return new GuestWriter(target, await mkdtemp(`${target}.new-`));
  }

  async module(path: string, bytes: Uint8Array): Promise<void> {
    if (path.split('/').includes('..')) throw new ImageError('malformed', `a module's path ${path} leads out of its folder`);
    await this.#write(join('modules', path), bytes);
  }

  /** @param replaces asked when there is a guest by then: another process may have fetched it too, and use it. If not, ours is thrown away. */
  async finish(
    definition: GuestDefinition,
    kernel: KernelPackage,
    busybox: Uint8Array,
    about: { readonly packages: readonly GuestPackage[]; readonly verified: Verification; readonly allModules: boolean },
    replaces: () => Promise<boolean>,
  ): Promise<void> {
    const manifest: Manifest = {
      format: FORMAT,
      name: definition.name,
      release: kernel.release,
      ...about,
      modules: kernel.modules.paths,
      builtin: [...kernel.modules.builtin].sort(),
    };
    await this.#write('vmlinuz', kernel.kernel);
    await this.#write('config', kernel.config);
    await this.#write('busybox', busybox);
    await this.#write('guest.json', JSON.stringify(manifest));
    while (!(await this.#movedIn())) {
      if (!(await replaces())) return this.abandon();
      // A folder can't replace one that isn't empty: the old one steps aside first.
      const old = `${this.#temporary}.old`;
      await rename(this.#target, old).catch((error: NodeJS.ErrnoException) => {
        // Another process was quicker.
        if (error.code !== 'ENOENT') throw error;
      });
      const moved = await this.#movedIn();
      await rm(old, { recursive: true, force: true });
      if (moved) return;
    }
  }

  /** @returns false when there is one already */
  async #movedIn(): Promise<boolean> {
    try {
      await rename(this.#temporary, this.#target);
      return true;
    } catch (error) {
      // rename(2): either of them.
      if (['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
      throw error;
    }
  }

  async abandon(): Promise<void> {
    await rm(this.#temporary, { recursive: true, force: true });
  }

  async #write(path: string, bytes: Uint8Array | string): Promise<void> {
    const file = join(this.#temporary, path);
    const folder = dirname(file);
    if (!this.#made.has(folder)) {
      await mkdir(folder, { recursive: true });
      this.#made.add(folder);
    }
    await writeFile(file, bytes);
  }
}
