import { readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';

it('the example of the README runs, and is what the README shows', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  await import('../examples/probe.js');
  expect(log.mock.calls.map((call) => call.join(' '))).toEqual(['status 282, 60 bytes sent, descriptor status 1']);
  log.mockRestore();
  const source = readFileSync(new URL('../examples/probe.ts', import.meta.url), 'utf8');
  expect(readFileSync(new URL('../README.md', import.meta.url), 'utf8')).toContain(source);
  expect(source.split('\n').length).toBeLessThanOrEqual(26);
});
