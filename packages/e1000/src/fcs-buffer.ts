import { WordBuffer } from '@pckit/ethernet-offload';
import { crc32, crc32Rest } from './crc32.js';

// The frame check sequence of a long frame. By tables alone it would be a sixth of all the work on a frame that a guest receives.
//
// The CRC is the remainder of the frame, taken as a polynomial over GF(2), divided by the CRC's; adding multiples of that changes nothing. x^300 + x^155 + x^117 + x^89 + 1 is such a
// multiple (the least with five terms), and so is what squaring it three times makes of it, where all exponents are eight times as large. So a byte may be taken away from the
// frame's beginning if it is added 145, 183, 211 and 300 bytes behind it; sixteen at once are four additions of vectors. What is left in the end, some 300 bytes, is the tables'.

/** Bytes from one that is taken away to those that it is added to. */
const DISTANCES: readonly number[] = [145, 183, 211, 300];
const FURTHEST = 300;
const VECTOR = 16;
/** Fewer bytes are left as they are. */
const LEAST = FURTHEST + VECTOR;
/** Zeros, before what was taken away. */
const NOTHING = 304;
const PAGE = 65_536;

/** A buffer for a frame, whose FCS it computes. */
export class FcsBuffer {
  readonly frame: WordBuffer;
  /** What is left of the frame; without WebAssembly's vectors undefined. */
  readonly #rest: WordBuffer | undefined;
  readonly #fold: ((length: number) => number) | undefined;

  /** @param capacity in bytes, a multiple of 16 @param vectors for tests: whether there are any */
  constructor(capacity: number, vectors = true) {
    // The frame, what is taken away of it, what is left.
    const takenAt = capacity + NOTHING;
    const restAt = takenAt + capacity + 2 * VECTOR;
    const module = foldingModule(takenAt, restAt, Math.ceil((restAt + capacity + VECTOR) / PAGE));
    if (!vectors || !WebAssembly.validate(module)) {
      this.frame = new WordBuffer(capacity);
      return;
    }
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module));
    const { buffer } = exports['memory'] as WebAssembly.Memory;
    this.frame = new WordBuffer(new Uint8Array(buffer, 0, capacity));
    this.#rest = new WordBuffer(new Uint8Array(buffer, restAt, capacity));
    this.#fold = exports['fold'] as (length: number) => number;
  }

  /** Of the first `length` bytes; a number whose lowest byte goes first on the wire. */
  fcs(length: number): number {
    if (this.#fold === undefined || this.#rest === undefined || length < LEAST) return crc32(this.frame.bytes, length, this.frame.words);
    return crc32Rest(this.#rest.bytes, this.#fold(length), length, this.#rest.words);
  }
}

/**
 * `fold(length)` takes away the beginning of the frame at 0, and says where it ends: a multiple of 16. From there on `restAt` has what is left. Each vector that is taken away gets
 * what others before it have added to it just then, so that there is one store for it and not four: loads that overlap recent stores wait for them.
 */
function foldingModule(takenAt: number, restAt: number, pages: number): Uint8Array<ArrayBuffer> {
  const i32 = 0x7f;
  const [length, at, end] = [0, 1, 2];
  const get = (local: number): number[] => [0x20, local];
  const set = (local: number): number[] => [0x21, local];
  const constant = (value: number): number[] => [0x41, ...signed(value)];
  const load = (offset: number): number[] => [...get(at), 0xfd, 0x00, 0, ...unsigned(offset)];
  const XOR = [0xfd, 0x51];
  // The CRC begins with all ones, which are added to the first four bytes.
  const invertFirst = [...constant(0), ...constant(0), 0x28, 2, 0, ...constant(-1), 0x73, 0x36, 2, 0];
  /** From `at` to `end`. */
  const gather = (into: number): number[] => [
    ...[0x02, 0x40, 0x03, 0x40, ...get(at), ...get(end), 0x4e, 0x0d, 1],
    ...[...get(at), ...load(0)],
    ...DISTANCES.flatMap((distance) => [...load(takenAt - distance), ...XOR]),
    ...[0xfd, 0x0b, 0, ...unsigned(into)],
    ...[...get(at), ...constant(VECTOR), 0x6a, ...set(at), 0x0c, 0, 0x0b, 0x0b],
  ];
  const code = [
    ...invertFirst,
    ...[...get(length), ...constant(FURTHEST), 0x6b, ...constant(-VECTOR), 0x71, ...set(end)],
    ...gather(takenAt),
    // memory.fill: from here on nothing is taken away.
    ...[...constant(takenAt), ...get(end), 0x6a, ...constant(0), ...constant(FURTHEST), 0xfc, 11, 0],
    ...[...get(length), ...set(end), ...gather(restAt)],
    ...invertFirst,
    ...[...get(length), ...constant(FURTHEST), 0x6b, ...constant(-VECTOR), 0x71, 0x0b],
  ];
  const body = [1, 2, i32, ...code];
  const section = (id: number, content: readonly number[]): number[] => [id, ...unsigned(content.length), ...content];
  const name = (text: string): number[] => [text.length, ...Array.from(text, (letter) => letter.charCodeAt(0))];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, i32, 1, i32]),
    ...section(3, [1, 0]),
    ...section(5, [1, 1, ...unsigned(pages), ...unsigned(pages)]),
    ...section(7, [2, ...name('memory'), 2, 0, ...name('fold'), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
}

/** LEB128 */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  return value >= -64 && value < 64 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}
