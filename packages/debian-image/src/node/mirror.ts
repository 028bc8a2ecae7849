/**
 * Debian packages from a mirror over http(s), for hosts without apt: InRelease (signature by gpgv where the host has it and
 * Debian's keys), then SHA-256 from there to the package index, and from the index to each package. A file: URL works too.
 * (https://wiki.debian.org/DebianRepository/Format)
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseStanzas } from '../deb.js';
import { decompress } from '../decompress.js';
import type { DebianArchitecture, DebianSuite } from '../guest-catalogue.js';
import { ImageError } from '../image-error.js';
import { KEYRINGS } from './package-source.js';
import type { FetchedPackage, OnProgress, PackageSource, Verification } from './package-source.js';
import { hasTool, runTool } from './run-tool.js';

export interface MirrorOptions {
  /** "http://deb.debian.org/debian": what `dists` and `pool` lie under. */
  readonly url: string;
  readonly folder: string;
  readonly suite: DebianSuite;
  readonly architecture: DebianArchitecture;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
  /** Debian's public keys for gpgv. Default: where Debian's package has them. */
  readonly keyring?: string;
}

/** Far above any that we fetch; a mirror that sends more is broken or hostile. */
const LARGEST_DOWNLOAD = 1 << 30;

export async function openMirror(options: MirrorOptions): Promise<PackageSource> {
  const { suite, architecture, onProgress } = options;
  const base = options.url.replace(/\/+$/, '');
  if (!/^(https?|file):\/\//.test(base)) {
    throw new ImageError('bad-option', `mirror ${JSON.stringify(options.url)} is not an http, https or file URL`);
  }
  onProgress?.({ stage: 'index', text: `package index of ${suite}/${architecture} from ${base}` });
  const inRelease = await download(`${base}/dists/${suite}/InRelease`, options, 'index', 'the archive index');
  const verified = await checkSignature(inRelease, options);
  const release = signedText(new TextDecoder().decode(inRelease));
  const fields = parseStanzas(release)[0] ?? new Map<string, string>();
  if (fields.get('Codename') !== suite && fields.get('Suite') !== suite) {
    throw new ImageError('signature', `${base}: asked for ${suite}, got ${fields.get('Codename') ?? 'something else'}`);
  }
  const hashes = new Map<string, string>();
  for (const line of (fields.get('SHA256') ?? '').split('\n')) {
    const [hash, , path] = line.trim().split(/\s+/);
    if (path !== undefined) hashes.set(path, hash);
  }
  const indexPath = ['xz', 'gz'].map((suffix) => `main/binary-${architecture}/Packages.${suffix}`).find((path) => hashes.has(path));
  if (indexPath === undefined) throw new ImageError('missing', `${base}: ${suite} has no package index for ${architecture}`);
  const index = await download(`${base}/dists/${suite}/${indexPath}`, options, 'index', 'the package index');
  checkHash(index, hashes.get(indexPath), indexPath);
  const packages = new TextDecoder().decode(await decompress(index));
  return new Mirror(base, packages, verified, options);
}

class Mirror implements PackageSource {
  readonly #base: string;
  readonly #packages: string;
  readonly #options: MirrorOptions;

  constructor(
    base: string,
    packages: string,
    readonly verified: Verification,
    options: MirrorOptions,
  ) {
    this.#base = base;
    this.#packages = packages;
    this.#options = options;
  }

