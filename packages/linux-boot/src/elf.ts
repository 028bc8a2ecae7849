/** ELF executables as a boot loader sees them: program headers and notes (System V ABI, "Object Files"). */
import { BootError } from './boot-error.js';
import { ByteReader, alignUp, hex } from './bytes.js';

const ELF_MAGIC = 0x464c_457f;
const ELFCLASS32 = 1;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const ET_EXEC = 2;
const ET_DYN = 3;
const EM_386 = 3;
const EM_X86_64 = 62;
const PT_LOAD = 1;
const PT_NOTE = 4;

/** Kernels have five. A bound keeps a hostile file from costing time. */
const SEGMENTS_MAX = 256;

export interface ElfSegment {
  readonly virtualAddress: number;
  readonly physicalAddress: number;
  /** A view into the file. */
  readonly bytes: Uint8Array;
  readonly memorySize: number;
}

export interface ElfNote {
  readonly name: string;
  readonly type: number;
  readonly description: Uint8Array;
}

export interface ElfFile {
  readonly is64: boolean;
  /** As in the file: often virtual. */
  readonly entry: number;
  /** PT_LOAD segments that take memory, in file order. */
  readonly segments: readonly ElfSegment[];
  readonly notes: readonly ElfNote[];
  /** Where the file ends, by its headers: behind it a kernel's build puts relocations. */
  readonly end: number;
}

export function isElf(file: Uint8Array): boolean {
  return file.length >= 4 && new DataView(file.buffer, file.byteOffset, 4).getUint32(0, true) === ELF_MAGIC;
}

export function parseElf(file: Uint8Array): ElfFile {
  const reader = new ByteReader(file, 'ELF kernel');
  if (!isElf(file)) throw new BootError('not-a-kernel', 'no ELF magic');
  const elfClass = reader.u8(4, 'class');
  const is64 = elfClass === ELFCLASS64;
  if ((!is64 && elfClass !== ELFCLASS32) || reader.u8(5, 'data encoding') !== ELFDATA2LSB) {
    throw new BootError('unsupported', 'ELF kernel: not little-endian 32- or 64-bit');
  }
  const machine = reader.u16(18, 'e_machine');
  if (machine !== EM_386 && machine !== EM_X86_64) throw new BootError('unsupported', `ELF kernel: machine ${machine} is not x86`);
  const type = reader.u16(16, 'e_type');
  if (type !== ET_EXEC && type !== ET_DYN) throw new BootError('unsupported', `ELF kernel: type ${type}, an executable is 2 or 3`);

  const word = (at: number, field: string): number => (is64 ? reader.u64(at, field) : reader.u32(at, field));
  const entry = word(0x18, 'e_entry');
  const tableAt = word(is64 ? 0x20 : 0x1c, 'e_phoff');
  const entrySize = reader.u16(is64 ? 0x36 : 0x2a, 'e_phentsize');
  const count = reader.u16(is64 ? 0x38 : 0x2c, 'e_phnum');
  if (entrySize < (is64 ? 0x38 : 0x20)) throw new BootError('malformed', `ELF kernel: program headers of ${entrySize} bytes`);

  const segments: ElfSegment[] = [];
  const notes: ElfNote[] = [];
  let end = Math.max(tableAt + count * entrySize, sectionsEnd(reader, is64));
  for (let index = 0; index < count; index++) {
    const at = tableAt + index * entrySize;
    const field = `program header ${index}`;
    const segmentType = reader.u32(at, field);
    if (segmentType !== PT_LOAD && segmentType !== PT_NOTE) continue;
    const offset = word(at + (is64 ? 0x08 : 0x04), field);
    const virtualAddress = is64 ? low53(reader, at + 0x10, field) : reader.u32(at + 0x08, field);
    const physicalAddress = word(at + (is64 ? 0x18 : 0x0c), field);
    const fileSize = word(at + (is64 ? 0x20 : 0x10), field);
    const memorySize = word(at + (is64 ? 0x28 : 0x14), field);
    const bytes = reader.slice(offset, fileSize, `segment ${index}`);
    end = Math.max(end, offset + fileSize);
    if (segmentType === PT_NOTE) {
      readNotes(bytes, notes);
    } else if (memorySize > 0) {
      if (fileSize > memorySize || !Number.isFinite(physicalAddress + memorySize)) {
        throw new BootError('malformed', `ELF kernel: segment ${index} has ${hex(fileSize)} bytes for ${hex(memorySize)} at ${hex(physicalAddress)}`);
      }
      if (segments.length === SEGMENTS_MAX) throw new BootError('unsupported', `ELF kernel: more than ${SEGMENTS_MAX} segments to load`);
      segments.push({ virtualAddress, physicalAddress, bytes, memorySize });
    }
  }
  if (segments.length === 0) throw new BootError('malformed', 'ELF kernel: no segment to load');
  return { is64, entry, segments, notes, end: Math.min(end, file.length) };
}

