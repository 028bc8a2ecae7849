import type { AcpiSegment } from './build-acpi-tables.js';
import { checksum, TableWriter } from './table.js';

/** A minimal SMBIOS: System Management BIOS Reference Specification 2.8, entry point (section 5.2.1) and types 0, 1, 3 and 127. */

const ANCHOR_LENGTH = 31;
/** The structures follow the anchor, 16-byte aligned. */
const STRUCTURES_OFFSET = 32;
const INTERMEDIATE_ANCHOR = 0x10;
const MAJOR = 2;
const MINOR = 8;

const BIOS_INFORMATION = 0;
const SYSTEM_INFORMATION = 1;
const CHASSIS = 3;
const END_OF_TABLE = 127;

/** BIOS characteristics (section 7.1.1): bit 3, "not supported". Extension byte 2: bit 4, "a virtual machine". */
const CHARACTERISTICS_NOT_SUPPORTED = 1 << 3;
const VIRTUAL_MACHINE = 1 << 4;
const WAKE_POWER_SWITCH = 6;
const CHASSIS_OTHER = 1;
const STATE_SAFE = 3;
const STATE_UNKNOWN = 2;

export interface SmbiosConfig {
  /** Default `pckit`. */
  readonly manufacturer?: string;
  /** Default `pckit PC`. */
  readonly product?: string;
  /** What `dmidecode` shows as the BIOS's and the system's version. */
  readonly version?: string;
  /** 16 bytes; all zero, "not set", when absent. */
  readonly uuid?: Uint8Array;
}

/** @param address 16-byte aligned, in F0000H..FFFFFH */
export function buildSmbios(config: SmbiosConfig, address: number): AcpiSegment {
  const manufacturer = config.manufacturer ?? 'pckit';
  const product = config.product ?? 'pckit PC';
  const version = config.version ?? '1';
  const structures = [
    structure(
      BIOS_INFORMATION,
      0,
      new TableWriter().u8(1).u8(2).u16(0xf000).u8(3).u8(0).u64(CHARACTERISTICS_NOT_SUPPORTED).u8(0).u8(VIRTUAL_MACHINE).u8(0).u8(0).u8(0xff).u8(0xff),
      [manufacturer, version, '01/01/2026'],
    ),
    structure(
      SYSTEM_INFORMATION,
      1,
      new TableWriter().u8(1).u8(2).u8(3).u8(0).append(config.uuid ?? new Uint8Array(16)).u8(WAKE_POWER_SWITCH).u8(0).u8(0),
      [manufacturer, product, version],
    ),
    structure(
      CHASSIS,
      2,
      new TableWriter().u8(1).u8(CHASSIS_OTHER).u8(0).u8(0).u8(0).u8(STATE_SAFE).u8(STATE_SAFE).u8(STATE_SAFE).u8(STATE_UNKNOWN).u32(0).u8(0).u8(0).u8(0).u8(0),
      [manufacturer],
    ),
    structure(END_OF_TABLE, 3, new TableWriter(), []),
  ];
  const tableLength = structures.reduce((sum, s) => sum + s.length, 0);
  const longest = Math.max(...structures.map((s) => s.length));

  const anchor = new TableWriter()
    .text('_SM_')
    .u8(0)
    .u8(ANCHOR_LENGTH)
    .u8(MAJOR)
    .u8(MINOR)
    .u16(longest)
    .u8(0)
    .zeros(5)
    .text('_DMI_')
    .u8(0)
    .u16(tableLength)
    .u32(address + STRUCTURES_OFFSET)
    .u16(structures.length)
    .u8((MAJOR << 4) | MINOR)
    .toBytes();
  anchor[INTERMEDIATE_ANCHOR + 5] = checksum(anchor.subarray(INTERMEDIATE_ANCHOR));
  anchor[4] = checksum(anchor);

  const bytes = new Uint8Array(STRUCTURES_OFFSET + tableLength);
  bytes.set(anchor);
  let at = STRUCTURES_OFFSET;
  for (const s of structures) {
    bytes.set(s, at);
    at += s.length;
  }
  return { name: 'smbios', address, bytes, memoryType: 'reserved' };
}

/** Header, formatted area, strings, and the zero byte that ends them (two when there are none): section 6.1. */
function structure(type: number, handle: number, formatted: TableWriter, strings: readonly string[]): Uint8Array {
  const w = new TableWriter().u8(type).u8(4 + formatted.length).u16(handle).append(formatted.toBytes());
  for (const text of strings) w.text(text).u8(0);
  if (strings.length === 0) w.u8(0);
  return w.u8(0).toBytes();
}
