import { BootError } from './boot-error.js';
import { planBzImage } from './bzimage.js';
import { BootContext } from './context.js';
import { isBzImage } from './setup-header.js';
import type { BootOptions, BootPlan } from './types.js';

/**
 * From files to a plan: what lies where in guest memory, and in which state the first processor starts. Touches nothing.
 * @throws BootError naming the parts that don't fit
 */
export function planBoot(options: BootOptions): BootPlan {
  const context = new BootContext(options);
  if (isBzImage(options.kernel)) return planBzImage(context);
  throw new BootError('not-a-kernel', 'neither a bzImage (0xaa55 at 0x1fe, "HdrS" at 0x202) nor an ELF file');
}
