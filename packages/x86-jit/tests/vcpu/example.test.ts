import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';

it('the example computes a sum in real mode', async () => {
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  await import('../../examples/sum.js');
  log.mockRestore();
  expect(lines).toEqual(['halted after 204 instructions; the guest says 5050']);
});

it('stands in the README as it is', () => {
  const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8');
  expect(read('../../README.md')).toContain(read('../../examples/sum.ts').trim());
});
