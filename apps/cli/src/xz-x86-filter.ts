/**
 * xz streams with the x86 filter, which the kernel's build uses (scripts/xz_wrap.sh) and the decompression library doesn't know. The stream is written
 * anew without the filter and without the checks, which are of the filtered data; what comes out is then filtered and checked here.
 *
 * The .xz File Format 1.1.0; the filter as in section 5.3.2 and in the kernel's lib/xz/xz_dec_bcj.c.
 */
import { crc32 } from 'node:zlib';

interface Block {
  /** Of its data, decompressed. */
  readonly length: number;
  readonly filtered: boolean;
  /** CRC32 of the decompressed data, where the stream has those. */
  readonly crc: number | undefined;
}

export interface UnfilteredXz {
  /** The same without filter and checks. */
  readonly stream: Uint8Array;
  /** Puts filter and checks onto what the stream decompresses to; changes it. */
  readonly finish: (bytes: Uint8Array) => Uint8Array;
}

const HEADER_LENGTH = 12;
const CHECK_NONE = 0;
const CHECK_CRC32 = 1;
/** Section 2.1.1.2: bytes of a check, by its ID. */
const CHECK_LENGTH = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];
const FILTER_X86 = 0x04;

/** @throws Error for what is no such stream: truncated, damaged */
export function withoutX86Filter(bytes: Uint8Array): UnfilteredXz {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const footer = bytes.length - HEADER_LENGTH;
  if (footer < HEADER_LENGTH || bytes[footer + 10] !== 0x59 || bytes[footer + 11] !== 0x5a) throw new Error('no footer where the stream ends');
  const index = footer - (view.getUint32(footer + 4, true) + 1) * 4;
  const check = bytes[7] & 0x0f;
  const checkLength = CHECK_LENGTH[check];
  if (index < HEADER_LENGTH || bytes[index] !== 0) throw new Error('no index where the footer says');

  const numbers = numberReader(bytes, index + 1, footer);
  const count = numbers();
  const pieces: Uint8Array[] = [streamHeader()];
  const blocks: Block[] = [];
  const records: number[] = [];
  let at = HEADER_LENGTH;
  for (let block = 0; block < count; block++) {
    const unpadded = numbers();
    const length = numbers();
    const end = at + unpadded - checkLength;
    if (end <= at || end + checkLength > index) throw new Error(`block ${block} ends behind the index`);
    const { header, headerLength, filtered } = blockHeader(bytes, at, end);
    const data = bytes.subarray(at + headerLength, end);
    pieces.push(header, data, new Uint8Array(-data.length & 3));
    // The check follows the padding.
    const checkAt = at + align4(end - at);
    blocks.push({ length, filtered, crc: check === CHECK_CRC32 ? view.getUint32(checkAt, true) : undefined });
    records.push(unpadded - checkLength, length);
    at = checkAt + checkLength;
  }
  const newIndex = indexOf(count, records);
  pieces.push(newIndex, streamFooter(newIndex.length));
  return { stream: Buffer.concat(pieces), finish: (output) => finish(output, blocks) };
}

function finish(bytes: Uint8Array, blocks: readonly Block[]): Uint8Array {
  let at = 0;
  for (const { length, filtered, crc } of blocks) {
    const block = bytes.subarray(at, at + length);
    if (block.length !== length) throw new Error(`the stream has ${bytes.length} bytes, its index says more`);
    if (filtered) decodeX86(block);
    if (crc !== undefined && crc32(block) !== crc) throw new Error('the check sum is wrong: the data are damaged');
    at += length;
  }
  return bytes;
}

