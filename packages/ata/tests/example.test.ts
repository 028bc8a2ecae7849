import { readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';

it('the example of the README runs, and is what the README shows', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  await import('../examples/identify.js');
  expect(log.mock.calls.map((call) => call.join(' '))).toEqual([
    'Example disk: 131072 sectors',
    '{"step":"media","protocol":"dma","direction":"in","block":512,"offset":4096,"length":1024,"durable":false}',
  ]);
  log.mockRestore();
  const source = readFileSync(new URL('../examples/identify.ts', import.meta.url), 'utf8');
  expect(readFileSync(new URL('../README.md', import.meta.url), 'utf8')).toContain(source);
  expect(source.split('\n').length).toBeLessThanOrEqual(26);
});
