import { createWriteStream, type WriteStream } from 'node:fs';
import { CliError, reasonOf } from './cli-error.js';

/**
 * A file to write to while the machine runs; an existing one is replaced.
 * @param what it is: `capture` @param failed is told when writing fails later
 */
export function openOutputFile(what: string, path: string, failed: (message: string) => void): Promise<WriteStream> {
  const stream = createWriteStream(path);
  return new Promise((opened, refused) => {
    stream.once('error', (error) => refused(new CliError('input', `can't write the ${what} ${path}: ${reasonOf(error)}`, 'Name a file in a folder that exists and that you may write to.', { cause: error })));
    stream.once('open', () => {
      stream.on('error', (error) => failed(`the ${what} ${path}: ${reasonOf(error)}`));
      opened(stream);
    });
  });
}
