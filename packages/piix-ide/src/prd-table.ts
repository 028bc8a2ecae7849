import { DmaSegments } from '@pckit/ata';
import type { GuestMemory } from '@pckit/interfaces';

/**
 * Physical region descriptors: Programming Interface for Bus Master IDE Controller, revision 1.0, section 1.2. Eight bytes each: address,
 * byte count (0 is 64 KiB), and the end of the table in bit 31 of the second word.
 */

const PRD_BYTES = 8;
const PRD_EOT = 0x8000_0000;
/** The table doesn't cross a 64 KiB boundary. */
const TABLE_LIMIT = 0x1_0000;

export interface PrdTable {
  /** Not more than was asked for. */
  readonly segments: DmaSegments;
  /** The regions hold exactly what was asked for: the last one was reached. */
  readonly exact: boolean;
  /** A descriptor lies outside RAM. */
  readonly fault: boolean;
}

/** Reads descriptors until they hold `length` bytes or end. */
export function readPrdTable(memory: GuestMemory, table: number, length: number): PrdTable {
  const segments = new DmaSegments();
  const limit = table - (table % TABLE_LIMIT) + TABLE_LIMIT;
  for (let at = table; at + PRD_BYTES <= limit; at += PRD_BYTES) {
    if (!memory.contains(at, PRD_BYTES)) return { segments, exact: false, fault: true };
    // Both are even (section 1.2).
    const address = memory.readU32(at) & ~1;
    const word = memory.readU32(at + 4);
    const count = word & 0xfffe || 0x1_0000;
    const last = word >= PRD_EOT;
    const taken = Math.min(count, length - segments.total);
    segments.add(address >>> 0, taken);
    if (last || segments.total === length) return { segments, exact: last && taken === count && segments.total === length, fault: false };
  }
  return { segments, exact: false, fault: false };
}
