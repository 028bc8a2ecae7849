import type { ElfImage } from './elf-image.js';
import { SymbolsError } from './symbols-error.js';

// Linux, scripts/kallsyms.c and kernel/kallsyms.c: the kernel's table of its own symbols. The image says nowhere where it is, but its parts are
// unmistakable and lie next to each other:
//
//   [offsets, relative_base] num_syms, names, markers, [seqs_of_names,] token_table, token_index [, offsets, relative_base]
//
// The addresses stood before num_syms up to 6.4, and stand at the end since.

export interface KernelSymbol {
  readonly name: string;
  /** As `nm` has it: T, t, D, d, A ... */
  readonly type: string;
  readonly address: bigint;
}

const align = (value: number, to: number): number => Math.ceil(value / to) * to;
/** No kernel has as many symbols. */
const MOST_SYMBOLS = 2_000_000;
/** The index has a marker for every so many names. */
const NAMES_PER_MARKER = 256;
const TOKENS = 256;

interface Tokens {
  readonly tableAt: number;
  readonly indexAt: number;
  readonly text: readonly string[];
}

/** @throws SymbolsError when there is no such table */
export function readKallsyms(image: ElfImage): KernelSymbol[] {
  const { bytes, word } = image;
  // Of digits every kernel has symbols, so each is a token of its own, and they stand in a row.
  const digits = [...'0123456789'].flatMap((digit) => [digit.charCodeAt(0), 0]);
  for (let from = 0; ; ) {
    const at = indexOf(bytes, digits, from);
    if (at < 0) throw new SymbolsError('unsupported', 'the kernel image has no kallsyms table (CONFIG_KALLSYMS)');
    const tokens = readTokens(image, at);
    const symbols = tokens === undefined ? undefined : readNames(image, tokens);
    if (symbols !== undefined) return symbols;
    from = at + word;
  }
}

