import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { syntheticBzImage } from '../src/testing/index.js';

const example = fileURLToPath(new URL('../examples/plan.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'linux-boot-example-'));
afterAll(() => rmSync(folder, { recursive: true }));

function run(...parameters: string[]): { status: number | null; stdout: string; stderr: string } {
  const node = ['--conditions=@pckit/source', '--import', 'tsx', example, ...parameters];
  return spawnSync(process.execPath, node, { encoding: 'utf8', timeout: 60_000 });
}

describe('examples/plan.ts', () => {
  it('prints a plan, or the error', () => {
    const file = join(folder, 'bzImage');
    writeFileSync(file, syntheticBzImage());
    const good = run(file);
    expect(good.stderr).toBe('');
    expect(good.stdout).toContain('bzimage-64: starts in long64 at 0x001000200');
    writeFileSync(file, 'not a kernel');
    const bad = run(file);
    expect(bad.status).toBe(1);
    expect(bad.stderr).toMatch(/^not-a-kernel: /);
  }, 120_000);

  it('is what the README shows', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    expect(readme).toContain(readFileSync(example, 'utf8').trim());
  });
});
