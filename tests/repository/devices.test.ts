/** Every device, wherever its package, is under the compliance suite: reset, save, restore, continue. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return /^(node_modules|dist|\.)/.test(entry.name) ? [] : sources(path);
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts') ? [path] : [];
  });
}

const files = [...sources('packages'), ...sources('apps')].map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

/** Classes that say they are a device or a processor. */
const DEVICE = /^export class (\w+)[^{]* implements [^{]*\b(?:Device|Vcpu|VirtioTransport)\b/gm;

it('every class that is a device goes through describeDevice', () => {
  const devices = files
    .filter(({ path }) => path.includes('/src/') && !path.endsWith('.test.ts') && !path.includes('/testing/') && !path.startsWith('packages/device-testing/'))
    .flatMap(({ path, text }) => Array.from(text.matchAll(DEVICE), ([, name]) => ({ name: name!, path })));
  expect(devices.length).toBeGreaterThan(25);
  const suites = files.filter(({ text }) => /\bdescribeDevice\(/.test(text));
  const untested = devices.filter(({ name }) => !suites.some(({ text }) => new RegExp(`\\b${name}\\b`).test(text)));
  expect(untested).toEqual([]);
});
