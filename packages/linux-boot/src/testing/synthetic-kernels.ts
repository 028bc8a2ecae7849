/** Small files that look like kernels, for tests: headers as the specifications want them, and code of the caller's. */
import { ByteWriter, alignUp } from '../bytes.js';

export interface SyntheticBzImageOptions {
  /** Default 0x020f. */
  readonly version?: number;
  readonly setupSectors?: number;
  /** Protected-mode code; a 64-bit entry begins 0x200 into it. Default: 4 KiB of HLT. */
  readonly code?: Uint8Array;
  readonly xloadflags?: number;
  readonly loadflags?: number;
  readonly relocatable?: boolean;
  readonly alignment?: number;
  readonly minAlignmentShift?: number;
  readonly prefAddress?: number;
  readonly initSize?: number;
  readonly initrdAddressMax?: number;
  readonly commandLineSize?: number;
  readonly code32Start?: number;
  readonly payload?: { readonly offset: number; readonly length: number };
  readonly kernelVersion?: string;
}

export function syntheticBzImage(options: SyntheticBzImageOptions = {}): Uint8Array {
  const setupSectors = options.setupSectors ?? 3;
  const code = options.code ?? new Uint8Array(0x1000).fill(0xf4);
  const codeOffset = (setupSectors + 1) * 512;
  const file = new ByteWriter(codeOffset + code.length);
  file.u8(0x1f1, setupSectors);
  file.u32(0x1f4, Math.ceil(code.length / 16));
  file.u16(0x1fe, 0xaa55);
  file.u16(0x200, 0xeb | ((0x268 - 0x202) << 8));
  file.u32(0x202, 0x5372_6448);
  file.u16(0x206, options.version ?? 0x020f);
  if (options.kernelVersion !== undefined) {
    file.u16(0x20e, 0x400 - 0x200);
    file.set(0x400, Uint8Array.from(options.kernelVersion, (character) => character.charCodeAt(0)));
  }
  file.u8(0x211, options.loadflags ?? 0x01);
  file.u32(0x214, options.code32Start ?? 0x10_0000);
  file.u32(0x22c, options.initrdAddressMax ?? 0x7fff_ffff);
  file.u32(0x230, options.alignment ?? 0x20_0000);
  file.u8(0x234, (options.relocatable ?? true) ? 1 : 0);
  file.u8(0x235, options.minAlignmentShift ?? 21);
  file.u16(0x236, options.xloadflags ?? 0x03);
  file.u32(0x238, options.commandLineSize ?? 2047);
  file.u32(0x248, options.payload?.offset ?? 0);
  file.u32(0x24c, options.payload?.length ?? 0);
  file.u64(0x258, options.prefAddress ?? 0x100_0000);
  file.u32(0x260, options.initSize ?? 0x80_0000);
  file.set(codeOffset, code);
  return file.bytes;
}

export interface SyntheticElfOptions {
  readonly bits: 32 | 64;
  readonly entry: number;
  readonly segments: readonly {
    readonly virtualAddress?: number;
    readonly physicalAddress: number;
    readonly bytes: Uint8Array;
    readonly memorySize?: number;
  }[];
  /** Of a Xen PHYS32_ENTRY note. */
  readonly pvhEntry?: number;
  /** Put right behind the program headers, within the first 8 KiB: a multiboot header. */
  readonly header?: Uint8Array;
}

