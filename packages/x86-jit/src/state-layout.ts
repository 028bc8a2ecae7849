/**
 * A vCPU's state block in linear memory: byte offsets from its base. Everything that instructions touch lies here, so that a second
 * vCPU is a second block. Multi-byte fields are little-endian; 64-bit fields are 8-byte aligned.
 */
export const State = {
  /** RAX..R15, 8 bytes each; AH..BH are byte 1 of the first four. */
  gpr: 0,
  /** Always zero: the base or index of an address that has none. */
  zero: 128,
  /** Linear address of the page that executes; the base of RIP-relative operands. */
  pageBase: 136,
  /** Linear address of the instruction to execute next (valid outside the interpreter's loop). */
  rip: 144,

  // Arithmetic flags, kept so that each is one test (see semantics/flags.ts).
  flagZ: 152,
  flagS: 160,
  flagC: 168,
  flagO: 176,
  /** The rest of EFLAGS: TF IF DF IOPL NT RF VM AC VIF VIP ID. */
  eflags: 184,

  /** Non-zero: an instruction must not complete (see `Fault`). */
  fault: 188,
  faultVector: 192,
  faultCode: 196,
  /** Linear address of a page fault. */
  faultAddress: 200,

  /** Instructions left to execute in this run. */
  budget: 208,
  /** The record that is executing, for slow paths. */
  record: 212,
  cpl: 216,
  /** Address of the TLB for the present privilege. */
  tlb: 220,
  /** Code size, stack size and flatness: part of the key of decoded code (see `ModeKey`). */
  modeKey: 224,
  /** Bit mask of events that JavaScript must look at between instructions. */
  pending: 228,
  /** `budget` when an instruction that shadows interrupts (STI, MOV SS, POP SS) completed; -1: none. */
  shadow: 232,
  /** Instructions taken out of `budget` to make the loop return early. */
  stash: 236,
  /** Physical address of the last translation that is not RAM. */
  physical: 240,
  /** CR0.PG etc. digested: see `Paging`. */
  paging: 248,
  /** 1: an NMI handler runs, and further ones wait for its IRET. */
  nmiBlocked: 252,
  /** 1: in this run the budget ended in a compiled region, or wasn't enough for one. */
  budgetShort: 256,
  /** `budget` when the interpreter last delivered an exception by itself; -1: none in this run. */
  raisedAt: 260,
  /** Flags as a region left them: the kind of what set them (`FlagKind`; 0: the four words are valid) and its operands. */
  lazyKind: 264,
  /** 1: PAUSE ends the run. */
  yieldOnPause: 268,
  /** Number of valid entries of `tlbFills`, or more than fit. */
  tlbFillCount: 272,
  /** Physical page executing, host address. */
  hostPage: 276,
  /** Host address of the handlers (u16) that regions stand before: see `Regions`. */
  regionHandlers: 280,
  /** Instructions that compiled regions executed in this run. */
  compiled: 284,

  // ES CS SS DS FS GS LDTR TR, 32 bytes each.
  segments: 288,

  cr0: 544,
  cr2: 552,
  cr3: 560,
  cr4: 568,
  efer: 576,
  gdtBase: 584,
  idtBase: 592,
  gdtLimit: 600,
  idtLimit: 604,
  star: 608,
  lstar: 616,
  cstar: 624,
  fmask: 632,
  kernelGsBase: 640,
  sysenterCs: 648,
  sysenterEsp: 656,
  sysenterEip: 664,
  tscAux: 672,
  pat: 680,
  xcr0: 688,
  tscOffset: 696,
  dr: 704,
  miscEnable: 768,
  mtrrDefType: 776,
  apicBase: 784,
  /** `DebugHook` bits: what a debugger wants to be asked about. */
  debugHooks: 792,

  // RAM as host memory: [0, ramLowEnd) at ramLowOffset, [4 GiB, ramHighEnd) at ramHighOffset.
  ramLowEnd: 800,
  ramHighEnd: 808,
  ramLowOffset: 816,
  ramHighOffset: 820,
  /** Address such that `codeBits + (host >> 12) * 8` is the bit mask of a page's 64-byte pieces that hold decoded code. */
  codeBits: 824,
  /** Table of decoded blocks and the mask of its index. */
  blockTable: 828,

  /**
   * Which regions of 2 MiB (hashed: see `largePageBit`), and which of 1 GiB, had a TLB entry made from a large page since the last full flush: INVLPG
   * there has more than one entry to forget. 1024 and 64 bits.
   */
  largePages: 832,
  hugePages: 960,
  /** PAE's page-directory-pointer-table entries are registers, loaded with CR3 (SDM vol. 3, 4.4.1). */
  pdpte0: 968,
  pdpte1: 976,
  pdpte2: 984,
  pdpte3: 992,
  /** Linear address of the breakpoint that the next run passes by; `NO_ADDRESS`: none. */
  passBreakpoint: 1016,
  lazyA: 1000,
  lazyB: 1008,

  /** XMM0..15 in the low halves of YMM0..15, 32 bytes each. */
  ymm: 1024,
  mxcsr: 1536,
  /** `SseBlocked` bits; zero: SSE instructions may execute. Kept by `CpuState.updateMode`. */
  sseBlocked: 1540,
  /** Host address of the computed jump that a region was left by; see `JumpTargets`. */
  jumpedFrom: 1548,
  lazyOver: 1552,
  /** Host address of the table `JumpTargets`. */
  jumpTargets: 1560,
  /** The same for AVX instructions: also no CR4.OSXSAVE, or XCR0 without AVX; CR0.EM and CR4.OSFXSR don't matter. */
  avxBlocked: 1544,
  /** Scratch for vector operands in memory, 64 bytes. */
  vectorScratch: 1568,
  x87: 1664,
  /** What a region that runs keeps of pages that it accessed last, see `KeptPage`. */
  keptPages: 2048,

  /** Host addresses (u32) of the TLB entries of non-global pages that were filled since the last flush. */
  tlbFills: 4096,

  size: 4096 + 4096 * 4,
} as const;

