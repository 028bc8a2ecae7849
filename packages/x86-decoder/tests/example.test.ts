import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const example = fileURLToPath(new URL('../examples/disassemble.ts', import.meta.url));

it('runs the README’s program', { timeout: 60_000 }, () => {
  const output = execFileSync(process.execPath, ['--conditions=@pckit/source', '--import', 'tsx', example], {
    encoding: 'utf8',
  });
  expect(output.split('\n')).toEqual([
    '401000:  xor    %eax,%eax',
    '401002:  add    (%rdi),%eax   ; writes CF',
    '401004:  add    $0x4,%rdi   ; writes CF',
    '401008:  dec    %rsi',
    '40100b:  jne    401002 <sum+2>',
    '40100d:  ret',
    '',
  ]);
  expect(readFileSync(new URL('../README.md', import.meta.url), 'utf8')).toContain(readFileSync(example, 'utf8'));
});
