import { CliError } from '../cli-error.js';

/**
 * QEMU's way to write options: `user,id=net0,hostfwd=tcp::10021-:22`. Parts are divided by commas, of which two stand for one; a part without `=` is
 * the implied key's value when it comes first, and otherwise a flag that is on.
 */
export class KeyValues {
  readonly #entries: { readonly key: string; readonly value: string }[] = [];
  readonly #taken = new Set<string>();

  /** @param flag for messages: `-drive`. @param implied the first part's key, when it has none */
  constructor(
    private readonly flag: string,
    private readonly text: string,
    implied?: string,
  ) {
    splitCommas(text).forEach((part, index) => {
      const equals = part.indexOf('=');
      if (equals >= 0) this.#entries.push({ key: part.slice(0, equals), value: part.slice(equals + 1) });
      else if (index === 0 && implied !== undefined) this.#entries.push({ key: implied, value: part });
      else if (part !== '') this.#entries.push({ key: part.replace(/^no/, ''), value: part.startsWith('no') && part !== 'no' ? 'off' : 'on' });
    });
  }

  /** The last value of `key`. */
  take(...keys: readonly string[]): string | undefined {
    for (const key of keys) this.#taken.add(key);
    return this.#entries.findLast(({ key }) => keys.includes(key))?.value;
  }

  takeAll(key: string): readonly string[] {
    this.#taken.add(key);
    return this.#entries.filter((entry) => entry.key === key).map(({ value }) => value);
  }

  takeBoolean(key: string): boolean | undefined {
    const value = this.take(key);
    if (value === undefined) return undefined;
    if (['on', 'yes', 'true', 'y'].includes(value)) return true;
    if (['off', 'no', 'false', 'n'].includes(value)) return false;
    throw new CliError('usage', `${this.flag} ${this.text}: ${key}=${value} is neither on nor off`);
  }

  takeNumber(key: string): number | undefined {
    const value = this.take(key);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (!Number.isSafeInteger(number) || number < 0) throw new CliError('usage', `${this.flag} ${this.text}: ${key}=${value} is not a number`);
    return number;
  }

  /** What nobody took, as it was written. */
  get rest(): readonly string[] {
    return this.#entries.filter(({ key }) => !this.#taken.has(key)).map(({ key, value }) => `${key}=${value}`);
  }

  /** @throws CliError when something was not taken. @param known what there is */
  expectNoMore(known: string): void {
    const [first] = this.rest;
    if (first !== undefined) throw new CliError('usage', `${this.flag} ${this.text}: pckit has no "${first.slice(0, first.indexOf('='))}" here`, `What there is: ${known}.`);
  }
}

function splitCommas(text: string): string[] {
  return text
    .replaceAll(',,', '\0')
    .split(',')
    .map((part) => part.replaceAll('\0', ','));
}