/** Entries of `State.tlbFills`; with more fills than this a flush clears everything. */
export const TLB_FILL_LIMIT = 4096;

/** The page of accesses that are alike, while a region runs: its linear address, and how far its host address is above that, modulo 2^32. */
export const KeptPage = { page: 0, distance: 8, size: 16, most: 8 } as const;

/** The table of decoded blocks, in sets of two: {key: i64 host address | modeKey << 32, record: i32, look-ups left: i32}. */
export const BlockTable = { setBits: 17, entrySize: 16, setSize: 32, bytes: (1 << 17) * 32 } as const;

/**
 * A compiled region stands in for the handlers of the records that it is entered at, which become `firstHandler` plus a slot in the table of functions, one for
 * each entry; the handler that was there is kept at `State.regionHandlers`, and the entry's number (u8) behind all of these.
 */
export const Regions = {
  slots: 4096,
  firstHandler: 0x8000,
  handlerBytes: 4096 * 2,
  entryNumbersBytes: 4096,
  /** Entries, instructions, and exits for the interpreter to execute one, as i64. */
  counterBytes: 24,
  countersBytes: 4096 * 24,
} as const;

/** Where computed jumps and calls went: a lossy hash table of {u32 host address of the instruction, u32 that of its target, i64 the target's linear address}. */
export const JumpTargets = { bits: 14, entrySize: 16, bytes: (1 << 14) * 16 } as const;

/** What a region returns. */
export const RegionExit = {
  /** It goes on at `State.rip`. */
  next: 0,
  /** The instruction at `State.rip` is the interpreter's to execute. */
  interpret: 1,
  /** It goes on at `State.rip`, which the computed jump at `State.jumpedFrom` led to. */
  computed: 2,
  /** As `interpret`, because the budget isn't enough. */
  budget: 3,
} as const;

/**
 * What last set the flags in a region, in bits 0 to 7 of `State.lazyKind`: one of these, times 4, plus the base-2 logarithm of the operand size. The
 * operands are sign-extended.
 */
export const FlagKind = {
  words: 0,
  /** a - b */
  sub: 1,
  /** a + b */
  add: 2,
  /** a is the result */
  logic: 3,
  /** a is the result, the sign of b the carry that was kept */
  inc: 4,
  dec: 5,
  /** a shifted by b, which is not 0 */
  shl: 6,
  shr: 7,
  sar: 8,
  /** The low half of a * b */
  imul: 9,
} as const;

