/**
 * The memory map of a PC as INT 15h E820h reports it (ACPI 6.5, 15.1 and table 15.6): RAM below the extended BIOS data area, the
 * legacy hole, RAM from 1 MiB to the 32-bit hole, RAM above 4 GiB, and what is reserved.
 */
import { BootError } from './boot-error.js';
import { hex } from './bytes.js';
import type { E820Entry, E820Type, MemoryShape, RamRange, ReservedRegion, ReservedType } from './types.js';

export const E820_RAM = 1;
export const E820_RESERVED = 2;
export const E820_ACPI = 3;
export const E820_NVS = 4;
export const E820_UNUSABLE = 5;

const FOUR_GIB = 0x1_0000_0000;
/** RAM below 4 GiB ends here at the latest; above it are PCI's 32-bit window and the APICs. */
const DEFAULT_HOLE_START = 0xc000_0000;
/** Processors have at most 52 physical address bits. */
const PHYSICAL_LIMIT = 2 ** 52;
const LEGACY_HOLE_START = 0xa_0000;
const LEGACY_HOLE_END = 0x10_0000;

/** What a PC keeps for itself. A region of the caller's that overlaps one of these replaces that part of it. */
const PC_RESERVED: readonly Required<ReservedRegion>[] = [
  { name: 'extended BIOS data area', start: 0x9_fc00, length: 0x400, type: 'reserved' },
  { name: 'system BIOS', start: 0xf_0000, length: 0x1_0000, type: 'reserved' },
  { name: 'I/O APIC', start: 0xfec0_0000, length: 0x1000, type: 'reserved' },
  { name: 'local APIC', start: 0xfee0_0000, length: 0x1000, type: 'reserved' },
];

const TYPES: Readonly<Record<ReservedType, E820Type>> = {
  reserved: E820_RESERVED,
  acpi: E820_ACPI,
  nvs: E820_NVS,
  unusable: E820_UNUSABLE,
};

/** The machine's RAM, ascending and checked. */
export function ramRanges(memory: MemoryShape): RamRange[] {
  if ('ramBytes' in memory) {
    const holeStart = memory.holeStart ?? DEFAULT_HOLE_START;
    checkRange('RAM', 0, memory.ramBytes);
    if (!Number.isSafeInteger(holeStart) || holeStart < LEGACY_HOLE_END || holeStart > 0xfec0_0000) {
      throw new BootError('bad-option', `memory.holeStart ${hex(holeStart)} is not between 0x100000 and 0xfec00000`);
    }
    const below = Math.min(memory.ramBytes, holeStart);
    const above = memory.ramBytes - below;
    return above > 0 ? [{ start: 0, length: below }, { start: FOUR_GIB, length: above }] : [{ start: 0, length: below }];
  }
  const ranges = [...memory.ranges].sort((a, b) => a.start - b.start);
  if (ranges.length === 0) throw new BootError('bad-option', 'memory.ranges is empty: the machine has no RAM');
  let previous: RamRange | undefined;
  for (const range of ranges) {
    checkRange('RAM', range.start, range.length);
    if (previous !== undefined && previous.start + previous.length > range.start) {
      throw new BootError('overlap', `RAM ${span(previous)} overlaps RAM ${span(range)}`);
    }
    previous = range;
  }
  return ranges;
}

/** Ascending, disjoint, neighbours of the same type merged. */
export function buildE820(memory: MemoryShape, reserved: readonly ReservedRegion[] = []): E820Entry[] {
  const sorted = [...reserved].sort((a, b) => a.start - b.start);
  let previous: ReservedRegion | undefined;
  for (const region of sorted) {
    checkRange(region.name, region.start, region.length);
    if (previous !== undefined && previous.start + previous.length > region.start) {
      throw new BootError('overlap', `${previous.name} ${span(previous)} overlaps ${region.name} ${span(region)}`);
    }
    previous = region;
  }

  const entries: E820Entry[] = sorted.map((region) => entry(region, TYPES[region.type ?? 'reserved']));
  for (const region of PC_RESERVED) {
    for (const part of subtract(region, sorted)) entries.push(entry(part, TYPES[region.type]));
  }
  const taken: RamRange[] = [...entries, { start: LEGACY_HOLE_START, length: LEGACY_HOLE_END - LEGACY_HOLE_START }];
  for (const range of ramRanges(memory)) {
    for (const apic of PC_RESERVED.slice(2)) {
      if (range.start < apic.start + apic.length && apic.start < range.start + range.length) {
        throw new BootError('overlap', `RAM ${span(range)} overlaps the ${apic.name} ${span(apic)}`);
      }
    }
    for (const part of subtract(range, taken)) entries.push(entry(part, E820_RAM));
  }
  entries.sort((a, b) => a.start - b.start);

  const merged: E820Entry[] = [];
  for (const next of entries) {
    const last = merged.at(-1);
    if (last !== undefined && last.type === next.type && last.start + last.length === next.start) {
      merged[merged.length - 1] = { start: last.start, length: last.length + next.length, type: last.type };
    } else {
      merged.push(next);
    }
  }
  return merged;
}

export function usableRam(e820: readonly E820Entry[]): RamRange[] {
  return e820.filter((part) => part.type === E820_RAM).map(({ start, length }) => ({ start, length }));
}

function entry(range: RamRange, type: E820Type): E820Entry {
  return { start: range.start, length: range.length, type };
}

function subtract(range: RamRange, holes: readonly RamRange[]): RamRange[] {
  let parts: RamRange[] = [range];
  for (const hole of holes) {
    const holeEnd = hole.start + hole.length;
    parts = parts.flatMap((part) => {
      const end = part.start + part.length;
      if (hole.start >= end || holeEnd <= part.start) return [part];
      return [
        { start: part.start, length: hole.start - part.start },
        { start: holeEnd, length: end - holeEnd },
      ].filter((rest) => rest.length > 0);
    });
  }
  return parts;
}

function checkRange(name: string, start: number, length: number): void {
  if (Number.isSafeInteger(start) && Number.isSafeInteger(length) && start >= 0 && length > 0 && start + length <= PHYSICAL_LIMIT) {
    return;
  }
  throw new BootError('bad-option', `${name}: start ${start}, length ${length} is not a range of physical addresses`);
}

function span(range: RamRange): string {
  return `${hex(range.start)}-${hex(range.start + range.length - 1)}`;
}
