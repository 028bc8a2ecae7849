import { CliError } from '../cli-error.js';

/** How a machine's processors work. */
export interface SideOption {
  readonly name: string;
  /** `false`: nothing is compiled. Otherwise what the processor's region compiler is told. */
  readonly regions: Readonly<Record<string, number>> | false;
}

/** `interpreter`, `default`, `default,lookups=1`. */
export function parseSide(text: string, option: string): SideOption {
  const [kind, ...settings] = text.split(',');
  if (kind === 'interpreter' && settings.length === 0) return { name: text, regions: false };
  if (kind !== 'default') throw new CliError('usage', `${option} ${text}: no such kind of machine`, 'Write interpreter, or default with options: default,lookups=1.');
  const regions: Record<string, number> = {};
  for (const setting of settings) {
    const [name, value, ...rest] = setting.split('=') as [string, string | undefined, ...string[]];
    const number = Number(value);
    if (name === '' || value === undefined || value === '' || rest.length > 0 || !Number.isFinite(number)) {
      throw new CliError('usage', `${option} ${text}: "${setting}" is no option`, 'Options are name=number, with commas between.');
    }
    regions[name] = number;
  }
  return { name: text, regions };
}