/** What changed CF, or CF and OF, since then, in bits 8 to 15: one of these, times 4, plus the size. Its operand is `State.lazyOver`. */
export const FlagOverlay = {
  none: 0,
  rol: 1,
  ror: 2,
  /** CF is the operand's sign. */
  carry: 3,
} as const;

/** Fields of one of the eight segment registers. */
export const Segment = { base: 0, limit: 8, attributes: 12, selector: 16, size: 32 } as const;
export const SegmentIndex = { ES: 0, CS: 1, SS: 2, DS: 3, FS: 4, GS: 5, LDTR: 6, TR: 7 } as const;

/** Bits of `Segment.attributes`, as in the second half of a descriptor shifted right by 8 (SDM vol. 3, 3.4.5). */
export const Attribute = {
  typeMask: 0xf, accessed: 1, writable: 2, readable: 2, expandDown: 4, conforming: 4, code: 8, system: 0x10, dplShift: 5, dplMask: 0x60, present: 0x80,
  available: 0x1000, long: 0x2000, big: 0x4000, granular: 0x8000,
  /** Ours: a null selector was loaded. */
  unusable: 0x10000,
} as const;

/** Values of `State.fault`. */
export const Fault = { none: 0, exception: 1 } as const;

/** Bits of `State.sseBlocked` (CR0.EM or no CR4.OSFXSR: #UD; CR0.TS: #NM) and `State.avxBlocked`. */
export const SseBlocked = { undefined: 1, taskSwitched: 2 } as const;

/** Bits of `State.debugHooks`: TLB fills are told to `DebugPoints.filled`; accesses on the slow path to `DebugPoints.accessed`; runs are steps, which end with an exception. */
export const DebugHook = { fills: 1, accesses: 2, steps: 4 } as const;

/** No linear address: it isn't canonical. */
export const NO_ADDRESS = 1n << 63n;

/** Bits of `State.pending`. */
export const Pending = { intr: 1, nmi: 2, init: 4, preempt: 8, trap: 16, sipi: 32 } as const;

/** Bits of `State.modeKey`. */
export const ModeKey = { code16: 0, code32: 1, code64: 2, codeMask: 3, stack32: 4, stack64: 8, v86: 16, /** CS has a limit below 4 GiB, which fetches are checked against. */ limited: 32 } as const;

/** TLB: direct-mapped, one each for user mode, supervisor mode, and supervisor mode with EFLAGS.AC (SMAP overridden). */
export const Tlb = {
  entries: 4096, indexMask: 4095, entryShift: 5,
  readTag: 0, writeTag: 8, executeTag: 16, host: 24, flags: 28,
  /** Bytes of one TLB. */
  bytes: 4096 * 32,
  contexts: 3, user: 0, supervisor: 1, supervisorAc: 2,
} as const;

/** Bits of an entry's `flags`. */
export const TlbFlag = {
  global: 1,
  /** A piece of a page that is larger than 4 KiB. */
  large: 4,
  /** It would have a write tag, but holds decoded code. */
  code: 8,
} as const;

/** Bits of `State.paging`: which page-table format, and the control bits that a walk looks at. */
export const Paging = {
  enabled: 1, pae: 2, long: 4, pse: 8, nxe: 16, wp: 32, smep: 64, smap: 128, pge: 256, pcide: 512,
} as const;

/** EFLAGS bits. SDM vol. 1, 3.4.3. */
export const Eflags = {
  CF: 1, reserved1: 2, PF: 4, AF: 0x10, ZF: 0x40, SF: 0x80, TF: 0x100, IF: 0x200, DF: 0x400, OF: 0x800, IOPL: 0x3000, NT: 0x4000,
  RF: 0x10000, VM: 0x20000, AC: 0x40000, VIF: 0x80000, VIP: 0x100000, ID: 0x200000, arithmetic: 0x8d5,
} as const;

export const Cr0 = { PE: 1, MP: 2, EM: 4, TS: 8, ET: 16, NE: 32, WP: 0x10000, AM: 0x40000, NW: 0x20000000, CD: 0x40000000, PG: 0x80000000 } as const;
export const Cr4 = {
  VME: 1, PVI: 2, TSD: 4, DE: 8, PSE: 0x10, PAE: 0x20, MCE: 0x40, PGE: 0x80, PCE: 0x100, OSFXSR: 0x200, OSXMMEXCPT: 0x400, UMIP: 0x800,
  FSGSBASE: 0x10000, PCIDE: 0x20000, OSXSAVE: 0x40000, SMEP: 0x100000, SMAP: 0x200000,
} as const;
export const Efer = { SCE: 1, LME: 0x100, LMA: 0x400, NXE: 0x800 } as const;

