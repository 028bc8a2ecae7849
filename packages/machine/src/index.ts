export { AddressSpaceMap } from './address-space.js';
export { VirtualClock } from './virtual-clock.js';
export type { ClockState, RunningProcessor } from './virtual-clock.js';
export { Door } from './door.js';
export type { DoorEntry, DoorOptions, DoorState } from './door.js';
export { InstructionTime, RealTime } from './time-source.js';
export type { RealTimeOptions, TimeSource } from './time-source.js';
export { RunLoop } from './run-loop.js';
export type { RunLoopOptions, RunLoopState, RunLoopWires, SliceEnd } from './run-loop.js';
export { defaultHost } from './host.js';
export type { Host, Sleep } from './host.js';
export { Machine, plainBus } from './machine.js';
export type { DeterministicTime, MachineOptions, RealTimeChoice, RunOptions } from './machine.js';
export type { MachineEvent, MachineStop, ResetCause } from './events.js';
export type {
  CompiledCode,
  InitialRegisters,
  InitialSegment,
  MachineVcpu,
  ProcessorFactory,
  ProcessorPorts,
  ProcessorSet,
  ProcessorWiring,
} from './processor-factory.js';
export { hostEntropy, SeededEntropy } from './seeded-entropy.js';
export type { SeededEntropyState } from './seeded-entropy.js';
export type { MachineShape, RamRun, Snapshot } from './snapshot.js';
export { decodePlain, encodePlain } from './plain-codec.js';
export { hashBytes } from './state-hash.js';
export { RunControl } from './debug/run-control.js';
export type { ControlAction, ControlStop } from './debug/run-control.js';
export { createPcTarget } from './debug/create-pc-target.js';
export type { CreatePcTargetOptions } from './debug/create-pc-target.js';
export type { KernelImage } from './debug/kernel-image.js';
export type { SnapshotStore } from './debug/monitor/command.js';
export { PcTarget } from './debug/pc-target.js';
export type { PcTargetOptions } from './debug/pc-target.js';
export { DebugMemory } from './debug/debug-memory.js';
export type { CodePoint, DataPoint, PageLookup, ProcessorDebugPort } from './debug/processor-debug-port.js';
export { lockstep } from './lockstep/lockstep.js';
export type { LockstepOptions, LockstepResult, LockstepSide } from './lockstep/lockstep.js';
export { stateDifferences } from './lockstep/state-differences.js';
export type { Difference } from './lockstep/state-differences.js';
export { MachineError } from './machine-error.js';
export type { MachineErrorCode } from './machine-error.js';
export { createPc } from './pc/create-pc.js';
export type { DiskInterface, Pc, PcBoot, PcChips, PcConfig, PcDisk, PciCard } from './pc/create-pc.js';
export { PcProcessorBus } from './pc/processor-bus.js';
export type { ApicPage } from './pc/processor-bus.js';
export { IsaInterrupts } from './pc/isa-interrupts.js';
export { EthernetCable } from './pc/ethernet-cable.js';
export type { EthernetCableState } from './pc/ethernet-cable.js';
export type { PcNetworkCard, PcNic } from './pc/network-card.js';
export { SerialLine } from './pc/serial-line.js';
export { cmosContents } from './pc/cmos.js';
export { loadPlan } from './pc/boot.js';
export { x86Processor } from './x86-processor.js';
export type { X86ProcessorOptions } from './x86-processor.js';
export { readSnapshot, writeSnapshot } from './snapshot-file.js';
export type { WriteSnapshotOptions } from './snapshot-file.js';
export { realMode, startRealMode } from './initial-registers.js';
