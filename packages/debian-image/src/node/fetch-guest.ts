import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_ON_DEMAND, DEFAULT_LOAD, buildInitramfs } from '../initramfs.js';
import type { Initramfs, InitramfsOptions } from '../initramfs.js';
import { GUESTS, UNUSED_MODULE_DIRECTORIES, findGuest } from '../guest-catalogue.js';
import type { GuestDefinition } from '../guest-catalogue.js';
import { ImageError } from '../image-error.js';
import { readBusyboxPackage, readKernelPackage } from '../kernel-package.js';
import { openApt } from './apt.js';
import { GuestWriter, defaultCacheFolder, guestFolder, loadGuest } from './guest-store.js';
import type { Guest } from './guest-store.js';
import { openMirror } from './mirror.js';
import { PUBLIC_MIRROR } from './package-source.js';
import type { OnProgress, PackageSource } from './package-source.js';

export interface FetchGuestOptions {
  /** Default: $XDG_CACHE_HOME/pckit or ~/.cache/pckit. */
  readonly cacheDir?: string;
  /** A Debian mirror, used instead of the host's apt. */
  readonly mirror?: string;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
  /** Fetch again, though it is in the cache. */
  readonly refresh?: boolean;
  /** Keep every module of the kernel's package, also those for hardware that no board of ours has. */
  readonly allModules?: boolean;
  /** Debian's public keys, where they aren't in the usual place (with `mirror`). */
  readonly keyring?: string;
}

/**
 * A guest of the catalogue, from the cache or else from Debian: through the host's apt, or from a mirror.
 * @param name see `GUESTS`; "default" is the default one
 * @throws ImageError that says what to do
 */
export async function fetchGuest(name: string, options: FetchGuestOptions = {}): Promise<Guest> {
  const definition = findGuest(name);
  if (definition === undefined) {
    throw new ImageError('bad-option', `no guest ${JSON.stringify(name)}; there are ${GUESTS.map((guest) => guest.name).join(', ')}`);
  }
  const cacheFolder = options.cacheDir ?? defaultCacheFolder();
  const allModules = options.allModules ?? false;
  if (options.refresh !== true) {
    const cached = await loadGuest(cacheFolder, definition, allModules);
    if (cached !== undefined) return cached;
  }
  const source = await openSource(cacheFolder, definition, options);
  try {
    await unpack(source, cacheFolder, definition, options);
  } finally {
    await source.close();
  }
  const guest = await loadGuest(cacheFolder, definition, allModules);
  if (guest === undefined) throw new ImageError('missing', `guest ${name} was fetched, but ${guestFolder(cacheFolder, name)} can't be read`);
  return guest;
}

/** The cached guest, if there is one; never touches the network. */
export function cachedGuest(name: string, options: Pick<FetchGuestOptions, 'cacheDir'> = {}): Promise<Guest | undefined> {
  const definition = findGuest(name);
  return definition === undefined ? Promise.resolve(undefined) : loadGuest(options.cacheDir ?? defaultCacheFolder(), definition, false);
}

export async function removeGuest(name: string, options: Pick<FetchGuestOptions, 'cacheDir'> = {}): Promise<void> {
  const definition = findGuest(name);
  if (definition === undefined) return;
  await rm(guestFolder(options.cacheDir ?? defaultCacheFolder(), definition.name), { recursive: true, force: true });
}

/** An initramfs for a guest, with the modules that our boards' devices need; `extra` adds to it. */
export function buildGuestInitramfs(guest: Guest, extra: Partial<InitramfsOptions> = {}): Promise<Initramfs> {
  return buildInitramfs({
    busybox: guest.busybox,
    modules: guest.modules,
    ...extra,
    load: [...DEFAULT_LOAD, ...(extra.load ?? [])],
    onDemand: [...DEFAULT_ON_DEMAND, ...(extra.onDemand ?? [])],
  });
}

async function openSource(cacheFolder: string, definition: GuestDefinition, options: FetchGuestOptions): Promise<PackageSource> {
  const { suite, architecture } = definition;
  const common = {
    folder: join(cacheFolder, 'tmp'),
    suite,
    architecture,
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
  if (options.mirror !== undefined) {
    return openMirror({ ...common, url: options.mirror, ...(options.keyring === undefined ? {} : { keyring: options.keyring }) });
  }
  const apt = await openApt(common);
  if (apt === undefined) {
    throw new ImageError('missing', `this host has no apt to fetch ${definition.name} with; name a Debian mirror: --mirror ${PUBLIC_MIRROR}`);
  }
  return apt;
}

async function unpack(
  source: PackageSource,
  cacheFolder: string,
  definition: GuestDefinition,
  { allModules = false, refresh = false, onProgress }: FetchGuestOptions,
): Promise<void> {
  const kernelName = await resolveKernel(source, definition);
  const busyboxDeb = await source.download(definition.busyboxPackage);
  const kernelDeb = await source.download(kernelName);
  onProgress?.({ stage: 'unpack', text: `${kernelName} ${kernelDeb.version}` });
  const writer = await GuestWriter.open(cacheFolder, definition.name);
  try {
    const busybox = await readBusyboxPackage(busyboxDeb.bytes);
    const kernel = await readKernelPackage(kernelDeb.bytes, {
      keep: (path) => allModules || !UNUSED_MODULE_DIRECTORIES.some((folder) => path.startsWith(`${folder}/`)),
      store: (path, bytes) => writer.module(path, bytes),
    });
    await writer.finish(definition, kernel, busybox, {
      packages: [kernelDeb, busyboxDeb].map(({ name, version }) => ({ name, version })),
      verified: source.verified,
      allModules,
    }, async () => refresh || (await loadGuest(cacheFolder, definition, allModules)) === undefined);
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

/** "linux-image-cloud-amd64" Depends: "linux-image-6.1.0-50-cloud-amd64 (= 6.1.176-1)". */
async function resolveKernel(source: PackageSource, definition: GuestDefinition): Promise<string> {
  const fields = await source.describe(definition.kernelPackage);
  const match = /(?:^|[\s,|])(linux-image-\d[^\s,|(]*)/.exec(fields.get('Depends') ?? '');
  if (match === null) throw new ImageError('missing', `${definition.kernelPackage} depends on no linux-image: ${fields.get('Depends') ?? 'nothing'}`);
  return match[1];
}
