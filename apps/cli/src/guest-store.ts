import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { DEFAULT_GUEST, GUESTS, findGuest, type ImageFile, type ImageLink } from '@pckit/debian-image';
import { buildGuestInitramfs, cachedGuest, defaultCacheFolder, fetchGuest, type FetchProgress, type Guest } from '@pckit/debian-image/node';
import { CliError, reasonOf } from './cli-error.js';
import { about } from './explain.js';
import { readInput } from './input-file.js';
import type { GuestFile } from './parse/guest-file.js';
import { windowSizeScript } from './terminal/window-size.js';

export interface FetchOptions {
  readonly say: (message: string) => void;
  readonly mirror?: string | undefined;
  readonly refresh?: boolean;
  readonly allModules?: boolean;
}

export interface BootableGuest {
  /** For people: `Debian 12, Linux 6.1 (6.1.0-50-cloud-amd64)`. */
  readonly name: string;
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
}

export interface BuildOptions {
  readonly files: readonly GuestFile[];
  /** A guest path that `files` brings along, or a file of the host. */
  readonly init?: string;
  readonly modules: readonly string[];
  /** A shell script of the host. */
  readonly run?: string;
}

/** Kernels and images out of the cache folder, fetched when they aren't there. */
export interface GuestStore {
  list(): Promise<readonly { readonly name: string; readonly description: string; readonly cached: Guest | undefined; readonly isDefault: boolean }[]>;
  fetch(name: string, options: FetchOptions): Promise<Guest>;
  bootable(name: string, options: FetchOptions): Promise<BootableGuest>;
  build(guest: Guest, options: BuildOptions): Promise<{ readonly bytes: Uint8Array; readonly modules: readonly string[] }>;
}

/** COM4: the serial line on which our init learns the window's size. */
const WINDOW_SIZE_LINE = 3;

export function openGuestStore(environment: NodeJS.ProcessEnv): GuestStore {
  const cacheDir = defaultCacheFolder(environment);

  const fetch = async (name: string, { say, mirror, refresh = false, allModules = false }: FetchOptions): Promise<Guest> => {
    if (findGuest(name) === undefined) {
      throw new CliError('usage', `there is no guest "${name}"`, `The guests are ${GUESTS.map((guest) => guest.name).join(', ')}.`);
    }
    return about('fetching the guest', () =>
      fetchGuest(name, {
        cacheDir,
        refresh,
        allModules,
        onProgress: sparsely(say),
        ...(mirror === undefined ? {} : { mirror }),
      }),
    );
  };

  return {
    list: () =>
      Promise.all(
        GUESTS.map(async ({ name, description }) => ({
          name,
          description,
          // A damaged one is as good as none here; fetching says what is wrong with it.
          cached: await cachedGuest(name, { cacheDir }).catch(() => undefined),
          isDefault: name === DEFAULT_GUEST,
        })),
      ),
    fetch,
    bootable: async (name, options) => {
      const guest = await fetch(name, options);
      const { bytes } = await about('building the initramfs', () =>
        buildGuestInitramfs(guest, { files: [{ path: '/etc/rc', content: windowSizeScript(WINDOW_SIZE_LINE) }] }),
      );
      return { name: `${guest.definition.description}, ${guest.release}`, kernel: guest.kernel, initrd: bytes };
    },
    build: async (guest, options) => {
      const { init, links } = chooseInit(options);
      const rc = options.run === undefined ? [] : runAtBoot(readInput(options.run, 'run'));
      const { bytes, modules } = await about('building the initramfs', () =>
        buildGuestInitramfs(guest, {
          files: [...rc, ...options.files.flatMap(({ host, guest: path }) => hostFiles(host, path))],
          links,
          load: options.modules,
          ...(init === undefined ? {} : { init }),
        }),
      );
      return { bytes, modules: modules.modules.map(({ path }) => path) };
    },
  };
}

/** Says each step once, and a long one at every quarter. */
function sparsely(say: (message: string) => void): (progress: FetchProgress) => void {
  let last = '';
  return ({ stage, text, percent }) => {
    const quarter = percent === undefined ? 0 : Math.floor(percent / 25) * 25;
    const verb = { index: 'fetching the ', package: 'fetching ', unpack: 'unpacking ', note: '' }[stage];
    const message = `${verb}${text}${quarter > 0 && quarter < 100 ? ` (${quarter} %)` : ''}`;
    if (message !== last && quarter < 100) say(message);
    last = message;
  };
}

function chooseInit({ init, files }: BuildOptions): { init?: Uint8Array; links: ImageLink[] } {
  if (init === undefined) return { links: [] };
  if (files.some(({ guest }) => guest === init)) return { links: [{ path: '/init', target: init }] };
  return { init: readInput(init, 'init'), links: [] };
}

/** /etc/rc, which our init reads before it starts the shell. */
function runAtBoot(script: Uint8Array): ImageFile[] {
  return [
    { path: '/etc/pckit-run', content: script, mode: 0o755 },
    { path: '/etc/rc', content: 'sh /etc/pckit-run\necho "pckit: exit status $?"\npoweroff\n' },
  ];
}

/** A file, or a folder with all in it. Permissions are kept. */
function hostFiles(host: string, path: string): ImageFile[] {
  try {
    const { mode } = statSync(host);
    if (!statSync(host).isDirectory()) return [{ path, content: readFileSync(host), mode: mode & 0o7777 }];
    return readdirSync(host)
      .sort()
      .flatMap((name) => hostFiles(join(host, name), posix.join(path, name)));
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError('input', `--add ${host}: ${reasonOf(error)}`, 'Name a file or a folder that exists: --add HOSTFILE:GUESTPATH', { cause: error });
  }
}
