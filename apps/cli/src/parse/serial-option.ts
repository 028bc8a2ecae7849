import { CliError } from '../cli-error.js';

/** `--serial stdio|file:F|tcp:[HOST:]PORT|none` */
export type SerialOption =
  | { readonly kind: 'stdio' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'none' };

const advice = 'It takes stdio, file:PATH, tcp:PORT, tcp:HOST:PORT or none; the first --serial is COM1 (ttyS0), the second COM2.';

export function parseSerial(text: string): SerialOption {
  if (text === 'stdio' || text === 'none') return { kind: text };
  const [kind, rest] = split(text);
  if (kind === 'file' && rest !== '') return { kind, path: rest };
  if (kind === 'tcp') {
    const match = /^(?:(.+):)?(\d{1,5})$/.exec(rest);
    const port = Number(match?.[2] ?? Number.NaN);
    // Without a host only this machine may connect: whoever reaches the port has a console.
    if (port <= 65535) return { kind, host: (match?.[1] ?? '127.0.0.1').replace(/^\[(.*)\]$/, '$1'), port };
  }
  throw new CliError('usage', `--serial: "${text}" is not a serial line`, advice);
}

function split(text: string): [string, string] {
  const colon = text.indexOf(':');
  return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
}

/** A PC has four, and only one of them can be the terminal. */
export function checkSerials(serials: readonly SerialOption[]): void {
  if (serials.length > 4) throw new CliError('usage', `--serial was given ${serials.length} times`, 'A PC has four serial lines at most, COM1 to COM4.');
  if (serials.filter(({ kind }) => kind === 'stdio').length > 1) {
    throw new CliError('usage', '--serial stdio was given twice', 'Only one line can be the terminal. ' + advice);
  }
}
