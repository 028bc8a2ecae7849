import { PAGE_BYTES } from './layout.js';

/**
 * Looks at pages of a WebAssembly memory from within: whether a page is all zeros, and a running 64-bit hash over pages. In WebAssembly because a
 * snapshot or a hash of 2 GiB of mostly empty RAM must take a fraction of a second, and 64-bit arithmetic in JavaScript would take a BigInt a word.
 *
 * The hash has the structure of xxHash64 (four lanes of multiply and rotate over 32-byte stripes, then a merge and an avalanche), applied to a page
 * with its number mixed in, the pages' values chained. It tells machine states apart; it is no defence against someone who wants a collision.
 */
export class PageScanner {
  readonly #nonZero: (offset: number) => number;
  readonly #hash: (offset: number, page: number) => void;
  readonly #start: () => void;
  readonly #low: () => number;
  readonly #high: () => number;

  constructor(memory: WebAssembly.Memory) {
    const shared = memory.buffer instanceof ArrayBuffer ? undefined : 65536;
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(scannerModule(shared)), { m: { m: memory } });
    this.#nonZero = exports['nonZero'] as (offset: number) => number;
    this.#hash = exports['hash'] as (offset: number, page: number) => void;
    this.#start = exports['start'] as () => void;
    this.#low = exports['low'] as () => number;
    this.#high = exports['high'] as () => number;
  }

  /** Whether the 4 KiB at this byte offset of the memory hold anything but zeros. */
  isNonZero(offset: number): boolean {
    return this.#nonZero(offset) !== 0;
  }

  startHash(): void {
    this.#start();
  }

  /** Adds the page at `offset`; `page` is its number in the guest's physical memory. */
  addPage(offset: number, page: number): void {
    this.#hash(offset, page);
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    return (this.#high() >>> 0).toString(16).padStart(8, '0') + (this.#low() >>> 0).toString(16).padStart(8, '0');
  }
}

const I32 = 0x7f;
const I64 = 0x7e;
const EMPTY = 0x40;
const BLOCK = 0x02;
const LOOP = 0x03;
const END = 0x0b;
const BR_IF = 0x0d;
const RETURN = 0x0f;
const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const LOCAL_TEE = 0x22;
const GLOBAL_GET = 0x23;
const GLOBAL_SET = 0x24;
const I64_LOAD = 0x29;
const I32_CONST = 0x41;
const I64_CONST = 0x42;
const I32_NE = 0x47;
const I32_ADD = 0x6a;
const I64_ADD = 0x7c;
const I64_MUL = 0x7e;
const I64_XOR = 0x85;
const I64_SHR_U = 0x88;
const I64_ROTL = 0x89;
const I32_WRAP_I64 = 0xa7;
const I64_EXTEND_I32_U = 0xad;
const V128_LOAD = [0xfd, 0x00];
const V128_OR = [0xfd, 0x50];
const V128_ANY_TRUE = [0xfd, 0x53];

/** The primes of xxHash64. */
const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  do {
    bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value >>>= 7;
  } while (value !== 0);
  return bytes;
}

