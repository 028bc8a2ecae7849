/** The system description table header, ACPI 6.5 section 5.2.6, and a little-endian writer for what follows it. */

export const OEM_ID = 'PCKIT ';
export const OEM_TABLE_ID = 'PCKIT   ';
const CREATOR_ID = 'PCKT';
const HEADER_LENGTH = 36;
const LENGTH = 4;
const CHECKSUM = 9;

/** Bytes in order; the writer of every table. */
export class TableWriter {
  readonly #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  u8(value: number): this {
    this.#bytes.push(value & 0xff);
    return this;
  }

  u16(value: number): this {
    return this.u8(value).u8(value >>> 8);
  }

  u32(value: number): this {
    return this.u16(value).u16(value >>> 16);
  }

  /** @param value an integer below 2^53 */
  u64(value: number): this {
    return this.u32(value % 2 ** 32).u32(Math.floor(value / 2 ** 32));
  }

  text(value: string): this {
    for (const character of value) this.u8(character.charCodeAt(0));
    return this;
  }

  append(bytes: Iterable<number>): this {
    for (const byte of bytes) this.u8(byte);
    return this;
  }

  zeros(count: number): this {
    for (let i = 0; i < count; i++) this.u8(0);
    return this;
  }

  /** Generic Address Structure in I/O space, section 5.2.3.2. */
  ioAddress(address: number, bits: number): this {
    const accessSize = bits === 8 ? 1 : bits === 16 ? 2 : 3;
    return this.u8(1).u8(bits).u8(0).u8(accessSize).u64(address);
  }

  /** Generic Address Structure in memory. */
  memoryAddress(address: number, bits: number): this {
    return this.u8(0).u8(bits).u8(0).u8(0).u64(address);
  }

  toBytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/** A table with its header in front: length and checksum are filled in. */
export function table(signature: string, revision: number, body: Uint8Array): Uint8Array {
  const header = new TableWriter()
    .text(signature)
    .u32(HEADER_LENGTH + body.length)
    .u8(revision)
    .u8(0)
    .text(OEM_ID)
    .text(OEM_TABLE_ID)
    .u32(1)
    .text(CREATOR_ID)
    .u32(1)
    .toBytes();
  const bytes = new Uint8Array(HEADER_LENGTH + body.length);
  bytes.set(header);
  bytes.set(body, HEADER_LENGTH);
  new DataView(bytes.buffer).setUint32(LENGTH, bytes.length, true);
  bytes[CHECKSUM] = checksum(bytes);
  return bytes;
}

/** What makes the sum of all bytes zero, modulo 256, when it is added. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) sum += byte;
  return -sum & 0xff;
}
