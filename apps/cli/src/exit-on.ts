/**
 * Finds a text in a stream of bytes, across any chunk borders, in one pass and without keeping the stream (Knuth, Morris, Pratt).
 */
export class TextMatcher {
  readonly #pattern: Uint8Array;
  /** For each length of a partial match, the longest shorter one that is its suffix. */
  readonly #fallback: Int32Array;
  #matched = 0;

  /** @param text not empty; compared as UTF-8 */
  constructor(text: string) {
    this.#pattern = new TextEncoder().encode(text);
    if (this.#pattern.length === 0) throw new RangeError('an empty text is everywhere');
    this.#fallback = new Int32Array(this.#pattern.length);
    for (let at = 1, length = 0; at < this.#pattern.length; at++) {
      while (length > 0 && this.#pattern[at] !== this.#pattern[length]) length = this.#fallback[length - 1] as number;
      if (this.#pattern[at] === this.#pattern[length]) length++;
      this.#fallback[at] = length;
    }
  }

  /** @returns whether the text ends with this byte */
  push(byte: number): boolean {
    const pattern = this.#pattern;
    let matched = this.#matched;
    while (matched > 0 && pattern[matched] !== byte) matched = this.#fallback[matched - 1] as number;
    if (pattern[matched] === byte) matched++;
    const found = matched === pattern.length;
    this.#matched = found ? (this.#fallback[matched - 1] as number) : matched;
    return found;
  }
}
