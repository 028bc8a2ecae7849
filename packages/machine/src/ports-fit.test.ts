import type {
  AddressSpace,
  BlockBackend,
  CharPort,
  Clock,
  Device,
  Entropy,
  EthernetPort,
  GuestMemory,
  Ingress,
  LocalApicPort,
  MsiSink,
  ProcessorBus,
  Vcpu,
} from '@pckit/interfaces';
import type { GuestRam } from '@pckit/guest-memory';
import type { BootPlan, BootRegisters, MemoryShape } from '@pckit/linux-boot';
import type { DriverErrorEvent } from '@pckit/virtio';
import type { ApicBus, LocalApic, PciBus, PciConfigAccess } from '@pckit/pc-chipset';
import type { Target } from '@pckit/gdbstub';
import type { MemoryDisk } from '@pckit/disk-image';
import type { createProcessor, ProcessorDebug, ProcessorOptions, RegisterSetup, X86Vcpu } from '@pckit/x86-jit';
import { expectTypeOf, it } from 'vitest';
import type {
  AddressSpaceMap,
  ApicPage,
  Door,
  EthernetCable,
  InitialRegisters,
  MachineEvent,
  MachineVcpu,
  PcProcessorBus,
  PcTarget,
  ProcessorDebugPort,
  ProcessorSet,
  ProcessorWiring,
  SeededEntropy,
  SerialLine,
  VirtualClock,
} from './index.js';

// No class of ours crosses a package's border as a required type: packages declare the ports that they need, and TypeScript's structural
// types make the machine's parts fit. This file fails to compile when they don't.
it('the machine’s parts fit the ports of the packages that it is made of', () => {
  expectTypeOf<AddressSpaceMap>().toExtend<AddressSpace>();
  expectTypeOf<VirtualClock>().toExtend<Clock>();
  expectTypeOf<Door>().toExtend<Ingress>();
  expectTypeOf<GuestRam>().toExtend<GuestMemory>();
  expectTypeOf<SeededEntropy>().toExtend<Entropy>();
  expectTypeOf<SerialLine>().toExtend<CharPort>();
  expectTypeOf<SerialLine>().toExtend<Device>();
  expectTypeOf<EthernetCable>().toExtend<EthernetPort>();
  expectTypeOf<EthernetCable>().toExtend<Device>();
  expectTypeOf<PcProcessorBus>().toExtend<ProcessorBus>();
});

it('the packages’ parts fit the machine', () => {
  expectTypeOf<LocalApic>().toExtend<ApicPage>();
  expectTypeOf<LocalApic>().toExtend<LocalApicPort>();
  expectTypeOf<ApicBus>().toExtend<MsiSink>();
  expectTypeOf<PciBus>().toExtend<PciConfigAccess>();
  expectTypeOf<DriverErrorEvent>().toExtend<MachineEvent>();
  expectTypeOf<MemoryDisk>().toExtend<BlockBackend>();
  expectTypeOf<PcTarget>().toExtend<Target>();
  expectTypeOf<ProcessorDebug>().toExtend<ProcessorDebugPort>();
  expectTypeOf<X86Vcpu>().toExtend<MachineVcpu>();
  expectTypeOf<MachineVcpu>().toExtend<Vcpu>();
  expectTypeOf<ProcessorWiring>().toExtend<ProcessorOptions>();
  expectTypeOf<ReturnType<typeof createProcessor>>().toExtend<ProcessorSet>();
});

it('a boot plan fits the processor, by way of the machine', () => {
  expectTypeOf<BootRegisters>().toExtend<InitialRegisters>();
  expectTypeOf<InitialRegisters>().toExtend<RegisterSetup>();
  expectTypeOf<BootPlan['registers']>().toExtend<RegisterSetup>();
  expectTypeOf<{ ranges: GuestRam['ranges'] }>().toExtend<MemoryShape>();
});