function signed(value: bigint): number[] {
  const bytes: number[] = [];
  for (;;) {
    const byte = Number(value & 0x7fn);
    value >>= 7n;
    if ((value === 0n && (byte & 0x40) === 0) || (value === -1n && (byte & 0x40) !== 0)) return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
}

const i32 = (value: number): number[] => [I32_CONST, ...signed(BigInt(value))];
const i64 = (value: bigint): number[] => [I64_CONST, ...signed(BigInt.asIntN(64, value))];
const get = (local: number): number[] => [LOCAL_GET, local];
const set = (local: number): number[] => [LOCAL_SET, local];
const section = (id: number, content: number[]): number[] => [id, ...unsigned(content.length), ...content];
const vector = (items: number[][]): number[] => [...unsigned(items.length), ...items.flat()];
const name = (text: string): number[] => [...unsigned(text.length), ...[...text].map((c) => c.charCodeAt(0))];

function body(locals: number[][], code: number[]): number[] {
  const content = [...vector(locals), ...code, END];
  return [...unsigned(content.length), ...content];
}

/** Repeats `code` while local 0, advanced by `step`, has not reached local `end`. */
function loop(end: number, step: number, code: number[]): number[] {
  return [LOOP, EMPTY, ...code, ...get(0), ...i32(step), I32_ADD, LOCAL_TEE, 0, ...get(end), I32_NE, BR_IF, 0, END];
}

function nonZeroBody(): number[] {
  const end = 1;
  const load = (offset: number): number[] => [...get(0), ...V128_LOAD, 4, ...unsigned(offset)];
  const stripe = [...load(0)];
  for (let offset = 16; offset < 128; offset += 16) stripe.push(...load(offset), ...V128_OR);
  // if any bit is set: return 1
  const test = [BLOCK, EMPTY, ...stripe, ...V128_ANY_TRUE, 0x45 /* i32.eqz */, BR_IF, 0, ...i32(1), RETURN, END];
  return body([[1, I32]], [...get(0), ...i32(PAGE_BYTES), I32_ADD, ...set(end), ...loop(end, 128, test), ...i32(0)]);
}

/** Parameters: offset, page. */
function hashBody(): number[] {
  const end = 2;
  const page = 3;
  const lanes = [4, 5, 6, 7];
  const seeds = [P1 + P2, P2, 0n, -P1];
  const code = [
    ...get(0),
    ...i32(PAGE_BYTES),
    I32_ADD,
    ...set(end),
    ...get(1),
    I64_EXTEND_I32_U,
    ...i64(P5),
    I64_MUL,
    ...set(page),
  ];
  lanes.forEach((lane, i) => code.push(...i64(seeds[i]), ...get(page), I64_ADD, ...set(lane)));
  const stripe: number[] = [];
  lanes.forEach((lane, i) => {
    stripe.push(
      ...get(lane),
      ...get(0),
      I64_LOAD,
      3,
      8 * i,
      ...i64(P2),
      I64_MUL,
      I64_ADD,
      ...i64(31n),
      I64_ROTL,
      ...i64(P1),
      I64_MUL,
      ...set(lane),
    );
  });
  code.push(...loop(end, 32, stripe));
  // The chained value and the lanes, rotated apart.
  code.push(GLOBAL_GET, 0, ...i64(P1), I64_MUL, ...i64(P4), I64_ADD);
  [1n, 7n, 12n, 18n].forEach((rotation, i) =>
    code.push(
      ...get(lanes[i]),
      ...i64(rotation),
      I64_ROTL,
      ...i64(P2),
      I64_MUL,
      I64_XOR,
      ...i64(27n),
      I64_ROTL,
      ...i64(P1),
      I64_MUL,
    ),
  );
  // xxHash64's avalanche.
  code.push(...set(page));
  for (const [shift, prime] of [
    [33n, P2],
    [29n, P3],
  ] as const) {
    code.push(...get(page), ...get(page), ...i64(shift), I64_SHR_U, I64_XOR, ...i64(prime), I64_MUL, ...set(page));
  }
  code.push(...get(page), ...get(page), ...i64(32n), I64_SHR_U, I64_XOR, GLOBAL_SET, 0);
  return body(
    [
      [1, I32],
      [5, I64],
    ],
    code,
  );
}

/** @param sharedMaximum pages, for a shared memory */
function scannerModule(sharedMaximum: number | undefined): Uint8Array<ArrayBuffer> {
  const memory = sharedMaximum === undefined ? [0x00, 1] : [0x03, 1, ...unsigned(sharedMaximum)];
  const exported = (text: string, index: number): number[] => [...name(text), 0x00, index];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(
      1,
      vector([
        [0x60, 1, I32, 1, I32],
        [0x60, 2, I32, I32, 0],
        [0x60, 0, 0],
        [0x60, 0, 1, I32],
      ]),
    ),
    ...section(2, vector([[...name('m'), ...name('m'), 0x02, ...memory]])),
    ...section(3, vector([[0], [1], [2], [3], [3]])),
    ...section(6, vector([[I64, 1, ...i64(0n), END]])),
    ...section(
      7,
      vector([
        exported('nonZero', 0),
        exported('hash', 1),
        exported('start', 2),
        exported('low', 3),
        exported('high', 4),
      ]),
    ),
    ...section(
      10,
      vector([
        nonZeroBody(),
        hashBody(),
        body([], [...i64(P5), GLOBAL_SET, 0]),
        body([], [GLOBAL_GET, 0, I32_WRAP_I64]),
        body([], [GLOBAL_GET, 0, ...i64(32n), I64_SHR_U, I32_WRAP_I64]),
      ]),
    ),
  ]);
}
