/** A bzImage through its 64-bit or 32-bit entry: Documentation/arch/x86/boot.rst. */
import { BootError } from './boot-error.js';
import { alignUp, hex, size } from './bytes.js';
import { FOUR_GIB } from './context.js';
import type { BootContext } from './context.js';
import { finishLinux } from './linux-protocol.js';
import { XLF_CAN_BE_LOADED_ABOVE_4G, XLF_KERNEL_64, parseSetupHeader, protocolName } from './setup-header.js';
import type { SetupHeader } from './setup-header.js';
import type { BootPlan } from './types.js';
import { putUnpacked } from './unpacked.js';

const ONE_MIB = 0x10_0000;
/** boot.rst, "64-bit Boot Protocol": the entry is the start of the loaded kernel plus 0x200. */
const ENTRY_64 = 0x200;

export interface Placement {
  readonly load: number;
  /** Where the kernel decompresses to and runs: `initSize` bytes from here must be free. */
  readonly runtime: number;
  readonly alignment: number;
  readonly why: string;
}

export function planBzImage(context: BootContext): BootPlan {
  const { options, notes } = context;
  const header = parseSetupHeader(options.kernel);
  const is64 = (header.xloadflags & XLF_KERNEL_64) !== 0;
  if (options.entry === '64' && !is64) {
    throw new BootError('unsupported', `entry '64': this kernel (boot protocol ${protocolName(header.version)}) has no 64-bit entry, XLF_KERNEL_64 is clear`);
  }
  if (options.modules !== undefined && options.modules.length > 0) {
    throw new BootError('bad-option', 'modules are for multiboot and PVH kernels; a bzImage takes one initrd');
  }
  if (options.unpacked !== undefined && is64 && options.entry === '32') {
    throw new BootError('bad-option', "entry '32': an unpacked 64-bit kernel has only its 64-bit entry");
  }
  const mode = is64 && options.entry !== '32' ? 'long64' : 'protected32';
  notes.push(`boot protocol ${protocolName(header.version)}${header.kernelVersion === '' ? '' : `, Linux ${header.kernelVersion}`}`);

  const code = options.kernel.subarray(header.codeOffset, header.codeOffset + header.codeLength);
  const initSize = runtimeLength(header, code, notes);
  const placement = placeKernel(context, header, initSize);
  const { unpacked } = options;
  if (unpacked === undefined) claimKernel(context, header, placement, code, initSize);
  else claimUnpacked(context, placement, initSize);
  const direct = unpacked === undefined ? undefined : putUnpacked(context, unpacked, header, placement, initSize, is64);

  const registers = finishLinux(context, {
    mode,
    rip: direct?.rip ?? (mode === 'long64' ? placement.load + ENTRY_64 : placement.load),
    header: header.bytes,
    commandLineSize: header.commandLineSize,
    initrdAddressMax: header.initrdAddressMax,
    initrdAbove4G: mode === 'long64' && (header.xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G) !== 0,
    setupData: header.version >= 0x0209,
    code32Start: placement.load,
    kaslr: direct !== undefined && is64 && direct.slide !== 0,
    ...(placement.alignment === header.kernelAlignment ? {} : { kernelAlignment: placement.alignment }),
  });
  if (direct !== undefined) return { ...context.finish(is64 ? 'vmlinux-64' : 'vmlinux-32', registers), slide: direct.slide };
  return context.finish(mode === 'long64' ? 'bzimage-64' : 'bzimage-32', registers);
}

/** init_size, "the amount of linear contiguous memory starting at the kernel runtime start address that the kernel needs". */
function runtimeLength(header: SetupHeader, code: Uint8Array, notes: string[]): number {
  if (header.initSize !== 0) return Math.max(header.initSize, code.length);
  // Before 2.10 the kernel doesn't say. A payload ends with its uncompressed length (2.08); the decompressor copies itself
  // behind that, and the kernel's bss follows.
  let uncompressed = 0;
  const end = header.payloadOffset + header.payloadLength;
  if (header.payloadLength >= 4 && end <= code.length) {
    uncompressed = new DataView(code.buffer, code.byteOffset, code.byteLength).getUint32(end - 4, true);
  }
  const plausible = uncompressed > code.length && uncompressed < 16 * code.length;
  const guess = alignUp((plausible ? uncompressed * 1.25 : code.length * 6) + code.length, ONE_MIB);
  notes.push(`no init_size before boot protocol 2.10: ${size(guess)} kept free from the kernel on`);
  return guess;
}

/** boot.rst, "Details of Header Fields", init_size: how the runtime start address follows from the load address. */
function placeKernel(context: BootContext, header: SetupHeader, initSize: number): Placement {
  const { layout } = context;
  if (!header.relocatable) {
    const load = header.code32Start === 0 ? ONE_MIB : header.code32Start;
    const runtime = header.prefAddress === 0 ? load : header.prefAddress;
    return { load, runtime, alignment: header.kernelAlignment, why: 'code32_start: the kernel is not relocatable' };
  }
  const preferred = Math.max(header.prefAddress, ONE_MIB);
  const alignment = header.kernelAlignment;
  // The kernel rounds its load address up to kernel_alignment, but never runs below pref_address (LOAD_PHYSICAL_ADDR).
  if (preferred % alignment === 0 && layout.fits(preferred, initSize)) {
    return { load: preferred, runtime: preferred, alignment, why: 'pref_address' };
  }
  const window = { from: preferred, below: FOUR_GIB, prefer: 'low' } as const;
  for (const candidate of [alignment, header.minAlignment]) {
    if (candidate === 0 || candidate > alignment) continue;
    const load = layout.find(initSize, { ...window, align: candidate });
    if (load !== undefined) {
      const why = `pref_address ${hex(header.prefAddress)} has no room for init_size ${size(initSize)}; first fit, aligned to ${hex(candidate)}`;
      return { load, runtime: load, alignment: candidate, why };
    }
  }
  // Nowhere: the claim at the preferred address says why.
  return { load: preferred, runtime: preferred, alignment, why: 'pref_address' };
}

function claimKernel(context: BootContext, header: SetupHeader, placement: Placement, code: Uint8Array, initSize: number): void {
  const { layout } = context;
  const { load, runtime } = placement;
  if (load >= FOUR_GIB || runtime + initSize > FOUR_GIB) {
    throw new BootError('too-large', `kernel at ${hex(load)} with ${size(initSize)} for decompression ends above 4 GiB`);
  }
  const loadEnd = load + code.length;
  const runtimeEnd = runtime + initSize;
  if (load <= runtimeEnd && runtime <= loadEnd) {
    const start = Math.min(load, runtime);
    layout.claim('kernel', start, Math.max(loadEnd, runtimeEnd) - start);
  } else {
    layout.claim('kernel', load, code.length);
    layout.claim('kernel decompression area', runtime, initSize);
  }
  layout.put({ name: 'kernel', address: load, bytes: code, why: placement.why });
  layout.reserve({
    name: 'kernel decompression area',
    address: runtime,
    length: initSize,
    why: header.initSize === 0 ? 'an estimate; the kernel unpacks itself here' : 'init_size: the kernel unpacks itself here',
  });
}

/** The kernel's memory, bss and brk included; nothing of the bzImage itself. */
function claimUnpacked(context: BootContext, { runtime, why }: Placement, initSize: number): void {
  if (runtime + initSize > FOUR_GIB) throw new BootError('too-large', `kernel at ${hex(runtime)} with ${size(initSize)} ends above 4 GiB`);
  context.layout.claim('kernel', runtime, initSize);
  context.layout.reserve({ name: 'kernel', address: runtime, length: initSize, why: `init_size; ${why}` });
}
