import { gunzipSync } from 'node:zlib';
import { decompress } from '@pckit/debian-image';
import { BootError, isBzImage, planBoot, unpackPayload, type Payload } from '@pckit/linux-boot';
import { ZSTDDecoder } from 'zstddec';
import type { Unpack } from './commands/boot-options.js';
import { withoutX86Filter } from './xz-x86-filter.js';

/** By a name that the compiler doesn't follow: as its types it has its source, which isn't written for our settings. */
const LZMA_LIBRARY: string = 'lzma1';
/** It has none. */
const BZIP2_LIBRARY: string = 'seek-bzip';
interface Bzip2Library {
  readonly default: { decode(bytes: Uint8Array, length: number): Uint8Array };
}
interface LzmaLibrary {
  decompress(bytes: Uint8Array): Uint8Array;
}

/** No kernel is that large; a file that says so is damaged. */
const LARGEST_KERNEL = 512 * 2 ** 20;

/** Decompresses a kernel's payload on the host, for `unpackPayload` of @pckit/linux-boot. */
export async function decompressPayload({ compression, bytes, uncompressedLength = 0 }: Payload): Promise<Uint8Array> {
  if (uncompressedLength > LARGEST_KERNEL) {
    throw new BootError('too-large', `the kernel's payload is ${uncompressedLength} bytes long unpacked, at most ${LARGEST_KERNEL} are taken`);
  }
  try {
    switch (compression) {
      case 'gzip':
        return gunzipSync(bytes, { maxOutputLength: uncompressedLength });
      case 'xz': {
        const { stream, finish } = withoutX86Filter(bytes);
        return finish(await decompress(stream, uncompressedLength));
      }
      case 'zstd': {
        const decoder = new ZSTDDecoder();
        await decoder.init();
        return decoder.decode(bytes, uncompressedLength);
      }
      case 'lz4':
        return unpackLz4(bytes, uncompressedLength);
      case 'lzma':
        return (await import(LZMA_LIBRARY) as LzmaLibrary).decompress(lzmaOfLength(bytes, uncompressedLength));
      case 'bzip2':
        return ((await import(BZIP2_LIBRARY)) as Bzip2Library).default.decode(bytes, uncompressedLength);
      case 'lzo':
      case 'none':
        break;
    }
  } catch (error) {
    throw new BootError('malformed', `the kernel's ${compression} payload: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  throw new BootError('unsupported', `the kernel's payload is compressed with ${compression}, which only its own decompressor unpacks`);
}

/**
 * Written to a pipe, a stream doesn't say how long it is, only marks its end (LZMA SDK, "LZMA specification", the header's uncompressed size). We know better, and a
 * stream without the mark would never end.
 */
function lzmaOfLength(bytes: Uint8Array, length: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  if (copy.length < 13) throw new Error(`a stream of ${copy.length} bytes`);
  const view = new DataView(copy.buffer);
  view.setUint32(5, length, true);
  view.setUint32(9, 0, true);
  return copy;
}

/** Up to so many, copying them one by one is quicker than a call. */
const FEW_BYTES = 32;

/** The legacy frame (lz4 frame format, "Legacy frame"), which kernels are packed in: blocks, each behind its length. */
function unpackLz4(bytes: Uint8Array, length: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const into = new Uint8Array(length);
  let written = 0;
  let i = 4;
  let end = 0;
  const damaged = (): BootError => new BootError('malformed', 'the kernel\'s lz4 payload is damaged');
  /** Of a count of 15, the rest. */
  const more = (): number => {
    let count = 15;
    for (let byte = 255; byte === 255 && i < end; count += byte) byte = bytes[i++] as number;
    return count;
  };
  for (; i + 4 <= bytes.length; i = end) {
    end = i + 4 + view.getUint32(i, true);
    i += 4;
    if (end > bytes.length) throw damaged();
    const first = written;
    // lz4 block format: literals, then a match further back.
    while (i < end) {
      const token = bytes[i++] as number;
      const literals = token >> 4 === 15 ? more() : token >> 4;
      if (i + literals > end || written + literals > length) throw damaged();
      if (literals > FEW_BYTES) {
        into.set(bytes.subarray(i, i + literals), written);
        written += literals;
        i += literals;
      } else for (const stop = i + literals; i < stop; ) into[written++] = bytes[i++] as number;
      if (i >= end) break;
      const distance = i + 2 <= end ? (bytes[i] as number) | ((bytes[i + 1] as number) << 8) : 0;
      i += 2;
      const count = 4 + ((token & 15) === 15 ? more() : token & 15);
      let from = written - distance;
      if (distance === 0 || from < first || written + count > length) throw damaged();
      if (count > FEW_BYTES && distance >= count) {
        into.copyWithin(written, from, from + count);
        written += count;
      } else for (const stop = written + count; written < stop; ) into[written++] = into[from++] as number;
    }
  }
  return into.subarray(0, written);
}

export interface UnpackRequest {
  readonly kernel: Uint8Array;
  /** Absent: as it works best. */
  readonly unpack?: Unpack | undefined;
  readonly commandLine: string;
  readonly memoryBytes: number;
  readonly say: (message: string) => void;
}

/**
 * What the kernel's file holds, for a machine that boots it without its own decompressor.
 *
 * @returns undefined where the guest unpacks, or there is nothing to unpack
 */
export async function unpackKernel({ kernel, unpack, commandLine, memoryBytes, say }: UnpackRequest): Promise<Uint8Array | undefined> {
  if (unpack === 'guest' || !isBzImage(kernel)) return undefined;
  try {
    const unpacked = await unpackPayload(kernel, decompressPayload);
    // A trial, for what only placing it shows; half of all slides, so that it is moved too.
    planBoot({ kernel, unpacked, commandLine, memory: { ramBytes: memoryBytes }, kaslrSeed: 2 ** 31 });
    return unpacked;
  } catch (error) {
    if (unpack === 'host' || !(error instanceof BootError)) throw error;
    // Whatever is wrong with the machine or the command line is said when it is booted.
    if (error.code === 'unsupported' || error.code === 'malformed') say(`the guest unpacks its kernel itself: ${error.message}`);
    return undefined;
  }
}
