/**
 * The states in which the entry protocols want the first processor: flat segments, an identity-mapped long mode, real mode.
 * Segment attributes are in the VMX access-rights format (Intel SDM vol. 3, table 25-2).
 */
import { BootError } from './boot-error.js';
import { ByteWriter, hex } from './bytes.js';
import type { BootRegisters, SegmentState } from './types.js';

/** boot.rst, "32-bit Boot Protocol": selectors __BOOT_CS(0x10) and __BOOT_DS(0x18). */
export const BOOT_CS = 0x10;
export const BOOT_DS = 0x18;
export const GDT_LENGTH = 0x20;

const CODE_32 = 0xc09b; // G, D, present, execute/read, accessed
const CODE_64 = 0xa09b; // G, L
const DATA_32 = 0xc093; // G, B, present, read/write, accessed
const CODE_16 = 0x009b;
const DATA_16 = 0x0093;
const LDT = 0x0082;
const TSS_BUSY_32 = 0x008b;

const CR0_PE = 0x1;
const CR0_ET = 0x10;
const CR0_PG = 0x8000_0000;
const CR4_PAE = 0x20;
const EFER_LME = 0x100;
const EFER_LMA = 0x400;
/** Bit 1 of RFLAGS always reads as one; IF is clear. */
const RFLAGS_RESET = 0x2;

const PAGE = 0x1000;
const PRESENT_WRITABLE = 0x3;
const PAGE_SIZE_2M = 0x80;
const GIB = 0x4000_0000;

type General = BootRegisters['general'];

const NO_GENERAL: General = {
  rax: 0,
  rcx: 0,
  rdx: 0,
  rbx: 0,
  rsp: 0,
  rbp: 0,
  rsi: 0,
  rdi: 0,
  r8: 0,
  r9: 0,
  r10: 0,
  r11: 0,
  r12: 0,
  r13: 0,
  r14: 0,
  r15: 0,
};

/** Null, unused, flat code at 0x10, flat data at 0x18. */
export function buildGdt(mode: 'long64' | 'protected32'): Uint8Array {
  const gdt = new ByteWriter(GDT_LENGTH);
  descriptor(gdt, BOOT_CS, mode === 'long64' ? CODE_64 : CODE_32);
  descriptor(gdt, BOOT_DS, DATA_32);
  return gdt.bytes;
}

/** Base 0, limit 4 GiB. */
function descriptor(gdt: ByteWriter, selector: number, attributes: number): void {
  gdt.u32(selector, 0x0000_ffff);
  gdt.u32(selector + 4, 0x000f_0000 | (attributes << 8));
}

/** Bytes that the tables for an identity map up to `top` (at least 4 GiB) take. */
export function identityMapLength(top: number): number {
  return (2 + directories(top)) * PAGE;
}

/** Four-level tables at `base`, 2 MiB pages (1 GiB pages are a CPUID feature), every byte below `top` mapped to itself. */
export function buildIdentityMap(base: number, top: number): Uint8Array {
  const count = directories(top);
  if (count > 512) throw new BootError('too-large', `an identity map up to ${hex(top)} needs more than one page directory pointer table`);
  const tables = new ByteWriter(identityMapLength(top));
  tables.u64(0, base + PAGE + PRESENT_WRITABLE);
  for (let gib = 0; gib < count; gib++) {
    const directory = (2 + gib) * PAGE;
    tables.u64(PAGE + gib * 8, base + directory + PRESENT_WRITABLE);
    for (let index = 0; index < 512; index++) {
      tables.u64(directory + index * 8, gib * GIB + index * 0x20_0000 + (PRESENT_WRITABLE | PAGE_SIZE_2M));
    }
  }
  return tables.bytes;
}

function directories(top: number): number {
  return Math.max(4, Math.ceil(top / GIB));
}

interface EntryState {
  readonly rip: number;
  readonly general?: Partial<General>;
  readonly gdt?: number;
}

export function long64(state: EntryState & { readonly gdt: number; readonly pageTables: number }): BootRegisters {
  return {
    ...flat(state, CODE_64),
    mode: 'long64',
    cr0: CR0_PG + CR0_ET + CR0_PE,
    cr3: state.pageTables,
    cr4: CR4_PAE,
    efer: EFER_LME | EFER_LMA,
  };
}

export function protected32(state: EntryState): BootRegisters {
  return { ...flat(state, CODE_32), mode: 'protected32', cr0: CR0_ET | CR0_PE, cr3: 0, cr4: 0, efer: 0 };
}

/** CS:IP such that they reach `rip`; the other segments are 0. */
export function real16(state: EntryState & { readonly codeBase: number }): BootRegisters {
  const data: SegmentState = { selector: 0, base: 0, limit: 0xffff, attributes: DATA_16 };
  const code: SegmentState = { selector: state.codeBase >>> 4, base: state.codeBase, limit: 0xffff, attributes: CODE_16 };
  return {
    mode: 'real16',
    rip: state.rip - state.codeBase,
    rflags: RFLAGS_RESET,
    general: { ...NO_GENERAL, ...state.general },
    segments: { es: data, cs: code, ss: data, ds: data, fs: data, gs: data },
    ldtr: { selector: 0, base: 0, limit: 0xffff, attributes: LDT },
    tr: { selector: 0, base: 0, limit: 0xffff, attributes: TSS_BUSY_32 },
    gdt: { base: 0, limit: 0xffff },
    idt: { base: 0, limit: 0x3ff },
    cr0: CR0_ET,
    cr3: 0,
    cr4: 0,
    efer: 0,
  };
}

function flat(state: EntryState, codeAttributes: number): Omit<BootRegisters, 'mode' | 'cr0' | 'cr3' | 'cr4' | 'efer'> {
  const data: SegmentState = { selector: BOOT_DS, base: 0, limit: 0xffff_ffff, attributes: DATA_32 };
  const code: SegmentState = { selector: BOOT_CS, base: 0, limit: 0xffff_ffff, attributes: codeAttributes };
  return {
    rip: state.rip,
    rflags: RFLAGS_RESET,
    general: { ...NO_GENERAL, ...state.general },
    segments: { es: data, cs: code, ss: data, ds: data, fs: data, gs: data },
    ldtr: { selector: 0, base: 0, limit: 0xffff, attributes: LDT },
    // hvm_start_info, "x86 boot ABI": TR is a 32-bit TSS with base 0 and limit 0x67. The other protocols don't care.
    tr: { selector: 0, base: 0, limit: 0x67, attributes: TSS_BUSY_32 },
    gdt: state.gdt === undefined ? { base: 0, limit: 0 } : { base: state.gdt, limit: GDT_LENGTH - 1 },
    idt: { base: 0, limit: 0 },
  };
}
