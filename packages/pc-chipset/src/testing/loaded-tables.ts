import type { AcpiConfig } from '../acpi/acpi-config.js';
import { device, name } from '../acpi/aml.js';
import { buildAcpiTables } from '../acpi/build-acpi-tables.js';
import type { AcpiTables } from '../acpi/build-acpi-tables.js';

/** A machine with one of everything. */
export const FULL: AcpiConfig = {
  placement: { tables: 0x7fff_0000 },
  apicIds: [0, 1, 2, 3],
  hpet: {},
  pci: { memory64: { start: 0x1_0000_0000, end: 0x1_ffff_ffff } },
  serialPorts: [
    { ioBase: 0x3f8, irq: 4 },
    { ioBase: 0x2f8, irq: 3 },
  ],
  vga: true,
  virtioMmio: [{ address: 0xd000_0000, length: 0x200, gsi: 20 }],
  extraDevices: [device('FOO', name('_HID', 'PCKT0001'))],
};

/** Guest memory with the segments in it. */
export class LoadedTables {
  readonly tables: AcpiTables;

  constructor(config: AcpiConfig) {
    this.tables = buildAcpiTables(config);
  }

  bytes(address: number, length: number): Uint8Array {
    const segment = this.tables.segments.find((s) => address >= s.address && address + length <= s.address + s.bytes.length);
    if (segment === undefined) throw new Error(`nothing at ${address.toString(16)}+${length.toString(16)}`);
    return segment.bytes.subarray(address - segment.address, address - segment.address + length);
  }

  u32(address: number): number {
    const bytes = this.bytes(address, 4);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  }

  u64(address: number): number {
    return this.u32(address) + this.u32(address + 4) * 2 ** 32;
  }

  text(address: number, length: number): string {
    return String.fromCharCode(...this.bytes(address, length));
  }

  /** Every table by signature, found as an operating system finds them. */
  find(from: 'rsdt' | 'xsdt' = 'xsdt'): Map<string, number> {
    const root = from === 'xsdt' ? this.u64(this.tables.rsdp + 24) : this.u32(this.tables.rsdp + 16);
    const width = from === 'xsdt' ? 8 : 4;
    const found = new Map([[this.text(root, 4), root]]);
    for (let at = root + 36; at < root + this.u32(root + 4); at += width) {
      const address = width === 8 ? this.u64(at) : this.u32(at);
      found.set(this.text(address, 4), address);
    }
    const fadt = found.get('FACP') ?? 0;
    found.set('DSDT', this.u32(fadt + 40));
    found.set('FACS', this.u32(fadt + 36));
    return found;
  }

  table(signature: string): Uint8Array {
    const address = this.find().get(signature) ?? 0;
    return this.bytes(address, this.u32(address + 4));
  }
}
