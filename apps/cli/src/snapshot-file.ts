import { closeSync, fstatSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import type { Plain } from '@pckit/interfaces';
import { CliError, reasonOf } from './cli-error.js';

/**
 * A snapshot on disk.
 *
 *     "pckit snapshot 1\n"
 *     u32 length, JSON            the state; byte arrays are { "$bytes": index }, big integers { "$bigint": "..." },
 *                                 -0 and numbers that aren't finite { "$number": "..." }
 *     for each byte array:
 *       u64 length
 *       runs of u32 page, u32 count, count * 4096 bytes (the last page of the array may be short), for pages that are not all zero
 *       u32 FFFFFFFFh
 *     "end\n"
 *
 * All integers are little-endian. Guest RAM is mostly zeros, so leaving out zero pages is most of what compression would give.
 */
const MAGIC = 'pckit snapshot 1\n';
const END = 'end\n';
const PAGE = 4096;
const NO_MORE_PAGES = 0xffff_ffff;
/** Pages written or read at once. */
const RUN = 256;
/** What a header may promise: a 4 GiB wasm memory, and a state of devices that is never this large. */
const MAX_ARRAY = 2 ** 33;
const MAX_JSON = 2 ** 28;

/** Writes `path` whole or not at all: an earlier snapshot survives a disk that is full. */
export function writeSnapshotFile(path: string, state: Plain): void {
  const temporary = `${path}.${process.pid}.tmp`;
  let file: number | undefined;
  try {
    file = openSync(temporary, 'w');
    write(file, state);
    closeSync(file);
    file = undefined;
    renameSync(temporary, path);
  } catch (error) {
    if (file !== undefined) closeSync(file);
    rmSync(temporary, { force: true });
    throw new CliError('host', `can't write the snapshot ${path}: ${reasonOf(error)}`, 'Name a file in a folder that exists, with room for the guest\'s memory.', { cause: error });
  }
}

function write(file: number, state: Plain): void {
  const arrays: Uint8Array[] = [];
  const json = Buffer.from(JSON.stringify(pack(state, arrays)));
  put(file, Buffer.from(MAGIC, 'latin1'));
  put(file, u32(json.length));
  put(file, json);
  for (const array of arrays) {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(array.length));
    put(file, length);
    const pages = Math.ceil(array.length / PAGE);
    for (let page = 0; page < pages; ) {
      if (isZero(array, page)) {
        page++;
        continue;
      }
      let count = 1;
      while (count < RUN && page + count < pages && !isZero(array, page + count)) count++;
      put(file, u32(page, count));
      put(file, array.subarray(page * PAGE, Math.min((page + count) * PAGE, array.length)));
      page += count;
    }
    put(file, u32(NO_MORE_PAGES));
  }
  put(file, Buffer.from(END, 'latin1'));
}

/** @param arrays gets the byte arrays that the result refers to by number */
function pack(value: Plain, arrays: Uint8Array[]): unknown {
  if (typeof value === 'bigint') return { $bigint: value.toString() };
  // What JSON would change: -0 and the numbers that are none.
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) return { $number: Object.is(value, -0) ? '-0' : String(value) };
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Uint8Array) return { $bytes: arrays.push(value) - 1 };
  if (isList(value)) return value.map((item) => pack(item, arrays));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, pack(item, arrays)]));
}

function isList(value: Plain): value is readonly Plain[] {
  return Array.isArray(value);
}

function put(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done);
}

function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32LE(value, 4 * index));
  return bytes;
}

function isZero(array: Uint8Array, page: number): boolean {
  const end = Math.min((page + 1) * PAGE, array.length);
  for (let at = page * PAGE; at < end; at++) if (array[at] !== 0) return false;
  return true;
}

export function readSnapshotFile(path: string): Plain {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw new CliError('input', `can't read the snapshot ${path}: ${reasonOf(error)}`, 'Name a file that --save wrote.', { cause: error });
  }
  try {
    return new Reader(file, path).state();
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError('input', `can't read the snapshot ${path}: ${reasonOf(error)}`, undefined, { cause: error });
  } finally {
    closeSync(file);
  }
}

class Reader {
  readonly #file: number;
  readonly #path: string;
  #left: number;

  constructor(file: number, path: string) {
    this.#file = file;
    this.#path = path;
    this.#left = fstatSync(file).size;
  }

  state(): Plain {
    if (this.#left < MAGIC.length || this.#bytes(MAGIC.length).toString('latin1') !== MAGIC) {
      throw new CliError('input', `${this.#path} is not a snapshot of this version of pckit`, 'Name a file that --save wrote.');
    }
    const jsonLength = this.#u32();
    if (jsonLength > MAX_JSON) this.#damaged();
    let json: unknown;
    try {
      json = JSON.parse(this.#bytes(jsonLength).toString('utf8'));
    } catch (error) {
      if (error instanceof CliError) throw error;
      this.#damaged();
    }
    const arrays: Uint8Array[] = [];
    for (let count = countArrays(json); count > 0; count--) arrays.push(this.#array());
    if (this.#bytes(END.length).toString('latin1') !== END) this.#damaged();
    return this.#unpack(json, arrays);
  }

  #array(): Uint8Array {
    const length = Number(this.#bytes(8).readBigUInt64LE());
    if (length > MAX_ARRAY) this.#damaged();
    const array = new Uint8Array(length);
    const pages = Math.ceil(length / PAGE);
    for (let next = 0; ; ) {
      const page = this.#u32();
      if (page === NO_MORE_PAGES) return array;
      const count = this.#u32();
      // Runs are in order, so that what a file can make us do is bounded by its size.
      if (page < next || count === 0 || count > RUN || page + count > pages) this.#damaged();
      next = page + count;
      this.#into(array.subarray(page * PAGE, Math.min(next * PAGE, length)));
    }
  }

  #unpack(value: unknown, arrays: Uint8Array[]): Plain {
    if (value === null || typeof value !== 'object') return value as Plain;
    if (Array.isArray(value)) return value.map((item) => this.#unpack(item, arrays));
    const { $bytes, $bigint, $number } = value as { $bytes?: unknown; $bigint?: unknown; $number?: unknown };
    if (typeof $bytes === 'number') return arrays[$bytes] ?? this.#damaged();
    if (typeof $bigint === 'string' && /^-?\d+$/.test($bigint)) return BigInt($bigint);
    if (typeof $number === 'string') return Number($number);
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.#unpack(item, arrays)]));
  }

  #u32(): number {
    return this.#bytes(4).readUInt32LE();
  }

  #bytes(length: number): Buffer {
    if (length > this.#left) this.#damaged();
    const bytes = Buffer.alloc(length);
    this.#into(bytes);
    return bytes;
  }

  #into(bytes: Uint8Array): void {
    if (bytes.length > this.#left) this.#damaged();
    this.#left -= bytes.length;
    for (let done = 0; done < bytes.length; ) {
      const got = readSync(this.#file, bytes, done, bytes.length - done, null);
      if (got === 0) this.#damaged();
      done += got;
    }
  }

  #damaged(): never {
    throw new CliError('input', `the snapshot ${this.#path} is damaged or was cut off`, 'Save it again.');
  }
}

function countArrays(value: unknown): number {
  if (value === null || typeof value !== 'object') return 0;
  if (typeof (value as { $bytes?: unknown }).$bytes === 'number') return 1;
  return Object.values(value).reduce<number>((sum, item) => sum + countArrays(item), 0);
}
