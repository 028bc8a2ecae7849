import type { Architecture } from './architecture.js';

/** A thread that a debugger sees: a virtual processor, or whatever executes. */
export interface Thread {
  /** Positive, stable, unique. */
  readonly id: number;
  readonly name?: string;
  /** What it does just now, for `info threads`. */
  readonly note?: string;
  /** The processor that it runs on. */
  readonly core?: number;
}

/** What a resumed thread does. `signal`: the debugger wants it delivered; few emulators have use for it. */
export type ResumeAction =
  | { readonly kind: 'continue'; readonly signal?: number }
  | { readonly kind: 'step'; readonly signal?: number }
  /** Steps while the program counter is in [start, end); stops at once when something else does. */
  | { readonly kind: 'range'; readonly start: bigint; readonly end: bigint };

/** By thread. A thread that is not in it stays where it is. */
export type ResumePlan = ReadonlyMap<number, ResumeAction>;

export type WatchKind = 'write' | 'read' | 'access';

/** Why everything stands still. */
export type Stop =
  | { readonly reason: 'step'; readonly thread: number }
  | { readonly reason: 'breakpoint'; readonly thread: number; readonly kind: BreakpointKind }
  /** The access is done; `address` is the first watched byte that it touched. */
  | { readonly reason: 'watchpoint'; readonly thread: number; readonly kind: WatchKind; readonly address: bigint }
  /** `interrupt()` was called. */
  | { readonly reason: 'interrupt'; readonly thread: number }
  | { readonly reason: 'signal'; readonly thread: number; readonly signal: number }
  /** There is nothing left to run. */
  | { readonly reason: 'exited'; readonly code: number };

export type BreakpointKind = 'software' | 'hardware';

/** What `breakpoints` is given. Nothing is written to the target's memory. */
export interface Breakpoint {
  readonly address: bigint;
  readonly kind: BreakpointKind;
  /** Asked when a thread is about to execute the instruction there: `false` goes on without a stop. */
  readonly stops: (thread: number) => boolean;
}

export interface Breakpoints {
  /** @returns false when there is no room for it */
  insert(breakpoint: Breakpoint): boolean;
  /** The same object that was inserted. */
  remove(breakpoint: Breakpoint): void;
}

export interface Watchpoint {
  readonly address: bigint;
  readonly length: number;
  readonly kind: WatchKind;
  readonly stops: (thread: number) => boolean;
}

export interface Watchpoints {
  insert(watchpoint: Watchpoint): boolean;
  remove(watchpoint: Watchpoint): void;
}

export interface MemoryRange {
  readonly start: bigint;
  readonly length: bigint;
  readonly type: 'ram' | 'rom';
}

/** What `qMemoryRegionInfo` says of the pages around an address. */
export interface MemoryRegion {
  readonly start: bigint;
  readonly length: bigint;
  /** Absent: not mapped. */
  readonly permissions?: string;
}

export interface Relocation {
  /** Of the first loaded segment. */
  readonly base: bigint;
  /** `base` less the address that it was linked to, modulo 2^64. */
  readonly slide: bigint;
}

/** `monitor` commands. */
export interface Monitor {
  /** @param print shows text while the command goes on @returns text for the debugger, or throws an Error whose message is for it */
  run(command: string, thread: number, print: (text: string) => void): string | Promise<string>;
}

/** Files that a debugger may read by name. */
export interface Files {
  open(path: string): ReadableFile | undefined;
}
export interface ReadableFile {
  readonly size: number;
  /** At most `length` bytes; fewer at the end. */
  read(offset: number, length: number): Uint8Array;
}

/** Threads that are stopped and resumed one by one. */
export interface NonStop {
  /** Threads in the plan run; each that stops is told of by itself. */
  resume(plan: ResumePlan, stopped: (stop: Stop) => void): void;
  /** The thread stops, with reason 'interrupt', if it runs. */
  interrupt(thread: number): void;
}

/**
 * What a debugger works on. What a target can't do it leaves out: each optional capability is one object, so that half of one can't be there by
 * mistake. Addresses are virtual, 64 bits wide.
 */
export interface Target {
  readonly architecture: Architecture;
  /** At least one. */
  threads(): readonly Thread[];
  /** In the target's byte order. @param register index into `architecture.registers` @returns undefined for a value that isn't there */
  readRegister(thread: number, register: number): Uint8Array | undefined;
  /** @returns false when the register can't be set, or not to this */
  writeRegister(thread: number, register: number, value: Uint8Array): boolean;
  /** The bytes from `address` on that can be read: fewer than `length`, even none, when what follows is not mapped. */
  readMemory(thread: number, address: bigint, length: number): Uint8Array;
  /** @returns false when not all of it can be written; then none is */
  writeMemory(thread: number, address: bigint, bytes: Uint8Array): boolean;
  /** Runs until something stops it; then all threads stand still and `stopped` is called, once. It may be called before `resume` returns. */
  resume(plan: ResumePlan, stopped: (stop: Stop) => void): void;
  /** Ends a `resume` with reason 'interrupt', soon. */
  interrupt(): void;

  /** A target that also runs when no debugger is there: stop, and say so. Without it, the target stands still until it is resumed. */
  attach?(stopped: (stop: Stop) => void): void;
  /** The debugger has left: go on as if it had never been there. Its breakpoints are removed already. */
  detach?(): void;
  /** The debugger wants the target's end. */
  kill?(): void;
  /** Starts again, and stands at the first instruction. Without it: `R` and `vRun` are refused. */
  restart?(): void;

  readonly breakpoints?: Breakpoints;
  readonly watchpoints?: Watchpoints;
  /** `resume` knows the action 'range'. */
  readonly rangeStep?: boolean;
  readonly nonStop?: NonStop;
  readonly monitor?: Monitor;
  memoryMap?(): readonly MemoryRange[];
  memoryRegion?(thread: number, address: bigint): MemoryRegion;
  readonly files?: Files;
  /** Path of the program that runs, as the debugger finds it in `files` or on its own disk. */
  execFile?(): string | undefined;
  /** Where the program is, if that may not be where it was linked to, and is known. */
  relocation?(): Relocation | undefined;
}
