/** A run of RAM in guest-physical space and where its bytes lie in the host's memory. */
export interface RamRange {
  /** First guest-physical address. */
  readonly start: number;
  /** Bytes. */
  readonly length: number;
  /** Byte offset of `start` in the `WebAssembly.Memory` (or buffer) that holds the guest's RAM. */
  readonly offset: number;
}

/**
 * Guest RAM as a device's DMA sees it. Addresses are guest-physical; values are little-endian. Scalar accesses outside RAM read
 * all-ones and write nothing, as a bus master sees it.
 */
export interface GuestMemory {
  /** Ascending and disjoint; fixed once the machine is built. */
  readonly ranges: readonly RamRange[];
  /** Whether all `length` bytes lie in one range. */
  contains(address: number, length: number): boolean;
  readU8(address: number): number;
  readU16(address: number): number;
  readU32(address: number): number;
  /** A 64-bit value used as an address or length; above 2^53-1 it reads as `Infinity`, which no bounds check accepts. */
  readAddress(address: number): number;
  writeU8(address: number, value: number): void;
  writeU16(address: number, value: number): void;
  writeU32(address: number, value: number): void;
  /** @param value an integer, 0 .. 2^53-1, written as 64 bits */
  writeAddress(address: number, value: number): void;
  /**
   * A view of `length` bytes, or `undefined` if they aren't all in one range. Borrowed: valid until control returns to the run
   * loop; nothing keeps it across an `await`. `'write'` invalidates translated code in the range first.
   */
  borrow(address: number, length: number, intent: 'read' | 'write'): Uint8Array | undefined;
}
