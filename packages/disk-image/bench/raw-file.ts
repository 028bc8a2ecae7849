// What one disk request costs with synchronous positional I/O, and with a FileHandle's promises. Cached file, so the device is not measured.
//   node --conditions=@pckit/source --import tsx packages/disk-image/bench/raw-file.ts
import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OverlayDisk } from '../src/index.js';
import { createRawFile, RawFile } from '../src/node/index.js';

const folder = mkdtempSync(join(tmpdir(), 'pckit-bench-'));
const path = join(folder, 'disk.img');
const SIZE = 64 << 20;
createRawFile(path, SIZE);
const disk = new RawFile(path);
disk.write(0, new Uint8Array(SIZE).fill(1));
const overlay = new OverlayDisk(disk);
const handle = await open(path, 'r+');

const median = (times: number[]): number => times.sort((a, b) => a - b)[times.length >> 1] as number;

async function measure(length: number, work: (offset: number, into: Uint8Array) => Promise<unknown> | void): Promise<number> {
  const into = new Uint8Array(length);
  const count = length > 65536 ? 200 : 2000;
  const times: number[] = [];
  for (let round = 0; round < 7; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < count; i++) {
      const pending = work((i * 40503 * 4096) % (SIZE - length), into);
      if (pending !== undefined) await pending;
    }
    times.push(Number(process.hrtime.bigint() - start) / count / 1000);
  }
  return median(times);
}

const rows: Record<string, Record<string, string>> = {};
for (const length of [4096, 65536, 1 << 20]) {
  rows[`${length / 1024} KiB`] = {
    'RawFile.read': `${(await measure(length, (at, into) => disk.read(at, into))).toFixed(1)} us`,
    'RawFile.write': `${(await measure(length, (at, from) => disk.write(at, from))).toFixed(1)} us`,
    'OverlayDisk.read': `${(await measure(length, (at, into) => overlay.read(at, into))).toFixed(1)} us`,
    'FileHandle.read': `${(await measure(length, (at, into) => handle.read(into, 0, length, at))).toFixed(1)} us`,
    'FileHandle.write': `${(await measure(length, (at, from) => handle.write(from, 0, length, at))).toFixed(1)} us`,
  };
}
console.table(rows);
await handle.close();
disk.close();
rmSync(folder, { recursive: true });
