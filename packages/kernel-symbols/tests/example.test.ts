import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { whereIs } from '../examples/where-is.js';
import { SymbolsError } from '../src/index.js';

it('the example is what the README shows', () => {
  const source = readFileSync(new URL('../examples/where-is.ts', import.meta.url), 'utf8');
  expect(readFileSync(new URL('../README.md', import.meta.url), 'utf8')).toContain(source);
  expect(source.split('\n').length).toBeLessThanOrEqual(26);
  expect(() => whereIs(new Uint8Array(100), 'start_kernel')).toThrow(SymbolsError);
});
