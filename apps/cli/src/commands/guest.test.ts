import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Guest } from '@pckit/debian-image/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GuestStore } from '../guest-store.js';
import type { GuestRequest } from './guest-options.js';
import { guest } from './guest.js';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'pckit-guest-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const cached = { name: 'one', release: '6.1.0-1-amd64', folder: '/cache/one', verified: 'hashes' } as Guest;

const store: GuestStore = {
  list: () =>
    Promise.resolve([
      { name: 'one', description: 'the first', cached, isDefault: true },
      { name: 'another', description: 'the second', cached: undefined, isDefault: false },
    ]),
  fetch: (name, { say }) => {
    say(`fetching ${name}`);
    return Promise.resolve(cached);
  },
  bootable: () => Promise.reject(new Error('not here')),
  build: (_guest, { modules }) => Promise.resolve({ bytes: Uint8Array.of(7, 8, 9), modules }),
};

async function run(request: GuestRequest): Promise<{ out: string; said: string[] }> {
  let out = '';
  const said: string[] = [];
  await guest(request, { store, print: (text) => (out += text), say: (message) => said.push(message) });
  return { out, said };
}

describe('pckit guest', () => {
  it('lists in columns', async () => {
    expect((await run({ kind: 'list' })).out).toBe(
      'name     cached         what it is           where\n' +
        'one      6.1.0-1-amd64  the first (default)  /cache/one\n' +
        'another  -              the second\n',
    );
  });

  it('prints nothing but the path of a fetched kernel, and warns when nobody checked a signature', async () => {
    const { out, said } = await run({ kind: 'fetch', name: 'default', refresh: false, allModules: false });
    expect(out).toBe('/cache/one/vmlinuz\n');
    expect(said).toEqual(['fetching default', expect.stringContaining('signature')]);
  });

  it('writes what it built', async () => {
    const output = join(folder, 'a.cpio');
    const request: GuestRequest = { kind: 'build', name: 'default', output, files: [], modules: ['ext4'] };
    const { out, said } = await run(request);
    expect([...readFileSync(output)]).toEqual([7, 8, 9]);
    expect([out, said.at(-1)]).toEqual(['', `${output}: 3 B, for Linux 6.1.0-1-amd64, 1 modules`]);
    await expect(run({ ...request, output: join(folder, 'no', 'a.cpio') })).rejects.toThrow('there is no such file');
  });
});
