import { CliError } from '../cli-error.js';

const units: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** `512M`, `2G`, `1.5GiB`, `65536`: bytes, in powers of 1024 as everywhere where memory is sold. */
export function parseSize(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  if (match === null) {
    throw new CliError('usage', `${option}: "${text}" is not a size`, 'Write a number of bytes, or one with K, M or G: 512M, 2G.');
  }
  const bytes = Number(match[1]) * (units[(match[2] as string).toLowerCase()] as number);
  if (!Number.isSafeInteger(bytes)) {
    throw new CliError('usage', `${option}: "${text}" is not a whole number of bytes`, 'Write a size such as 512M or 2G.');
  }
  return bytes;
}

/** `2147483648` to `2.0 GiB`. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes;
  let unit = 'B';
  for (const next of ['KiB', 'MiB', 'GiB', 'TiB']) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  return `${value.toFixed(1)} ${unit}`;
}
