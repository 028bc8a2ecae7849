export { createProcessor, processorMemoryBytes, type Processor, type ProcessorOptions, type ProcessorPorts } from './processor.js';
export { X86Vcpu, type RegisterSetup, type SegmentSetup } from './vcpu.js';
export { CPU_MODELS, type CpuModel } from './cpu/cpuid.js';
