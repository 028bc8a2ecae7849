/** Multiboot Specification version 0.6.96 (multiboot 1): ELF kernels, and flat ones with the address fields of the "a.out kludge". */
import { BootError } from './boot-error.js';
import { ByteReader, ByteWriter, cString, hex } from './bytes.js';
import { bootModules, placeModule } from './boot-modules.js';
import type { BootContext } from './context.js';
import { FOUR_GIB, LOW_TABLES, LOW_TABLES_END } from './context.js';
import { loadElf } from './elf-kernel.js';
import { isElf, parseElf, physicalEntry } from './elf.js';
import { protected32 } from './processor-state.js';
import type { BootPlan } from './types.js';

const HEADER_MAGIC = 0x1bad_b002;
const BOOTLOADER_MAGIC = 0x2bad_b002;
/** 3.1: "contained completely within the first 8192 bytes of the OS image, and must be longword (32-bit) aligned". */
const SEARCH = 8192;

const FLAG_PAGE_ALIGN_MODULES = 1 << 0;
const FLAG_VIDEO_MODE = 1 << 2;
const FLAG_ADDRESSES = 1 << 16;
/** Flags 0-15: the loader must understand them or give up. */
const REQUIREMENTS = 0xffff;
const KNOWN_REQUIREMENTS = 0x7;

const INFO_LENGTH = 116;
const INFO_MEMORY = 1 << 0;
const INFO_COMMAND_LINE = 1 << 2;
const INFO_MODULES = 1 << 3;
const INFO_MEMORY_MAP = 1 << 6;
const INFO_LOADER_NAME = 1 << 9;
const PAGE = 0x1000;

export interface MultibootHeader {
  readonly offset: number;
  readonly flags: number;
}

export function findMultibootHeader(file: Uint8Array): MultibootHeader | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = 0; at + 12 <= Math.min(file.length, SEARCH); at += 4) {
    if (view.getUint32(at, true) !== HEADER_MAGIC) continue;
    const flags = view.getUint32(at + 4, true);
    if (((HEADER_MAGIC + flags + view.getUint32(at + 8, true)) & 0xffff_ffff) === 0) return { offset: at, flags };
  }
  return undefined;
}

export function planMultiboot(context: BootContext, header: MultibootHeader): BootPlan {
  const { options, tables, notes } = context;
  const unknown = header.flags & REQUIREMENTS & ~KNOWN_REQUIREMENTS;
  if (unknown !== 0) throw new BootError('unsupported', `multiboot: the kernel requires features ${hex(unknown)} that aren't known`);
  if ((header.flags & FLAG_VIDEO_MODE) !== 0) notes.push('multiboot: the kernel asks for a video mode; it gets none');
  if (options.rngSeed !== undefined) notes.push('the RNG seed is left out: multiboot has no field for it');

  const entry = (header.flags & FLAG_ADDRESSES) !== 0 ? loadFlat(context, header) : loadElfKernel(context);
  const modules = bootModules(options);
  const align = (header.flags & FLAG_PAGE_ALIGN_MODULES) !== 0 ? PAGE : 16;
  const placed = modules.map((module) => placeModule(context, module, align));

  const gdt = context.gdt('protected32');
  const commandLine = context.commandLine({ length: LOW_TABLES_END - LOW_TABLES, whose: 'the room below 640 KiB' });
  const lines = modules.map((module) =>
    context.low('module command line', cString(module.commandLine), 16, `of ${module.name}`),
  );
  const loaderName = context.low('loader name', cString('pckit'), 16, 'for the kernel to print');

  const modulesAt = INFO_LENGTH;
  const mapAt = modulesAt + modules.length * 16;
  const info = new ByteWriter(mapAt + context.e820.length * 24);
  const base = context.low('multiboot information', info.bytes, 16, 'with module list and memory map; its address is in EBX');
  info.u32(0, INFO_MEMORY | INFO_COMMAND_LINE | INFO_MEMORY_MAP | INFO_LOADER_NAME | (modules.length > 0 ? INFO_MODULES : 0));
  info.u32(4, Math.floor(ramFrom(context, 0) / 1024)); // mem_lower
  info.u32(8, Math.floor(ramFrom(context, 0x10_0000) / 1024)); // mem_upper: up to the first hole
  info.u32(16, commandLine);
  info.u32(20, modules.length);
  info.u32(24, modules.length > 0 ? base + modulesAt : 0);
  info.u32(44, context.e820.length * 24);
  info.u32(48, base + mapAt);
  info.u32(64, loaderName);
  modules.forEach((module, index) => {
    const at = modulesAt + index * 16;
    info.u32(at, placed[index]);
    info.u32(at + 4, placed[index] + module.bytes.length);
    info.u32(at + 8, lines[index]);
  });
  context.e820.forEach((part, index) => {
    const at = mapAt + index * 24;
    info.u32(at, 20); // size: of what follows it
    info.u64(at + 4, part.start);
    info.u64(at + 12, part.length);
    info.u32(at + 20, part.type);
  });
  tables.multibootInfo = base;

  const stack = context.layout.place('boot stack', PAGE, { align: PAGE, from: LOW_TABLES, below: LOW_TABLES_END, prefer: 'low' });
  context.layout.reserve({ name: 'boot stack', address: stack, length: PAGE, why: 'ESP is undefined by the specification; here it works' });
  return context.finish('multiboot', protected32({ rip: entry, gdt, general: { rax: BOOTLOADER_MAGIC, rbx: base, rsp: stack + PAGE } }));
}

