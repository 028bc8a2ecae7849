import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Snapshot } from '@pckit/machine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CliError } from './cli-error.js';
import { readSnapshotFile, writeSnapshotFile } from './snapshot-file.js';

let folder: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pckit-snapshot-'));
  path = join(folder, 'a.snap');
});
afterAll(() => rmSync(folder, { recursive: true }));

const snapshot = (notes: string): Snapshot => ({
  version: 1,
  shape: { ram: [{ start: 0, length: 65536 }], processors: 1 },
  powered: true,
  clock: { version: 1, now: 5, timers: {} },
  door: { version: 1, pending: [], inputs: [] },
  loop: { version: 1, instructions: 7, current: 0, remaining: 1, parked: [false] },
  devices: { rtc: { version: 1, epoch: -0, big: 12345678901234567890n } },
  processors: [{ version: 1 }],
  ram: [{ start: 4096, bytes: new Uint8Array(4096).fill(3) }],
  notes,
});

describe('snapshot files', () => {
  it('give back what was written', async () => {
    await writeSnapshotFile(path, snapshot('one'));
    expect(await readSnapshotFile(path)).toEqual(snapshot('one'));
  });

  it('leave an earlier one, and no rubbish, when they can not be written', async () => {
    await writeSnapshotFile(path, snapshot('one'));
    const unwritable = { ...snapshot('two'), ram: [{ start: 0, bytes: undefined as unknown as Uint8Array }] };
    await expect(writeSnapshotFile(path, unwritable)).rejects.toThrow(CliError);
    expect((await readSnapshotFile(path)).notes).toBe('one');
    expect(readdirSync(folder)).toEqual(['a.snap']);
    await expect(writeSnapshotFile(join(folder, 'no', 'b.snap'), snapshot('x'))).rejects.toThrow('there is no such file');
  });

  it('are refused with a reason when they are something else, cut off, or missing', async () => {
    await expect(readSnapshotFile(join(folder, 'none'))).rejects.toThrow('there is no such file');
    await expect(readSnapshotFile(folder)).rejects.toThrow('it is a folder');
    await writeSnapshotFile(path, snapshot('one'));
    const whole = readFileSync(path);
    for (const length of [0, 5, 12, 100, whole.length - 1]) {
      writeFileSync(path, whole.subarray(0, length));
      await expect(readSnapshotFile(path), `cut at ${length}`).rejects.toThrow(CliError);
    }
    writeFileSync(path, 'hello, this is a text');
    await expect(readSnapshotFile(path)).rejects.toThrow('no snapshot');
  });
});
