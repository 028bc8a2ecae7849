import type { Entropy, LocalApicPort, ProcessorBus } from '@pckit/interfaces';
import type { CpuModel } from './cpuid.js';

/** What a vCPU's TypeScript instructions reach beyond its state block. */
export interface ProcessorSystem {
  readonly model: CpuModel;
  readonly index: number;
  readonly count: number;
  readonly bus: ProcessorBus;
  readonly apic: LocalApicPort | undefined;
  readonly entropy: Entropy;
  readonly tscHz: number;
  /** Memory type ranges: stored, without effect. */
  readonly mtrr: Map<number, bigint>;
  tsc(): bigint;
  setTsc(value: bigint): void;
  /** Something that instructions between here and the next safe point must not pass: look at `State.pending` again. */
  attention(): void;
}
