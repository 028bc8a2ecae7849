/**
 * The address space that the recording program has on the real processor, and the machine of the comparison too: user pages at
 * addresses that Linux lets a program map, Linux's own GDT, and an LDT for the 16-bit and odd segments.
 */
import { Random } from './random.js';

export type Mode = 16 | 32 | 64;

export interface Region {
  readonly base: bigint;
  readonly pages: number;
  readonly writable: boolean;
  readonly executable: boolean;
}

export const PAGE = 4096;
/** Code for all modes; the base of the 16-bit code segment. What follows it is not mapped. */
export const CODE = 0x1000_0000n;
/** Code and data that need 64-bit addresses, within reach of each other. */
export const HIGH_CODE = 0x6b00_1000_0000n;
export const HIGH_DATA = 0x6b00_2000_0000n;
/** The last page that Linux maps, just below the end of canonical addresses but one page. */
export const LAST_CODE = 0x7fff_ffff_e000n;
/** Two writable pages, then a read-only one; nothing before and after. */
export const DATA = 0x2000_0000n;
/** The first and last page of the 64 KiB of the 16-bit data segment. */
export const DATA16 = 0x3000_0000n;

export const REGIONS: readonly Region[] = [
  { base: CODE, pages: 2, writable: true, executable: true },
  { base: HIGH_CODE, pages: 2, writable: true, executable: true },
  { base: LAST_CODE, pages: 1, writable: true, executable: true },
  { base: DATA, pages: 2, writable: true, executable: false },
  { base: DATA + 0x2000n, pages: 1, writable: false, executable: false },
  { base: HIGH_DATA, pages: 2, writable: true, executable: false },
  { base: DATA16, pages: 1, writable: true, executable: false },
  { base: DATA16 + 0xf000n, pages: 1, writable: true, executable: false },
];

/** FS and GS in 64-bit code; GS makes sums wrap around at 2^64. */
export const FS_BASE = 0x1111_0000n;
export const GS_BASE = 0xffff_ffff_f000_0000n;

/** As `struct user_desc` of modify_ldt(2) has them. */
export interface LdtEntry {
  readonly base: bigint;
  readonly limit: number;
  readonly inPages: boolean;
  readonly wide: boolean;
  /** 0 data, 1 expand-down data, 2 code. */
  readonly contents: 0 | 1 | 2;
  /** Data not writable, code not readable. */
  readonly restricted: boolean;
  readonly present: boolean;
}

const data = (base: bigint, limit: number, options: Partial<LdtEntry> = {}): LdtEntry => ({
  base, limit, inPages: false, wide: true, contents: 0, restricted: false, present: true, ...options,
});
const FLAT = { limit: 0xfffff, inPages: true } as const;

export const LDT: readonly LdtEntry[] = [
  data(CODE, 0xffff, { wide: false, contents: 2 }),
  data(DATA16, 0xffff, { wide: false }),
  data(FS_BASE, 0xfffff, FLAT),
  data(DATA, 0x17ff),
  data(DATA, 0x7ff, { contents: 1 }),
  data(0n, 0xfffff, { ...FLAT, restricted: true }),
  data(0n, 0xfffff, { ...FLAT, present: false }),
  data(0n, 0xfffff, { ...FLAT, contents: 2, restricted: true }),
  data(CODE, 0x7ff, { contents: 2 }),
  data(DATA16, 0xfff, { contents: 1, wide: false }),
];

export const Selector = {
  code32: 0x23, data: 0x2b, code64: 0x33,
  code16: 0x07, data16: 0x0f, based: 0x17, limited: 0x1f, expandDown: 0x27, readOnly: 0x2f, absent: 0x37, executeOnly: 0x3f, shortCode: 0x47, expandDown16: 0x4f,
} as const;

/** Selectors worth loading: good ones, kernel's, with the wrong RPL, beyond the table. */
export const SELECTORS: readonly number[] = [
  0x2b, 0x23, 0x33, 0, 3, 0x07, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x47, 0x4f, 0x10, 0x18, 0x08, 0x2a, 0x20, 0x30, 0x57, 0x100, 0x1003, 0xffff, 0x38, 0x0c,
];

