/**
 * What `npm run boot` and `npm test` do first: install and build when, and only when, something changed. Plain Node without
 * dependencies, because it runs on a fresh clone.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
/** Stamps and summaries; lives in node_modules so that removing that folder forgets everything. */
export const cacheFolder = join(root, 'node_modules', '.cache', 'pckit');

const needed = [20, 19];

/** A failure whose message is all that the person at the terminal needs. */
export class SetupError extends Error {}

/** Progress goes to standard error: standard output belongs to the guest's console and to test reports. @param {string} text */
export function say(text) {
  process.stderr.write(`pckit: ${text}\n`);
}

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < needed[0] || (major === needed[0] && minor < needed[1])) {
    throw new SetupError(`Node ${needed.join('.')} or later is needed, this is ${process.versions.node}. See https://nodejs.org/`);
  }
}

/**
 * Runs a command and waits for it.
 * @param {string} command @param {string[]} args
 * @param {{ env?: Record<string, string>, quiet?: boolean }} [options] `quiet`: output is shown only when it fails
 * @returns {Promise<number>} its exit status; 128 when a signal ended it
 */
export function run(command, args, options = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...options.env },
      // Whatever these tools print is about us, not from the guest: standard error.
      stdio: ['ignore', options.quiet ? 'pipe' : 2, options.quiet ? 'pipe' : 2],
      shell: process.platform === 'win32',
    });
    const output = [];
    // Ctrl-C reaches the whole group; a signal to us alone has to be handed on.
    const forward = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
    for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.on(signal, forward);
    child.on('close', () => {
      for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.off(signal, forward);
    });
    child.stdout?.on('data', (chunk) => output.push(chunk));
    child.stderr?.on('data', (chunk) => output.push(chunk));
    child.on('error', (error) => fail(new SetupError(`cannot run ${command}: ${error.message}`)));
    child.on('close', (code) => {
      if (code !== 0) for (const chunk of output) process.stderr.write(chunk);
      done(code ?? 128);
    });
  });
}

/** A tool of ours out of node_modules/.bin. @param {string} name @param {string[]} args @param {Parameters<typeof run>[2]} [options] */
export function tool(name, args, options) {
  const suffix = process.platform === 'win32' ? '.cmd' : '';
  return run(join(root, 'node_modules', '.bin', name + suffix), args, options);
}

/** @param {string} name */
function readStamp(name) {
  try {
    return readFileSync(join(cacheFolder, name), 'utf8');
  } catch {
    return '';
  }
}

/** @param {string} name @param {string} value */
function writeStamp(name, value) {
  mkdirSync(cacheFolder, { recursive: true });
  writeFileSync(join(cacheFolder, name), value);
}

/** `npm ci`, unless the lockfile is the one that was installed last. */
export async function ensureInstalled() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(`${process.platform} ${process.arch} ${process.versions.modules}`)
    .digest('hex');
  if (readStamp('installed') === lock) return;
  // Installed by hand: npm leaves its own copy of the lockfile, newer than ours.
  const own = join(root, 'node_modules', '.package-lock.json');
  if (existsSync(own) && statSync(own).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs) {
    writeStamp('installed', lock);
    return;
  }
  say('installing dependencies (npm ci) ...');
  const status = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  if (status !== 0) throw new SetupError(`npm ci failed with status ${status}. Is the network there? Its messages are above.`);
  writeStamp('installed', lock);
}

/** The folders of all packages that have a build. @returns {string[]} */
export function workspaceFolders() {
  return ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group))
      .map((name) => join(root, group, name))
      .filter((folder) => existsSync(join(folder, 'package.json'))),
  );
}

const notInputs = new Set(['node_modules', 'dist', '.tsc', '.turbo', 'generated', 'tests', 'fixtures', 'examples', 'bench']);

/** Names, sizes and times of everything that a build reads. Only to know whether turbo has to be asked. */
function sourceFingerprint() {
  const hash = createHash('sha256').update(process.versions.node);
  const visit = (/** @type {string} */ path) => {
    for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const child = join(path, entry.name);
      if (entry.isDirectory()) {
        if (!notInputs.has(entry.name)) visit(child);
      } else if (entry.isFile() && !/\.test\.ts$|\.md$|\.log$/.test(entry.name)) {
        const { size, mtimeMs } = statSync(child);
        hash.update(`${child}\0${size}\0${mtimeMs}\n`);
      }
    }
  };
  for (const folder of workspaceFolders()) visit(folder);
  for (const file of ['package-lock.json', 'tsconfig.base.json', 'tsup.base.ts', 'turbo.json']) hash.update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/** Builds what changed. */
export async function ensureBuilt() {
  const fingerprint = sourceFingerprint();
  const present = workspaceFolders().every((folder) => existsSync(join(folder, 'dist')));
  if (present && readStamp('built') === fingerprint) return;
  say('building (the first time takes a few minutes) ...');
  const status = await tool('turbo', ['run', 'build', '--output-logs=errors-only', '--concurrency=2', '--log-order=grouped'], {
    quiet: true,
    env: { TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1', DO_NOT_TRACK: '1', FORCE_COLOR: '0' },
  });
  if (status !== 0) throw new SetupError('the build failed; its messages are above.');
  writeStamp('built', sourceFingerprint());
}

/** @param {() => Promise<number>} main what to do; its result is the exit status */
export async function start(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
