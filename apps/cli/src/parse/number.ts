import { CliError } from '../cli-error.js';

/** A whole number, also `1_000_000`, `1e9`, `4M` (decimal here: a count) and `0x10`. */
export function parseCount(text: string, option: string, { min = 0, max = Number.MAX_SAFE_INTEGER } = {}): number {
  const plain = text.trim().replaceAll('_', '');
  const match = /^(\d+(?:\.\d+)?(?:e\d+)?)([kmg]?)$/i.exec(plain);
  let value = Number.NaN;
  if (/^0x[0-9a-f]+$/i.test(plain)) value = Number(plain);
  else if (match !== null) value = Math.round(Number(match[1]) * ({ '': 1, k: 1e3, m: 1e6, g: 1e9 }[(match[2] as string).toLowerCase()] as number));
  if (!Number.isSafeInteger(value)) {
    throw new CliError('usage', `${option}: "${text}" is not a whole number`, 'Write digits, or 1e9, 5M, 0x10.');
  }
  if (value < min || value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `${min} to ${max}`;
    throw new CliError('usage', `${option}: ${text} is out of range`, `It takes ${range}.`);
  }
  return value;
}

/** Seconds, fractions allowed. */
export function parseSeconds(text: string, option: string): number {
  const value = /^\d+(?:\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value > 0) || value > 1e9) {
    throw new CliError('usage', `${option}: "${text}" is not a number of seconds`, 'Write a number above zero: 60, 2.5.');
  }
  return value;
}
