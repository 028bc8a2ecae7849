import { gunzipSync } from 'node:zlib';
import { decompress } from '@pckit/debian-image';
import { BootError, isBzImage, planBoot, unpackPayload, type Payload } from '@pckit/linux-boot';
import { ZSTDDecoder } from 'zstddec';
import type { Unpack } from './commands/boot-options.js';
import { withoutX86Filter } from './xz-x86-filter.js';

type Lz4 = (typeof import('lz4js'))['default'];

/** By a name that the compiler doesn't follow: as its types it has its source, which isn't written for our settings. */
const LZMA_LIBRARY: string = 'lzma1';
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
        return lz4Legacy(bytes, uncompressedLength, (await import('lz4js')).default.decompressBlock);
      case 'lzma':
        return (await import(LZMA_LIBRARY) as LzmaLibrary).decompress(lzmaOfLength(bytes, uncompressedLength));
      case 'bzip2':
        return (await import('seek-bzip')).default.decode(bytes, uncompressedLength);
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

/**
 * The legacy frame, which `lz4 -l` writes for kernels (lz4 frame format, "Legacy frame"): a magic number, then blocks of at most 8 MiB, each behind its compressed
 * length. The library knows blocks, and of frames only the present one.
 */
function lz4Legacy(bytes: Uint8Array, length: number, decompressBlock: Lz4['decompressBlock']): Uint8Array {
  const LARGEST_BLOCK = 8 << 20;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const output = new Uint8Array(length);
  let written = 0;
  for (let at = 4; at + 4 <= bytes.length; ) {
    const compressed = view.getUint32(at, true);
    at += 4;
    if (at + compressed > bytes.length) throw new Error(`a block of ${compressed} bytes at ${at} ends behind the payload`);
    const end = decompressBlock(bytes, output, at, compressed, written);
    if (end > Math.min(length, written + LARGEST_BLOCK)) throw new Error(`the block at ${at} unpacks to ${end - written} bytes`);
    written = end;
    at += compressed;
  }
  return output.subarray(0, written);
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
