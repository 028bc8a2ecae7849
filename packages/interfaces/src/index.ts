export type { AccessSize, AddressSpace, IoHandler, IoRegion, Mapping } from './address-space.js';
export type { InterruptAcknowledge, IrqLine, MsiSink } from './interrupts.js';
export { disconnected, pulse, WiredOr } from './interrupts.js';
export type { GuestMemory, RamRange } from './guest-memory.js';
export type { Clock, Timer } from './clock.js';
export type { BlockBackend, CharPort, Entropy, EthernetPort, FrameOffload, Ingress, Settled } from './ingress.js';
export type { Device, DeviceState, Plain } from './device.js';
export type { LocalApicPort, ProcessorBus, ProcessorPins, RunExit, Vcpu } from './processor.js';
export type { PciBar, PciCapability, PciFunction, PciInterrupts, PciMsix, PciRegisters } from './pci.js';
