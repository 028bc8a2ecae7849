/**
 * Debian packages through the host's apt, without root: a private state folder, a sources.list of our own with the host's mirror, the
 * host's proxy settings and keys. Nothing of the host's apt changes. (apt-get(8), apt.conf(5), sources.list(5))
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseStanzas } from '../deb.js';
import type { DebianArchitecture, DebianSuite } from '../guest-catalogue.js';
import { ImageError } from '../image-error.js';
import { KEYRINGS, PUBLIC_MIRROR } from './package-source.js';
import type { FetchedPackage, OnProgress, PackageSource } from './package-source.js';
import { hasTool, runTool } from './run-tool.js';
import type { ToolResult } from './run-tool.js';

export interface AptOptions {
  /** A folder of ours; the state folder is made in it. */
  readonly folder: string;
  readonly suite: DebianSuite;
  readonly architecture: DebianArchitecture;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** @returns undefined where the host has no apt */
export async function openApt(options: AptOptions): Promise<PackageSource | undefined> {
  if (!(await hasTool('apt-get')) || !(await hasTool('apt-cache'))) return undefined;
  await mkdir(options.folder, { recursive: true });
  const state = await mkdtemp(join(options.folder, 'apt-'));
  const apt = new PrivateApt(state, options);
  try {
    await apt.open();
  } catch (error) {
    await apt.close();
    throw error;
  }
  return apt;
}

class PrivateApt implements PackageSource {
  readonly verified = 'apt';
  readonly #state: string;
  readonly #options: AptOptions;

  constructor(state: string, options: AptOptions) {
    this.#state = state;
    this.#options = options;
  }

