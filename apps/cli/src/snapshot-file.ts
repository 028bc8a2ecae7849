import { createReadStream, createWriteStream, renameSync, rmSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { MachineError, readSnapshot, writeSnapshot, type Snapshot } from '@pckit/machine';
import { CliError, reasonOf } from './cli-error.js';

/** Writes `path` whole or not at all: an earlier snapshot survives a disk that is full. */
export async function writeSnapshotFile(path: string, snapshot: Snapshot): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    // RAM that is compressed takes longer to write than to keep: zero pages are left out anyway.
    await pipeline(Readable.from(writeSnapshot(snapshot, { compress: false })), createWriteStream(temporary));
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new CliError('host', `can't write the snapshot ${path}: ${reasonOf(error)}`, 'Name a file in a folder that exists, with room for the guest\'s memory.', { cause: error });
  }
}

export async function readSnapshotFile(path: string): Promise<Snapshot> {
  try {
    return await readSnapshot(createReadStream(path, { highWaterMark: 1 << 20 }));
  } catch (error) {
    const advice = error instanceof MachineError ? 'Name a file that --save wrote, with this version of pckit.' : 'Name a file that --save wrote.';
    throw new CliError('input', `can't read the snapshot ${path}: ${reasonOf(error)}`, advice, { cause: error });
  }
}
