import { createProcessor, processorMemoryBytes, type RegionOptions } from '@pckit/x86-jit';
import type { ProcessorFactory } from './processor-factory.js';

export interface X86ProcessorOptions {
  /** Name of a CPU profile. */
  readonly model?: string;
  /** When guest code is compiled; `false`: never. */
  readonly regions?: Partial<RegionOptions> | false;
  /** Whether the board may yet send an NMI to a processor that halts with interrupts off; never unless given. */
  readonly nmi?: (vcpu: number) => boolean;
}

const EFLAGS_IF = 0x200;

/** The processors of @pckit/x86-jit. */
export function x86Processor(options: X86ProcessorOptions = {}): ProcessorFactory {
  return {
    memoryBytes: processorMemoryBytes,
    create: (wiring) => {
      const { vcpus, debug, invalidate, regions } = createProcessor({
        ...wiring,
        ...(options.model === undefined ? {} : { model: options.model }),
        ...(options.regions === undefined ? {} : { regions: options.regions }),
      });
      return {
        vcpus,
        debug,
        invalidate,
        interruptible: (index) => (vcpus[index].cpu.systemFlags & EFLAGS_IF) !== 0 || options.nmi?.(index) === true,
        ...(regions === undefined
          ? {}
          : {
              compiled: () => ({
                instructions: vcpus.reduce((sum, vcpu) => sum + Number(vcpu.compiledInstructions), 0),
                regions: regions.compiledRegions,
                live: regions.liveRegions,
                modules: regions.modules,
              }),
            }),
      };
    },
  };
}
