import { readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';

async function outputOf(file: URL): Promise<string> {
  let output = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
  try {
    await import(file.href);
  } finally {
    write.mockRestore();
  }
  return output;
}

it('the README’s program runs, and is the example', async () => {
  const file = new URL('../examples/hello-pc.ts', import.meta.url);
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(readFileSync(file, 'utf8').trimEnd());
  expect(await outputOf(file)).toMatch(/^Hello from COM1\ndebug-exit after 86 instructions, state [0-9a-f]{16}\n$/);
});

it('the machine in under 40 lines runs: a CPU, RAM, one UART and a device of the reader’s own', async () => {
  const file = new URL('../examples/tiny-machine.ts', import.meta.url);
  expect(readFileSync(file, 'utf8').trimEnd().split('\n').length).toBeLessThan(40);
  const output = await outputOf(file);
  // What the die throws, from its own arithmetic.
  let seed = 1;
  const thrown = Array.from({ length: 10 }, () => {
    seed = (seed * 25173 + 13849) % 65536;
    return 1 + ((seed >> 8) % 6);
  });
  expect(new Set(thrown).size).toBeGreaterThan(2);
  // mov, then six instructions and the loop for each throw, then hlt.
  expect(output).toBe(`${thrown.join('')}\nstuck after ${1 + 10 * 6 + 1} instructions\n`);
});