export function syntheticElf(options: SyntheticElfOptions): Uint8Array {
  const is64 = options.bits === 64;
  const elfHeader = is64 ? 0x40 : 0x34;
  const programHeader = is64 ? 0x38 : 0x20;
  const note = options.pvhEntry === undefined ? undefined : new ByteWriter(20);
  if (note !== undefined) {
    note.u32(0, 4);
    note.u32(4, 4);
    note.u32(8, 18);
    note.set(12, Uint8Array.of(0x58, 0x65, 0x6e, 0)); // "Xen"
    note.u32(16, options.pvhEntry ?? 0);
  }
  const count = options.segments.length + (note === undefined ? 0 : 1);
  let at = alignUp(elfHeader + count * programHeader, 16);
  const headerAt = at;
  at = alignUp(at + (options.header?.length ?? 0), 16);
  const noteAt = at;
  at = alignUp(at + (note?.bytes.length ?? 0), 16);
  const offsets = options.segments.map(({ bytes }) => {
    const offset = at;
    at += bytes.length;
    return offset;
  });
  const file = new ByteWriter(at);
  const word = (where: number, value: number): void => (is64 ? file.u64(where, value) : file.u32(where, value));
  file.set(0, Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, 1, 1));
  file.u16(16, 2);
  file.u16(18, is64 ? 62 : 3);
  file.u32(20, 1);
  word(0x18, options.entry);
  word(is64 ? 0x20 : 0x1c, elfHeader);
  file.u16(is64 ? 0x34 : 0x28, elfHeader);
  file.u16(is64 ? 0x36 : 0x2a, programHeader);
  file.u16(is64 ? 0x38 : 0x2c, count);
  const program = (
    index: number,
    part: { type: number; offset: number; virtual: number; physical: number; fileSize: number; memorySize: number },
  ): void => {
    const where = elfHeader + index * programHeader;
    file.u32(where, part.type);
    word(where + (is64 ? 0x08 : 0x04), part.offset);
    word(where + (is64 ? 0x10 : 0x08), part.virtual);
    word(where + (is64 ? 0x18 : 0x0c), part.physical);
    word(where + (is64 ? 0x20 : 0x10), part.fileSize);
    word(where + (is64 ? 0x28 : 0x14), part.memorySize);
  };
  options.segments.forEach((segment, index) => {
    program(index, {
      type: 1,
      offset: offsets[index],
      virtual: segment.virtualAddress ?? segment.physicalAddress,
      physical: segment.physicalAddress,
      fileSize: segment.bytes.length,
      memorySize: segment.memorySize ?? segment.bytes.length,
    });
    file.set(offsets[index], segment.bytes);
  });
  if (note !== undefined) {
    program(count - 1, { type: 4, offset: noteAt, virtual: 0, physical: 0, fileSize: note.bytes.length, memorySize: note.bytes.length });
    file.set(noteAt, note.bytes);
  }
  if (options.header !== undefined) file.set(headerAt, options.header);
  return file.bytes;
}

export interface SyntheticMultibootOptions {
  /** Default 0x10003: page-aligned modules, memory information, address fields. */
  readonly flags?: number;
  readonly loadAddress: number;
  readonly code: Uint8Array;
  readonly entry?: number;
  readonly bssBytes?: number;
  /** 0: "up to the end of the file". */
  readonly loadEnd?: number;
}

/** A flat multiboot kernel: the 32-byte header, then the code. */
export function syntheticMultiboot(options: SyntheticMultibootOptions): Uint8Array {
  const flags = options.flags ?? 0x1_0003;
  const file = new ByteWriter(32 + options.code.length);
  const end = options.loadAddress + file.bytes.length;
  file.u32(0, 0x1bad_b002);
  file.u32(4, flags);
  file.u32(8, -(0x1bad_b002 + flags) >>> 0);
  file.u32(12, options.loadAddress);
  file.u32(16, options.loadAddress);
  file.u32(20, options.loadEnd ?? end);
  file.u32(24, end + (options.bssBytes ?? 0));
  file.u32(28, options.entry ?? options.loadAddress + 32);
  file.set(32, options.code);
  return file.bytes;
}

export interface SyntheticVmlinuxOptions {
  readonly bits: 32 | 64;
  readonly segments: SyntheticElfOptions['segments'];
  readonly entry: number;
  /** Lists in the order in which they are appended: 64-bit, inverse 32-bit, 32-bit for x86-64; 32-bit for i386. Each location a virtual address. */
  readonly relocations?: readonly (readonly number[])[];
}

/** What a kernel's build compresses: an ELF file, and relocations behind it. */
export function syntheticVmlinux(options: SyntheticVmlinuxOptions): Uint8Array {
  const elf = syntheticElf(options);
  const words = (options.relocations ?? []).flatMap((list) => [0, ...list]);
  const file = new ByteWriter(elf.length + words.length * 4);
  file.set(0, elf);
  words.forEach((word, index) => file.u32(elf.length + index * 4, word));
  return file.bytes;
}

/** A bzImage around a vmlinux that is not compressed. */
export function syntheticBzImageOf(vmlinux: Uint8Array, options: Omit<SyntheticBzImageOptions, 'code' | 'payload'> = {}): Uint8Array {
  const code = new Uint8Array(0x400 + vmlinux.length);
  code.set(vmlinux, 0x400);
  return syntheticBzImage({ ...options, code, payload: { offset: 0x400, length: vmlinux.length } });
}
