import { readFileSync, statSync } from 'node:fs';
import { CliError, reasonOf } from './cli-error.js';

/** Reads a file that an option names. @param option without dashes: `kernel` */
export function readInput(path: string, option: 'kernel' | 'initrd' | 'run' | 'init'): Uint8Array {
  const said = `--${option} ${path}`;
  let bytes: Uint8Array;
  try {
    if (statSync(path).isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
    bytes = readFileSync(path);
  } catch (error) {
    const reason = reasonOf(error);
    const permission = (error as NodeJS.ErrnoException).code === 'EACCES';
    const how = permission
      ? 'Copy it to where you may read it: some distributions keep /boot/vmlinuz for root.'
      : option === 'kernel'
        ? 'Name a kernel image, or leave --kernel out to boot the default guest.'
        : 'Name a file that exists.';
    throw new CliError('input', `${said}: ${reason}`, how, { cause: error });
  }
  if (bytes.length === 0) throw new CliError('input', `${said}: the file is empty`, 'Copy or download it again.');
  return bytes;
}
