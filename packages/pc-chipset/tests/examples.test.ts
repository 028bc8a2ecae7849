import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { run } from './tools.js';

const root = fileURLToPath(new URL('..', import.meta.url));

describe('examples/acpi-tables.ts', () => {
  it('runs and prints where the tables go', () => {
    const { status, output } = run(root, process.execPath, '--conditions=@pckit/source', '--import', 'tsx', 'examples/acpi-tables.ts');
    expect(status, output).toBe(0);
    expect(output).toMatch(/^RSDP at 0xe0000\nacpi-rsdp: 36 bytes at 0xe0000 \(reserved\)\nacpi-facs: 64 bytes at 0x7fff0000 \(nvs\)\nacpi-tables: \d+ bytes at 0x7fff1000 \(acpi\)\n$/);
  });
});

describe('examples/interrupts.ts', () => {
  it('runs, and stands in the README as it is', () => {
    const { status, output } = run(root, process.execPath, '--conditions=@pckit/source', '--import', 'tsx', 'examples/interrupts.ts');
    expect(status, output).toBe(0);
    expect(output).toBe('hello true vector 0x24\n');
    const program = readFileSync(`${root}/examples/interrupts.ts`, 'utf8');
    expect(readFileSync(`${root}/README.md`, 'utf8')).toContain(program);
  });
});
