/** What plain ELF, PVH and multiboot have in common: segments at their physical addresses. */
import type { BootContext } from './context.js';
import { BootError } from './boot-error.js';
import { FOUR_GIB } from './context.js';
import { finishLinux } from './linux-protocol.js';
import { physicalEntry } from './elf.js';
import type { ElfFile } from './elf.js';
import { ByteWriter, hex } from './bytes.js';
import {
  BOOT_FLAG,
  BOOT_FLAG_MAGIC,
  HEADER,
  HEADER_MAGIC,
  KERNEL_ALIGNMENT,
  LOADED_HIGH,
  LOADFLAGS,
  SETUP_HEADER,
} from './setup-header.js';
import type { BootPlan } from './types.js';

export function loadElf(context: BootContext, elf: ElfFile): void {
  const { layout } = context;
  elf.segments.forEach((segment, index) => {
    const name = elf.segments.length === 1 ? 'kernel' : `kernel segment ${index}`;
    if (segment.physicalAddress + segment.memorySize > FOUR_GIB) {
      throw new BootError('too-large', `${name} at ${hex(segment.physicalAddress)} ends above 4 GiB`);
    }
    layout.claim(name, segment.physicalAddress, segment.memorySize);
    const zeroFill = segment.memorySize - segment.bytes.length;
    layout.put({
      name,
      address: segment.physicalAddress,
      bytes: segment.bytes,
      ...(zeroFill > 0 ? { zeroFill } : {}),
      why: 'p_paddr of its program header',
    });
  });
}

/** arch/x86/include/asm/setup.h: COMMAND_LINE_SIZE, its NUL included. */
const COMMAND_LINE_SIZE = 2048;
/** The default in arch/x86/boot/header.S, for kernels that can't say. */
const INITRD_ADDRESS_MAX = 0x7fff_ffff;
const INITRD_ADDRESS_MAX_32 = 0x37ff_ffff;

/**
 * An ELF kernel at its entry in the state of the 64-bit (or 32-bit) boot protocol, with a setup header of our own: a vmlinux starts
 * so, and a test kernel that ignores RSI doesn't mind.
 */
export function planElf(context: BootContext, elf: ElfFile): BootPlan {
  if (context.options.modules !== undefined && context.options.modules.length > 0) {
    throw new BootError('bad-option', 'modules are for multiboot and PVH kernels');
  }
  loadElf(context, elf);
  const page = new ByteWriter(0x290);
  page.u16(BOOT_FLAG, BOOT_FLAG_MAGIC);
  page.u32(HEADER, HEADER_MAGIC);
  page.u32(KERNEL_ALIGNMENT, 0x100_0000);
  page.u8(LOADFLAGS, LOADED_HIGH);
  const registers = finishLinux(context, {
    mode: elf.is64 ? 'long64' : 'protected32',
    rip: physicalEntry(elf),
    header: page.bytes.subarray(SETUP_HEADER),
    commandLineSize: COMMAND_LINE_SIZE - 1,
    initrdAddressMax: elf.is64 ? INITRD_ADDRESS_MAX : INITRD_ADDRESS_MAX_32,
    initrdAbove4G: elf.is64,
    setupData: true,
  });
  return context.finish(elf.is64 ? 'elf64' : 'elf32', registers);
}
