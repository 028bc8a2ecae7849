import { SymbolsError } from './symbols-error.js';

/** Of the ELF specification's names, those that kernels use. */
export const SHT = { NULL: 0, PROGBITS: 1, SYMTAB: 2, STRTAB: 3, NOTE: 7, NOBITS: 8 } as const;
export const SHF = { WRITE: 1, ALLOC: 2, EXECINSTR: 4 } as const;
export const PT_LOAD = 1;

export interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly address: bigint;
  readonly offset: number;
  readonly size: number;
  readonly align: number;
}

export interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly address: bigint;
  readonly physical: bigint;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly align: number;
}

/** A vmlinux: its sections and segments. Bytes are the caller's, untrusted. */
export class ElfImage {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** 8, or 4 for i386. */
  readonly word: 4 | 8;
  readonly machine: number;
  readonly sections: readonly Section[];
  readonly segments: readonly Segment[];

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { view } = this;
    if (bytes.length < 64 || view.getUint32(0, false) !== 0x7f454c46) throw new SymbolsError('malformed', 'the kernel image is no ELF file');
    const [elfClass, data] = [bytes[4], bytes[5]];
    if ((elfClass !== 1 && elfClass !== 2) || data !== 1) throw new SymbolsError('unsupported', `an ELF file of class ${elfClass}, byte order ${data}`);
    this.word = elfClass === 2 ? 8 : 4;
    this.machine = view.getUint16(18, true);
    const wide = this.word === 8;
    const [headers, sections] = wide ? [Number(view.getBigUint64(32, true)), Number(view.getBigUint64(40, true))] : [view.getUint32(28, true), view.getUint32(32, true)];
    const at = wide ? 54 : 42;
    this.segments = this.#table(headers, view.getUint16(at, true), view.getUint16(at + 2, true), (entry) => this.#segment(entry));
    const raw = this.#table(sections, view.getUint16(at + 4, true), view.getUint16(at + 6, true), (entry) => this.#section(entry));
    const names = raw[view.getUint16(at + 8, true)];
    this.sections = raw.map(({ nameAt, ...section }) => ({ ...section, name: names === undefined ? '' : this.#string(names.offset + nameAt) }));
  }

  section(name: string): Section | undefined {
    return this.sections.find((section) => section.name === name);
  }

  /** A section's bytes; cut off where the file ends. */
  contents({ type, offset, size }: Section): Uint8Array {
    return type === SHT.NOBITS ? new Uint8Array() : this.bytes.subarray(offset, offset + size);
  }

  /** Bytes at a link address. @returns undefined where none are loaded */
  at(address: bigint, length: number): Uint8Array | undefined {
    for (const { type, address: start, offset, fileSize } of this.segments) {
      if (type !== PT_LOAD || address < start || address + BigInt(length) > start + BigInt(fileSize)) continue;
      const from = offset + Number(address - start);
      return from + length <= this.bytes.length ? this.bytes.subarray(from, from + length) : undefined;
    }
    return undefined;
  }

  #table<T>(offset: number, size: number, count: number, read: (entry: number) => T): T[] {
    const least = this.word === 8 ? 56 : 32;
    if (count > 0 && (size < least || offset + size * count > this.bytes.length)) {
      throw new SymbolsError('malformed', `a table of ${count} ELF headers at 0x${offset.toString(16)} ends behind the file of ${this.bytes.length} bytes`);
    }
    return Array.from({ length: count }, (_, n) => read(offset + n * size));
  }

  #segment(at: number): Segment {
    const { view } = this;
    const wide = (offset: number): bigint => view.getBigUint64(at + offset, true);
    const narrow = (offset: number): number => view.getUint32(at + offset, true);
    if (this.word === 8) {
      return { type: narrow(0), flags: narrow(4), offset: Number(wide(8)), address: wide(16), physical: wide(24), fileSize: Number(wide(32)), memorySize: Number(wide(40)), align: Number(wide(48)) };
    }
    return { type: narrow(0), offset: narrow(4), address: BigInt(narrow(8)), physical: BigInt(narrow(12)), fileSize: narrow(16), memorySize: narrow(20), flags: narrow(24), align: narrow(28) };
  }

  #section(at: number): Omit<Section, 'name'> & { readonly nameAt: number } {
    const { view } = this;
    const wide = (offset: number): bigint => (at + offset + 8 <= this.bytes.length ? view.getBigUint64(at + offset, true) : 0n);
    const narrow = (offset: number): number => view.getUint32(at + offset, true);
    if (this.word === 8) {
      return { nameAt: narrow(0), type: narrow(4), flags: Number(wide(8)), address: wide(16), offset: Number(wide(24)), size: Number(wide(32)), align: Number(wide(48)) };
    }
    return { nameAt: narrow(0), type: narrow(4), flags: narrow(8), address: BigInt(narrow(12)), offset: narrow(16), size: narrow(20), align: narrow(32) };
  }

  #string(at: number): string {
    let text = '';
    for (let i = at; i < this.bytes.length && this.bytes[i] !== 0 && text.length < 256; i++) text += String.fromCharCode(this.bytes[i]);
    return text;
  }
}
