import { CliError } from '../cli-error.js';

/** `--disk FILE[,ro][,overlay]` */
export interface DiskOption {
  readonly path: string;
  /** The guest sees a write-protected disk. */
  readonly readOnly: boolean;
  /** The guest's writes are kept in memory and forgotten at the end; the file stays as it is. */
  readonly overlay: boolean;
}

export function parseDisk(text: string): DiskOption {
  let path = text;
  let readOnly = false;
  let overlay = false;
  // Flags stand at the end, so that a path may contain commas.
  for (;;) {
    const comma = path.lastIndexOf(',');
    const flag = comma < 0 ? '' : path.slice(comma + 1);
    if (flag === 'ro') readOnly = true;
    else if (flag === 'overlay') overlay = true;
    else if (/^[a-z]{1,12}$/.test(flag)) {
      throw new CliError('usage', `--disk: "${flag}" in "${text}" is not a flag`, 'The flags are ro and overlay: --disk FILE,ro or --disk FILE,overlay.');
    } else break;
    path = path.slice(0, comma);
  }
  if (path === '') throw new CliError('usage', `--disk: "${text}" names no file`, 'Write --disk FILE[,ro][,overlay].');
  if (readOnly && overlay) {
    throw new CliError('usage', `--disk: "${text}" is both ro and overlay`, 'ro: the guest can\'t write. overlay: its writes are forgotten at the end. Choose one.');
  }
  return { path, readOnly, overlay };
}
