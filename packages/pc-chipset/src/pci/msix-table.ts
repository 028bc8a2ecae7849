import type { AccessSize, IoHandler, IoRegion, PciMsix } from '@pckit/interfaces';

/**
 * The MSI-X table and pending bit array: PCI Local Bus Specification 3.0, sections 6.8.2.6 to 6.8.2.10.
 *
 * Deviation: byte and word accesses, undefined by the standard, act on the dword's bytes.
 */

/** Dwords of an entry. */
const ADDRESS_LOW = 0;
const ADDRESS_HIGH = 1;
const DATA = 2;
const VECTOR_CONTROL = 3;
const ENTRY_DWORDS = 4;

const VECTOR_MASKED = 1;

export interface MsixTableState {
  readonly [field: string]: Uint8Array;
  /** 16 bytes a vector, as the guest reads it. */
  readonly table: Uint8Array;
  readonly pending: Uint8Array;
}

export class MsixTable {
  readonly tableLength: number;
  readonly pendingLength: number;
  readonly #table: Uint32Array;
  readonly #pending: Uint32Array;

  /**
   * @param layout where table and pending bits stand in their bar
   * @param send puts one message on the bus; `false` if the function may not send now (masked as a whole, no bus master)
   */
  constructor(
    readonly layout: PciMsix,
    private readonly send: (address: number, data: number) => boolean,
  ) {
    this.tableLength = layout.vectors * ENTRY_DWORDS * 4;
    this.pendingLength = Math.ceil(layout.vectors / 64) * 8;
    this.#table = new Uint32Array(layout.vectors * ENTRY_DWORDS);
    this.#pending = new Uint32Array(this.pendingLength / 4);
    this.reset();
  }

  reset(): void {
    this.#table.fill(0);
    for (let v = 0; v < this.layout.vectors; v++) this.#table[v * ENTRY_DWORDS + VECTOR_CONTROL] = VECTOR_MASKED;
    this.#pending.fill(0);
  }

