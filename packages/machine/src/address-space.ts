import type { AccessSize, AddressSpace, IoHandler, IoRegion, Mapping } from '@pckit/interfaces';
import { MachineError } from './machine-error.js';

/**
 * Port or memory addresses and the regions that answer them.
 *
 * Enabled mappings are flattened into disjoint segments, sorted by address, whenever one changes (a guest sizing its PCI bars: rare); an access
 * looks at the segment that answered last and then searches. Where the guest made two mappings overlap, the older one answers.
 *
 * An access is given to the handler as it is when the region accepts its size, whatever its alignment. Otherwise it is split into the largest
 * smaller size that is accepted, or widened to the smallest larger one, aligned to it. An access that crosses the end of a segment is made
 * byte by byte.
 */
export class AddressSpaceMap implements AddressSpace {
  readonly #mappings: MapEntry[] = [];
  #segments: readonly Segment[] = [];
  #last: Segment = NOWHERE;
  #age = 0;

  /** @param name for errors @param length number of addresses */
  constructor(readonly name: string, readonly length: number) {}

  /** What is mapped, enabled or not, in order of creation. */
  get mappings(): readonly Mapping[] {
    return this.#mappings;
  }

  map(base: number, region: IoRegion, enabled = true): Mapping {
    if (!Number.isSafeInteger(base) || base < 0 || !Number.isSafeInteger(region.length) || region.length < 1) {
      throw new MachineError('address-space', `${describe(region, base)} is no range of addresses`);
    }
    if (enabled) {
      const end = base + region.length;
      if (end > this.length)
        throw new MachineError(
          'address-space',
          `${describe(region, base)} exceeds the ${this.name} space of ${hex(this.length)}`,
        );
      for (const other of this.#mappings) {
        if (other.enabled && base < other.base + other.region.length && other.base < end) {
          throw new MachineError(
            'address-space',
            `${describe(region, base)} overlaps ${describe(other.region, other.base)}`,
          );
        }
      }
    }
    const entry = new MapEntry(
      region,
      base,
      enabled,
      this.#age++,
      () => this.#flatten(),
      (gone) => this.#drop(gone),
    );
    this.#mappings.push(entry);
    this.#flatten();
    return entry;
  }

  /** Who answers at `address`. */
  find(address: number): Mapping | undefined {
    const segment = this.#segmentAt(address);
    return segment === NOWHERE ? undefined : segment.entry;
  }

  read(address: number, size: AccessSize): number {
    const segment = this.#segmentAt(address);
    if (address + size > segment.end)
      return segment === NOWHERE ? this.#readUnclaimed(address, size) : this.#readBytes(address, size);
    return readRegion(segment.entry, address - segment.entry.base, size);
  }

  write(address: number, value: number, size: AccessSize): void {
    const segment = this.#segmentAt(address);
    if (address + size <= segment.end) writeRegion(segment.entry, address - segment.entry.base, value, size);
    else if (size > 1) this.#writeBytes(address, value, size);
  }

  read64(address: number): bigint {
    const segment = this.#segmentAt(address);
    if (address + 8 <= segment.end) {
      const { handler } = segment.entry;
      if (handler.read64 !== undefined) return handler.read64(address - segment.entry.base);
    }
    const low = this.read(address, 4);
    return BigInt(low) | (BigInt(this.read(address + 4, 4)) << 32n);
  }

  write64(address: number, value: bigint): void {
    const segment = this.#segmentAt(address);
    if (address + 8 <= segment.end) {
      const { handler } = segment.entry;
      if (handler.write64 !== undefined) {
        handler.write64(address - segment.entry.base, value);
        return;
      }
    }
    this.write(address, Number(value & 0xffff_ffffn), 4);
    this.write(address + 4, Number((value >> 32n) & 0xffff_ffffn), 4);
  }

  #segmentAt(address: number): Segment {
    const last = this.#last;
    if (address >= last.start && address < last.end) return last;
    const segments = this.#segments;
    let low = 0;
    let high = segments.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const segment = segments[middle];
      if (address < segment.start) high = middle - 1;
      else if (address >= segment.end) low = middle + 1;
      else {
        this.#last = segment;
        return segment;
      }
    }
    return NOWHERE;
  }

  /** Nobody answers the first byte; somebody may answer the rest. */
  #readUnclaimed(address: number, size: AccessSize): number {
    if (size === 1) return 0xff;
    for (let i = 1; i < size; i++)
      if (this.#segmentAt((address + i) % this.length) !== NOWHERE) return this.#readBytes(address, size);
    return size === 2 ? 0xffff : 0xffff_ffff;
  }

  #readBytes(address: number, size: AccessSize): number {
    let value = 0;
    for (let i = 0; i < size; i++) value |= this.read((address + i) % this.length, 1) << (8 * i);
    return value >>> 0;
  }

  #writeBytes(address: number, value: number, size: AccessSize): void {
    for (let i = 0; i < size; i++) this.write((address + i) % this.length, (value >>> (8 * i)) & 0xff, 1);
  }

  #flatten(): void {
    const byAge = this.#mappings.filter((entry) => entry.enabled).sort((a, b) => a.age - b.age);
    let segments: Segment[] = [];
    for (const entry of byAge) {
      const end = Math.min(entry.base + entry.region.length, this.length);
      let from = entry.base;
      const free: Segment[] = [];
      for (const taken of segments) {
        if (taken.end <= from || taken.start >= end) continue;
        if (taken.start > from) free.push(new Segment(from, taken.start, entry));
        from = taken.end;
      }
      if (from < end) free.push(new Segment(from, end, entry));
      segments = [...segments, ...free].sort((a, b) => a.start - b.start);
    }
    this.#segments = segments;
    this.#last = NOWHERE;
  }

  #drop(entry: MapEntry): void {
    const index = this.#mappings.indexOf(entry);
    if (index >= 0) this.#mappings.splice(index, 1);
    this.#flatten();
  }
}