  async open(): Promise<void> {
    const { suite, architecture, onProgress } = this.#options;
    await mkdir(join(this.#state, 'lists', 'partial'), { recursive: true });
    await mkdir(join(this.#state, 'archives', 'partial'), { recursive: true });
    await mkdir(join(this.#state, 'debs'));
    await writeFile(join(this.#state, 'status'), '');
    await writeFile(join(this.#state, 'apt.conf'), aptConf(this.#state, architecture));
    const mirror = await hostMirror();
    const keyring = KEYRINGS.find((path) => existsSync(path));
    const signedBy = keyring === undefined ? '' : ` signed-by=${keyring}`;
    await writeFile(join(this.#state, 'sources.list'), `deb [arch=${architecture}${signedBy}] ${mirror} ${suite} main\n`);

    onProgress?.({ stage: 'index', text: `package index of ${suite}/${architecture}` });
    // Without --error-on=any, apt-get update calls a failed download a warning.
    await this.#get(['update', '--error-on=any'], `fetching the package index of ${suite} from the host's mirror`);
  }

  async describe(name: string): Promise<ReadonlyMap<string, string>> {
    const result = await runTool('apt-cache', ['-c', join(this.#state, 'apt.conf'), 'show', '--no-all-versions', name]);
    const stanza = result.status === 0 ? parseStanzas(result.stdout)[0] : undefined;
    if (stanza === undefined) {
      throw new ImageError('missing', `no package ${name} in ${this.#options.suite}/${this.#options.architecture}: ${lastLines(result)}`);
    }
    return stanza;
  }

  async download(name: string): Promise<FetchedPackage> {
    const { onProgress } = this.#options;
    const version = (await this.describe(name)).get('Version') ?? '';
    const folder = await mkdtemp(join(this.#state, 'debs', 'one-'));
    onProgress?.({ stage: 'package', text: `${name} ${version}` });
    await this.#get(['download', `${name}=${version}`], `downloading ${name} ${version}`, folder, `${name} ${version}`);
    const file = (await readdir(folder)).find((entry) => entry.endsWith('.deb'));
    if (file === undefined) throw new ImageError('tool', `apt-get download ${name} succeeded, but there is no .deb`);
    const bytes = await readFile(join(folder, file));
    await rm(folder, { recursive: true });
    return { name, version, bytes };
  }

  async close(): Promise<void> {
    await rm(this.#state, { recursive: true, force: true });
  }

  async #get(parameters: readonly string[], doing: string, cwd = this.#state, text?: string): Promise<void> {
    const { onProgress, signal } = this.#options;
    const result = await runTool(
      'apt-get',
      ['-c', join(this.#state, 'apt.conf'), '-q', '-y', '-o', 'APT::Status-Fd=3', ...parameters],
      {
        cwd,
        ...(signal === undefined ? {} : { signal }),
        onStatus: (line) => {
          // "dlstatus:1:20.5:Retrieving file 1 of 1"
          const match = /^dlstatus:\d+:([\d.]+):/.exec(line);
          if (match !== null && text !== undefined) onProgress?.({ stage: 'package', text, percent: Number(match[1]) });
        },
      },
    );
    if (result.status === 0) return;
    const said = lastLines(result);
    const hint = /NO_PUBKEY|not signed|public key is not available/.test(said)
      ? "Debian's keys are not on this host: install the package debian-archive-keyring, or fetch with --mirror URL"
      : 'is the network reachable with what /etc/apt says? --mirror URL fetches without apt';
    throw new ImageError('tool', `${doing} failed: ${said}\n${hint}`);
  }
}

/** Read after the host's configuration (-c), so proxies and retries stay, and what concerns the host's system doesn't. */
function aptConf(state: string, architecture: string): string {
  const quoted = (path: string): string => {
    if (/["\n]/.test(path)) throw new ImageError('bad-option', `the cache folder's name ${JSON.stringify(path)} can't be written into apt.conf`);
    return `"${path}"`;
  };
  return [
    '#clear APT::Update::Pre-Invoke;',
    '#clear APT::Update::Post-Invoke;',
    '#clear APT::Update::Post-Invoke-Success;',
    '#clear APT::Architectures;',
    `APT::Architecture "${architecture}";`,
    `APT::Architectures { "${architecture}"; };`,
    'APT::Default-Release "";',
    // As root, apt downloads as the user _apt, who can't enter our folder.
    ...(process.getuid?.() === 0 ? ['APT::Sandbox::User "root";'] : []),
    'Acquire::Languages "none";',
    'Acquire::Retries "2";',
    `Dir::State ${quoted(state)};`,
    `Dir::State::lists ${quoted(join(state, 'lists'))};`,
    `Dir::State::status ${quoted(join(state, 'status'))};`,
    `Dir::State::extended_states ${quoted(join(state, 'extended_states'))};`,
    `Dir::Cache ${quoted(state)};`,
    `Dir::Cache::archives ${quoted(join(state, 'archives'))};`,
    `Dir::Etc::sourcelist ${quoted(join(state, 'sources.list'))};`,
    'Dir::Etc::sourceparts "/dev/null";',
    'Dir::Etc::preferences "/dev/null";',
    'Dir::Etc::preferencesparts "/dev/null";',
    '',
  ].join('\n');
}

const DEBIAN_RELEASES = /^(bullseye|bookworm|trixie|forky|duke|sid|(old)*stable|testing|unstable)$/;

/** The URI that the host's own sources have for Debian's main archive; Debian's public one on hosts that aren't Debian. */
async function hostMirror(): Promise<string> {
  const result = await runTool('apt-get', ['indextargets', '--format', '$(REPO_URI) $(RELEASE) $(COMPONENT)', 'Identifier: Packages']).catch(
    () => undefined,
  );
  for (const line of result?.stdout.split('\n') ?? []) {
    const [uri, release, component] = line.split(' ');
    if (component === 'main' && release !== undefined && DEBIAN_RELEASES.test(release)) return uri;
  }
  return PUBLIC_MIRROR;
}

function lastLines(result: ToolResult): string {
  const errors = result.stderr.split('\n').filter((line) => /^[EW]:/.test(line));
  return (errors.length > 0 ? errors : result.stderr.trim().split('\n')).slice(-4).join('; ') || `status ${result.status}`;
}
