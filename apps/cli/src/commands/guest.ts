import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CliError, reasonOf } from '../cli-error.js';
import type { GuestStore } from '../guest-store.js';
import { formatSize } from '../parse/size.js';
import type { GuestRequest } from './guest-options.js';

export interface GuestHost {
  readonly store: GuestStore;
  /** Results: standard output. */
  readonly print: (text: string) => void;
  /** Progress: standard error. */
  readonly say: (message: string) => void;
}

export async function guest(request: GuestRequest, { store, print, say }: GuestHost): Promise<void> {
  switch (request.kind) {
    case 'list': {
      const rows = (await store.list()).map(({ name, description, cached, isDefault }) => [
        name,
        cached?.release ?? '-',
        `${description}${isDefault ? ' (default)' : ''}`,
        cached === undefined ? '' : cached.folder,
      ]);
      print(table([['name', 'cached', 'what it is', 'where'], ...rows]));
      return;
    }
    case 'fetch': {
      const { folder, verified } = await store.fetch(request.name, { ...request, say });
      if (verified === 'hashes') say('nobody checked the archive\'s signature: install gpgv and debian-archive-keyring, and fetch again with --refresh');
      print(`${join(folder, 'vmlinuz')}\n`);
      return;
    }
    case 'build': {
      const kernel = await store.fetch(request.name, { ...request, say });
      const { bytes, modules } = await store.build(kernel, request);
      try {
        writeFileSync(request.output, bytes);
      } catch (error) {
        throw new CliError('input', `can't write ${request.output}: ${reasonOf(error)}`, 'Name a file in a folder that exists and that you may write to.', { cause: error });
      }
      say(`${request.output}: ${formatSize(bytes.length)}, for Linux ${kernel.release}, ${modules.length} modules`);
      return;
    }
  }
}

function table(rows: readonly (readonly string[])[]): string {
  const columns = rows[0] as readonly string[];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] as number)).join('  ').trimEnd()}\n`).join('');
}
