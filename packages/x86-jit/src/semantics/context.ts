import type { Emitter, I32, I64, V128 } from '../emit/emitter.js';
import type { Runtime } from '../mmu/memory-access.js';
import type { Flags } from './flags.js';

/** Operand width in bytes. Vector operands use 16 (xmm) and 32 (ymm). */
export type Size = number;

/**
 * One operand. Values are 64-bit: `read` sign-extends from the operand's size (what lazy flags want), `readUnsigned` zero-extends. A
 * 4-byte register write clears the upper half, smaller ones merge.
 */
export interface Operand {
  read(size?: Size): I64;
  readUnsigned(size?: Size): I64;
  /** Reads a destination that will be written: a memory operand faults here as a write would. */
  readModify(): I64;
  write(value: I64): void;
}

/** The two halves of a 256-bit value. The upper one means nothing where `Context.wide` is 0. */
export interface VectorHalves {
  readonly low: V128;
  readonly high: V128;
}
export type Half = 0 | 1;

/** How an SSE definition's sources are read where it serves a VEX instruction: see `avx/vex-context.ts`. */
export interface VexSources {
  /** As much as the vector length. */
  vector(index: number): V128;
  /** The low `size` bytes, zero-extended. */
  low(index: number, size: Size): I64;
  /** The low `size` bytes, in a vector whose upper part nobody looks at. */
  lowVector(index: number, size: Size): V128;
}

/** How an instruction ends, as an out-of-line handler returns it. */
export const Completion = { next: 0, fault: 1, /** Continue at `State.rip`. */ jump: 2, /** Execute the same instruction again (REP). */ repeat: 3, /** Leave the loop with `code - exit` after this instruction. */ exit: 16 } as const;

/**
 * What a semantic function sees. It doesn't know whether it is being made into an interpreter's handler (operands come from a
 * predecoded record) or into a compiled region.
 */
export interface Context {
  readonly e: Emitter;
  readonly state: I32;
  readonly runtime: Runtime;
  /** Operand size of this instance, bytes. */
  readonly size: Size;
  /** Kind of each operand: r(egister) m(emory) i(mmediate) x(mm) s(egment) c(ontrol) ... */
  readonly shape: string;
  /** This instance serves 64-bit code only (`true`) or the other modes only. */
  readonly long: boolean;
  readonly flags: Flags;

  operand(index: number): Operand;
  immediate(): I64;
  /** The second immediate or the vector length etc.: `Record.extra16`. */
  gpr(number: number, size?: Size): I64;
  gprUnsigned(number: number, size?: Size): I64;
  setGpr(number: number, value: I64, size?: Size): void;

  /** The effective address before segmentation (LEA), cut to the address size. */
  offset(): I64;
  /** The linear address of the memory operand, checked for an access of `size` bytes. */
  linear(size: Size, write: boolean): I64;
  /** The linear address of an offset in the memory operand's segment. */
  linearOf(offset: I64, size: Size, write: boolean): I64;
  /** The linear address of an offset in a given segment. */
  linearIn(segment: I32, offset: I64, size: Size, write: boolean): I64;
  /** Zero-extended. */
  load(linear: I64, size: Size): I64;
  loadSigned(linear: I64, size: Size): I64;
  store(linear: I64, size: Size, value: I64): void;
  /** Whether a 16-byte access at `linear` must be aligned is the caller's affair. */
  loadV128(linear: I64): V128;
  storeV128(linear: I64, value: V128): void;
  /** The linear address some bytes after another, within 32 bits outside 64-bit code. */
  linearAfter(linear: I64, bytes: number): I64;
  /** Writes register operand `index` with another size than the instance's. */
  setOperandSized(index: number, value: I64, size: Size): void;
  /** The selector of segment register operand `index`. */
  segmentSelector(index: number): I64;
  /** Offset in the state block of control register operand `index`; `State.zero` for one that isn't there. */
  controlField(index: number): I32;
  /** Before anything is committed: the instruction changes what linear addresses mean. Regions don't contain one. */
  changesTranslations(): void;
  /** EFLAGS.AC has become that of `system`, and the privilege level `cpl` (default: that of the state block): they decide which TLB is used. */
  setAlignmentCheck(system: I32, cpl?: I32): void;
  /** Checks that a store to come cannot fault. */
  prepareWrite(linear: I64, size: Size): void;

