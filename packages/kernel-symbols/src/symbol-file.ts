import { ByteSink } from './byte-sink.js';
import { SHF, SHT, type ElfImage, type Section } from './elf-image.js';
import type { KernelSymbol } from './kallsyms.js';

const ELF_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const SECTION_HEADER_BYTES = 64;
const SYMBOL_BYTES = 24;
const SHN_ABS = 0xfff1;
const STB = { local: 0, global: 1, weak: 2 } as const;
const STT = { notype: 0, object: 1, func: 2 } as const;

export interface SymbolFileParts {
  readonly symbols: readonly KernelSymbol[];
  /** `.debug_frame`, if there is one. */
  readonly frames?: Uint8Array | undefined;
}

interface Written {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly address: bigint;
  readonly size: number;
  readonly align: number;
  readonly contents?: Uint8Array;
  readonly link?: number;
  readonly info?: number;
  readonly entrySize?: number;
}

/**
 * An ELF file like the vmlinux that the image was made from, with its sections, segments and symbols but without their contents, which the debugger reads from the
 * machine. Its notes are kept: the build ID.
 */
export function writeSymbolFile(image: ElfImage, { symbols, frames }: SymbolFileParts): Uint8Array {
  // Per-CPU data are linked to 0 and no part of what KASLR moves; their symbols are absolute.
  const kept = image.sections.filter(({ flags, type, size, address }) => (flags & SHF.ALLOC) !== 0 && type !== SHT.NULL && size > 0 && address !== 0n);
  const sections: Written[] = kept.map(({ name, type, flags, address, size, align, ...rest }) => {
    const notes = type === SHT.NOTE ? { contents: image.contents({ name, type, flags, address, size, align, ...rest }) } : {};
    return { name, type: type === SHT.NOTE ? SHT.NOTE : SHT.NOBITS, flags, address, size, align, ...notes };
  });
  const { table, strings, firstGlobal } = symbolTable(symbols, kept);
  const symbolsIndex = sections.length + 1;
  sections.push({ name: '.symtab', type: SHT.SYMTAB, flags: 0, address: 0n, size: table.length, align: 8, contents: table, link: symbolsIndex + 1, info: firstGlobal, entrySize: SYMBOL_BYTES });
  sections.push({ name: '.strtab', type: SHT.STRTAB, flags: 0, address: 0n, size: strings.length, align: 1, contents: strings });
  if (frames !== undefined && frames.length > 0) sections.push({ name: '.debug_frame', type: SHT.PROGBITS, flags: 0, address: 0n, size: frames.length, align: 8, contents: frames });
  return assemble(image, sections);
}

/** Local symbols come first (ELF specification, "Symbol Table"). */
function symbolTable(symbols: readonly KernelSymbol[], sections: readonly Section[]): { readonly table: Uint8Array; readonly strings: Uint8Array; readonly firstGlobal: number } {
  const table = new ByteSink();
  const strings = new ByteSink();
  strings.u8(0);
  table.append(new Uint8Array(SYMBOL_BYTES));
  const sorted = [...sections.entries()].sort(([, a], [, b]) => (a.address < b.address ? -1 : 1));
  const isLocal = ({ type }: KernelSymbol): boolean => type === type.toLowerCase() && type !== 'w' && type !== 'v';
  const write = (symbol: KernelSymbol): void => {
    const { name, type, address } = symbol;
    const section = type.toLowerCase() === 'a' || address < 0x100000n ? undefined : sectionOf(sorted, address);
    const binding = isLocal(symbol) ? STB.local : /[wWvV]/.test(type) ? STB.weak : STB.global;
    const kind = /[tTwW]/.test(type) ? STT.func : /[aA]/.test(type) ? STT.notype : STT.object;
    table.u32(strings.length);
    table.u8((binding << 4) | kind);
    table.u8(0);
    table.u16(section === undefined ? SHN_ABS : section + 1);
    table.u64(address);
    table.u64(0n);
    strings.text(name);
  };
  const local = symbols.filter(isLocal);
  local.forEach(write);
  symbols.filter((symbol) => !isLocal(symbol)).forEach(write);
  return { table: table.bytes, strings: strings.bytes, firstGlobal: local.length + 1 };
}

/** The last section that begins at or before an address: symbols such as `_etext` stand at the end of one. */
function sectionOf(sorted: readonly (readonly [number, Section])[], address: bigint): number | undefined {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle][1].address <= address) low = middle + 1;
    else high = middle;
  }
  const found = sorted[low - 1];
  return found === undefined || address > found[1].address + BigInt(found[1].size) + 0x200000n ? undefined : found[0];
}

function assemble(image: ElfImage, sections: readonly Written[]): Uint8Array {
  const out = new ByteSink();
  const { segments } = image;
  const names = new ByteSink();
  names.u8(0);
  const nameOf = (name: string): number => {
    const at = names.length;
    names.text(name);
    return at;
  };
  const nameAt = sections.map(({ name }) => nameOf(name));
  const ownName = nameOf('.shstrtab');

  out.append(new Uint8Array(ELF_HEADER_BYTES));
  for (const { type, flags, address, physical, memorySize, align } of segments) {
    out.u32(type);
    out.u32(flags);
    out.u64(0n);
    out.u64(address);
    out.u64(physical);
    out.u64(0n);
    out.u64(BigInt(memorySize));
    out.u64(BigInt(align));
  }
  const offsets = sections.map(({ contents, align }) => {
    if (contents === undefined) return out.length;
    out.align(Math.max(1, align));
    const at = out.length;
    out.append(contents);
    return at;
  });
  const namesAt = out.length;
  out.append(names.bytes);
  out.align(8);
  const headersAt = out.length;
  out.append(new Uint8Array(SECTION_HEADER_BYTES));
  const header = (name: number, offset: number, { type, flags, address, size, align, link = 0, info = 0, entrySize = 0 }: Written): void => {
    out.u32(name);
    out.u32(type);
    out.u64(BigInt(flags));
    out.u64(address);
    out.u64(BigInt(offset));
    out.u64(BigInt(size));
    out.u32(link);
    out.u32(info);
    out.u64(BigInt(Math.max(1, align)));
    out.u64(BigInt(entrySize));
  };
  sections.forEach((section, n) => header(nameAt[n], offsets[n], section));
  header(ownName, namesAt, { name: '.shstrtab', type: SHT.STRTAB, flags: 0, address: 0n, size: names.length, align: 1 });

  const file = out.bytes.slice();
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, image.machine, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, segments[0]?.address ?? 0n, true);
  view.setBigUint64(32, BigInt(ELF_HEADER_BYTES), true);
  view.setBigUint64(40, BigInt(headersAt), true);
  view.setUint16(52, ELF_HEADER_BYTES, true);
  view.setUint16(54, PROGRAM_HEADER_BYTES, true);
  view.setUint16(56, segments.length, true);
  view.setUint16(58, SECTION_HEADER_BYTES, true);
  view.setUint16(60, sections.length + 2, true);
  view.setUint16(62, sections.length + 1, true);
  return file;
}
