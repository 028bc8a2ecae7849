import { readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';

it('the example of the README runs, and is what the README shows', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  await import('../examples/cut.js');
  expect(log.mock.calls.map((call) => call.join(' '))).toEqual([
    '1514 bytes, sequence number 0, checksum 0x3cbb',
    '1514 bytes, sequence number 1460, checksum 0x3707',
    '1134 bytes, sequence number 2920, checksum 0x881c',
  ]);
  log.mockRestore();
  const source = readFileSync(new URL('../examples/cut.ts', import.meta.url), 'utf8');
  expect(readFileSync(new URL('../README.md', import.meta.url), 'utf8')).toContain(source);
  expect(source.split('\n').length).toBeLessThanOrEqual(26);
});
