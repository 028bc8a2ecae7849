import { BootError } from './boot-error.js';
import { planBzImage } from './bzimage.js';
import { BootContext } from './context.js';
import { planElf } from './elf-kernel.js';
import { isElf, parseElf } from './elf.js';
import { planFlat } from './flat.js';
import { findMultibootHeader, planMultiboot } from './multiboot.js';
import { planPvh, pvhEntry } from './pvh.js';
import { isBzImage } from './setup-header.js';
import type { BootOptions, BootPlan } from './types.js';

/**
 * From files to a plan: what lies where in guest memory, and in which state the first processor starts. Touches nothing.
 * @throws BootError naming the parts that don't fit
 */
export function planBoot(options: BootOptions): BootPlan {
  const { kernel, entry = 'auto' } = options;
  const context = new BootContext(options);
  if (options.flat !== undefined) return planFlat(context, options.flat);

  if (isBzImage(kernel)) {
    if (entry === 'pvh' || entry === 'multiboot') {
      throw new BootError('unsupported', `entry '${entry}': this is a bzImage; the vmlinux inside it may have that entry`);
    }
    return planBzImage(context);
  }

  const multiboot = entry === 'auto' || entry === 'multiboot' ? findMultibootHeader(kernel) : undefined;
  if (multiboot !== undefined) return planMultiboot(context, multiboot);
  if (entry === 'multiboot') throw new BootError('not-a-kernel', "entry 'multiboot': no multiboot header in the first 8 KiB");

  if (isElf(kernel)) {
    const elf = parseElf(kernel);
    if (entry === 'pvh' || (entry === 'auto' && pvhEntry(elf) !== undefined)) return planPvh(context, elf);
    if ((entry === '64' && !elf.is64) || (entry === '32' && elf.is64)) {
      throw new BootError('unsupported', `entry '${entry}': this is an ELF${elf.is64 ? 64 : 32} file`);
    }
    return planElf(context, elf);
  }
  throw new BootError(
    'not-a-kernel',
    'neither a bzImage (0xaa55 at 0x1fe, "HdrS" at 0x202), nor an ELF file, nor a multiboot kernel; raw binaries need `flat`',
  );
}
