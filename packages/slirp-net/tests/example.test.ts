import { readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';

it('the example of the README runs, and is what the README shows', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  await import('../examples/attach-an-emulator.js');
  expect(log.mock.calls.map((call) => call.join(' '))).toEqual(['guest sends: arp who has 10.0.2.2, tell 10.0.2.15', 'guest gets:  arp 10.0.2.2 is at 52:55:0a:00:02:02']);
  log.mockRestore();
  const source = readFileSync(new URL('../examples/attach-an-emulator.ts', import.meta.url), 'utf8');
  expect(readFileSync(new URL('../README.md', import.meta.url), 'utf8')).toContain(source);
  expect(source.split('\n').length).toBeLessThanOrEqual(40);
});
