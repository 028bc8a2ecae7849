import type { BootHost } from './boot.js';
import { boot } from './boot.js';
import type { QemuRequest } from '../qemu/parse-qemu.js';

/** Boots the machine that QEMU's flags describe. @returns the exit status */
export async function qemu({ boot: options, notes }: QemuRequest, host: BootHost): Promise<number> {
  if (!options.quiet) for (const note of notes) host.report(`pckit: ${note}\n`);
  return boot(options, host);
}
