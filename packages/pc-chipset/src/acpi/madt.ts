import type { AcpiBoard } from './acpi-config.js';
import { table, TableWriter } from './table.js';

/** Multiple APIC Description Table: ACPI 6.5, section 5.2.12. */

const REVISION = 4;
/** There are also two 8259s, to be masked before the APICs are used. */
const PCAT_COMPAT = 1;

const LOCAL_APIC = 0;
const IO_APIC = 1;
const INTERRUPT_SOURCE_OVERRIDE = 2;
const LOCAL_APIC_NMI = 4;

const LOCAL_APIC_ENABLED = 1;
/** MPS INTI flags (table 5.26). */
const CONFORMS = 0x0;
const ACTIVE_HIGH_LEVEL = 0xd;
const ISA_BUS = 0;
const ALL_PROCESSORS = 0xff;

export function buildMadt(board: AcpiBoard): Uint8Array {
  const w = new TableWriter().u32(board.localApicAddress).u32(PCAT_COMPAT);
  board.apicIds.forEach((apicId, uid) => w.u8(LOCAL_APIC).u8(8).u8(uid).u8(apicId).u32(LOCAL_APIC_ENABLED));
  w.u8(IO_APIC).u8(12).u8(board.ioApic.id).u8(0).u32(board.ioApic.address).u32(0);
  const override = (irq: number, gsi: number, flags: number): TableWriter =>
    w.u8(INTERRUPT_SOURCE_OVERRIDE).u8(10).u8(ISA_BUS).u8(irq).u32(gsi).u16(flags);
  // The PIT is on input 2, where the 8259s' cascade would be.
  override(0, 2, CONFORMS);
  override(board.pm.sciIrq, board.pm.sciIrq, ACTIVE_HIGH_LEVEL);
  w.u8(LOCAL_APIC_NMI).u8(6).u8(ALL_PROCESSORS).u16(CONFORMS).u8(1);
  return table('APIC', REVISION, w.toBytes());
}
