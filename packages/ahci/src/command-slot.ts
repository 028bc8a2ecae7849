import { DmaSegments } from '@pckit/ata';
import type { Taskfile } from '@pckit/ata';
import type { GuestMemory } from '@pckit/interfaces';
import * as reg from './registers.js';

/** A command list entry and what its table says: AHCI 1.3.1, sections 4.2.2 and 4.2.3. */
export interface CommandSlot {
  readonly header: number;
  /** Address of the header. */
  readonly at: number;
  /** Address of the table. */
  readonly table: number;
  readonly flags: number;
  /** Entries of the PRD table. */
  readonly regions: number;
  /** The FIS is of 20 bytes, from the host to the device. */
  readonly valid: boolean;
  /** Command, otherwise device control. */
  readonly isCommand: boolean;
  readonly control: number;
  readonly taskfile: Taskfile;
}

/** @returns undefined when some of it is not RAM */
export function readCommandSlot(memory: GuestMemory, list: number, slot: number): CommandSlot | undefined {
  const at = list + slot * reg.HEADER_BYTES;
  if (!memory.contains(at, reg.HEADER_BYTES)) return undefined;
  const header = memory.readU32(at);
  const table = memory.readAddress(at + 8) - (memory.readU32(at + 8) & 0x7f);
  const fis = memory.borrow(table, 20, 'read');
  if (fis === undefined) return undefined;
  const low = fis[4] + fis[5] * 2 ** 8 + fis[6] * 2 ** 16;
  const high = fis[8] + fis[9] * 2 ** 8 + fis[10] * 2 ** 16;
  return {
    header,
    at,
    table,
    flags: header & 0xffff,
    regions: header >>> 16,
    valid: fis[0] === reg.FIS_H2D && (header & reg.HEADER_CFL) >= 5,
    isCommand: (fis[1] & reg.FIS_COMMAND) !== 0,
    control: fis[15],
    taskfile: { command: fis[2], features: fis[3] | (fis[11] << 8), count: fis[12] | (fis[13] << 8), lba: low + high * 2 ** 24, device: fis[7] },
  };
}

/** The packet of a PACKET command. @returns undefined when it is not in RAM */
export function readPacket(memory: GuestMemory, { table }: CommandSlot): Uint8Array | undefined {
  return memory.borrow(table + reg.TABLE_ACMD, 12, 'read')?.slice();
}

/** Where the data lies, up to `length` bytes of it. @returns undefined when the table is not in RAM */
export function readRegions(memory: GuestMemory, { table, regions }: CommandSlot, length: number): DmaSegments | undefined {
  const segments = new DmaSegments();
  for (let i = 0; i < regions && segments.total < length; i++) {
    const at = table + reg.TABLE_PRDT + i * reg.PRD_BYTES;
    if (!memory.contains(at, reg.PRD_BYTES)) return undefined;
    const count = (memory.readU32(at + 12) & reg.PRD_DBC) + 1;
    segments.add(memory.readAddress(at), Math.min(count, length - segments.total));
  }
  return segments;
}