  /** A 64-bit (or 32-bit) field of the state block. */
  field(offset: number): I64;
  setField(offset: number, value: I64): void;
  field32(offset: number): I32;
  setField32(offset: number, value: I32): void;
  xmm(number: number): V128;
  setXmm(number: number, value: V128): void;
  /** XMM register operand number `index`. */
  xmmOperand(index: number): V128;
  setXmmOperand(index: number, value: V128): void;
  /** The low 4 or 8 bytes of XMM register operand `index`, zero-extended. */
  xmmLow(index: number, size: Size): I64;
  /** #UD or #NM where CR0 and CR4 don't allow SSE instructions. */
  requireSse(): void;

  // VEX instructions. SDM vol. 2, 2.3. With `DefinitionOptions.merged` the interpreter has one handler for every shape of a definition,
  // so neither the vector length nor whether a source is memory may be told from `shape`.

  /** #UD or #NM where CR0, CR4 and XCR0 don't allow AVX instructions. */
  requireAvx(): void;
  /** Whether vectors have 256 bits: VEX.L. A constant in a region. */
  wide(): I32;
  ymm(number: number, half: Half): V128;
  setYmm(number: number, half: Half, value: V128): void;
  /** One half of vector register operand `index`. */
  ymmOperand(index: number, half: Half): V128;
  setYmmOperand(index: number, half: Half, value: V128): void;
  /** Operand `index`, a vector register or memory, which needs no alignment: its low 1, 2, 4 or 8 bytes, zero-extended. */
  vexLow(index: number, size: Size): I64;
  /** The same, 16 bytes of it. */
  vexVector(index: number): V128;
  /** The same, 32 bytes where `wide`, else 16. */
  vexVectors(index: number): VectorHalves;
  /** Present where an SSE definition serves a VEX instruction. */
  readonly vex?: VexSources;

  /** Instruction pointer after this instruction, as the guest sees it (EIP in legacy modes). */
  nextIp(): I64;
  /** Near transfer to an instruction pointer (not linear), with the limit check of the mode. */
  jump(ip: I64): void;
  /** Near relative transfer by the instruction's displacement. */
  jumpRelative(): void;
  /** Faults as `jumpRelative` would: for what commits something before it jumps. */
  checkRelative(): void;
  /** Raises an exception; nothing of the instruction may have been committed. */
  exception(vector: number, code?: I32): void;
  /** Leaves if a support function recorded a fault. */
  checkFault(): void;
  /** Before anything is committed: under this condition the instruction will `exit`. Without it, one that may exit can't be part of a region. */
  mayExit(condition: I32): void;
  /** Completes the instruction and leaves the loop: `LoopExit`. */
  exit(code: number): void;
  /** Sets the instruction pointer for `exitAtRip`. */
  setRip(ip: I64): void;
  /** Leaves the loop at `State.rip`, the instruction being complete. */
  exitAtRip(code: number): void;
  /** Completes the instruction, and runs it again when `condition` holds (REP). */
  repeatIf(condition: I32): void;
  /** Completes the instruction here, in the middle of its code. */
  done(): void;
  /** Instructions left in this run; a repeated instruction may take several at once. */
  takeBudget(iterations: I64): void;
  budget(): I32;
  /** Bits of `RecordFlag`. */
  recordFlags(): I32;
  /** Address size in bytes. */
  addressSize(): I32;
  segmentIndex(): I32;
  /** Of an instruction of the x87 escapes without a memory operand: what FOP becomes. */
  escapeOpcode(): I32;
  /** In bytes. */
  instructionLength(): I64;
  /** Hands the instruction to its TypeScript implementation. */
  executeElsewhere(): void;
}
