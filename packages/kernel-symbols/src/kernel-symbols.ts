import { debugFrame, type Procedure } from './debug-frame.js';
import { ElfImage, SHF } from './elf-image.js';
import { readKallsyms, type KernelSymbol } from './kallsyms.js';
import { readOrc } from './orc.js';
import { writeSymbolFile } from './symbol-file.js';
import { SymbolsError } from './symbols-error.js';

/** The symbols that a stock kernel carries for itself. */
export class KernelSymbols {
  readonly symbols: readonly KernelSymbol[];
  /** `_text`, where it was linked to. */
  readonly textBase: bigint;
  /** After the last byte of code. */
  readonly textEnd: bigint;
  readonly #image: ElfImage;
  readonly #byName = new Map<string, bigint>();
  readonly #sorted: readonly KernelSymbol[];

  /** @param vmlinux the unpacked payload of a kernel image, or a vmlinux */
  constructor(vmlinux: Uint8Array) {
    this.#image = new ElfImage(vmlinux);
    this.symbols = readKallsyms(this.#image);
    for (const { name, address } of this.symbols) if (!this.#byName.has(name)) this.#byName.set(name, address);
    this.#sorted = this.symbols.filter(({ type }) => /[tTwW]/.test(type)).sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
    const base = this.#byName.get('_text');
    if (base === undefined) throw new SymbolsError('malformed', `none of the kernel's ${this.symbols.length} symbols is _text`);
    this.textBase = base;
    const code = this.#image.sections.filter(({ flags, address }) => (flags & SHF.EXECINSTR) !== 0 && address >= base);
    this.textEnd = code.reduce((end, { address, size }) => (address + BigInt(size) > end ? address + BigInt(size) : end), base);
  }

  /** Link address of a symbol. */
  address(name: string): bigint | undefined {
    return this.#byName.get(name);
  }

  /** The function that a link address lies in. */
  nearest(address: bigint): { readonly name: string; readonly offset: bigint } | undefined {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sorted[middle].address <= address) low = middle + 1;
      else high = middle;
    }
    const found = this.#sorted[low - 1];
    return found === undefined || address >= this.textEnd ? undefined : { name: found.name, offset: address - found.address };
  }

  /** What the image has at a link address. */
  bytes(address: bigint, length: number): Uint8Array | undefined {
    return this.#image.at(address, length);
  }

  /** An ELF file for debuggers: all symbols, and call frames where the kernel has unwind tables (CONFIG_UNWINDER_ORC). 64-bit kernels only. */
  symbolFile(): Uint8Array {
    if (this.#image.word !== 8) throw new SymbolsError('unsupported', 'a symbol file of a 32-bit kernel');
    const entries = readOrc(this.#image);
    const frames = entries.length === 0 ? undefined : debugFrame(entries, this.#procedures());
    return writeSymbolFile(this.#image, { symbols: this.symbols, frames });
  }

  /** From one function's symbol to the next's, within their sections. */
  #procedures(): Procedure[] {
    const code = this.#image.sections.filter(({ flags }) => (flags & SHF.EXECINSTR) !== 0).sort((a, b) => (a.address < b.address ? -1 : 1));
    const procedures: Procedure[] = [];
    for (const { address, size } of code) {
      const sectionEnd = address + BigInt(size);
      const starts = [...new Set(this.#sorted.filter((symbol) => symbol.address >= address && symbol.address < sectionEnd).map((symbol) => symbol.address))];
      starts.forEach((start, n) => procedures.push({ start, end: starts[n + 1] ?? sectionEnd }));
    }
    return procedures.sort((a, b) => (a.start < b.start ? -1 : 1));
  }
}
