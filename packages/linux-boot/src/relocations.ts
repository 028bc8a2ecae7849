/**
 * The relocations that a kernel's build appends to vmlinux before compressing it (arch/x86/tools/relocs.c), and how the decompressor applies
 * them (arch/x86/boot/compressed/misc.c, handle_relocations). From the start of what is appended:
 *
 *   x86-64: 0, 64-bit locations, 0, inverse 32-bit locations, 0, 32-bit locations    (from Linux 6.15 on without the inverse ones)
 *   i386:   0, 32-bit locations
 *
 * each the low half of a location's virtual address.
 */
import { BootError } from './boot-error.js';
import { hex } from './bytes.js';

export interface Relocations {
  /** To which the slide is added. */
  readonly add32: Int32Array;
  /** From which it is subtracted: PC-relative references from per-CPU variables, which don't move. */
  readonly subtract32: Int32Array;
  readonly add64: Int32Array;
}

/** @returns undefined where nothing is appended: a kernel that can't move */
export function readRelocations(appended: Uint8Array, is64: boolean): Relocations | undefined {
  if (appended.length === 0) return undefined;
  const length = appended.length >> 2;
  // A copy, since what is appended need not be aligned; little-endian, as everything here that runs WebAssembly is.
  const words = new Int32Array(new Uint8Array(appended.subarray(0, length * 4)).buffer);
  if (appended.length % 4 !== 0 || words[0] !== 0) {
    throw new BootError('unsupported', `vmlinux: the ${hex(appended.length)} bytes behind it are no relocations that we know`);
  }
  const lists: Int32Array[] = [];
  for (let start = 1; start <= length && lists.length <= 3; ) {
    const zero = words.indexOf(0, start);
    const end = zero < 0 ? length : zero;
    lists.push(words.subarray(start, end));
    start = end + 1;
  }
  const none = new Int32Array(0);
  if (!is64 && lists.length === 1) return { add32: lists[0], subtract32: none, add64: none };
  if (is64 && lists.length === 3) return { add64: lists[0], subtract32: lists[1], add32: lists[2] };
  if (is64 && lists.length === 2) return { add64: lists[0], subtract32: none, add32: lists[1] };
  throw new BootError('unsupported', `vmlinux: ${lists.length > 3 ? 'more than 3' : lists.length} lists of relocations behind it; an x86-64 kernel has 3 or 2, an i386 kernel 1`);
}

/** Loaded bytes at a virtual address. */
export interface LoadedPart {
  /** As a 32-bit two's complement number: kernels lie in the top or the third gigabyte. */
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Moves a kernel by `slide` bytes of virtual address: changes `parts`. */
export function relocate(parts: readonly LoadedPart[], { add32, subtract32, add64 }: Relocations, slide: number): void {
  const views = parts.map(({ address, bytes }) => ({ address, length: bytes.length, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) }));
  let last = views[0];
  const at = (address: number, length: number): number => {
    // Lists are sorted: the part is nearly always the last one's.
    let offset = last === undefined ? -1 : address - last.address;
    if (last === undefined || offset < 0 || offset + length > last.length) {
      last = views.find((part) => address >= part.address && address - part.address + length <= part.length) as (typeof views)[number];
      if (last === undefined) throw new BootError('malformed', `vmlinux: a relocation of ${length} bytes at ${hex(address >>> 0)} lies outside what is loaded`);
      offset = address - last.address;
    }
    return offset;
  };
  for (const address of add32) {
    const offset = at(address, 4);
    last.view.setInt32(offset, last.view.getInt32(offset, true) + slide, true);
  }
  for (const address of subtract32) {
    const offset = at(address, 4);
    last.view.setInt32(offset, last.view.getInt32(offset, true) - slide, true);
  }
  for (const address of add64) {
    const offset = at(address, 8);
    const low = last.view.getUint32(offset, true) + slide;
    last.view.setUint32(offset, low % 0x1_0000_0000, true);
    if (low > 0xffff_ffff) last.view.setUint32(offset + 4, last.view.getUint32(offset + 4, true) + 1, true);
  }
}