function indexOf(bytes: Uint8Array, pattern: readonly number[], from: number): number {
  for (let at = bytes.indexOf(pattern[0], from); at >= 0; at = bytes.indexOf(pattern[0], at + 1)) {
    if (pattern.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}

/** token_table: 256 strings; token_index: where each begins, as u16. The digits' place in it gives both away. */
function readTokens({ bytes, view, word }: ElfImage, digitsAt: number): Tokens | undefined {
  const zero = '0'.charCodeAt(0);
  for (let indexAt = align(digitsAt, word); indexAt < digitsAt + 8192 && indexAt + 2 * TOKENS <= bytes.length; indexAt += word) {
    const tableAt = digitsAt - view.getUint16(indexAt + 2 * zero, true);
    if (view.getUint16(indexAt, true) !== 0 || tableAt < 0) continue;
    const text: string[] = [];
    let offset = 0;
    for (let token = 0; token < TOKENS; token++) {
      if (view.getUint16(indexAt + 2 * token, true) !== offset) break;
      const end = bytes.indexOf(0, tableAt + offset);
      if (end < 0 || end >= indexAt) break;
      text.push(String.fromCharCode(...bytes.subarray(tableAt + offset, end)));
      offset = end + 1 - tableAt;
    }
    if (text.length === TOKENS && align(tableAt + offset, word) === indexAt) return { tableAt, indexAt, text };
  }
  return undefined;
}

function readNames(image: ElfImage, tokens: Tokens): KernelSymbol[] | undefined {
  const { word } = image;
  // seqs_of_names, 3 bytes for each name, lay before the tokens in 6.2 to 6.4.
  for (let gap = 0; gap < 3 * 500_000 && gap < tokens.tableAt; gap += word) {
    const end = tokens.tableAt - gap;
    // Markers were as wide as a pointer up to 4.19.
    for (const width of word === 8 ? [4, 8] : [4]) {
      const markers = markersBefore(image, end, width);
      if (markers === undefined) continue;
      const found = namesBefore(image, markers, gap);
      const symbols = found === undefined ? undefined : decodeNames(image, tokens, found);
      if (symbols !== undefined) return symbols;
    }
  }
  return undefined;
}

interface Markers {
  readonly at: number;
  readonly values: readonly number[];
}

/** The increasing offsets that end at `end`, back to 0. */
function markersBefore({ view, word }: ElfImage, end: number, width: number): Markers | undefined {
  const read = (at: number): number => (width === 8 ? (view.getUint32(at + 4, true) === 0 ? view.getUint32(at, true) : -1) : view.getUint32(at, true));
  for (let padding = 0; padding < word; padding += 4) {
    const values: number[] = [];
    for (let at = end - padding - width; at >= 0; at -= width) {
      const value = read(at);
      const after = values.at(-1);
      // 256 names take more than 256 bytes, and less than 256 of the longest.
      if (value < 0 || (after !== undefined && (value >= after || after - value > NAMES_PER_MARKER * 513))) break;
      values.push(value);
      if (value !== 0) continue;
      if (values.length < 4) break;
      return { at, values: values.reverse() };
    }
  }
  return undefined;
}

interface Names {
  readonly at: number;
  readonly count: number;
  readonly countAt: number;
  readonly starts: Uint32Array;
}

/** The names that end at the markers, and the count before them. */
function namesBefore({ bytes, view, word }: ElfImage, markers: Markers, gap: number): Names | undefined {
  const last = markers.values.at(-1) ?? 0;
  const most = markers.values.length * NAMES_PER_MARKER;
  for (let at = markers.at - last - ((markers.at - last) % word); at >= word && markers.at - last - at < NAMES_PER_MARKER * 513; at -= word) {
    const count = view.getUint32(at - word, true);
    if (count > most || count <= most - NAMES_PER_MARKER || count > MOST_SYMBOLS) continue;
    if (gap > 0 && align(3 * count, word) !== gap) continue;
    const starts = new Uint32Array(count);
    let offset = at;
    let k = 0;
    for (; k < count && offset < markers.at; k++) {
      if (k % NAMES_PER_MARKER === 0 && offset - at !== markers.values[k / NAMES_PER_MARKER]) break;
      starts[k] = offset;
      offset += nameBytes(bytes, offset);
    }
    if (k === count && align(offset, word) === markers.at) return { at, count, countAt: at - word, starts };
  }
  return undefined;
}

/** A name's length is one byte, or since 6.1 two when the first has its top bit set. */
function nameBytes(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  return (first & 0x80) === 0 ? 1 + first : 2 + ((first & 0x7f) | (bytes[at + 1] << 7));
}

function decodeNames(image: ElfImage, tokens: Tokens, names: Names): KernelSymbol[] | undefined {
  const { bytes, word } = image;
  const before = names.countAt - word;
  const places = [
    { base: before, offsets: before - align(4 * names.count, word) },
    { offsets: align(tokens.indexAt + 2 * TOKENS, word), base: align(tokens.indexAt + 2 * TOKENS, word) + align(4 * names.count, word) },
  ];
  const addresses = places.map((place) => readAddresses(image, names.count, place)).find((list) => list !== undefined);
  if (addresses === undefined) return undefined;
  const symbols: KernelSymbol[] = [];
  for (let k = 0; k < names.count; k++) {
    const at = names.starts[k];
    const length = nameBytes(bytes, at);
    let text = '';
    for (let i = (bytes[at] & 0x80) === 0 ? 1 : 2; i < length; i++) text += tokens.text[bytes[at + i]];
    symbols.push({ type: text.slice(0, 1), name: text.slice(1), address: addresses[k] });
  }
  return symbols;
}

/** kallsyms_sym_address: offsets from a base; with CONFIG_KALLSYMS_ABSOLUTE_PERCPU those that aren't negative are addresses themselves. */
function readAddresses({ bytes, view, word }: ElfImage, count: number, at: { readonly offsets: number; readonly base: number }): bigint[] | undefined {
  if (at.offsets < 0 || at.base + word > bytes.length) return undefined;
  const base = word === 8 ? view.getBigUint64(at.base, true) : BigInt(view.getUint32(at.base, true));
  // The base is `_text` or the first symbol; both are where kernels are.
  if (word === 8 ? base >> 31n !== 0x1ffffffffn : base < 0x80000000n) return undefined;
  const offsets = Array.from({ length: count }, (_, k) => view.getInt32(at.offsets + 4 * k, true));
  const negative = offsets.filter((offset) => offset < 0).length;
  const absolutePercpu = negative > count / 2;
  const mask = word === 8 ? 0xffffffffffffffffn : 0xffffffffn;
  return offsets.map((offset) => {
    if (!absolutePercpu) return (base + BigInt(offset >>> 0)) & mask;
    return offset >= 0 ? BigInt(offset) : (base - 1n - BigInt(offset)) & mask;
  });
}
