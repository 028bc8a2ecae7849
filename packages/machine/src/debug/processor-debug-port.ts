/** A breakpoint on an instruction. `stops` is asked when a processor is about to execute it. */
export interface CodePoint {
  /** 'user': where user code first executes. */
  readonly space: 'linear' | 'physical' | 'user';
  readonly address: bigint;
  /** Bits of a linear address that must be the same. Absent: all. */
  readonly mask?: bigint;
  readonly stops: (vcpu: number) => boolean;
}

/** A watchpoint on linear addresses. `stops` is asked after the instruction that made an access. */
export interface DataPoint {
  readonly address: bigint;
  readonly length: number;
  readonly kind: 'read' | 'write' | 'access';
  readonly stops: (vcpu: number) => boolean;
}

/** A linear address' translation; or how much around it is not mapped. */
export type PageLookup =
  | {
      readonly physical: bigint;
      readonly pageBytes: bigint;
      readonly writable: boolean;
      readonly user: boolean;
      readonly executable: boolean;
    }
  | { readonly unmappedBytes: bigint };

/** What a debugger asks of processors, between runs. Fits `ProcessorDebug` of @pckit/x86-jit. */
export interface ProcessorDebugPort {
  /** By GDB's names. */
  readRegister(vcpu: number, name: string): bigint | undefined;
  writeRegister(vcpu: number, name: string, value: bigint): boolean;
  translate(vcpu: number, linear: bigint): PageLookup;
  insert(point: CodePoint | DataPoint): void;
  remove(point: CodePoint | DataPoint): void;
  watchHit(vcpu: number): { readonly watchpoint: DataPoint; readonly address: bigint } | undefined;
  step(vcpu: number, options: { readonly holdInterrupts: boolean } | undefined): void;
  activity(vcpu: number): 'running' | 'halted' | 'waiting';
  codeBits(vcpu: number): number;
}
