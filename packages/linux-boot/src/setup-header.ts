/**
 * The setup header of a bzImage: Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header". Offsets are those in the file,
 * which are also those in boot_params.
 */
import { BootError } from './boot-error.js';
import { ByteReader, hex } from './bytes.js';

export const SETUP_HEADER = 0x1f1;
export const SETUP_SECTS = 0x1f1;
export const SYSSIZE = 0x1f4;
export const BOOT_FLAG = 0x1fe;
export const JUMP = 0x200;
export const HEADER = 0x202;
export const VERSION = 0x206;
export const KERNEL_VERSION = 0x20e;
export const TYPE_OF_LOADER = 0x210;
export const LOADFLAGS = 0x211;
export const CODE32_START = 0x214;
export const RAMDISK_IMAGE = 0x218;
export const RAMDISK_SIZE = 0x21c;
export const HEAP_END_PTR = 0x224;
export const CMD_LINE_PTR = 0x228;
export const INITRD_ADDR_MAX = 0x22c;
export const KERNEL_ALIGNMENT = 0x230;
export const RELOCATABLE_KERNEL = 0x234;
export const MIN_ALIGNMENT = 0x235;
export const XLOADFLAGS = 0x236;
export const CMDLINE_SIZE = 0x238;
export const PAYLOAD_OFFSET = 0x248;
export const PAYLOAD_LENGTH = 0x24c;
export const SETUP_DATA = 0x250;
export const PREF_ADDRESS = 0x258;
export const INIT_SIZE = 0x260;

export const BOOT_FLAG_MAGIC = 0xaa55;
/** "HdrS" */
export const HEADER_MAGIC = 0x5372_6448;

export const LOADED_HIGH = 0x01;
/** "Used internally by the compressed kernel to communicate KASLR status to kernel proper." */
export const KASLR_FLAG = 0x02;
export const KEEP_SEGMENTS = 0x40;
export const CAN_USE_HEAP = 0x80;

export const XLF_KERNEL_64 = 0x01;
export const XLF_CAN_BE_LOADED_ABOVE_4G = 0x02;

export interface SetupHeader {
  /** 0x020f for 2.15. */
  readonly version: number;
  /** The header as it stands in the file, from 0x1f1 to its end: what boot_params starts from. */
  readonly bytes: Uint8Array;
  /** File offset of the protected-mode code, and how much of it there is. */
  readonly codeOffset: number;
  readonly codeLength: number;
  readonly loadflags: number;
  readonly code32Start: number;
  /** Highest address that a byte of the initrd may have. */
  readonly initrdAddressMax: number;
  readonly kernelAlignment: number;
  readonly relocatable: boolean;
  /** Bytes; 0 where the kernel doesn't say. */
  readonly minAlignment: number;
  readonly xloadflags: number;
  /** Longest command line, without its NUL. */
  readonly commandLineSize: number;
  /** Of the compressed kernel, from the start of the protected-mode code; 0 before 2.08. */
  readonly payloadOffset: number;
  readonly payloadLength: number;
  readonly prefAddress: number;
  readonly initSize: number;
  /** "6.1.0-10-amd64 (debian-kernel@...) ...", or empty. */
  readonly kernelVersion: string;
}

export function isBzImage(file: Uint8Array): boolean {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  return (
    file.length >= HEADER + 4 &&
    view.getUint16(BOOT_FLAG, true) === BOOT_FLAG_MAGIC &&
    view.getUint32(HEADER, true) === HEADER_MAGIC
  );
}

