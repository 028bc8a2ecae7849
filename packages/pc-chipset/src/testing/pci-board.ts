import { IrqRecorder, MsiRecorder } from '@pckit/device-testing';
import type { AccessSize, IoRegion, PciFunction } from '@pckit/interfaces';
import { i440fxHostBridge } from '../pci/i440fx-host-bridge.js';
import { PciBus } from '../pci/pci-bus.js';
import { Piix3IsaBridge } from '../pci/piix3-isa-bridge.js';
import { FakeAddressSpace } from './fake-address-space.js';

/** A board with a PCI bus, its two bridges and recorders on every wire; driven through the ports, as a guest would. */
export class PciBoard {
  readonly ports = new FakeAddressSpace();
  readonly memory = new FakeAddressSpace();
  readonly bridge: Piix3IsaBridge;
  readonly bus: PciBus;

  constructor(
    readonly irqs = new IrqRecorder(),
    readonly msi = new MsiRecorder(),
    resetControl?: IoRegion,
  ) {
    this.bridge = new Piix3IsaBridge({
      isaIrqs: Array.from({ length: 16 }, (_, irq) => irqs.line(`irq${irq}`)),
      ioApicInputs: [16, 17, 18, 19].map((pin) => irqs.line(`ioapic${pin}`)),
    });
    this.bus = new PciBus({
      ports: this.ports,
      memory: this.memory,
      msi,
      pirqs: this.bridge.pirqs,
      ...(resetControl !== undefined ? { resetControl } : {}),
    });
    this.ports.map(0xcf8, this.bus.regions.address);
    this.ports.map(0xcfc, this.bus.regions.data);
    this.bus.slot(0).plug(i440fxHostBridge());
    this.bus.slot(1).plug(this.bridge.pciFunction);
  }

  /** Configuration mechanism #1, as a guest does it. */
  read(device: number, register: number, size: AccessSize, functionNumber = 0): number {
    this.ports.write(0xcf8, configAddress(device, functionNumber, register), 4);
    return this.ports.read(0xcfc + (register & 3), size);
  }

  write(device: number, register: number, value: number, size: AccessSize, functionNumber = 0): void {
    this.ports.write(0xcf8, configAddress(device, functionNumber, register), 4);
    this.ports.write(0xcfc + (register & 3), value, size);
  }

  /** The registers of the capabilities of function 0, in list order, by ID. */
  capabilities(device: number): { id: number; at: number }[] {
    const found: { id: number; at: number }[] = [];
    for (let at = this.read(device, 0x34, 1); at !== 0 && found.length < 48; at = this.read(device, at + 1, 1)) {
      found.push({ id: this.read(device, at, 1), at });
    }
    return found;
  }

  capability(device: number, id: number): number {
    return this.capabilities(device).find((c) => c.id === id)?.at ?? 0;
  }
}

function configAddress(device: number, functionNumber: number, register: number): number {
  return 0x8000_0000 + device * 0x800 + functionNumber * 0x100 + (register & 0xfc);
}

/** Bytes that can be read and written: the contents of a bar. */
export function memoryRegion(name: string, length: number, accepts?: readonly AccessSize[]): IoRegion & { readonly bytes: Uint8Array; readonly sizes: AccessSize[] } {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  const sizes: AccessSize[] = [];
  return {
    name,
    length,
    bytes,
    sizes,
    ...(accepts !== undefined ? { accepts } : {}),
    handler: {
      read: (offset, size) => {
        sizes.push(size);
        return size === 4 ? view.getUint32(offset, true) : size === 2 ? view.getUint16(offset, true) : bytes[offset];
      },
      write: (offset, value, size) => {
        sizes.push(size);
        if (size === 4) view.setUint32(offset, value, true);
        else if (size === 2) view.setUint16(offset, value, true);
        else bytes[offset] = value;
      },
    },
  };
}

/** A function with one of everything; override what a test is about. */
export function testFunction(overrides: Partial<PciFunction> = {}): PciFunction {
  return {
    name: 'gadget',
    vendorId: 0x1af4,
    deviceId: 0x1042,
    classCode: 0x018000,
    interruptPin: 1,
    bars: [
      { index: 0, kind: 'io', region: memoryRegion('gadget-io', 64) },
      { index: 1, kind: 'memory32', region: memoryRegion('gadget-msix', 4096) },
      { index: 4, kind: 'memory64', prefetchable: true, region: memoryRegion('gadget-memory', 16384) },
    ],
    ...overrides,
  };
}
