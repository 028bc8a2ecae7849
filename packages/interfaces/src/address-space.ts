/** Widths of one access on a port or memory bus, in bytes. A 64-bit access is two of 4 unless the handler has `read64`/`write64`. */
export type AccessSize = 1 | 2 | 4;

/**
 * What a device puts behind a range of addresses. The bus guarantees that `offset` lies within the region, that the access
 * does not cross its end, and that `size` is one that the region accepts.
 */
export interface IoHandler {
  /** @returns the value, 0 .. 2^(8*size)-1. */
  read(offset: number, size: AccessSize): number;
  /** @param value 0 .. 2^(8*size)-1 */
  write(offset: number, value: number, size: AccessSize): void;
  /** Only for registers whose halves may not be accessed apart (HPET main counter). */
  read64?(offset: number): bigint;
  write64?(offset: number, value: bigint): void;
}

/** A range of addresses that a device answers. It doesn't know where it is mapped. */
export interface IoRegion {
  readonly name: string;
  /** Length in bytes. */
  readonly length: number;
  /**
   * The sizes that the handler takes; all three when absent. The bus splits a wider access into several and reads the
   * enclosing unit for a narrower one (a narrower write is a read-modify-write of nothing: it is written as the wider unit
   * with the other bytes zero, as a PCI bus without byte enables would).
   */
  readonly accepts?: readonly AccessSize[];
  readonly handler: IoHandler;
}

/** One region at one place. All of it may be called while the machine runs; it takes effect with the next access. */
export interface Mapping {
  readonly region: IoRegion;
  readonly base: number;
  readonly enabled: boolean;
  /** What a PCI BAR write calls. An overlap with another enabled region is legal here (the guest did it); the older one answers. */
  move(base: number): void;
  enable(on: boolean): void;
  unmap(): void;
}

/**
 * Port or physical memory addresses and who answers them. Physical addresses are `number`: x86 has at most 52 bits of them.
 * An access that nobody answers reads all-ones and its write is dropped.
 */
export interface AddressSpace {
  /** @throws when the region overlaps an enabled one, naming both. */
  map(base: number, region: IoRegion, enabled?: boolean): Mapping;
  read(address: number, size: AccessSize): number;
  write(address: number, value: number, size: AccessSize): void;
  read64(address: number): bigint;
  write64(address: number, value: bigint): void;
}
