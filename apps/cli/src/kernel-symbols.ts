import { decompress } from '@pckit/debian-image';
import { KernelSymbols } from '@pckit/kernel-symbols';
import { BootError, extractPayload, type Payload } from '@pckit/linux-boot';

const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];
/** No kernel is that large; a file that says so is damaged. */
const LARGEST_KERNEL = 512 * 2 ** 20;

/** The symbols of a bzImage or a vmlinux. Throws where there are none, or they can't be reached. */
export async function readKernelSymbols(kernel: Uint8Array): Promise<KernelSymbols> {
  return new KernelSymbols(ELF_MAGIC.every((byte, at) => kernel[at] === byte) ? kernel : await unpack(extractPayload(kernel)));
}

async function unpack({ compression, bytes, uncompressedLength = 0 }: Payload): Promise<Uint8Array> {
  if (uncompressedLength > LARGEST_KERNEL) throw new BootError('too-large', `the kernel's payload is ${uncompressedLength} bytes long unpacked, at most ${LARGEST_KERNEL} are taken`);
  switch (compression) {
    case 'none':
      return bytes;
    case 'gzip':
    case 'xz':
    case 'zstd':
      return decompress(bytes, uncompressedLength);
    case 'lz4':
      return unpackLz4(bytes, uncompressedLength);
    default:
      throw new BootError('unsupported', `the kernel is compressed with ${compression}`);
  }
}

/** The legacy frame (lz4 frame format, "Legacy frame"), which kernels are packed in: blocks, each behind its length. */
function unpackLz4(bytes: Uint8Array, length: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const into = new Uint8Array(length);
  let written = 0;
  const damaged = (): BootError => new BootError('malformed', 'the kernel\'s lz4 payload is damaged');
  for (let at = 4; at + 4 <= bytes.length; ) {
    const end = at + 4 + view.getUint32(at, true);
    if (end > bytes.length) throw damaged();
    const first = written;
    // lz4 block format: literals, then a match further back.
    for (let i = at + 4; i < end; ) {
      const token = bytes[i++] as number;
      const more = (start: number): number => {
        let count = start;
        for (let byte = 255; start === 15 && byte === 255 && i < end; count += byte) byte = bytes[i++] as number;
        return count;
      };
      const literals = more(token >> 4);
      if (i + literals > end || written + literals > length) throw damaged();
      into.set(bytes.subarray(i, i + literals), written);
      written += literals;
      i += literals;
      if (i >= end) break;
      const distance = i + 2 <= end ? view.getUint16(i, true) : 0;
      i += 2;
      const count = more(token & 15) + 4;
      if (distance === 0 || written - distance < first || written + count > length) throw damaged();
      for (let k = 0; k < count; k++, written++) into[written] = into[written - distance] as number;
    }
    at = end;
  }
  return into.subarray(0, written);
}
