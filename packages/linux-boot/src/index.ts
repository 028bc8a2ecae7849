export { BootError, type BootErrorCode } from './boot-error.js';
export { unpackPayload, type Decompress } from './unpacked.js';
export { describePlan } from './describe-plan.js';
export { extractPayload, type Payload, type PayloadCompression } from './payload.js';
export { planBoot } from './plan-boot.js';
export { isBzImage, parseSetupHeader, protocolName, type SetupHeader } from './setup-header.js';
export type {
  BootKind,
  BootModule,
  BootOptions,
  BootPlan,
  BootRegisters,
  CpuMode,
  DescriptorTable,
  E820Entry,
  E820Type,
  EntryChoice,
  FlatImage,
  MemoryShape,
  PlanReservation,
  PlanSegment,
  PlanTables,
  RamRange,
  ReservedRegion,
  ReservedType,
  ScreenInfo,
  SegmentState,
} from './types.js';