/** @throws BootError `not-a-kernel`, `truncated`, `malformed`, or `unsupported` for protocols before 2.06 and zImages */
export function parseSetupHeader(file: Uint8Array): SetupHeader {
  const reader = new ByteReader(file, 'bzImage');
  if (!isBzImage(file)) {
    throw new BootError('not-a-kernel', 'no Linux kernel: 0xaa55 at 0x1fe and "HdrS" at 0x202 are what a bzImage has');
  }
  const version = reader.u16(VERSION, 'version');
  if (version < 0x0206 || version >= 0x0300) {
    throw new BootError('unsupported', `bzImage: boot protocol ${protocolName(version)}; 2.06 (Linux 2.6.22) and later 2.x boot`);
  }
  // boot.rst: "the end of the setup header can be calculated as 0x0202 + byte value at offset 0x0201"
  const headerEnd = HEADER + reader.u8(JUMP + 1, 'jump');
  const known = version >= 0x020a ? INIT_SIZE + 4 : version >= 0x0209 ? SETUP_DATA + 8 : version >= 0x0208 ? PAYLOAD_LENGTH + 4 : CMDLINE_SIZE + 4;
  if (headerEnd < known) {
    throw new BootError('malformed', `bzImage: a ${protocolName(version)} header ends at ${hex(known)} or later, this one at ${hex(headerEnd)}`);
  }
  const bytes = reader.slice(SETUP_HEADER, headerEnd - SETUP_HEADER, 'setup header');
  const loadflags = reader.u8(LOADFLAGS, 'loadflags');
  if ((loadflags & LOADED_HIGH) === 0) throw new BootError('unsupported', 'bzImage: LOADED_HIGH is clear: a zImage, which loads at 0x10000');

  const setupSectors = reader.u8(SETUP_SECTS, 'setup_sects');
  const codeOffset = ((setupSectors === 0 ? 4 : setupSectors) + 1) * 512;
  const available = file.length - codeOffset;
  const promised = reader.u32(SYSSIZE, 'syssize') * 16;
  // syssize rounds up to a paragraph. What follows it (a signature) is not code, but harmless and, in some builds, included.
  if (available <= 0 || available + 15 < promised) {
    throw new BootError(
      'truncated',
      `bzImage: ${promised} bytes of code at ${hex(codeOffset)} are promised (setup_sects, syssize), the file ends at ${hex(file.length)}`,
    );
  }
  const codeLength = available;

  const kernelAlignment = reader.u32(KERNEL_ALIGNMENT, 'kernel_alignment');
  const relocatable = reader.u8(RELOCATABLE_KERNEL, 'relocatable_kernel') !== 0;
  if (relocatable && !isPowerOfTwo(kernelAlignment)) {
    throw new BootError('malformed', `bzImage: kernel_alignment ${hex(kernelAlignment)} is not a power of two`);
  }
  const minAlignmentShift = version >= 0x020a ? reader.u8(MIN_ALIGNMENT, 'min_alignment') : 0;
  const prefAddress = version >= 0x020a ? reader.u64(PREF_ADDRESS, 'pref_address') : 0;
  const initSize = version >= 0x020a ? reader.u32(INIT_SIZE, 'init_size') : 0;
  if (version >= 0x020a && (initSize === 0 || !Number.isFinite(prefAddress))) {
    throw new BootError('malformed', `bzImage: init_size ${hex(initSize)} at pref_address ${hex(prefAddress)}`);
  }
  const payloadOffset = version >= 0x0208 ? reader.u32(PAYLOAD_OFFSET, 'payload_offset') : 0;
  const payloadLength = version >= 0x0208 ? reader.u32(PAYLOAD_LENGTH, 'payload_length') : 0;
  const commandLineSize = reader.u32(CMDLINE_SIZE, 'cmdline_size');

  return {
    version,
    bytes,
    codeOffset,
    codeLength,
    loadflags,
    code32Start: reader.u32(CODE32_START, 'code32_start'),
    initrdAddressMax: reader.u32(INITRD_ADDR_MAX, 'initrd_addr_max'),
    kernelAlignment,
    relocatable,
    minAlignment: minAlignmentShift > 0 && minAlignmentShift < 32 ? 2 ** minAlignmentShift : 0,
    xloadflags: version >= 0x020c ? reader.u16(XLOADFLAGS, 'xloadflags') : 0,
    commandLineSize,
    payloadOffset,
    payloadLength,
    prefAddress,
    initSize,
    kernelVersion: kernelVersion(file, reader.u16(KERNEL_VERSION, 'kernel_version'), codeOffset),
  };
}

export function protocolName(version: number): string {
  return `${version >> 8}.${String(version & 0xff).padStart(2, '0')}`;
}

/** boot.rst: offset of a NUL-terminated string, less 0x200; valid while below the setup code's end. Only for people. */
function kernelVersion(file: Uint8Array, field: number, codeOffset: number): string {
  if (field === 0) return '';
  let text = '';
  for (let at = field + 0x200; at < Math.min(codeOffset, file.length) && text.length < 200; at++) {
    const code = file[at];
    if (code === 0) return text;
    if (code < 0x20 || code > 0x7e) return '';
    text += String.fromCharCode(code);
  }
  return '';
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}
