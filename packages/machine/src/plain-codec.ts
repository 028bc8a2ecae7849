import type { Plain } from '@pckit/interfaces';
import { MachineError } from './machine-error.js';

/**
 * `Plain` values as bytes: a tag, then the value. Fields of objects are written in sorted order, so that equal values give equal bytes: the state
 * hash stands on that.
 */
const NULL = 0;
const FALSE = 1;
const TRUE = 2;
/** LEB128 of an integer 0 .. 2^53-1. */
const UINT = 3;
/** Any other number: 8 bytes, IEEE 754, little-endian. */
const FLOAT = 4;
/** Sign byte, then length and little-endian bytes of the magnitude. */
const BIGINT = 5;
const STRING = 6;
const BYTES = 7;
const ARRAY = 8;
const OBJECT = 9;

/** Deeper than this is not a state of ours, but a file made to exhaust the stack. */
const MAX_DEPTH = 64;

export function encodePlain(value: Plain): Uint8Array {
  const writer = new PlainWriter();
  writer.value(value);
  return writer.finish();
}

/** @throws MachineError unless `bytes` are exactly one value */
export function decodePlain(bytes: Uint8Array): Plain {
  const reader = new PlainReader(bytes);
  const value = reader.value(0);
  if (reader.at !== bytes.length)
    throw new MachineError('snapshot', `${bytes.length - reader.at} bytes after the end of a value`);
  return value;
}

class PlainWriter {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  value(value: Plain): void {
    if (value === null) return this.#byte(NULL);
    switch (typeof value) {
      case 'boolean':
        return this.#byte(value ? TRUE : FALSE);
      case 'number':
        if (Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)) {
          this.#byte(UINT);
          this.#uint(value);
        } else {
          this.#byte(FLOAT);
          this.#reserve(8);
          this.#view.setFloat64(this.#at, value, true);
          this.#at += 8;
        }
        return;
      case 'bigint':
        return this.#bigint(value);
      case 'string':
        this.#byte(STRING);
        return this.#string(value);
      default:
    }
    if (value instanceof Uint8Array) {
      this.#byte(BYTES);
      this.#uint(value.length);
      this.#reserve(value.length);
      this.#bytes.set(value, this.#at);
      this.#at += value.length;
    } else if (Array.isArray(value)) {
      this.#byte(ARRAY);
      this.#uint(value.length);
      for (const item of value as readonly Plain[]) this.value(item);
    } else {
      const fields = value as { readonly [field: string]: Plain };
      const names = Object.keys(fields).sort();
      this.#byte(OBJECT);
      this.#uint(names.length);
      for (const name of names) {
        this.#string(name);
        this.value(fields[name]);
      }
    }
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = byte;
  }

  #uint(value: number): void {
    while (value >= 0x80) {
      this.#byte(value % 0x80 | 0x80);
      value = Math.floor(value / 0x80);
    }
    this.#byte(value);
  }

  #bigint(value: bigint): void {
    this.#byte(BIGINT);
    this.#byte(value < 0n ? 1 : 0);
    const bytes: number[] = [];
    for (let rest = value < 0n ? -value : value; rest > 0n; rest >>= 8n) bytes.push(Number(rest & 0xffn));
    this.#uint(bytes.length);
    for (const byte of bytes) this.#byte(byte);
  }

  #string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.#uint(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #reserve(length: number): void {
    if (this.#at + length <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + length));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

class PlainReader {
  at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  value(depth: number): Plain {
    if (depth > MAX_DEPTH) throw new MachineError('snapshot', `values nested deeper than ${MAX_DEPTH}`);
    const tag = this.#byte();
    switch (tag) {
      case NULL:
        return null;
      case FALSE:
        return false;
      case TRUE:
        return true;
      case UINT:
        return this.#uint();
      case FLOAT: {
        const bytes = this.#take(8);
        return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
      }
      case BIGINT: {
        const negative = this.#byte() !== 0;
        let value = 0n;
        const magnitude = this.#take(this.#uint());
        for (let i = magnitude.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(magnitude[i]);
        return negative ? -value : value;
      }
      case STRING:
        return this.#string();
      case BYTES:
        return this.#take(this.#uint()).slice();
      case ARRAY: {
        const items: Plain[] = [];
        for (let left = this.#uint(); left > 0; left--) items.push(this.value(depth + 1));
        return items;
      }
      case OBJECT: {
        const fields: [string, Plain][] = [];
        for (let left = this.#uint(); left > 0; left--) {
          const name = this.#string();
          fields.push([name, this.value(depth + 1)]);
        }
        // Not by assignment: a field called __proto__ would be one.
        return Object.fromEntries(fields);
      }
      default:
        throw new MachineError('snapshot', `unknown tag ${tag} at byte ${this.at - 1} of a value`);
    }
  }

  #byte(): number {
    return this.#take(1)[0];
  }

  #uint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (!Number.isSafeInteger(value))
        throw new MachineError('snapshot', `an integer above 2^53-1 at byte ${this.at} of a value`);
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  #string(): string {
    return new TextDecoder().decode(this.#take(this.#uint()));
  }

  #take(length: number): Uint8Array {
    if (length > this.bytes.length - this.at)
      throw new MachineError(
        'snapshot',
        `a value ends early: ${length} bytes wanted at ${this.at}, ${this.bytes.length - this.at} left`,
      );
    const taken = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return taken;
  }
}
