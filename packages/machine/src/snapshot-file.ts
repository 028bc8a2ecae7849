import type { Plain } from '@pckit/interfaces';
import { MachineError } from './machine-error.js';
import { decodePlain, encodePlain } from './plain-codec.js';
import type { RamRun, Snapshot } from './snapshot.js';

/**
 * A snapshot as a file:
 *
 * - 8 bytes `PCKITSNP`, then a byte of format version (1) and a byte of flags (bit 0: what follows is gzip), then
 * - 4 bytes little-endian length and the state as `encodePlain` writes it, everything but RAM;
 * - for each run of RAM 8 bytes address, 4 bytes length (1 .. 2^30) and the bytes; a length of 0 ends the file.
 *
 * It is written and read piece by piece: RAM is never in memory twice.
 */
const MAGIC = 'PCKITSNP';
const FORMAT_VERSION = 1;
const FLAG_GZIP = 1;
const PREFIX = 10;
const LONGEST_RUN = 2 ** 30;

export interface WriteSnapshotOptions {
  /** Through the host's CompressionStream. Default true. */
  readonly compress?: boolean;
}

/** @returns the file's bytes, in pieces */
export async function* writeSnapshot(
  snapshot: Snapshot,
  options: WriteSnapshotOptions = {},
): AsyncGenerator<Uint8Array> {
  const compress = options.compress ?? true;
  const prefix = new Uint8Array(PREFIX);
  prefix.set(new TextEncoder().encode(MAGIC));
  prefix[8] = FORMAT_VERSION;
  prefix[9] = compress ? FLAG_GZIP : 0;
  yield prefix;
  if (compress) yield* through(new CompressionStream('gzip'), body(snapshot));
  else yield* body(snapshot);
}

function* body(snapshot: Snapshot): Generator<Uint8Array> {
  const { ram, ...rest } = snapshot;
  const state = encodePlain(rest as Plain);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, state.length, true);
  yield length;
  yield state;
  for (const { start, bytes } of ram) {
    yield runHeader(start, bytes.length);
    yield bytes;
  }
  yield runHeader(0, 0);
}

function runHeader(start: number, length: number): Uint8Array {
  const header = new Uint8Array(12);
  const view = new DataView(header.buffer);
  view.setUint32(0, start % 2 ** 32, true);
  view.setUint32(4, Math.floor(start / 2 ** 32), true);
  view.setUint32(8, length, true);
  return header;
}

/** Reads what `writeSnapshot` wrote, in pieces of any size. @throws MachineError when it isn't one, or is damaged */
export async function readSnapshot(file: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Snapshot> {
  const outer = new PieceReader(file);
  const prefix = await outer.take(PREFIX);
  if (new TextDecoder('latin1').decode(prefix.subarray(0, 8)) !== MAGIC)
    throw new MachineError('snapshot', 'this is no snapshot: it does not begin with PCKITSNP');
  if (prefix[8] !== FORMAT_VERSION)
    throw new MachineError('snapshot', `a snapshot file of format ${prefix[8]}; format ${FORMAT_VERSION} is known`);
  if ((prefix[9] & ~FLAG_GZIP) !== 0)
    throw new MachineError('snapshot', `a snapshot file with unknown flags ${prefix[9]}`);
  const reader =
    (prefix[9] & FLAG_GZIP) === 0 ? outer : new PieceReader(through(new DecompressionStream('gzip'), outer.rest()));
  try {
    const state = decodePlain(await reader.take(await reader.u32()));
    const ram: RamRun[] = [];
    for (;;) {
      const low = await reader.u32();
      const start = low + (await reader.u32()) * 2 ** 32;
      const length = await reader.u32();
      if (length === 0) break;
      if (length > LONGEST_RUN) throw new MachineError('snapshot', `a run of ${length} bytes of RAM`);
      ram.push({ start, bytes: await reader.take(length) });
    }
    await reader.end();
    if (typeof state !== 'object' || state === null || Array.isArray(state) || state instanceof Uint8Array)
      throw new MachineError('snapshot', 'the state in the file is no object');
    return checkShape({ ...state, ram });
  } catch (error) {
    if (error instanceof MachineError) throw error;
    throw new MachineError(
      'snapshot',
      `the snapshot file is damaged: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

/** That the parts are there; what is in them is checked by those who restore them. */
function checkShape(value: { readonly [field: string]: unknown }): Snapshot {
  const { version, shape, clock, door, loop, devices, processors } = value;
  const isObject = (part: unknown): boolean =>
    typeof part === 'object' && part !== null && !Array.isArray(part) && !(part instanceof Uint8Array);
  if (
    typeof version !== 'number' ||
    ![shape, clock, door, loop, devices].every(isObject) ||
    !Array.isArray(processors)
  ) {
    throw new MachineError('snapshot', 'the state in the file is not that of a machine');
  }
  return value as unknown as Snapshot;
}

/** Pieces of any size in, exactly what is asked for out. */
class PieceReader {
  readonly #pieces: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array(0);

  constructor(file: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    this.#pieces = Symbol.asyncIterator in file ? file[Symbol.asyncIterator]() : file[Symbol.iterator]();
  }

  async take(length: number): Promise<Uint8Array> {
    // Grows with what arrives: a damaged length must not allocate a gigabyte.
    const parts: Uint8Array[] = [];
    let have = 0;
    while (have < length) {
      if (this.#piece.length === 0) {
        const next = await this.#pieces.next();
        if (next.done === true)
          throw new MachineError('snapshot', `the snapshot file ends early: ${length} bytes wanted, ${have} left`);
        this.#piece = next.value;
        continue;
      }
      const part = this.#piece.subarray(0, length - have);
      this.#piece = this.#piece.subarray(part.length);
      parts.push(part);
      have += part.length;
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  async u32(): Promise<number> {
    const bytes = await this.take(4);
    return new DataView(bytes.buffer).getUint32(0, true);
  }

  async end(): Promise<void> {
    while (this.#piece.length === 0) {
      const next = await this.#pieces.next();
      if (next.done === true) return;
      this.#piece = next.value;
    }
    throw new MachineError('snapshot', 'something follows the end of the snapshot');
  }

  async *rest(): AsyncGenerator<Uint8Array> {
    yield this.#piece;
    for (;;) {
      const next = await this.#pieces.next();
      if (next.done === true) return;
      yield next.value;
    }
  }
}

/** Sends pieces through a (de)compression stream. */
async function* through(
  stream: { readonly readable: ReadableStream<Uint8Array>; readonly writable: WritableStream<BufferSource> },
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const writer = stream.writable.getWriter();
  const written = (async () => {
    for await (const piece of pieces) {
      await writer.ready;
      // The piece may be longer than what the stream buffers; its promise says when it is taken.
      await writer.write(piece as Uint8Array<ArrayBuffer>);
    }
    await writer.close();
  })();
  // The error shows in the reading end, or, when the source failed, in the await below.
  written.catch((error: unknown) => writer.abort(error).catch(() => undefined));
  const reader = stream.readable.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    yield value;
  }
  await written;
}
