import { expect, it, vi } from 'vitest';

it('the example of the README runs', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  await import('../examples/write-watch.js');
  expect(log.mock.calls.map((call) => call.join(' '))).toEqual([
    'about to write 4 bytes at 0x7c00',
    'about to write 512 bytes at 0x8000',
    'deadbeef ffffffff',
  ]);
  log.mockRestore();
});
