/** struct boot_params, "the zero page": Documentation/arch/x86/zero-page.rst; arch/x86/include/uapi/asm/bootparam.h for the offsets. */
import { BootError } from './boot-error.js';
import { ByteWriter } from './bytes.js';
import {
  CAN_USE_HEAP,
  CMD_LINE_PTR,
  CODE32_START,
  HEAP_END_PTR,
  KASLR_FLAG,
  KEEP_SEGMENTS,
  KERNEL_ALIGNMENT,
  LOADFLAGS,
  RAMDISK_IMAGE,
  RAMDISK_SIZE,
  SETUP_DATA,
  SETUP_HEADER,
  TYPE_OF_LOADER,
} from './setup-header.js';
import type { E820Entry, ScreenInfo } from './types.js';

export const BOOT_PARAMS_LENGTH = 0x1000;

const SCREEN_INFO = 0x000;
const ACPI_RSDP_ADDR = 0x070;
const EXT_RAMDISK_IMAGE = 0x0c0;
const EXT_RAMDISK_SIZE = 0x0c4;
const EXT_CMD_LINE_PTR = 0x0c8;
const ALT_MEM_K = 0x1e0;
const E820_ENTRIES = 0x1e8;
const E820_TABLE = 0x2d0;
const E820_MAX = 128;

/** "An unregistered boot loader": 0xff, as zero-page.rst and boot.rst assign. */
const LOADER_UNDEFINED = 0xff;
/** boot.rst suggests 0xe000 - 0x200 for loaders that leave the real-mode code at a segment's start. */
const HEAP_END = 0xe000 - 0x200;

const VIDEO_TYPE_VGAC = 0x22;
const VIDEO_TYPE_VLFB = 0x23;

export interface BootParamsFields {
  /** The kernel's setup header from 0x1f1 on. */
  readonly header: Uint8Array;
  readonly e820: readonly E820Entry[];
  readonly commandLine: number;
  readonly initrd?: { readonly address: number; readonly length: number };
  /** Where the kernel was loaded; `undefined` leaves the header's value. */
  readonly code32Start?: number;
  /** An alignment smaller than the header's, where memory is tight. */
  readonly kernelAlignment?: number;
  /** What a decompressor that chose a random address tells the kernel. */
  readonly kaslr?: boolean;
  /** First setup_data. */
  readonly setupData?: number;
  readonly rsdp?: number;
  readonly screen: ScreenInfo;
  /** Bytes of RAM from 1 MiB on, without a gap. */
  readonly extendedMemory: number;
}

export function buildBootParams(fields: BootParamsFields): Uint8Array {
  const page = new ByteWriter(BOOT_PARAMS_LENGTH);
  // The rest stays zero, `sentinel` (0x1ef) too: nonzero makes the kernel distrust ext_ramdisk_image and its like.
  page.set(SETUP_HEADER, fields.header.subarray(0, E820_TABLE - SETUP_HEADER));

  page.u8(TYPE_OF_LOADER, LOADER_UNDEFINED);
  page.u8(LOADFLAGS, (page.bytes[LOADFLAGS] & ~(KEEP_SEGMENTS | KASLR_FLAG)) | CAN_USE_HEAP | (fields.kaslr === true ? KASLR_FLAG : 0));
  page.u16(HEAP_END_PTR, HEAP_END);
  if (fields.code32Start !== undefined) page.u32(CODE32_START, fields.code32Start);
  if (fields.kernelAlignment !== undefined) page.u32(KERNEL_ALIGNMENT, fields.kernelAlignment);
  page.u32(CMD_LINE_PTR, fields.commandLine % 0x1_0000_0000);
  page.u32(EXT_CMD_LINE_PTR, Math.floor(fields.commandLine / 0x1_0000_0000));
  if (fields.initrd !== undefined) {
    page.u32(RAMDISK_IMAGE, fields.initrd.address % 0x1_0000_0000);
    page.u32(EXT_RAMDISK_IMAGE, Math.floor(fields.initrd.address / 0x1_0000_0000));
    page.u32(RAMDISK_SIZE, fields.initrd.length % 0x1_0000_0000);
    page.u32(EXT_RAMDISK_SIZE, Math.floor(fields.initrd.length / 0x1_0000_0000));
  }
  if (fields.setupData !== undefined) page.u64(SETUP_DATA, fields.setupData);
  if (fields.rsdp !== undefined) page.u64(ACPI_RSDP_ADDR, fields.rsdp);

  const extendedKiB = Math.floor(fields.extendedMemory / 1024);
  page.u32(ALT_MEM_K, Math.min(extendedKiB, 0xffff_ffff));
  writeScreenInfo(page, fields.screen, extendedKiB);

  if (fields.e820.length > E820_MAX) {
    throw new BootError('too-large', `the memory map has ${fields.e820.length} entries, boot_params has room for ${E820_MAX}`);
  }
  page.u8(E820_ENTRIES, fields.e820.length);
  fields.e820.forEach((entry, index) => {
    const at = E820_TABLE + index * 20;
    page.u64(at, entry.start);
    page.u64(at + 8, entry.length);
    page.u32(at + 16, entry.type);
  });
  return page.bytes;
}

/** struct screen_info, include/uapi/linux/screen_info.h. */
function writeScreenInfo(page: ByteWriter, screen: ScreenInfo, extendedKiB: number): void {
  const at = SCREEN_INFO;
  // ext_mem_k, from INT 15h AH=88h: KiB from 1 MiB on, at most 63 MiB.
  page.u16(at + 0x02, Math.min(extendedKiB, 0xfc00));
  switch (screen.kind) {
    case 'none': // orig_video_lines and _cols of 0 send vgacon_startup to its no_vga label.
      return;
    case 'vga-text':
      page.u8(at + 0x06, 3); // orig_video_mode: 80x25, 16 colours
      page.u8(at + 0x07, screen.columns ?? 80);
      page.u16(at + 0x0a, 3); // orig_video_ega_bx: 256 KiB of video memory
      page.u8(at + 0x0e, screen.rows ?? 25);
      page.u8(at + 0x0f, VIDEO_TYPE_VGAC);
      page.u16(at + 0x10, 16); // orig_video_points: a character's height
      return;
    case 'framebuffer':
      page.u8(at + 0x0f, VIDEO_TYPE_VLFB);
      page.u16(at + 0x12, screen.width);
      page.u16(at + 0x14, screen.height);
      page.u16(at + 0x16, 32);
      page.u32(at + 0x18, screen.address % 0x1_0000_0000); // lfb_base
      page.u32(at + 0x1c, Math.ceil((screen.stride * screen.height) / 0x1_0000)); // lfb_size, in 64 KiB under VLFB
      page.u16(at + 0x24, screen.stride); // lfb_linelength
      page.bytes.set([8, 16, 8, 8, 8, 0, 8, 24], at + 0x26); // red, green, blue, reserved: size and position
      page.u32(at + 0x36, screen.address >= 0x1_0000_0000 ? 2 : 0); // capabilities: VIDEO_CAPABILITY_64BIT_BASE
      page.u32(at + 0x3a, Math.floor(screen.address / 0x1_0000_0000)); // ext_lfb_base
  }
}

/** boot.rst, "setup_data": { u64 next; u32 type; u32 len; u8 data[len] }. */
const SETUP_RNG_SEED = 9;

export function buildRngSeed(seed: Uint8Array): Uint8Array {
  const node = new ByteWriter(16 + seed.length);
  node.u32(8, SETUP_RNG_SEED);
  node.u32(12, seed.length);
  node.set(16, seed);
  return node.bytes;
}
