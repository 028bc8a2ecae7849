import type { BootContext } from './context.js';
import { FOUR_GIB } from './context.js';
import type { BootOptions } from './types.js';

export interface PlacedModule {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly commandLine: string;
}

/** The initrd first, as Linux takes the first PVH module for it. */
export function bootModules(options: BootOptions): PlacedModule[] {
  const modules = (options.modules ?? []).map((module) => ({
    name: module.name,
    bytes: module.bytes,
    commandLine: module.commandLine ?? module.name,
  }));
  return options.initrd === undefined || options.initrd.length === 0
    ? modules
    : [{ name: 'initrd', bytes: options.initrd, commandLine: '' }, ...modules];
}

export function placeModule(context: BootContext, module: PlacedModule, align: number): number {
  const window = { align, from: 0x10_0000, below: FOUR_GIB, prefer: 'high' } as const;
  const address = context.layout.place(module.name, module.bytes.length, window);
  context.layout.put({ name: module.name, address, bytes: module.bytes, why: 'as high as fits below 4 GiB' });
  if (module.name === 'initrd') context.tables.initrd = { address, length: module.bytes.length };
  return address;
}
