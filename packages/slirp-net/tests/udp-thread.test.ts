import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'tsup';
import { expect, it, onTestFinished } from 'vitest';

const range = (to: number): number[] => Array.from({ length: to }, (_, n) => n);
const here = fileURLToPath(new URL('.', import.meta.url));

it('datagram sockets in a thread of their own are as those of this one', { timeout: 60_000 }, async () => {
  // As the package is built: the other thread's program beside this one's.
  const outDir = mkdtempSync(join(here, '.udp-thread-'));
  onTestFinished(() => rmSync(outDir, { recursive: true }));
  const entry = { run: join(here, 'udp-thread-run.ts'), 'udp-worker': join(here, '../src/node/udp-worker.ts') };
  await build({ config: false, silent: true, entry, outDir, format: ['esm'], splitting: true, external: ['ws', 'dns-packet'], noExternal: [/^@pckit\//], esbuildOptions: (options) => void (options.conditions = ['@pckit/source']) });
  const { stdout } = await promisify(execFile)(process.execPath, [join(outDir, 'run.js')], { timeout: 50_000 });
  const nines = range(9).map((n) => 10 * n + 9);
  expect(JSON.parse(stdout)).toEqual({
    order: [...range(90).filter((n) => !nines.includes(n)), ...nines].join(' '),
    ports: 1,
    heard: [...range(100).map((n) => `${n} one 1400`), '-1 two 0', '7 two 60000'],
    refused: [['prohibited', { address: '255.255.255.255', port: 9 }]],
    ended: [['failed', null]],
    next: 99,
    queued: 0,
  });
});
