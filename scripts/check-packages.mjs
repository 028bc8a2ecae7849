/**
 * publint and arethetypeswrong over every package as it would be published. `npm run check:packages [-- name...]`; builds first.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workspace } from './diagram.mjs';
import { ensureBuilt, ensureInstalled, root, start } from './setup.mjs';

/** @param {string} command @param {string[]} args @param {string} cwd */
function check(command, args, cwd) {
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' } });
  return { ok: result.status === 0, output: `${result.stdout}${result.stderr}` };
}

await start(async () => {
  await ensureInstalled();
  await ensureBuilt();
  const only = process.argv.slice(2);
  const bin = (/** @type {string} */ name) => join(root, 'node_modules', '.bin', name);
  let failed = 0;
  for (const { name, folder, manifest } of workspace()) {
    if (only.length > 0 && !only.includes(name)) continue;
    const into = mkdtempSync(join(tmpdir(), 'pckit-pack-'));
    try {
      const packed = check('npm', ['pack', '--silent', '--pack-destination', into], folder);
      const tarball = readdirSync(into)[0];
      const problems = [];
      if (!packed.ok || tarball === undefined) problems.push(packed.output);
      else {
        const publint = check(bin('publint'), ['run', '--strict', join(into, tarball)], folder);
        if (!publint.ok) problems.push(publint.output);
        // ESM only: `require` and node10 resolution are not offered. The CLI exports nothing to import.
        if (manifest.exports !== undefined) {
          const attw = check(bin('attw'), [join(into, tarball), '--profile', 'esm-only', '--no-emoji'], folder);
          if (!attw.ok) problems.push(attw.output);
        }
      }
      process.stdout.write(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${manifest.name}\n`);
      for (const problem of problems) process.stdout.write(`${problem}\n`);
      if (problems.length > 0) failed++;
    } finally {
      rmSync(into, { recursive: true, force: true });
    }
  }
  return failed === 0 ? 0 : 1;
});
