import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const folders = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Runs .ci/run with stand-ins for the programs that it calls; all packages are installed unless `programs` says otherwise. */
function ciRun(programs) {
  const folder = mkdtempSync(join(tmpdir(), 'pckit-ci-'));
  folders.push(folder);
  for (const [name, script] of Object.entries({ 'dpkg-query': "echo 'install ok installed'", id: 'echo 0', ...programs })) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  const { PCKIT_REQUIRE_TOOLS: _tools, PCKIT_TEST_SUMMARY: _summary, ...env } = process.env;
  const result = spawnSync('bash', [join(root, '.ci/run')], { encoding: 'utf8', env: { ...env, PATH: `${folder}:${env.PATH}` } });
  return { status: result.status, last: result.stdout.trimEnd().split('\n').at(-1), stderr: result.stderr };
}

describe.skipIf(process.platform === 'win32')('.ci/run', () => {
  it('ends with what npm test counted', () => {
    const { status, last } = ciRun({ npm: '[ "$PCKIT_REQUIRE_TOOLS $*" = "1 test" ] || exit 9; echo "12 passed, 0 failed" > "$PCKIT_TEST_SUMMARY"; echo noise' });
    expect([status, last]).toEqual([0, '12 passed, 0 failed']);
  });

  it('fails when a test fails', () => {
    const { status, last } = ciRun({ npm: 'echo "11 passed, 1 failed" > "$PCKIT_TEST_SUMMARY"; exit 1' });
    expect([status, last]).toEqual([1, '11 passed, 1 failed']);
  });

  it('counts one failure when no test ran', () => {
    expect(ciRun({ npm: 'exit 3' })).toMatchObject({ status: 1, last: '0 passed, 1 failed' });
  });

  it('counts one failure when a package can not be installed', () => {
    const { status, last, stderr } = ciRun({ 'dpkg-query': 'exit 1', 'apt-get': '[ "$2" = update ] || exit 100', npm: 'exit 0' });
    expect([status, last]).toEqual([1, '0 passed, 1 failed']);
    expect(stderr).toContain('apt-get install failed');
  });
});
