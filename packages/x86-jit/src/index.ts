export { createProcessor, processorMemoryBytes, type Processor, type ProcessorOptions, type ProcessorPorts } from './processor.js';
export { X86Vcpu, type RegisterSetup, type SegmentSetup } from './vcpu.js';
export { CPU_MODELS, type CpuModel } from './cpu/cpuid.js';
export type { ProcessorDebug, StepOptions } from './debug/processor-debug.js';
export type { CodeBreakpoint, DataWatchpoint, WatchHit, WatchKind } from './debug/debug-points.js';
export type { Translation, Unmapped } from './debug/page-tables.js';
export { DEFAULT_REGION_OPTIONS, RegionCache, type RegionOptions } from './region/region-cache.js';
export type { RegionEvent, RegionTrace, RegionUse, TracedRegion } from './region/region-trace.js';
