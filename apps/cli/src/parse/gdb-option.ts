import { CliError } from '../cli-error.js';

/** `--gdb [HOST:]PORT`, and `--wait` */
export interface GdbOption {
  /** Without one only this machine may connect: whoever reaches the port can do anything to the guest. */
  readonly host: string;
  readonly port: number;
  /** The machine stands at its first instruction until a debugger lets it go. */
  readonly wait: boolean;
}

export function parseGdb(text: string): Omit<GdbOption, 'wait'> {
  const match = /^(?:(.+):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2] ?? Number.NaN);
  if (!(port <= 65535)) throw new CliError('usage', `--gdb: "${text}" is not an address to listen on`, 'Write a port, 1234, or HOST:PORT; port 0 is any free one.');
  return { host: (match?.[1] ?? '127.0.0.1').replace(/^\[(.*)\]$/, '$1'), port };
}
