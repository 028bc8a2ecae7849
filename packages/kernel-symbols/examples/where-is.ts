import { readFileSync } from 'node:fs';
import { KernelSymbols } from '@pckit/kernel-symbols';

// A vmlinux, or what is packed inside a vmlinuz: `extractPayload` of @pckit/linux-boot finds it.
export function whereIs(vmlinux: Uint8Array, name: string): string {
  const kernel = new KernelSymbols(vmlinux);
  const address = kernel.address(name);
  return address === undefined ? `none of ${kernel.symbols.length} symbols is ${name}` : `${name} is at 0x${address.toString(16)}`;
}

const [file, name] = process.argv.slice(2);
if (file?.endsWith('vmlinux')) console.log(whereIs(readFileSync(file), name ?? 'start_kernel'));
