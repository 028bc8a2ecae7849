import { CliError } from '../cli-error.js';

/** The address of a Debian mirror: what `dists` and `pool` lie under. */
export function parseMirror(text: string): string {
  if (/^(?:https?|file):\/\/./.test(text)) return text;
  throw new CliError('usage', `--mirror: "${text}" is not an http, https or file address`, 'Write --mirror http://HOST/debian.');
}
