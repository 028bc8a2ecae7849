/** Bytes of guest-physical RAM, as the machine has them (holes excluded). */
export interface RamRange {
  readonly start: number;
  readonly length: number;
}

/**
 * - `ramBytes`: a PC's usual shape. RAM from 0 to at most `holeStart` (default 0xc0000000), the rest from 4 GiB.
 * - `ranges`: RAM exactly where it is. The legacy hole 0xa0000-0xfffff is never used for RAM, even when a range covers it.
 */
export type MemoryShape =
  | { readonly ramBytes: number; readonly holeStart?: number }
  | { readonly ranges: readonly RamRange[] };

export type ReservedType = 'reserved' | 'acpi' | 'nvs' | 'unusable';

/** A part of the address space that the kernel must not use as RAM, and that no part of the plan may lie in. */
export interface ReservedRegion {
  readonly name: string;
  readonly start: number;
  readonly length: number;
  /** e820 type; `acpi` (3, reclaimable) for ACPI tables. Default `reserved`. */
  readonly type?: ReservedType;
}

export type CpuMode = 'long64' | 'protected32' | 'real16';

/** A file without a header: load it as it is, and start it in a given mode. */
export interface FlatImage {
  readonly address: number;
  readonly mode: CpuMode;
  /** Physical address of the first instruction. Default: `address`. */
  readonly entry?: number;
  /** Zeroed bytes after the file. */
  readonly bssBytes?: number;
}

/** A file beside the kernel, for PVH and multiboot. */
export interface BootModule {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Default: `name`. */
  readonly commandLine?: string;
}

/**
 * What `boot_params.screen_info` says.
 * - `none`: no display; Linux's vgacon then stays away.
 * - `vga-text`: VGA text mode 3.
 * - `framebuffer`: a linear framebuffer as VESA's (VIDEO_TYPE_VLFB), 32 bits a pixel, xRGB.
 */
export type ScreenInfo =
  | { readonly kind: 'none' }
  | { readonly kind: 'vga-text'; readonly columns?: number; readonly rows?: number }
  | { readonly kind: 'framebuffer'; readonly address: number; readonly width: number; readonly height: number; readonly stride: number };

export type EntryChoice = 'auto' | '64' | '32' | 'pvh' | 'multiboot';

export interface BootOptions {
  readonly kernel: Uint8Array;
  readonly initrd?: Uint8Array;
  readonly commandLine?: string;
  readonly memory: MemoryShape;
  /** How many processors the machine has: only for the plan's notes. */
  readonly cpus?: number;
  readonly acpi?: { readonly rsdp: number };
  readonly reserved?: readonly ReservedRegion[];
  /** Handed to Linux as setup_data type SETUP_RNG_SEED (bzImage and plain ELF entries). */
  readonly rngSeed?: Uint8Array;
  /** Default `auto`: 64-bit entry where the kernel has one, else the 32-bit one; ELF: multiboot header, PVH note, plain, in this order. */
  readonly entry?: EntryChoice;
  readonly screen?: ScreenInfo;
  /**
   * What `unpackPayload` made of a bzImage's payload: the kernel is then placed, moved and entered without its decompressor. Never changed; parts of the
   * plan are views into it.
   */
  readonly unpacked?: Uint8Array;
  /** 32 random bits for KASLR of an unpacked kernel. Without them, or with `nokaslr` on the command line, it runs where it was linked. */
  readonly kaslrSeed?: number;
  /** Boot the file as a raw binary, whatever it looks like. */
  readonly flat?: FlatImage;
  /** PVH and multiboot only. The initrd, when given, is the first module. */
  readonly modules?: readonly BootModule[];
}

/** A segment register with its hidden part. */
export interface SegmentState {
  readonly selector: number;
  readonly base: number;
  /** In bytes, granularity applied. */
  readonly limit: number;
  /** Bits 8-15 and 20-23 of the descriptor's second word, shifted down by 8 (VMX access rights): type, S, DPL, P; bit 12 AVL, 13 L, 14 D/B, 15 G. */
  readonly attributes: number;
}

export interface DescriptorTable {
  readonly base: number;
  readonly limit: number;
}

/** The first processor's state. All values are below 2^53, hence numbers. */
export interface BootRegisters {
  readonly mode: CpuMode;
  readonly rip: number;
  readonly rflags: number;
  readonly general: {
    readonly rax: number;
    readonly rcx: number;
    readonly rdx: number;
    readonly rbx: number;
    readonly rsp: number;
    readonly rbp: number;
    readonly rsi: number;
    readonly rdi: number;
    readonly r8: number;
    readonly r9: number;
    readonly r10: number;
    readonly r11: number;
    readonly r12: number;
    readonly r13: number;
    readonly r14: number;
    readonly r15: number;
  };
  readonly segments: {
    readonly es: SegmentState;
    readonly cs: SegmentState;
    readonly ss: SegmentState;
    readonly ds: SegmentState;
    readonly fs: SegmentState;
    readonly gs: SegmentState;
  };
  readonly ldtr: SegmentState;
  readonly tr: SegmentState;
  readonly gdt: DescriptorTable;
  readonly idt: DescriptorTable;
  readonly cr0: number;
  readonly cr3: number;
  readonly cr4: number;
  readonly efer: number;
}

/** Bytes to put into guest memory before the first instruction. */
export interface PlanSegment {
  readonly name: string;
  readonly address: number;
  /** A view into the caller's file where it comes from one, never a copy of it. */
  readonly bytes: Uint8Array;
  /** Zeros that follow `bytes`. Guest RAM that is fresh needs no write for them. */
  readonly zeroFill?: number;
  /** Why it lies there. */
  readonly why: string;
}

/** Memory that holds nothing yet but is spoken for (a kernel's decompression area, a boot stack). */
export interface PlanReservation {
  readonly name: string;
  readonly address: number;
  readonly length: number;
  readonly why: string;
}

/** 1 RAM, 2 reserved, 3 ACPI reclaimable, 4 ACPI NVS, 5 unusable (ACPI 6.5 table 15.6). */
export type E820Type = 1 | 2 | 3 | 4 | 5;

export interface E820Entry {
  readonly start: number;
  readonly length: number;
  readonly type: E820Type;
}

export type BootKind = 'bzimage-64' | 'bzimage-32' | 'vmlinux-64' | 'vmlinux-32' | 'pvh' | 'multiboot' | 'elf64' | 'elf32' | 'flat';

/** Physical addresses of what the plan built; absent where the kind has no such thing. */
export interface PlanTables {
  readonly gdt?: number;
  readonly pageTables?: number;
  readonly bootParams?: number;
  readonly setupData?: number;
  readonly commandLine?: number;
  readonly startInfo?: number;
  readonly multibootInfo?: number;
  readonly initrd?: { readonly address: number; readonly length: number };
}

export interface BootPlan {
  readonly kind: BootKind;
  /** Sorted by address; they neither overlap each other nor a reservation that isn't theirs. */
  readonly segments: readonly PlanSegment[];
  readonly reservations: readonly PlanReservation[];
  readonly registers: BootRegisters;
  readonly e820: readonly E820Entry[];
  readonly tables: PlanTables;
  /** Unpacked kernels: how far their virtual addresses lie above those of System.map. What a kernel's own decompressor chooses can't be foreseen. */
  readonly slide?: number;
  readonly notes: readonly string[];
}