/** Section 3.1, without the x86 filter: the padding takes its place. */
function blockHeader(bytes: Uint8Array, at: number, end: number): { header: Uint8Array; headerLength: number; filtered: boolean } {
  const headerLength = (bytes[at] + 1) * 4;
  if (bytes[at] === 0 || at + headerLength > end) throw new Error(`no block header at ${at}`);
  const flags = bytes[at + 1];
  // Copies: a Buffer's own slice would be a view.
  const header = new Uint8Array(bytes.subarray(at, at + headerLength));
  let position = 2;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; shift < 63; shift += 7) {
      const byte = header[position++];
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) break;
    }
    return value;
  };
  for (const present of [0x40, 0x80]) if ((flags & present) !== 0) number();
  const filters = position;
  const filtered = (flags & 3) > 0 && number() === FILTER_X86;
  if (filtered) {
    // Its property would be a start offset.
    if (number() !== 0) throw new Error('an x86 filter with a start offset');
    const rest = header.slice(position, headerLength - 4);
    header.fill(0, filters);
    header.set(rest, filters);
    header[1] = flags - 1;
  }
  new DataView(header.buffer).setUint32(headerLength - 4, crc32(header.subarray(0, headerLength - 4)), true);
  return { header, headerLength, filtered };
}

/**
 * Calls and jumps hold where they lead to instead of how far it is; this turns them back. What the encoder took for one depends on the opcode bytes
 * right before, so both sides keep track of the last three: bit n of `recent` says that one lay n + 1 bytes back and was left alone.
 */
function decodeX86(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isSign = (byte: number): boolean => byte === 0 || byte === 0xff;
  let recent = 0;
  let last = -1;
  for (let at = 0; at + 4 < bytes.length; at++) {
    // E8 CALL, E9 JMP.
    if ((bytes[at] & 0xfe) !== 0xe8) continue;
    const distance = at - last;
    last = at;
    recent = distance > 3 ? 0 : (recent << (distance - 1)) & 7;
    // How far back the earliest of them reaches into our operand.
    const overlap = recent === 0 ? 0 : 32 - Math.clz32(recent);
    const ambiguous = recent !== 0 && ((recent & (recent - 1)) !== 0 || isSign(bytes[at + 4 - overlap]));
    if (ambiguous || !isSign(bytes[at + 4])) {
      recent = (recent << 1) | 1;
      continue;
    }
    let target = view.getUint32(at + 1, true);
    let displacement = (target - (at + 5)) >>> 0;
    while (overlap !== 0 && isSign((displacement >>> (24 - overlap * 8)) & 0xff)) {
      target = (displacement ^ (2 ** (32 - overlap * 8) - 1)) >>> 0;
      displacement = (target - (at + 5)) >>> 0;
    }
    // 25 bits, sign-extended.
    view.setUint32(at + 1, (displacement << 7) >> 7, true);
    at += 4;
    last = at - 4;
    recent = 0;
  }
}

function numberReader(bytes: Uint8Array, start: number, end: number): () => number {
  let at = start;
  return () => {
    let value = 0;
    for (let shift = 0; at < end && shift < 63; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) return value;
    }
    throw new Error('the index is cut off');
  };
}

function streamHeader(): Uint8Array {
  const header = new Uint8Array(HEADER_LENGTH);
  header.set([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, CHECK_NONE]);
  new DataView(header.buffer).setUint32(8, crc32(header.subarray(6, 8)), true);
  return header;
}

function indexOf(count: number, records: readonly number[]): Uint8Array {
  const numbers = [count, ...records].flatMap((value) => {
    const bytes: number[] = [];
    for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
    return [...bytes, value];
  });
  const length = align4(1 + numbers.length);
  const index = new Uint8Array(length + 4);
  index.set(numbers, 1);
  new DataView(index.buffer).setUint32(length, crc32(index.subarray(0, length)), true);
  return index;
}

function streamFooter(indexLength: number): Uint8Array {
  const footer = new Uint8Array(HEADER_LENGTH);
  const view = new DataView(footer.buffer);
  view.setUint32(4, indexLength / 4 - 1, true);
  footer.set([0x00, CHECK_NONE, 0x59, 0x5a], 8);
  view.setUint32(0, crc32(footer.subarray(4, 10)), true);
  return footer;
}

function align4(length: number): number {
  return Math.ceil(length / 4) * 4;
}
