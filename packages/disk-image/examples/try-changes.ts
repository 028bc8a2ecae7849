import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRawFile, openDisk } from '@pckit/disk-image/node';

const folder = mkdtempSync(join(tmpdir(), 'disk-'));
const path = join(folder, 'disk.img');
createRawFile(path, 1 << 30); // 1 GiB of holes

// What is written to the overlay stays in memory; the image stays as it is.
const disk = openDisk(path, { overlay: true });
disk.write(512, new TextEncoder().encode('hello'.padEnd(512)));
const sector = new Uint8Array(512);
disk.read(512, sector);
console.log(`the disk says ${new TextDecoder().decode(sector).trim()}, the image has ${readFileSync(path)[512]}`);
await disk.close();
rmSync(folder, { recursive: true });
