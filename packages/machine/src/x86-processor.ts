import { createProcessor, processorMemoryBytes } from '@pckit/x86-jit';
import type { ProcessorFactory } from './processor-factory.js';

export interface X86ProcessorOptions {
  /** Name of a CPU profile. */
  readonly model?: string;
}

/** The processors of @pckit/x86-jit. */
export function x86Processor(options: X86ProcessorOptions = {}): ProcessorFactory {
  return {
    memoryBytes: processorMemoryBytes,
    create: (wiring) => createProcessor({ ...wiring, ...(options.model === undefined ? {} : { model: options.model }) }),
  };
}
