/** gzip (the platform's), xz and zstd, told apart by their magic; streamed, so that a .deb's data never lie in memory whole. */
import { Decompress as ZstdDecompress } from 'fzstd';
import * as xzModule from 'xz-decompress';
import { ImageError } from './image-error.js';

export type Compression = 'none' | 'gzip' | 'xz' | 'zstd';

const MAGIC: readonly (readonly [Compression, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
];

export function detectCompression(bytes: Uint8Array): Compression {
  return MAGIC.find(([, magic]) => magic.every((byte, index) => bytes[index] === byte))?.[0] ?? 'none';
}

/** @throws ImageError `malformed` or `truncated` when the data aren't a complete stream */
export async function* decompressChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  const kind = detectCompression(bytes);
  try {
    switch (kind) {
      case 'none':
        yield bytes;
        return;
      case 'gzip':
        yield* chunksOf(streamOf(bytes).pipeThrough(gunzip()));
        return;
      case 'xz':
        checkXzEnd(bytes);
        yield* chunksOf(new XzReadableStream(streamOf(bytes)));
        return;
      case 'zstd':
        yield* zstdChunks(bytes);
    }
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw new ImageError('malformed', `${kind}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

interface Pair {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

function gunzip(): Pair {
  return new DecompressionStream('gzip') as Pair;
}

/** @param limit bytes of output after which a bomb is assumed */
export async function decompress(bytes: Uint8Array, limit = 2 ** 30): Promise<Uint8Array> {
  if (detectCompression(bytes) === 'none') return bytes;
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of decompressChunks(bytes)) {
    total += chunk.length;
    if (total > limit) throw new ImageError('too-large', `decompressed data exceed the limit of ${limit} bytes`);
    chunks.push(chunk);
  }
  const whole = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

type XzConstructor = new (compressed: ReadableStream<Uint8Array>) => ReadableStream<Uint8Array>;
// A CommonJS bundle whose names Node's ES module loader can't see; bundlers and tsc do.
const xzExports = xzModule as unknown as { XzReadableStream?: XzConstructor; default?: { XzReadableStream: XzConstructor } };
const XzReadableStream = (xzExports.XzReadableStream ?? xzExports.default?.XzReadableStream) as XzConstructor;

/**
 * xz file format 1.1.0: a stream ends with a 12-byte footer (CRC32, backward size, flags, "YZ"), then optional padding of zeros in
 * groups of four. The decoder doesn't complain about an input that ends early, so we look first.
 */
function checkXzEnd(bytes: Uint8Array): void {
  let end = bytes.length;
  while (end >= 4 && bytes[end - 1] === 0 && bytes[end - 2] === 0 && bytes[end - 3] === 0 && bytes[end - 4] === 0) end -= 4;
  if (end < 32 || bytes[end - 2] !== 0x59 || bytes[end - 1] !== 0x5a || bytes[end - 4] !== bytes[6] || bytes[end - 3] !== bytes[7]) {
    throw new ImageError('truncated', `xz: no stream footer at the end of ${bytes.length} bytes`);
  }
}

const SLICE = 1 << 20;

/** Input in slices, so that neither side holds a copy of everything. */
function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= bytes.length) {
        controller.close();
        return;
      }
      controller.enqueue(bytes.slice(at, at + SLICE));
      at += SLICE;
    },
  });
}

async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function* zstdChunks(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  const pending: Uint8Array[] = [];
  let ended = false;
  const stream = new ZstdDecompress((chunk, final) => {
    pending.push(chunk.slice());
    ended ||= final === true;
  });
  for (let at = 0; at < bytes.length; at += SLICE) {
    stream.push(bytes.subarray(at, at + SLICE), at + SLICE >= bytes.length);
    yield* pending.splice(0);
  }
  if (!ended) throw new ImageError('truncated', `zstd: ${bytes.length} bytes are no whole frame`);
}
