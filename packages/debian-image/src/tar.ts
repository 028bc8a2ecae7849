/** Tar as dpkg-deb writes it: ustar, with GNU long names and links ('L', 'K') and pax headers ('x', 'g') for path, linkpath, size. */
import { ImageError } from './image-error.js';

const BLOCK = 512;
/** Of a long name or a pax header; larger is an attack. */
const META_LIMIT = 1 << 20;

export type TarType = 'file' | 'directory' | 'symlink' | 'link' | 'character' | 'block' | 'fifo';

export interface TarEntry {
  /** As stored, less a leading "./" or "/". The root itself is "". */
  readonly path: string;
  readonly type: TarType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly size: number;
  /** Target of a link. */
  readonly target: string;
  /** The contents. Only until the next entry is asked for; what isn't asked for is skipped. */
  data(): Promise<Uint8Array>;
}

const TYPES: Readonly<Record<string, TarType>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};

/** @param limit largest file that `data()` gives */
export async function* readTar(chunks: AsyncIterable<Uint8Array>, limit = 2 ** 30): AsyncGenerator<TarEntry, void, undefined> {
  const source = new ByteSource(chunks);
  let longName: string | undefined;
  let longLink: string | undefined;
  let pax = new Map<string, string>();
  try {
    for (;;) {
      const block = await source.take(BLOCK);
      if (block === undefined) throw new ImageError('truncated', 'tar: the archive ends without its end mark');
      if (block.every((byte) => byte === 0)) return;
      checkSum(block);
      const typeFlag = String.fromCharCode(block[156]);
      const paxSize = pax.get('size');
      const size = paxSize === undefined ? numeric(block, 124, 12) : Number(paxSize);
      if (!Number.isSafeInteger(size) || size < 0) throw new ImageError('malformed', `tar: an entry's size is ${size}`);

      if (typeFlag === 'L' || typeFlag === 'K' || typeFlag === 'x' || typeFlag === 'g') {
        if (size > META_LIMIT) throw new ImageError('too-large', `tar: a "${typeFlag}" header of ${size} bytes`);
        const meta = await payload(source, size);
        if (typeFlag === 'L') longName = cText(meta);
        else if (typeFlag === 'K') longLink = cText(meta);
        else if (typeFlag === 'x') pax = parsePax(meta);
        continue;
      }

      const type = TYPES[typeFlag];
      if (type === undefined) throw new ImageError('unsupported', `tar: entry type ${JSON.stringify(typeFlag)}`);
      const isUstar = utf8(block.subarray(257, 262)) === 'ustar';
      const prefix = isUstar && block[262] === 0 ? cText(block.subarray(345, 500)) : '';
      const shortName = cText(block.subarray(0, 100));
      const name = pax.get('path') ?? longName ?? (prefix === '' ? shortName : `${prefix}/${shortName}`);
      const target = pax.get('linkpath') ?? longLink ?? cText(block.subarray(157, 257));
      longName = undefined;
      longLink = undefined;
      pax = new Map();

      const length = type === 'file' ? size : 0;
      let data: Promise<Uint8Array> | undefined;
      yield {
        path: name.replace(/^\.?\/+/, '').replace(/\/+$/, '').replace(/^\.$/, ''),
        type,
        mode: numeric(block, 100, 8) & 0o7777,
        uid: numeric(block, 108, 8),
        gid: numeric(block, 116, 8),
        mtime: numeric(block, 136, 12),
        size: length,
        target,
        data: () => {
          if (length > limit) return Promise.reject(new ImageError('too-large', `tar: ${name} has ${length} bytes, the limit is ${limit}`));
          data ??= payload(source, length);
          return data;
        },
      };
      if (data === undefined) await skip(source, length);
      else await data;
    }
  } finally {
    await source.close();
  }
}

async function payload(source: ByteSource, size: number): Promise<Uint8Array> {
  const data = await source.take(size);
  if (data === undefined) throw new ImageError('truncated', `tar: the archive ends within an entry of ${size} bytes`);
  await skip(source, size, padding(size));
  return data;
}

async function skip(source: ByteSource, size: number, length = size + padding(size)): Promise<void> {
  if (!(await source.skip(length))) throw new ImageError('truncated', `tar: the archive ends within an entry of ${size} bytes`);
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function cText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return utf8(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Octal text, or base 256 when the first bit is set (GNU). */
function numeric(block: Uint8Array, at: number, length: number): number {
  if ((block[at] & 0x80) !== 0) {
    let value = block[at] & 0x7f;
    for (let index = 1; index < length; index++) value = value * 256 + block[at + index];
    return value;
  }
  const text = String.fromCharCode(...block.subarray(at, at + length)).replace(/[\0 ]+$/, '').trimStart();
  if (text === '') return 0;
  if (!/^[0-7]+$/.test(text)) throw new ImageError('malformed', `tar: ${JSON.stringify(text)} is not an octal number`);
  return Number.parseInt(text, 8);
}

function checkSum(block: Uint8Array): void {
  let sum = 0;
  for (let index = 0; index < BLOCK; index++) sum += index >= 148 && index < 156 ? 0x20 : block[index];
  if (sum !== numeric(block, 148, 8)) throw new ImageError('malformed', 'tar: a header\'s checksum is wrong');
}

/** "LENGTH KEY=VALUE\n" records; LENGTH counts itself. */
function parsePax(bytes: Uint8Array): Map<string, string> {
  const records = new Map<string, string>();
  let at = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(0x20, at);
    const length = space < 0 ? Number.NaN : Number(utf8(bytes.subarray(at, space)));
    const record = Number.isInteger(length) && length > 0 && at + length <= bytes.length ? utf8(bytes.subarray(space + 1, at + length - 1)) : '';
    const equals = record.indexOf('=');
    if (equals < 1) throw new ImageError('malformed', 'tar: a pax record is not "LENGTH KEY=VALUE"');
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}

/** Exact byte counts out of chunks of any size. */
class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** A copy of the next `length` bytes; `undefined` if there are fewer. */
  async take(length: number): Promise<Uint8Array | undefined> {
    // Grows with what really arrives: a hostile length allocates nothing.
    const parts: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#chunk.length === 0 && !(await this.#next())) return undefined;
      const part = this.#chunk.subarray(0, missing);
      this.#chunk = this.#chunk.subarray(part.length);
      parts.push(part);
      missing -= part.length;
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  async skip(length: number): Promise<boolean> {
    let missing = length;
    while (missing > 0) {
      if (this.#chunk.length === 0 && !(await this.#next())) return false;
      const step = Math.min(missing, this.#chunk.length);
      this.#chunk = this.#chunk.subarray(step);
      missing -= step;
    }
    return true;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #next(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done === true) return false;
    this.#chunk = value;
    return true;
  }
}
