import { readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';

it('the example of the README runs, and is what the README shows', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  await import('../examples/rng-over-mmio.js');
  expect(log.mock.calls.map((call) => call.join(' '))).toEqual(['interrupt: true, reason 1', expect.stringMatching(/^random bytes: (\d+ ){7}\d+$/)]);
  log.mockRestore();
  const source = readFileSync(new URL('../examples/rng-over-mmio.ts', import.meta.url), 'utf8');
  expect(readFileSync(new URL('../README.md', import.meta.url), 'utf8')).toContain(source);
  expect(source.split('\n').length).toBeLessThanOrEqual(26);
});
