import type { AccessSize, IoRegion } from '@pckit/interfaces';

/**
 * Drives a region as a bus would, and complains when the test breaks the bus's promises (offset, size) or the device its own (a value
 * that doesn't fit the size).
 */
export class RegionDriver {
  constructor(readonly region: IoRegion) {}

  read8(offset: number): number {
    return this.read(offset, 1);
  }

  read16(offset: number): number {
    return this.read(offset, 2);
  }

  read32(offset: number): number {
    return this.read(offset, 4);
  }

  read64(offset: number): bigint {
    this.#checkRange(offset, 8);
    const read64 = this.region.handler.read64;
    if (read64 === undefined) return BigInt(this.read32(offset)) | (BigInt(this.read32(offset + 4)) << 32n);
    return read64.call(this.region.handler, offset);
  }

  write8(offset: number, value: number): void {
    this.write(offset, value, 1);
  }

  write16(offset: number, value: number): void {
    this.write(offset, value, 2);
  }

  write32(offset: number, value: number): void {
    this.write(offset, value, 4);
  }

  write64(offset: number, value: bigint): void {
    this.#checkRange(offset, 8);
    const write64 = this.region.handler.write64;
    if (write64 === undefined) {
      this.write32(offset, Number(value & 0xffff_ffffn));
      this.write32(offset + 4, Number(value >> 32n));
    } else {
      write64.call(this.region.handler, offset, value);
    }
  }

  read(offset: number, size: AccessSize): number {
    this.#check(offset, size);
    const value = this.region.handler.read(offset, size);
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * size)) {
      throw new RangeError(`${this.region.name} read ${value} from a ${size}-byte access at ${offset}`);
    }
    return value;
  }

  write(offset: number, value: number, size: AccessSize): void {
    this.#check(offset, size);
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * size)) {
      throw new RangeError(`${value} does not fit a ${size}-byte write to ${this.region.name}`);
    }
    this.region.handler.write(offset, value, size);
  }

  #check(offset: number, size: AccessSize): void {
    this.#checkRange(offset, size);
    if (this.region.accepts !== undefined && !this.region.accepts.includes(size)) {
      throw new RangeError(`${this.region.name} does not accept accesses of ${size} bytes`);
    }
  }

  #checkRange(offset: number, size: number): void {
    if (offset < 0 || offset + size > this.region.length) {
      throw new RangeError(`${offset}+${size} is outside ${this.region.name} of ${this.region.length} bytes`);
    }
  }
}