const SHT_NOBITS = 8;

/** Where the last section, or the table of sections, ends. A table that is cut off counts as far as it goes: nothing of it is loaded. */
function sectionsEnd(reader: ByteReader, is64: boolean): number {
  const tableAt = is64 ? reader.u64(0x28, 'e_shoff') : reader.u32(0x20, 'e_shoff');
  const entrySize = reader.u16(is64 ? 0x3a : 0x2e, 'e_shentsize');
  const count = reader.u16(is64 ? 0x3c : 0x30, 'e_shnum');
  if (count === 0 || entrySize < (is64 ? 0x40 : 0x28)) return 0;
  let end = tableAt + count * entrySize;
  for (let index = 0; index < count; index++) {
    const at = tableAt + index * entrySize;
    if (at + entrySize > reader.length) break;
    if (reader.u32(at + 4, 'sh_type') === SHT_NOBITS) continue;
    const offset = is64 ? reader.u64(at + 0x18, 'sh_offset') : reader.u32(at + 0x10, 'sh_offset');
    end = Math.max(end, offset + (is64 ? reader.u64(at + 0x20, 'sh_size') : reader.u32(at + 0x14, 'sh_size')));
  }
  return end;
}

/** Kernels are linked at -2 GiB: only differences of virtual addresses matter, and the low 48 bits hold them exactly. */
function low53(reader: ByteReader, at: number, field: string): number {
  return reader.u32(at, field) + (reader.u32(at + 4, field) & 0xffff) * 0x1_0000_0000;
}

/** A malformed note ends the list: notes are hints. Elf64_Nhdr has 32-bit fields too, padded to 4 bytes. */
function readNotes(bytes: Uint8Array, into: ElfNote[]): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at + 12 <= bytes.length) {
    const nameLength = view.getUint32(at, true);
    const descriptionLength = view.getUint32(at + 4, true);
    const type = view.getUint32(at + 8, true);
    const descriptionAt = at + 12 + alignUp(nameLength, 4);
    if (descriptionAt + descriptionLength > bytes.length) return;
    const name = String.fromCharCode(...bytes.subarray(at + 12, at + 12 + Math.min(nameLength, 64))).replace(/\0.*$/s, '');
    into.push({ name, type, description: bytes.subarray(descriptionAt, descriptionAt + descriptionLength) });
    at = descriptionAt + alignUp(descriptionLength, 4);
  }
}

/** e_entry as a physical address: it may be given as either kind. */
export function physicalEntry(elf: ElfFile): number {
  const inside = (start: number, size: number): boolean => elf.entry >= start && elf.entry < start + size;
  for (const segment of elf.segments) {
    if (inside(segment.physicalAddress, segment.memorySize)) return elf.entry;
  }
  // Above 2^53 the reader gives Infinity; a 32-bit kernel linked at 3 GiB ends up here.
  for (const segment of elf.segments) {
    if (inside(segment.virtualAddress, segment.memorySize)) return elf.entry - segment.virtualAddress + segment.physicalAddress;
  }
  throw new BootError('malformed', `ELF kernel: the entry ${hex(elf.entry)} lies in no segment`);
}