  /** Sends the vector's message, or keeps it pending if that can't be now. */
  notify(vector: number): void {
    if (!this.#trySend(vector)) this.#pending[vector >>> 5] |= 1 << (vector & 31);
  }

  /** Something that held messages back is gone: enable, function mask, bus mastering. */
  flushPending(): void {
    for (let word = 0; word < this.#pending.length; word++) {
      if (this.#pending[word] === 0) continue;
      for (let bit = 0; bit < 32; bit++) if ((this.#pending[word] & (1 << bit)) !== 0) this.#flushVector(word * 32 + bit);
    }
  }

  /** MSI-X was disabled: nothing waits any longer. */
  forgetPending(): void {
    this.#pending.fill(0);
  }

  readTable(offset: number, size: AccessSize): number {
    return readBytes(this.#table, offset, size);
  }

  writeTable(offset: number, value: number, size: AccessSize): void {
    const index = offset >>> 2;
    let written = mergeBytes(this.#table[index], offset & 3, value, size);
    if (index % ENTRY_DWORDS === VECTOR_CONTROL) written &= VECTOR_MASKED;
    if (index % ENTRY_DWORDS === ADDRESS_LOW) written &= ~3;
    this.#table[index] = written;
    const vector = Math.floor(index / ENTRY_DWORDS);
    if (index % ENTRY_DWORDS === VECTOR_CONTROL && (this.#pending[vector >>> 5] & (1 << (vector & 31))) !== 0) this.#flushVector(vector);
  }

  /** The pending bits are read-only. */
  readPending(offset: number, size: AccessSize): number {
    return readBytes(this.#pending, offset, size);
  }

  save(): MsixTableState {
    return { table: new Uint8Array(this.#table.slice().buffer), pending: new Uint8Array(this.#pending.slice().buffer) };
  }

  restore(state: MsixTableState): void {
    new Uint8Array(this.#table.buffer).set(state.table.subarray(0, this.#table.byteLength));
    new Uint8Array(this.#pending.buffer).set(state.pending.subarray(0, this.#pending.byteLength));
  }

  #trySend(vector: number): boolean {
    const entry = vector * ENTRY_DWORDS;
    if ((this.#table[entry + VECTOR_CONTROL] & VECTOR_MASKED) !== 0) return false;
    return this.send(this.#table[entry + ADDRESS_HIGH] * 2 ** 32 + this.#table[entry + ADDRESS_LOW], this.#table[entry + DATA]);
  }

  #flushVector(vector: number): void {
    if (this.#trySend(vector)) this.#pending[vector >>> 5] &= ~(1 << (vector & 31));
  }
}

/** The bar's region with table and pending bits laid over it; what they don't cover reaches the device. */
export function overlayMsix(region: IoRegion, msix: MsixTable): IoRegion {
  const inner = new NarrowedHandler(region);
  const { tableOffset, pendingOffset } = msix.layout;
  const tableEnd = tableOffset + msix.tableLength;
  const pendingEnd = pendingOffset + msix.pendingLength;
  const handler: IoHandler = {
    read: (offset, size) => {
      if (offset >= tableOffset && offset < tableEnd) return msix.readTable(offset - tableOffset, size);
      if (offset >= pendingOffset && offset < pendingEnd) return msix.readPending(offset - pendingOffset, size);
      return inner.read(offset, size);
    },
    write: (offset, value, size) => {
      if (offset >= tableOffset && offset < tableEnd) msix.writeTable(offset - tableOffset, value, size);
      else if (offset >= pendingOffset && offset < pendingEnd) return;
      else inner.write(offset, value, size);
    },
  };
  const { read64, write64 } = region.handler;
  const covered = (offset: number): boolean =>
    (offset >= tableOffset && offset < tableEnd) || (offset >= pendingOffset && offset < pendingEnd);
  if (read64 !== undefined) {
    handler.read64 = (offset) =>
      covered(offset) ? (BigInt(handler.read(offset + 4, 4)) << 32n) | BigInt(handler.read(offset, 4)) : read64.call(region.handler, offset);
  }
  if (write64 !== undefined) {
    handler.write64 = (offset, value) => {
      if (!covered(offset)) return write64.call(region.handler, offset, value);
      handler.write(offset, Number(value & 0xffff_ffffn), 4);
      handler.write(offset + 4, Number(value >> 32n), 4);
    };
  }
  return { name: region.name, length: region.length, handler };
}

/**
 * Reaches a handler that takes some sizes only, by the bus's rules (see `IoRegion.accepts`): the overlaid region takes all sizes, so
 * the bus no longer does it for the part behind.
 */
class NarrowedHandler {
  readonly #accepts: readonly AccessSize[] | undefined;

  constructor(private readonly region: IoRegion) {
    this.#accepts = region.accepts !== undefined && region.accepts.length < 3 ? region.accepts : undefined;
  }

  read(offset: number, size: AccessSize): number {
    const unit = this.#unit(size);
    if (unit === size) return this.region.handler.read(offset, size);
    if (unit > size) {
      const start = offset - (offset % unit);
      return Math.floor(this.region.handler.read(start, unit) / 2 ** ((offset - start) * 8)) % 2 ** (size * 8);
    }
    let value = 0;
    for (let i = 0; i < size; i += unit) value += this.region.handler.read(offset + i, unit) * 2 ** (i * 8);
    return value;
  }

  write(offset: number, value: number, size: AccessSize): void {
    const unit = this.#unit(size);
    if (unit === size) return this.region.handler.write(offset, value, size);
    if (unit > size) {
      const start = offset - (offset % unit);
      return this.region.handler.write(start, value * 2 ** ((offset - start) * 8), unit);
    }
    for (let i = 0; i < size; i += unit) this.region.handler.write(offset + i, Math.floor(value / 2 ** (i * 8)) % 2 ** (unit * 8), unit);
  }

  /** The widest unit that the handler takes within the access, else the narrowest that encloses it. */
  #unit(size: AccessSize): AccessSize {
    const accepts = this.#accepts;
    if (accepts === undefined || accepts.includes(size)) return size;
    let narrower: AccessSize | undefined;
    let wider: AccessSize | undefined;
    for (const unit of accepts) {
      if (unit < size && (narrower === undefined || unit > narrower)) narrower = unit;
      if (unit > size && (wider === undefined || unit < wider)) wider = unit;
    }
    return narrower ?? wider ?? size;
  }
}

function readBytes(words: Uint32Array, offset: number, size: AccessSize): number {
  const word = words[offset >>> 2];
  if (size === 4) return word;
  return (word >>> ((offset & 3) * 8)) & (size === 1 ? 0xff : 0xffff);
}

function mergeBytes(word: number, byte: number, value: number, size: AccessSize): number {
  if (size === 4) return value;
  const mask = (size === 1 ? 0xff : 0xffff) << (byte * 8);
  return (word & ~mask) | ((value << (byte * 8)) & mask);
}
