import { open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { TftpFile, TftpFolder } from '../service/tftp.js';

/** A folder of the host for TFTP: its files and what lies in folders below, nothing that a name or a link leads to outside. */
export function tftpFolder(path: string): TftpFolder {
  return {
    async open(name) {
      // DOS and U-Boot write backslashes; a leading slash is the folder itself.
      const parts = name.split(/[/\\]/).filter((part) => part !== '' && part !== '.');
      if (parts.length === 0 || parts.includes('..') || name.includes('\0')) return undefined;
      const root = await realpath(path);
      const file = await realpath(join(root, ...parts));
      if (!file.startsWith(root.endsWith(sep) ? root : root + sep)) return undefined;
      const handle = await open(file, 'r');
      const stat = await handle.stat();
      if (!stat.isFile()) {
        await handle.close();
        return undefined;
      }
      const opened: TftpFile = {
        size: stat.size,
        read: async (at, length) => {
          const bytes = new Uint8Array(length);
          let filled = 0;
          while (filled < length) {
            const { bytesRead } = await handle.read(bytes, filled, length - filled, at + filled);
            if (bytesRead === 0) break;
            filled += bytesRead;
          }
          return bytes.subarray(0, filled);
        },
        close: () => void handle.close().catch(() => {}),
      };
      return opened;
    },
  };
}