function loadElfKernel(context: BootContext): number {
  if (!isElf(context.options.kernel)) {
    throw new BootError('malformed', 'multiboot: neither an ELF file nor address fields (flag 16): where it loads is unknown');
  }
  const elf = parseElf(context.options.kernel);
  loadElf(context, elf);
  return physicalEntry(elf);
}

/** 3.1.3: "header_addr" is where the header itself comes to lie, which ties file offsets to addresses. */
function loadFlat(context: BootContext, header: MultibootHeader): number {
  const reader = new ByteReader(context.options.kernel, 'multiboot kernel');
  const at = header.offset;
  const headerAddress = reader.u32(at + 12, 'header_addr');
  const loadAddress = reader.u32(at + 16, 'load_addr');
  const loadEnd = reader.u32(at + 20, 'load_end_addr');
  const bssEnd = reader.u32(at + 24, 'bss_end_addr');
  const entry = reader.u32(at + 28, 'entry_addr');
  const fileStart = at - (headerAddress - loadAddress);
  if (headerAddress < loadAddress || fileStart < 0) {
    throw new BootError('malformed', `multiboot: header_addr ${hex(headerAddress)} doesn't fit load_addr ${hex(loadAddress)} and file offset ${hex(at)}`);
  }
  const length = loadEnd === 0 ? reader.length - fileStart : loadEnd - loadAddress;
  const end = loadAddress + length;
  const memoryEnd = bssEnd === 0 ? end : bssEnd;
  if (length <= 0 || memoryEnd < end || entry < loadAddress || entry >= memoryEnd) {
    throw new BootError(
      'malformed',
      `multiboot: load ${hex(loadAddress)}-${hex(loadEnd)}, bss end ${hex(bssEnd)}, entry ${hex(entry)} contradict each other`,
    );
  }
  const bytes = reader.slice(fileStart, length, 'the load area');
  context.layout.claim('kernel', loadAddress, memoryEnd - loadAddress);
  context.layout.put({
    name: 'kernel',
    address: loadAddress,
    bytes,
    ...(memoryEnd > end ? { zeroFill: memoryEnd - end } : {}),
    why: 'load_addr of its multiboot header',
  });
  return entry;
}

function ramFrom(context: BootContext, start: number): number {
  return Math.min(context.layout.contiguous(start), FOUR_GIB);
}
