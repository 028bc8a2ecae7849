import { closeSync, openSync, writeSync } from 'node:fs';
import { CliError, reasonOf } from './cli-error.js';
import type { SerialContext, SerialLine } from './serial-line.js';
import { SerialOutput } from './serial-output.js';

/** A printer: what the guest sends goes into a file, nothing comes back. An existing file is replaced. */
export function openSerialFile(path: string, { failed }: SerialContext): SerialLine {
  let file: number;
  try {
    file = openSync(path, 'w');
  } catch (error) {
    throw new CliError('input', `--serial file:${path} can't be written: ${reasonOf(error)}`, 'Name a file in a folder that exists and that you may write to.', { cause: error });
  }
  let open = true;
  const output = new SerialOutput((bytes) => {
    if (!open) return;
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
    } catch (error) {
      open = false;
      closeSync(file);
      failed(`writing ${path}: ${reasonOf(error)}`);
    }
  });
  return {
    port: { write: (byte) => output.write(byte), attach: () => {} },
    flush: () => {
      output.flush();
      return Promise.resolve();
    },
    close: () => {
      output.flush();
      if (open) closeSync(file);
      open = false;
      return Promise.resolve();
    },
  };
}
