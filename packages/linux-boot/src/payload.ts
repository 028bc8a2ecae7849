/** The compressed vmlinux inside a bzImage (boot.rst, payload_offset and payload_length), found, not unpacked. */
import { BootError } from './boot-error.js';
import { hex } from './bytes.js';
import { parseSetupHeader, protocolName } from './setup-header.js';

export type PayloadCompression = 'gzip' | 'bzip2' | 'lzma' | 'xz' | 'lzo' | 'lz4' | 'zstd' | 'none';

export interface Payload {
  readonly compression: PayloadCompression;
  /** In the file. */
  readonly offset: number;
  readonly length: number;
  /** A view into the file: the compressed stream, without the length that the kernel's build appends. */
  readonly bytes: Uint8Array;
  /** Of the ELF file inside, as the last four bytes say; `undefined` for `none`. */
  readonly uncompressedLength: number | undefined;
}

/** boot.rst, payload_offset: the magic numbers. */
const MAGIC: readonly (readonly [PayloadCompression, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['gzip', [0x1f, 0x9e]],
  ['bzip2', [0x42, 0x5a]],
  ['lzma', [0x5d, 0x00]],
  ['xz', [0xfd, 0x37]],
  ['lzo', [0x89, 0x4c]],
  ['lz4', [0x02, 0x21]],
  ['zstd', [0x28, 0xb5]],
  ['none', [0x7f, 0x45, 0x4c, 0x46]],
];

export function extractPayload(bzImage: Uint8Array): Payload {
  const header = parseSetupHeader(bzImage);
  if (header.version < 0x0208) {
    throw new BootError('unsupported', `bzImage: boot protocol ${protocolName(header.version)} doesn't say where its payload is; 2.08 does`);
  }
  const { payloadOffset, payloadLength } = header;
  if (payloadLength < 4 || payloadOffset + payloadLength > header.codeLength) {
    throw new BootError(
      'malformed',
      `bzImage: payload ${hex(payloadOffset)}+${hex(payloadLength)} lies outside the ${hex(header.codeLength)} bytes of code`,
    );
  }
  const offset = header.codeOffset + payloadOffset;
  const whole = bzImage.subarray(offset, offset + payloadLength);
  const compression = MAGIC.find(([, magic]) => magic.every((byte, index) => whole[index] === byte))?.[0];
  if (compression === undefined) {
    const start = [...whole.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw new BootError('unsupported', `bzImage: the payload begins with ${start}, which is no known compression`);
  }
  if (compression === 'none') return { compression, offset, length: payloadLength, bytes: whole, uncompressedLength: undefined };
  const uncompressedLength = new DataView(whole.buffer, whole.byteOffset, whole.byteLength).getUint32(payloadLength - 4, true);
  // gzip's own trailer is the length (ISIZE); the others got theirs from the kernel's build (scripts/Makefile.lib, size_append).
  const length = compression === 'gzip' ? payloadLength : payloadLength - 4;
  return { compression, offset, length, bytes: whole.subarray(0, length), uncompressedLength };
}
