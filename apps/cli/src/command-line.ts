import type { BlockBackend } from '@pckit/interfaces';
import { findRoot } from './disk-root.js';
import type { SerialOption } from './parse/serial-option.js';
import type { TerminalSize } from './terminal/host-terminal.js';

export interface CommandLineContext {
  readonly serials: readonly SerialOption[];
  readonly disks: readonly BlockBackend[];
  /** Tells our own init how large the window is. */
  readonly size?: TerminalSize | undefined;
}

/** The kernel command line for those who gave none: a console where they can see it, and the first disk that can be booted from as root. */
export async function defaultCommandLine({ serials, disks, size }: CommandLineContext): Promise<string> {
  const terminal = serials.findIndex(({ kind }) => kind === 'stdio');
  const first = serials.findIndex(({ kind }) => kind !== 'none');
  const words = [`console=ttyS${terminal >= 0 ? terminal : Math.max(first, 0)}`];
  for (const [index, disk] of disks.entries()) {
    const root = await findRoot(disk);
    if (root === undefined) continue;
    words.push(`root=/dev/vd${String.fromCharCode(0x61 + index)}${root.partition ?? ''}`, disk.readOnly ? 'ro' : 'rw');
    break;
  }
  if (size !== undefined) words.push(`pckit.rows=${size.rows}`, `pckit.columns=${size.columns}`);
  return words.join(' ');
}
