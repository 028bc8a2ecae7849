import { KernelSymbols } from '@pckit/kernel-symbols';
import { extractPayload } from '@pckit/linux-boot';
import { decompressPayload } from './unpack-payload.js';

const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];

/** The symbols of a bzImage or a vmlinux. Throws where there are none, or they can't be reached. */
export async function readKernelSymbols(kernel: Uint8Array): Promise<KernelSymbols> {
  if (ELF_MAGIC.every((byte, at) => kernel[at] === byte)) return new KernelSymbols(kernel);
  const payload = extractPayload(kernel);
  return new KernelSymbols(payload.compression === 'none' ? payload.bytes : await decompressPayload(payload));
}
