import { BootError } from './boot-error.js';
import type { BootOptions, BootPlan } from './types.js';

/**
 * From files to a plan: what lies where in guest memory, and in which state the first processor starts. Touches nothing.
 * @throws BootError naming the parts that don't fit
 */
export function planBoot(options: BootOptions): BootPlan {
  throw new BootError('unsupported', `kernel of ${options.kernel.length} bytes: not implemented yet`);
}