/** State components: bits of XCR0 and XSTATE_BV. SDM vol. 1, 13.1. */
export const Xcr0 = { x87: 1, sse: 2, avx: 4 } as const;

/** Exception vectors. SDM vol. 3, table 6-1. */
export const Vector = { DE: 0, DB: 1, NMI: 2, BP: 3, OF: 4, BR: 5, UD: 6, NM: 7, DF: 8, TS: 10, NP: 11, SS: 12, GP: 13, PF: 14, MF: 16, AC: 17, MC: 18, XM: 19 } as const;

/** Exceptions that push an error code. */
export const VECTORS_WITH_CODE: readonly number[] = [Vector.DF, Vector.TS, Vector.NP, Vector.SS, Vector.GP, Vector.PF, Vector.AC];

/**
 * In `State.faultVector`: an address that isn't canonical. It becomes #SS or #GP by the segment, which `X86Vcpu` finds out.
 */
export const NON_CANONICAL = 0x100;

/** Bits of a page fault's error code. SDM vol. 3, 4.7. */
export const PageFault = { present: 1, write: 2, user: 4, reserved: 8, fetch: 16 } as const;

/**
 * A predecoded instruction in linear memory. Blocks are runs of records that end with a control transfer or with an `end` record.
 */
export const Record = {
  handler: 0, // u16
  pageOffset: 2, // u16: of the instruction within its page
  length: 4, // u8
  flags: 5, // u8, see RecordFlag
  scale: 6, // u8
  extra: 7, // u8: address size in bytes
  register0: 8, // u16: state offsets of register operands
  register1: 10,
  base: 12,
  index: 14,
  displacement: 16, // i64
  immediate: 24, // i64; for relative branches: displacement from the next instruction
  segmentBase: 32, // u16: state offset of the segment's base
  register2: 34, // u16
  segment: 36, // u16: segment index
  register3: 38, // u16
  target: 40, // i32: record of the branch target within the page, once known; of what goes on
  next: 44, // u16: page offset after this instruction (may be 4096)
  extra16: 46, // u16: second immediate; operand size of a relative branch; FOP of an x87 escape
  size: 48,
} as const;

/** Fields of the register operands, by the operand's index. */
export const REGISTER_FIELDS: readonly number[] = [Record.register0, Record.register1, Record.register2, Record.register3];

/** Bits of `Record.flags`. */
export const RecordFlag = {
  /** The effective address needs the slow function: legacy segmentation, or an address size below 64 in 64-bit mode. */
  slowAddress: 1,
  /** LOCK prefix. */
  lock: 2,
  /** REP/REPE prefix. */
  rep: 4,
  repne: 8,
  /** A relative branch whose target lies in the same page: its target record may be kept in `target`. */
  chainable: 16,
  /** The effective address is more than base + displacement: an index, or a segment with a base. Set with `slowAddress` too. */
  fullAddress: 32,
  /** VEX.L. */
  wide: 64,
  /** There is a memory operand. */
  memory: 128,
} as const;

/** What `lookup` returns where it doesn't give a record. */
export const NotFound = { notDecoded: 0, fault: -1, /** It is there; this once, it is to be compiled. */ hot: -2 } as const;

/** What the interpreter's loop returns. */
export const LoopExit = {
  budget: 0,
  /** An exception is described in `fault*`; RIP is the instruction's. */
  fault: 1,
  /** No decoded code for `rip`. */
  miss: 2,
  halt: 3,
  /** Something in `pending` needs a look between instructions. */
  attention: 4,
  pause: 5,
  /** SYSCALL or INT n began or ended with TF: a single-step trap follows if TF is set now, whatever it was before. */
  stepped: 6,
  /** The block at RIP was looked up as often as `Predecoder.lookups` says. */
  hot: 7,
  /** The instruction at RIP has a debugger's breakpoint. */
  breakpoint: 16,
} as const;
