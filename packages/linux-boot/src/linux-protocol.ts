/**
 * What the 32-bit and the 64-bit entry of Linux have in common (boot.rst, "32-bit Boot Protocol", "64-bit Boot Protocol"):
 * initrd, command line, setup_data, boot_params, and the processor's state. Used for bzImages and for plain ELF kernels.
 */
import type { BootContext } from './context.js';
import { FOUR_GIB } from './context.js';
import { hex } from './bytes.js';
import { buildBootParams, buildRngSeed } from './boot-params.js';
import { long64, protected32 } from './processor-state.js';
import type { BootRegisters } from './types.js';

export interface LinuxEntry {
  readonly mode: 'long64' | 'protected32';
  readonly rip: number;
  /** Setup header for boot_params, from 0x1f1 on. */
  readonly header: Uint8Array;
  readonly commandLineSize: number;
  readonly initrdAddressMax: number;
  readonly initrdAbove4G: boolean;
  /** Whether the kernel knows the setup_data list (2.09). */
  readonly setupData: boolean;
  readonly code32Start?: number;
  readonly kernelAlignment?: number;
  /** The kernel's addresses were moved. */
  readonly kaslr?: boolean;
}

const PAGE = 0x1000;
const ONE_MIB = 0x10_0000;

/** The kernel itself must have been claimed already. */
export function finishLinux(context: BootContext, entry: LinuxEntry): BootRegisters {
  const { layout, options, tables } = context;
  placeInitrd(context, entry);
  const gdt = context.gdt(entry.mode);
  const commandLine = context.commandLine({ length: entry.commandLineSize, whose: 'the kernel (cmdline_size)' });

  if (options.rngSeed !== undefined && options.rngSeed.length > 0) {
    if (entry.setupData) {
      tables.setupData = context.low('RNG seed', buildRngSeed(options.rngSeed), 16, 'setup_data, type SETUP_RNG_SEED');
    } else {
      context.notes.push('the RNG seed is left out: setup_data came with boot protocol 2.09');
    }
  }

  const bootParams = context.low(
    'boot_params',
    buildBootParams({
      header: entry.header,
      e820: context.e820,
      commandLine,
      screen: options.screen ?? { kind: 'none' },
      extendedMemory: extendedMemory(context),
      ...(tables.initrd === undefined ? {} : { initrd: tables.initrd }),
      ...(tables.setupData === undefined ? {} : { setupData: tables.setupData }),
      ...(options.acpi === undefined ? {} : { rsdp: options.acpi.rsdp }),
      ...(entry.code32Start === undefined ? {} : { code32Start: entry.code32Start }),
      ...(entry.kaslr === true ? { kaslr: true } : {}),
      ...(entry.kernelAlignment === undefined ? {} : { kernelAlignment: entry.kernelAlignment }),
    }),
    PAGE,
    'the zero page; its address is in RSI',
  );
  tables.bootParams = bootParams;

  const stack = layout.place('boot stack', PAGE, { align: PAGE, from: 0x1_0000, below: 0x9_fc00, prefer: 'low' });
  layout.reserve({ name: 'boot stack', address: stack, length: PAGE, why: 'the protocol asks for none; a kernel that pushes early finds one' });
  const general = { rsi: bootParams, rsp: stack + PAGE };
  return entry.mode === 'long64'
    ? long64({ rip: entry.rip, gdt, pageTables: context.identityMap(), general })
    : protected32({ rip: entry.rip, gdt, general });
}

function placeInitrd(context: BootContext, entry: LinuxEntry): void {
  const { layout, options } = context;
  const initrd = options.initrd;
  if (initrd === undefined || initrd.length === 0) return;
  const below = Math.min(entry.initrdAddressMax + 1, FOUR_GIB);
  const window = { align: PAGE, from: ONE_MIB, below, prefer: 'high' } as const;
  let address = layout.find(initrd.length, window);
  let why = `as high as fits: below ${hex(below)} (initrd_addr_max)`;
  if (address === undefined && entry.initrdAbove4G) {
    address = layout.find(initrd.length, { align: PAGE, from: FOUR_GIB, below: 2 ** 39, prefer: 'low' });
    why = 'above 4 GiB (XLF_CAN_BE_LOADED_ABOVE_4G): too large for the room below';
  }
  if (address === undefined) address = layout.place('initrd', initrd.length, window);
  else layout.claim('initrd', address, initrd.length);
  layout.put({ name: 'initrd', address, bytes: initrd, why });
  context.tables.initrd = { address, length: initrd.length };
}

/** Of the e820 map, not of the room that is left. */
function extendedMemory(context: BootContext): number {
  return context.layout.contiguous(ONE_MIB);
}
