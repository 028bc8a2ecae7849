import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteSink } from './byte-sink.js';
import { ElfImage } from './elf-image.js';
import { readKallsyms, type KernelSymbol } from './kallsyms.js';
import { SymbolsError } from './symbols-error.js';

interface Layout {
  readonly word: 4 | 8;
  readonly markerWidth: 4 | 8;
  /** Before num_syms (up to 6.4), or behind the tokens. */
  readonly addresses: 'before' | 'behind';
  readonly seqs: boolean;
  readonly absolutePercpu: boolean;
}

const KERNELS: Readonly<Record<string, Layout>> = {
  '4.19': { word: 8, markerWidth: 8, addresses: 'before', seqs: false, absolutePercpu: true },
  '5.10 and 6.1': { word: 8, markerWidth: 4, addresses: 'before', seqs: false, absolutePercpu: true },
  '6.2': { word: 8, markerWidth: 4, addresses: 'before', seqs: true, absolutePercpu: true },
  '6.12': { word: 8, markerWidth: 4, addresses: 'behind', seqs: false, absolutePercpu: true },
  '6.16': { word: 8, markerWidth: 4, addresses: 'behind', seqs: false, absolutePercpu: false },
  'i386, 6.1': { word: 4, markerWidth: 4, addresses: 'before', seqs: false, absolutePercpu: false },
};

function someSymbols({ word, absolutePercpu }: Layout): KernelSymbol[] {
  const base = word === 8 ? 0xffffffff81000000n : 0xc1000000n;
  const symbols: KernelSymbol[] = absolutePercpu ? [{ type: 'A', name: 'current_task', address: 0x1fb80n }] : [];
  for (let n = 0; n < 1300; n++) symbols.push({ type: n % 3 === 0 ? 'T' : 't', name: n === 0 ? '_text' : n === 7 ? `long_${'x'.repeat(word === 8 ? 190 : 20)}` : `function_${n}`, address: base + BigInt(16 * n) });
  return symbols;
}

/** An ELF file with nothing but the table, as scripts/kallsyms.c writes it; tokens for pairs of letters that names have often. */
function imageOf(symbols: readonly KernelSymbol[], layout: Layout): Uint8Array {
  const { word, markerWidth } = layout;
  const tokens = Array.from({ length: 256 }, (_, code) => (code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : ''));
  ['function_', 'xx', 'tfunc'].forEach((text, n) => (tokens[n + 1] = text));
  const out = new ByteSink();
  out.append(new Uint8Array(4096));
  const addresses = (): void => {
    const base = symbols.find(({ name }) => name === '_text')?.address ?? 0n;
    for (const { address } of symbols) {
      const offset = !layout.absolutePercpu ? address - base : address < 0x100000n ? address : base - 1n - address;
      out.u32(Number(BigInt.asUintN(32, offset)));
    }
    out.align(word);
    if (word === 8) out.u64(base);
    else out.u32(Number(base));
  };
  if (layout.addresses === 'before') addresses();
  out.u32(symbols.length);
  out.align(word);
  const names = out.length;
  const markers: number[] = [];
  symbols.forEach(({ type, name }, n) => {
    if (n % 256 === 0) markers.push(out.length - names);
    const codes: number[] = [];
    for (let rest = type + name; rest !== ''; ) {
      const token = tokens.findIndex((text, code) => code > 0 && code < 4 && rest.startsWith(text));
      codes.push(token > 0 ? token : rest.charCodeAt(0));
      rest = rest.slice(token > 0 ? tokens[token].length : 1);
    }
    if (codes.length > 0x7f) out.u8((codes.length & 0x7f) | 0x80);
    out.u8(codes.length > 0x7f ? codes.length >> 7 : codes.length);
    for (const code of codes) out.u8(code);
  });
  out.align(word);
  for (const marker of markers) {
    out.u32(marker);
    if (markerWidth === 8) out.u32(0);
  }
  out.align(word);
  if (layout.seqs) {
    symbols.forEach((_, n) => [n >> 16, n >> 8, n].forEach((byte) => out.u8(byte & 0xff)));
    out.align(word);
  }
  const table = out.length;
  const index = tokens.map((text) => {
    const at = out.length - table;
    out.text(text);
    return at;
  });
  out.align(word);
  for (const at of index) out.u16(at);
  out.align(word);
  if (layout.addresses === 'behind') addresses();
  out.append(new Uint8Array(64));

  const bytes = out.bytes.slice();
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, word === 8 ? 2 : 1, 1]);
  view.setUint16(18, word === 8 ? 62 : 3, true);
  return bytes;
}

describe.each(Object.entries(KERNELS))('a kernel such as %s', (_, layout) => {
  it('gives its symbols', () => {
    const symbols = someSymbols(layout);
    expect(readKallsyms(new ElfImage(imageOf(symbols, layout)))).toEqual(symbols);
  });
});

describe('damaged images', () => {
  const whole = imageOf(someSymbols(KERNELS['6.12']), KERNELS['6.12']);
  const read = (bytes: Uint8Array): void => {
    try {
      readKallsyms(new ElfImage(bytes));
    } catch (error) {
      expect(error).toBeInstanceOf(SymbolsError);
    }
  };
  it('cut off anywhere are an error, or what is left of them', () => {
    for (let length = 0; length < 64; length++) read(whole.slice(0, length));
    for (let length = 64; length < whole.length; length += 211) read(whole.slice(0, length));
  });
  it('with changed bytes, too', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 8 }), (changes) => {
        const bytes = whole.slice();
        for (const [at, value] of changes) bytes[at] = value;
        read(bytes);
      }),
      { seed: 1, numRuns: 200 },
    );
  });
  it('and any bytes behind an ELF header', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => read(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, ...bytes))), { seed: 1, numRuns: 300 });
  });
});
