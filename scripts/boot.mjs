/** `npm run boot [-- options]`: installs and builds what is missing, then `pckit boot [options]`. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { checkNode, ensureBuilt, ensureInstalled, root, start } from './setup.mjs';

await start(async () => {
  checkNode();
  await ensureInstalled();
  await ensureBuilt();
  const args = process.argv.slice(2);
  const child = spawn(process.execPath, [join(root, 'apps/cli/dist/main.js'), 'boot', ...args], {
    stdio: 'inherit',
    // Paths on the command line mean what they mean where npm was called.
    cwd: process.env.INIT_CWD ?? process.cwd(),
  });
  // The terminal sends its signals to the whole group; the program decides, we wait for it.
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGQUIT'])) process.on(signal, () => {});
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.on(signal, () => child.kill(signal));
  return new Promise((done) => child.on('close', (code) => done(code ?? 128)));
});
