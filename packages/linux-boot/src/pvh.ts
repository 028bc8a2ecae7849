/**
 * The PVH entry: Xen's "x86/HVM direct boot ABI" (docs/misc/pvh.pandoc), struct hvm_start_info (xen/include/public/arch-x86/hvm/start_info.h).
 * A note in the ELF file names a 32-bit physical entry; EBX points to the start info.
 */
import { BootError } from './boot-error.js';
import { ByteWriter, cString, hex } from './bytes.js';
import type { BootContext } from './context.js';
import { loadElf } from './elf-kernel.js';
import type { ElfFile } from './elf.js';
import { LOW_TABLES, LOW_TABLES_END } from './context.js';
import { protected32 } from './processor-state.js';
import { bootModules, placeModule } from './boot-modules.js';
import type { BootPlan } from './types.js';

const XEN_ELFNOTE_PHYS32_ENTRY = 18;
/** "xEn3" with the 0x80 bit of the "E" set. */
const HVM_START_MAGIC_VALUE = 0x336e_c578;
const START_INFO_LENGTH = 56;
const MODLIST_ENTRY_LENGTH = 32;
const MEMMAP_ENTRY_LENGTH = 24;
const PAGE = 0x1000;

export function pvhEntry(elf: ElfFile): number | undefined {
  const note = elf.notes.find((candidate) => candidate.name === 'Xen' && candidate.type === XEN_ELFNOTE_PHYS32_ENTRY);
  if (note === undefined || note.description.length < 4) return undefined;
  return new DataView(note.description.buffer, note.description.byteOffset, 4).getUint32(0, true);
}

export function planPvh(context: BootContext, elf: ElfFile): BootPlan {
  const entry = pvhEntry(elf);
  if (entry === undefined) throw new BootError('unsupported', "entry 'pvh': the ELF file has no Xen note of type PHYS32_ENTRY (CONFIG_PVH)");
  const { options, layout, tables } = context;
  loadElf(context, elf);
  if (!elf.segments.some((part) => entry >= part.physicalAddress && entry < part.physicalAddress + part.memorySize)) {
    throw new BootError('malformed', `PVH entry ${hex(entry)} lies in no segment`);
  }
  const modules = bootModules(options).map((module) => ({
    address: placeModule(context, module, PAGE),
    length: module.bytes.length,
    commandLine: module.commandLine,
  }));
  const gdt = context.gdt('protected32');
  const commandLine = context.commandLine({ length: LOW_TABLES_END - LOW_TABLES, whose: 'the room below 640 KiB' });
  if ((options.commandLine ?? '').length > 2047) context.notes.push('Linux keeps 2047 bytes of the command line');
  if (options.rngSeed !== undefined) context.notes.push('the RNG seed is left out: PVH has no field for it');

  const lineAddresses = modules.map((module) =>
    module.commandLine === '' ? 0 : context.low('module command line', cString(module.commandLine), 16, 'of a PVH module'),
  );
  const memmapAt = START_INFO_LENGTH;
  const modlistAt = memmapAt + context.e820.length * MEMMAP_ENTRY_LENGTH;
  const info = new ByteWriter(modlistAt + modules.length * MODLIST_ENTRY_LENGTH);
  const base = context.low('hvm_start_info', info.bytes, PAGE, 'with memory map and module list; its address is in EBX');
  info.u32(0, HVM_START_MAGIC_VALUE);
  info.u32(4, 1); // version 1: with the memory map
  info.u32(12, modules.length);
  info.u64(16, modules.length === 0 ? 0 : base + modlistAt);
  info.u64(24, commandLine);
  info.u64(32, options.acpi?.rsdp ?? 0);
  info.u64(40, base + memmapAt);
  info.u32(48, context.e820.length);
  context.e820.forEach((part, index) => {
    const at = memmapAt + index * MEMMAP_ENTRY_LENGTH;
    info.u64(at, part.start);
    info.u64(at + 8, part.length);
    info.u32(at + 16, part.type);
  });
  modules.forEach((module, index) => {
    const at = modlistAt + index * MODLIST_ENTRY_LENGTH;
    info.u64(at, module.address);
    info.u64(at + 8, module.length);
    info.u64(at + 16, lineAddresses[index]);
  });
  tables.startInfo = base;

  const stack = layout.place('boot stack', PAGE, { align: PAGE, from: LOW_TABLES, below: LOW_TABLES_END, prefer: 'low' });
  layout.reserve({ name: 'boot stack', address: stack, length: PAGE, why: 'the ABI asks for none; a kernel that pushes early finds one' });
  return context.finish('pvh', protected32({ rip: entry, gdt, general: { rbx: base, rsp: stack + PAGE } }));
}