/** A mapping; also what an access needs to know of its region. */
class MapEntry implements Mapping {
  readonly handler: IoHandler;
  /** Bits 0 (1 byte), 1 (2 bytes), 2 (4 bytes): equal to the size itself. */
  readonly accepted: number;

  constructor(
    readonly region: IoRegion,
    public base: number,
    public enabled: boolean,
    readonly age: number,
    private readonly changed: () => void,
    private readonly gone: (entry: MapEntry) => void,
  ) {
    this.handler = region.handler;
    this.accepted = region.accepts === undefined ? 7 : region.accepts.reduce((bits: number, size) => bits | size, 0);
    if (this.accepted === 0) throw new MachineError('address-space', `region ${region.name} accepts no size at all`);
  }

  move(base: number): void {
    if (base === this.base) return;
    this.base = base;
    if (this.enabled) this.changed();
  }

  enable(on: boolean): void {
    if (on === this.enabled) return;
    this.enabled = on;
    this.changed();
  }

  unmap(): void {
    this.enabled = false;
    this.gone(this);
  }
}

class Segment {
  constructor(readonly start: number, readonly end: number, readonly entry: MapEntry) {}
}

const NOWHERE = new Segment(
  0,
  0,
  new MapEntry(
    { name: 'nowhere', length: 0, handler: { read: () => 0xff, write: () => undefined } },
    0,
    false,
    0,
    () => undefined,
    () => undefined,
  ),
);

function readRegion(entry: MapEntry, offset: number, size: AccessSize): number {
  if ((entry.accepted & size) !== 0) return entry.handler.read(offset, size);
  const smaller = largestBelow(entry.accepted, size);
  if (smaller !== 0) {
    let value = 0;
    for (let i = 0; i < size; i += smaller) value |= entry.handler.read(offset + i, smaller as AccessSize) << (8 * i);
    return value >>> 0;
  }
  const unit = smallestAbove(entry.accepted, size);
  const start = offset - (offset % unit);
  if (offset + size <= start + unit && start + unit <= entry.region.length) {
    const shifted = entry.handler.read(start, unit) >>> (8 * (offset - start));
    return size === 1 ? shifted & 0xff : shifted & 0xffff;
  }
  // Across two units, or in a last one that isn't whole: the bytes that are there.
  if (size === 1) return 0xff;
  return readRegion(entry, offset, 1) | (readRegion(entry, offset + 1, 1) << 8);
}

function writeRegion(entry: MapEntry, offset: number, value: number, size: AccessSize): void {
  if ((entry.accepted & size) !== 0) {
    entry.handler.write(offset, value, size);
    return;
  }
  const smaller = largestBelow(entry.accepted, size);
  if (smaller !== 0) {
    const mask = smaller === 1 ? 0xff : 0xffff;
    for (let i = 0; i < size; i += smaller)
      entry.handler.write(offset + i, (value >>> (8 * i)) & mask, smaller as AccessSize);
    return;
  }
  const unit = smallestAbove(entry.accepted, size);
  const start = offset - (offset % unit);
  if (offset + size <= start + unit && start + unit <= entry.region.length) {
    entry.handler.write(start, (value << (8 * (offset - start))) >>> 0, unit);
  } else if (size === 2) {
    writeRegion(entry, offset, value & 0xff, 1);
    writeRegion(entry, offset + 1, value >>> 8, 1);
  }
}

/** The largest accepted size below `size`, 0 if none. */
function largestBelow(accepted: number, size: AccessSize): 0 | 1 | 2 {
  if (size === 4 && (accepted & 2) !== 0) return 2;
  return size > 1 && (accepted & 1) !== 0 ? 1 : 0;
}

function smallestAbove(accepted: number, size: AccessSize): 2 | 4 {
  return size === 1 && (accepted & 2) !== 0 ? 2 : 4;
}

function describe(region: IoRegion, base: number): string {
  return `region ${region.name} ${hex(base)}+${hex(region.length)}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
