/**
 * A bzImage whose payload the host has unpacked: what the decompressor does (arch/x86/boot/compressed, misc.c and kaslr.c) is done
 * here, and the kernel starts at vmlinux's own entry, startup_64 or startup_32. That entry wants what the bzImage's wants: flat segments, boot_params
 * in RSI, for 64 bits an identity map; it makes tables, stack and descriptors of its own.
 */
import { BootError } from './boot-error.js';
import { hex } from './bytes.js';
import type { Placement } from './bzimage.js';
import type { BootContext } from './context.js';
import { parseElf, physicalEntry, type ElfFile } from './elf.js';
import { readRelocations, relocate } from './relocations.js';
import type { SetupHeader } from './setup-header.js';
import { extractPayload, type Payload } from './payload.js';

/** Unpacks a payload, all of it. */
export type Decompress = (payload: Payload) => Uint8Array | Promise<Uint8Array>;

/**
 * What a bzImage holds, for `BootOptions.unpacked`.
 *
 * @param decompress knows `payload.compression`
 * @throws BootError where the file has no payload that can be found, or what came out is not what was packed
 */
export async function unpackPayload(bzImage: Uint8Array, decompress: Decompress): Promise<Uint8Array> {
  const payload = extractPayload(bzImage);
  if (payload.compression === 'none') return payload.bytes;
  const bytes = await decompress(payload);
  if (bytes.length !== payload.uncompressedLength) {
    throw new BootError('malformed', `bzImage: the ${payload.compression} payload unpacks to ${bytes.length} bytes, ${payload.uncompressedLength} were packed`);
  }
  return bytes;
}

/** arch/x86/include/asm/page_64_types.h: what __START_KERNEL_map's mapping covers in kernels with CONFIG_RANDOMIZE_BASE, which have relocations. */
const KERNEL_IMAGE_SIZE = 0x4000_0000;

export interface UnpackedEntry {
  readonly rip: number;
  /** Bytes by which the kernel's virtual addresses have moved. */
  readonly slide: number;
}

/** Puts vmlinux's segments where the decompressor would. The memory has been claimed. */
export function putUnpacked(context: BootContext, vmlinux: Uint8Array, header: SetupHeader, placement: Placement, initSize: number, is64: boolean): UnpackedEntry {
  const { layout, notes } = context;
  if (header.prefAddress === 0) throw new BootError('unsupported', 'bzImage: before boot protocol 2.10 a kernel doesn\'t say where it was linked to run (pref_address)');
  const elf = parseElf(vmlinux);
  if (elf.is64 !== is64) throw new BootError('malformed', `vmlinux: an ELF${elf.is64 ? 64 : 32} file in a bzImage with a ${is64 ? 64 : 32}-bit entry`);
  const moved = placement.runtime - header.prefAddress;

  const relocations = readRelocations(vmlinux.subarray(elf.end), is64);
  let slide = is64 ? 0 : moved;
  if (!is64 && moved !== 0 && relocations === undefined) {
    throw new BootError('too-large', `kernel: linked for ${hex(header.prefAddress)}, without relocations, it can't run at ${hex(placement.runtime)}`);
  }
  if (is64 && relocations !== undefined) {
    slide = chooseSlide(context, header, initSize);
    notes.push(slide === 0 ? 'no KASLR: the kernel runs at the addresses of its System.map' : `KASLR: the kernel's addresses are ${hex(slide)} above those of its System.map`);
  }

  const parts = placeSegments(elf, header.prefAddress, moved, placement.runtime, initSize);
  if (slide !== 0 && relocations !== undefined) {
    // The caller's bytes stay as they are. (A Buffer's slice would be a view.)
    for (const part of parts) part.bytes = new Uint8Array(part.bytes);
    // Locations are given by where they are loaded, per-CPU variables too, which are linked at 0.
    const base = is64 ? -0x8000_0000 : baseOf(elf);
    relocate(parts.map(({ address, bytes }) => ({ address: (base + (address - moved)) | 0, bytes })), relocations, slide);
  }
  parts.forEach(({ address, bytes, zeroFill }, index) => {
    layout.put({ name: `kernel segment ${index}`, address, bytes, ...(zeroFill > 0 ? { zeroFill } : {}), why: `vmlinux, unpacked by the host; ${placement.why}` });
  });
  return { rip: physicalEntry(elf) + moved, slide };
}

interface Part {
  readonly address: number;
  bytes: Uint8Array;
  readonly zeroFill: number;
}

/** misc.c, parse_elf: p_paddr, moved like the whole. */
function placeSegments(elf: ElfFile, linked: number, moved: number, runtime: number, initSize: number): Part[] {
  const parts = elf.segments
    .map(({ physicalAddress, bytes, memorySize }) => ({ address: physicalAddress + moved, bytes, zeroFill: memorySize - bytes.length }))
    .sort((a, b) => a.address - b.address);
  let end = runtime;
  for (const { address, bytes, zeroFill } of parts) {
    if (address < end) throw new BootError('malformed', `vmlinux: a segment at ${hex(address - moved)} lies below the kernel's start ${hex(linked)} or in another segment`);
    end = address + bytes.length + zeroFill;
  }
  if (end > runtime + initSize) throw new BootError('malformed', `vmlinux: it ends ${hex(end - runtime)} behind its start, init_size is ${hex(initSize)}`);
  return parts;
}

/** Virtual less physical address; an i386 kernel's, whose user space may end at 1, 2 or 3 GiB. */
function baseOf(elf: ElfFile): number {
  const [{ virtualAddress, physicalAddress }] = elf.segments;
  return virtualAddress - physicalAddress;
}

/** kaslr.c, find_random_virt_addr: all multiples of the alignment at which the kernel still lies in its mapping are equally likely. */
function chooseSlide({ options }: BootContext, header: SetupHeader, initSize: number): number {
  const { kaslrSeed } = options;
  const words = (options.commandLine ?? '').split(/\s+/);
  if (kaslrSeed === undefined || words.includes('nokaslr')) return 0;
  const slots = 1 + Math.floor((KERNEL_IMAGE_SIZE - header.prefAddress - initSize) / header.kernelAlignment);
  return slots < 1 ? 0 : Math.floor(((kaslrSeed >>> 0) / 0x1_0000_0000) * slots) * header.kernelAlignment;
}
