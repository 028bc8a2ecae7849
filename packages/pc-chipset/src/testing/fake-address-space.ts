import type { AccessSize, AddressSpace, IoRegion, Mapping } from '@pckit/interfaces';

/** An address space for the tests of this package: a list that is searched, the older mapping first. It doesn't split or widen. */
export class FakeAddressSpace implements AddressSpace {
  readonly #mappings: FakeMapping[] = [];

  /** What decodes now: name, base, length. */
  get decoded(): { name: string; base: number; length: number }[] {
    return this.#mappings.filter((m) => m.enabled).map(({ region, base }) => ({ name: region.name, base, length: region.length }));
  }

  map(base: number, region: IoRegion, enabled = true): Mapping {
    const mapping = new FakeMapping(base, region, enabled);
    this.#mappings.push(mapping);
    return mapping;
  }

  read(address: number, size: AccessSize): number {
    const hit = this.#find(address, size);
    return hit === undefined ? 2 ** (8 * size) - 1 : hit.region.handler.read(address - hit.base, size);
  }

  write(address: number, value: number, size: AccessSize): void {
    const hit = this.#find(address, size);
    hit?.region.handler.write(address - hit.base, value, size);
  }

  read64(address: number): bigint {
    const hit = this.#find(address, 8);
    if (hit?.region.handler.read64 !== undefined) return hit.region.handler.read64(address - hit.base);
    return (BigInt(this.read(address + 4, 4)) << 32n) | BigInt(this.read(address, 4));
  }

  write64(address: number, value: bigint): void {
    const hit = this.#find(address, 8);
    if (hit?.region.handler.write64 !== undefined) return hit.region.handler.write64(address - hit.base, value);
    this.write(address, Number(value & 0xffff_ffffn), 4);
    this.write(address + 4, Number(value >> 32n), 4);
  }

  #find(address: number, size: number): FakeMapping | undefined {
    return this.#mappings.find((m) => m.enabled && address >= m.base && address + size <= m.base + m.region.length);
  }
}

class FakeMapping implements Mapping {
  constructor(
    public base: number,
    readonly region: IoRegion,
    public enabled: boolean,
  ) {}

  move(base: number): void {
    this.base = base;
  }

  enable(on: boolean): void {
    this.enabled = on;
  }

  unmap(): void {
    this.enabled = false;
  }
}
