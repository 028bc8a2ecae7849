import { pirqOf } from '../pci/pci-bus.js';
import { boardOf } from './acpi-config.js';
import type { AcpiConfig } from './acpi-config.js';
import type { AcpiSegment } from './build-acpi-tables.js';
import { checksum, TableWriter } from './table.js';

/**
 * The MP configuration table, for kernels that use I/O APICs without ACPI: Intel MultiProcessor Specification 1.4, chapter 4. It says what the
 * MADT and _PRT say in APIC mode.
 */

const FLOATING_LENGTH = 16;
const SPEC_REVISION = 4;
const VERSION_LOCAL_APIC = 0x14;
const VERSION_IO_APIC = 0x11;

const ENTRY_PROCESSOR = 0;
const ENTRY_BUS = 1;
const ENTRY_IO_APIC = 2;
const ENTRY_IO_INTERRUPT = 3;
const ENTRY_LOCAL_INTERRUPT = 4;

const PROCESSOR_ENABLED = 1 << 0;
const PROCESSOR_BOOT = 1 << 1;
/** Family 6; what CPUID says is what counts. */
const SIGNATURE = 0x600;
/** FPU and APIC on chip. */
const FEATURES = 0x201;

const INT = 0;
const NMI = 1;
const EXT_INT = 3;
const CONFORMS = 0x0;
const ACTIVE_HIGH_LEVEL = 0xd;
const ACTIVE_LOW_LEVEL = 0xf;
const ALL_LOCAL_APICS = 0xff;

const PCI_BUS = 0;
const ISA_BUS = 1;

/** @param address 16-byte aligned, in F0000H..FFFFFH; the table follows the floating pointer */
export function buildMpTable(config: Omit<AcpiConfig, 'placement'>, address: number): AcpiSegment {
  const board = boardOf(config);
  const entries = new TableWriter();
  let count = 0;
  const entry = (type: number): TableWriter => {
    count++;
    return entries.u8(type);
  };

  board.apicIds.forEach((apicId, i) =>
    entry(ENTRY_PROCESSOR)
      .u8(apicId)
      .u8(VERSION_LOCAL_APIC)
      .u8(PROCESSOR_ENABLED | (i === 0 ? PROCESSOR_BOOT : 0))
      .u32(SIGNATURE)
      .u32(FEATURES)
      .zeros(8),
  );
  entry(ENTRY_BUS).u8(PCI_BUS).text('PCI   ');
  entry(ENTRY_BUS).u8(ISA_BUS).text('ISA   ');
  entry(ENTRY_IO_APIC).u8(board.ioApic.id).u8(VERSION_IO_APIC).u8(1).u32(board.ioApic.address);

  const interrupt = (bus: number, source: number, pin: number, type: number, flags: number): void => {
    entry(ENTRY_IO_INTERRUPT).u8(type).u16(flags).u8(bus).u8(source).u8(board.ioApic.id).u8(pin);
  };
  interrupt(ISA_BUS, 0, 2, INT, CONFORMS);
  for (let irq = 1; irq < 16; irq++) {
    // IRQ2 is the cascade: its input has the PIT.
    if (irq !== 2) interrupt(ISA_BUS, irq, irq, INT, irq === board.pm.sciIrq ? ACTIVE_HIGH_LEVEL : CONFORMS);
  }
  if (board.pci !== null) {
    for (let slot = 1; slot <= board.pci.lastSlot; slot++) {
      for (let pin = 0; pin < 4; pin++) interrupt(PCI_BUS, (slot << 2) | pin, board.pci.pirqGsi + pirqOf(slot, pin + 1), INT, ACTIVE_LOW_LEVEL);
    }
  }
  entry(ENTRY_LOCAL_INTERRUPT).u8(EXT_INT).u16(CONFORMS).u8(ISA_BUS).u8(0).u8(board.apicIds[0]).u8(0);
  entry(ENTRY_LOCAL_INTERRUPT).u8(NMI).u16(CONFORMS).u8(ISA_BUS).u8(0).u8(ALL_LOCAL_APICS).u8(1);

  const body = entries.toBytes();
  const table = new TableWriter()
    .text('PCMP')
    .u16(44 + body.length)
    .u8(SPEC_REVISION)
    .u8(0)
    .text('PCKIT   ')
    .text('PCKIT       ')
    .u32(0)
    .u16(0)
    .u16(count)
    .u32(board.localApicAddress)
    .u32(0)
    .append(body)
    .toBytes();
  table[7] = checksum(table);

  const floating = new TableWriter()
    .text('_MP_')
    .u32(address + FLOATING_LENGTH)
    .u8(1)
    .u8(SPEC_REVISION)
    .zeros(6)
    .toBytes();
  floating[10] = checksum(floating);

  const bytes = new Uint8Array(FLOATING_LENGTH + table.length);
  bytes.set(floating);
  bytes.set(table, FLOATING_LENGTH);
  return { name: 'mp-table', address, bytes, memoryType: 'reserved' };
}
