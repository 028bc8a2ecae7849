import { ChipsetError } from '../chipset-error.js';
import { boardOf } from './acpi-config.js';
import type { AcpiConfig } from './acpi-config.js';
import { buildDsdt } from './dsdt.js';
import { buildFadt } from './fadt.js';
import { buildMadt } from './madt.js';
import { checksum, OEM_ID, table, TableWriter } from './table.js';

/**
 * All ACPI tables of a machine and where they go: ACPI 6.5, section 5.2. A pure function: the same configuration gives the same bytes.
 */

const RSDP_LENGTH = 36;
const RSDP_V1_LENGTH = 20;
const FACS_LENGTH = 64;
const PAGE = 4096;
const TABLE_ALIGNMENT = 64;

export interface AcpiSegment {
  readonly name: string;
  readonly address: number;
  readonly bytes: Uint8Array;
  /** What the memory map calls it: the RSDP lies in the firmware area, reserved anyway. */
  readonly memoryType: 'reserved' | 'acpi' | 'nvs';
}

export interface AcpiTables {
  readonly segments: readonly AcpiSegment[];
  /** The RSDP's address. */
  readonly rsdp: number;
}

/** @throws ChipsetError when no table could say this, or the placement can't be */
export function buildAcpiTables(config: AcpiConfig): AcpiTables {
  const board = boardOf(config);
  const rsdp = config.placement.rsdp ?? 0xe_0000;
  const facs = config.placement.tables;
  if (rsdp % 16 !== 0 || rsdp < 0xe_0000 || rsdp + RSDP_LENGTH > 0x10_0000) {
    throw new ChipsetError('acpi-config', `an RSDP at 0x${rsdp.toString(16)}; it takes a 16-byte aligned address in 0xe0000..0xfffff`);
  }
  if (facs % PAGE !== 0 || facs <= 0) throw new ChipsetError('acpi-config', `tables at 0x${facs.toString(16)}; it takes a page's address`);

  const start = facs + PAGE;
  const placed: { address: number; bytes: Uint8Array }[] = [];
  let next = start;
  const place = (bytes: Uint8Array): number => {
    const address = next;
    placed.push({ address, bytes });
    next = Math.ceil((address + bytes.length) / TABLE_ALIGNMENT) * TABLE_ALIGNMENT;
    return address;
  };

  const dsdt = place(buildDsdt(board));
  const tables = [place(buildFadt(board, facs, dsdt)), place(buildMadt(board))];
  if (board.hpet !== undefined) tables.push(place(buildHpet(board.hpet)));
  tables.push(place(buildWaet()));
  const rsdt = place(table('RSDT', 1, pointers(tables, 4)));
  const xsdt = place(table('XSDT', 1, pointers(tables, 8)));
  if (next > 2 ** 32) throw new ChipsetError('acpi-config', `tables at 0x${facs.toString(16)} would end at 0x${next.toString(16)}, above 4 GiB`);

  const bytes = new Uint8Array(next - start);
  for (const one of placed) bytes.set(one.bytes, one.address - start);
  return {
    segments: [
      { name: 'acpi-rsdp', address: rsdp, bytes: buildRsdp(rsdt, xsdt), memoryType: 'reserved' },
      { name: 'acpi-facs', address: facs, bytes: buildFacs(), memoryType: 'nvs' },
      { name: 'acpi-tables', address: start, bytes, memoryType: 'acpi' },
    ],
    rsdp,
  };
}

/** Root System Description Pointer, section 5.2.5.3. */
function buildRsdp(rsdt: number, xsdt: number): Uint8Array {
  const bytes = new TableWriter().text('RSD PTR ').u8(0).text(OEM_ID).u8(2).u32(rsdt).u32(RSDP_LENGTH).u64(xsdt).u8(0).zeros(3).toBytes();
  bytes[8] = checksum(bytes.subarray(0, RSDP_V1_LENGTH));
  bytes[32] = checksum(bytes);
  return bytes;
}

/** Firmware ACPI Control Structure, section 5.2.10: no waking vector, the global lock free. */
function buildFacs(): Uint8Array {
  return new TableWriter().text('FACS').u32(FACS_LENGTH).zeros(24).u8(2).zeros(31).toBytes();
}

/** IA-PC HPET specification 1.0a, section 3.2.4. */
function buildHpet(hpet: { readonly address: number; readonly blockId: number; readonly minimumTick: number }): Uint8Array {
  const number = 0;
  const noPageProtection = 0;
  return table('HPET', 1, new TableWriter().u32(hpet.blockId).memoryAddress(hpet.address, 64).u8(number).u16(hpet.minimumTick).u8(noPageProtection).toBytes());
}

/** Windows ACPI Emulated Devices Table: the RTC and the PM timer need no workarounds. */
function buildWaet(): Uint8Array {
  const RTC_GOOD = 1 << 0;
  const PM_TIMER_GOOD = 1 << 1;
  return table('WAET', 1, new TableWriter().u32(RTC_GOOD | PM_TIMER_GOOD).toBytes());
}

function pointers(addresses: readonly number[], width: 4 | 8): Uint8Array {
  const w = new TableWriter();
  for (const address of addresses) {
    if (width === 4) w.u32(address);
    else w.u64(address);
  }
  return w.toBytes();
}