  describe(name: string): Promise<ReadonlyMap<string, string>> {
    // 60,000 paragraphs: search instead of parsing them all.
    const marker = `Package: ${name}\n`;
    const at = this.#packages.startsWith(marker) ? 0 : this.#packages.indexOf(`\n\n${marker}`);
    if (at < 0) {
      const { suite, architecture } = this.#options;
      return Promise.reject(new ImageError('missing', `no package ${name} in ${suite}/${architecture} at ${this.#base}`));
    }
    const start = at === 0 ? 0 : at + 2;
    const end = this.#packages.indexOf('\n\n', start);
    return Promise.resolve(parseStanzas(this.#packages.slice(start, end < 0 ? undefined : end))[0]);
  }

  async download(name: string): Promise<FetchedPackage> {
    const fields = await this.describe(name);
    const version = fields.get('Version') ?? '';
    const path = fields.get('Filename');
    if (path === undefined || path.split('/').includes('..')) throw new ImageError('malformed', `${name}: no usable Filename in the index`);
    const bytes = await download(`${this.#base}/${path}`, this.#options, 'package', `${name} ${version}`);
    checkHash(bytes, fields.get('SHA256'), path);
    return { name, version, bytes };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function checkSignature(inRelease: Uint8Array, options: MirrorOptions): Promise<Verification> {
  const { onProgress, folder } = options;
  const keyring = options.keyring ?? KEYRINGS.find((path) => existsSync(path));
  const why = keyring === undefined ? "Debian's keys (debian-archive-keyring) are" : (await hasTool('gpgv')) ? undefined : 'gpgv is';
  if (why !== undefined || keyring === undefined) {
    onProgress?.({ stage: 'note', text: `the archive's signature is not checked: ${why ?? ''} not on this host. Hashes are` });
    return 'hashes';
  }
  await mkdir(folder, { recursive: true });
  const temporary = await mkdtemp(join(folder, 'gpgv-'));
  try {
    const file = join(temporary, 'InRelease');
    await writeFile(file, inRelease);
    const result = await runTool('gpgv', ['--keyring', keyring, file]);
    if (result.status !== 0) {
      throw new ImageError('signature', `gpgv refuses the archive index of ${options.url}: ${result.stderr.trim().split('\n').slice(-2).join('; ')}`);
    }
    return 'gpgv';
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** RFC 9580, 7: what the cleartext signature covers, dash-escapes undone. Text around it isn't signed and isn't read. */
function signedText(text: string): string {
  const match = /^-----BEGIN PGP SIGNED MESSAGE-----\r?\n(?:[^\r\n]+\r?\n)*\r?\n([\s\S]*?)\r?\n-----BEGIN PGP SIGNATURE-----/m.exec(text);
  if (match === null) throw new ImageError('malformed', 'InRelease is not a signed text');
  return match[1].replace(/^- /gm, '');
}

function checkHash(bytes: Uint8Array, expected: string | undefined, what: string): void {
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (expected !== actual) throw new ImageError('signature', `${what}: SHA-256 is ${actual}, the index says ${expected ?? 'nothing'}`);
}

async function download(url: string, options: MirrorOptions, stage: 'index' | 'package', what: string): Promise<Uint8Array> {
  const { onProgress, signal } = options;
  const fail = (reason: string, cause?: unknown): ImageError => new ImageError('network', `${what}: ${url}: ${reason}`, { cause });
  onProgress?.({ stage, text: what });
  if (url.startsWith('file:')) return readFile(fileURLToPath(url)).catch((error: unknown) => Promise.reject(fail(String(error), error)));
  let response: Response;
  try {
    response = await fetch(url, signal === undefined ? {} : { signal });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    throw fail(`${error instanceof Error ? error.message : String(error)}${cause}`, error);
  }
  if (!response.ok || response.body === null) throw fail(`HTTP ${response.status} ${response.statusText}`);
  const promised = Number(response.headers.get('content-length') ?? Number.NaN);
  const chunks: Uint8Array[] = [];
  let received = 0;
  let reported = -1;
  try {
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      chunks.push(chunk);
      received += chunk.length;
      if (received > LARGEST_DOWNLOAD) throw fail(`more than ${LARGEST_DOWNLOAD} bytes`);
      const percent = Math.floor((received / promised) * 100);
      if (percent > reported) {
        reported = percent;
        onProgress?.({ stage, text: what, percent });
      }
    }
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw fail(error instanceof Error ? error.message : String(error), error);
  }
  const whole = new Uint8Array(received);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
