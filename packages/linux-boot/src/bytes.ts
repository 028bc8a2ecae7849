import { BootError } from './boot-error.js';

/** Bounds-checked little-endian reads from a file that may be hostile: past the end is a typed error that says what was wanted. */
export class ByteReader {
  readonly #view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    readonly what: string,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.length;
  }

  u8(at: number, field: string): number {
    this.#check(at, 1, field);
    return this.#view.getUint8(at);
  }

  u16(at: number, field: string): number {
    this.#check(at, 2, field);
    return this.#view.getUint16(at, true);
  }

  u32(at: number, field: string): number {
    this.#check(at, 4, field);
    return this.#view.getUint32(at, true);
  }

  /** Values of 2^53 and more can't be addresses or lengths here; they read as Infinity, which no bounds check accepts. */
  u64(at: number, field: string): number {
    this.#check(at, 8, field);
    const high = this.#view.getUint32(at + 4, true);
    return high >= 0x20_0000 ? Infinity : high * 0x1_0000_0000 + this.#view.getUint32(at, true);
  }

  /** A view, not a copy. */
  slice(at: number, length: number, field: string): Uint8Array {
    this.#check(at, length, field);
    return this.bytes.subarray(at, at + length);
  }

  #check(at: number, length: number, field: string): void {
    if (at >= 0 && length >= 0 && at + length <= this.bytes.length) return;
    throw new BootError(
      'truncated',
      `${this.what}: ${field} needs bytes ${hex(at)}..${hex(at + length)}, the file has ${hex(this.bytes.length)}`,
    );
  }
}

/** Little-endian writes into a table that we build. */
export class ByteWriter {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
    this.#view = new DataView(this.bytes.buffer);
  }

  u8(at: number, value: number): void {
    this.#view.setUint8(at, value);
  }

  u16(at: number, value: number): void {
    this.#view.setUint16(at, value, true);
  }

  u32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  u64(at: number, value: number): void {
    this.#view.setUint32(at, value % 0x1_0000_0000, true);
    this.#view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
  }

  set(at: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, at);
  }
}

export function hex(value: number): string {
  return Number.isFinite(value) ? `0x${value.toString(16)}` : 'beyond 2^53';
}

/** 4 KiB, 12.5 MiB: for messages. */
export function size(length: number): string {
  if (!Number.isFinite(length)) return 'more than 2^53 bytes';
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let value = length;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[unit]}`;
}

export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

export function alignDown(value: number, alignment: number): number {
  return Math.floor(value / alignment) * alignment;
}

/** UTF-8 with the NUL that ends it. The core is free of platform libraries, TextEncoder included. */
export function cString(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code === 0) throw new BootError('command-line', 'a NUL can\'t be part of a command line');
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
    else if (code < 0x1_0000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
  }
  bytes.push(0);
  return Uint8Array.from(bytes);
}
