/**
 * `npm test [-- vitest arguments]`: installs and builds what is missing, then lint, types and every test. With arguments only the
 * tests that they name. The last line on standard output is `N passed, N failed`.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { cacheFolder, checkNode, ensureBuilt, ensureInstalled, root, say, start, tool } from './setup.mjs';
import { summarize } from './test-summary.mjs';

const only = process.argv.slice(2);
const requireTools = process.env.PCKIT_REQUIRE_TOOLS === '1';
const report = join(cacheFolder, 'vitest.json');

/** @param {number} passed @param {number} failed */
function conclude(passed, failed) {
  const line = `${passed} passed, ${failed} failed`;
  if (process.env.PCKIT_TEST_SUMMARY !== undefined) writeFileSync(process.env.PCKIT_TEST_SUMMARY, `${line}\n`);
  process.stdout.write(`${line}\n`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

await start(async () => {
  try {
    checkNode();
    await ensureInstalled();
    await ensureBuilt();
  } catch (error) {
    conclude(0, 1);
    throw error;
  }

  let failedSteps = 0;
  if (only.length === 0) {
    /** @type {[string, string, string[]][]} */
    const steps = [
      ['lint', 'eslint', ['.', '--cache', '--cache-location', join(cacheFolder, 'eslint'), '--cache-strategy', 'content']],
      ['types', 'tsc', ['-b']],
      ['types of tests and examples', 'tsc', ['-p', 'tsconfig.tests.json']],
    ];
    for (const [name, command, args] of steps) {
      say(`${name} ...`);
      if ((await tool(command, args)) !== 0) {
        say(`${name}: failed`);
        failedSteps++;
      }
    }
  }

  say('tests ...');
  mkdirSync(cacheFolder, { recursive: true });
  rmSync(report, { force: true });
  const status = await tool('vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...only], {
    env: { PCKIT_TEST_BUILT: '1' },
  });
  let result;
  try {
    result = summarize(JSON.parse(readFileSync(report, 'utf8')), { requireTools });
  } catch {
    say('vitest left no report.');
    return conclude(0, failedSteps + 1);
  }
  for (const name of result.failures) say(`failed: ${name.replace(root, '').replace(/^[\\/]/, '')}`);
  if (requireTools) for (const name of result.skipped) say(`skipped, and nothing may be skipped here: ${relative(root, name)}`);
  // A status without a failing test: an unhandled rejection, a worker that died.
  const unexplained = status !== 0 && result.failed === 0 ? 1 : 0;
  if (unexplained > 0) say('vitest reported an error outside of any test; see above.');
  return conclude(result.passed, result.failed + failedSteps + unexplained);
});