export interface SegmentSet {
  readonly cs: number;
  readonly ss: number;
  readonly ds: number;
  readonly es: number;
  readonly fs: number;
  readonly gs: number;
}

/** The segment registers at a case's begin, by mode; a case has the number of its set. */
export const SEGMENT_SETS: { readonly [mode in Mode]: readonly SegmentSet[] } = {
  64: [{ cs: 0x33, ss: 0x2b, ds: 0x2b, es: 0x2b, fs: 0, gs: 0 }],
  32: [
    { cs: 0x23, ss: 0x2b, ds: 0x2b, es: 0x2b, fs: 0x17, gs: 0x1f },
    { cs: 0x23, ss: 0x0f, ds: 0x1f, es: 0x2f, fs: 0x27, gs: 0 },
    { cs: 0x47, ss: 0x17, ds: 0x17, es: 0x17, fs: 0x23, gs: 0x4f },
  ],
  16: [
    { cs: 0x07, ss: 0x0f, ds: 0x0f, es: 0x0f, fs: 0x2b, gs: 0x1f },
    { cs: 0x07, ss: 0x2b, ds: 0x2b, es: 0x2b, fs: 0x0f, gs: 0x4f },
  ],
};

export interface SegmentFacts {
  readonly base: bigint;
  /** D/B. */
  readonly wide: boolean;
}

/** What a selector of `SEGMENT_SETS` means. */
export function segmentFacts(selector: number): SegmentFacts {
  if ((selector & 4) === 0) return { base: 0n, wide: true };
  const { base, wide } = LDT[selector >> 3]!;
  return { base, wide };
}

/** The 8 bytes of a descriptor that `modify_ldt` makes: always accessed, DPL 3, AVL clear. */
export function ldtDescriptor(entry: LdtEntry): bigint {
  const type = (entry.contents << 2) | (entry.restricted ? 0 : 2) | 1;
  const access = BigInt(type | 0x10 | 0x60 | (entry.present ? 0x80 : 0));
  const flags = BigInt((entry.wide ? 4 : 0) | (entry.inPages ? 8 : 0));
  const limit = BigInt(entry.limit);
  return (limit & 0xffffn) | ((entry.base & 0xffffffn) << 16n) | (access << 40n) | ((limit >> 16n) << 48n) | (flags << 52n) | ((entry.base >> 24n) << 56n);
}

/** Linux's GDT (arch/x86/kernel/cpu/common.c) as far as programs can tell; 0x40 is the TSS, 0x50 the LDT. */
export const GDT: readonly bigint[] = [
  0n,
  0x00cf9b000000ffffn,
  0x00af9b000000ffffn,
  0x00cf93000000ffffn,
  0x00cffb000000ffffn,
  0x00cff3000000ffffn,
  0x00affb000000ffffn,
  0n,
];

const EDGES = [
  0n, 1n, 2n, 0x7fn, 0x80n, 0xffn, 0x100n, 0x7fffn, 0x8000n, 0xffffn, 0x10000n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n,
  0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0xffff_ffff_ffff_ffffn, 0xffff_ffff_ffff_fffen, 0xffff_ffff_8000_0000n, 0x0000_7fff_ffff_ffffn,
];

/** 64 bits as tests want them: random, small, negative, at the edges of the operand sizes. */
export function interesting(random: Random): bigint {
  switch (random.below(8)) {
    case 0:
      return random.pick(EDGES);
    case 1:
      return BigInt(random.below(256));
    case 2:
      return BigInt.asUintN(64, BigInt(random.u32() | 0));
    case 3:
      return BigInt.asUintN(64, random.pick(EDGES) - BigInt(random.below(5)) + 2n);
    case 4:
      return random.u64() >> BigInt(random.below(64));
    default:
      return random.u64();
  }
}

/** What the regions hold at a case's begin, but for what the case sets itself; code pages hold HLT. */
export function initialMemory(): Uint8Array[] {
  const random = new Random(0x5eed);
  return REGIONS.map(({ pages, executable }) => {
    const bytes = new Uint8Array(pages * PAGE).fill(0xf4);
    if (executable) return bytes;
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < bytes.length; at += 8) view.setBigUint64(at, interesting(random), true);
    return bytes;
  });
}
