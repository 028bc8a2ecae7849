/** Reads what `golden/mmx/mmx-vectors.c` writes, with the inputs made again from the seed. */

export interface MmxForm {
  readonly bytes: Uint8Array;
  readonly name: string;
  /** FNSAVE image from all zero registers and FNINIT, FLD1, FLDPI, FLDZ and the instruction. */
  readonly image: DataView;
  readonly cases: readonly MmxCase[];
}
export interface MmxCase {
  readonly before: MmxRegisters;
  readonly after: MmxRegisters;
  /** #XM, #UD or #GP. */
  readonly trapped: boolean;
}
/** 64-bit words: mm0, mm1, xmm0 (2), xmm1 (2), memory (2), rax, mxcsr. */
export type MmxRegisters = readonly bigint[];

const WORDS = 10;
const CASE = WORDS * 8 + 1;
const IMAGE = 108;
const MASK = 0xffff_ffff_ffff_ffffn;

/** splitmix64, as in the generator. */
function random(seed: bigint): () => bigint {
  let state = BigInt.asUintN(64, seed);
  return () => {
    state = (state + 0x9e3779b97f4a7c15n) & MASK;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
    return z ^ (z >> 31n);
  };
}

const BYTES = [0, 1, 2, 0x3f, 0x40, 0x7e, 0x7f, 0x80, 0x81, 0xbf, 0xc0, 0xfd, 0xfe, 0xff, 0x55, 0xaa];
const WORD_EDGES = [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff, 0x4000, 0xfffe];
const DWORD_EDGES = [0n, 0x7fffffffn, 0x80000000n, 0xffffffffn];

function randomLanes(next: () => bigint): bigint {
  const kind = Number(next() & 15n);
  const a = next();
  const b = next();
  const pick = (edges: readonly number[], selector: bigint, width: bigint): bigint => {
    let value = 0n;
    for (let k = 0n; k * width < 64n; k++) value |= BigInt(edges[Number((a >> (selector * k)) & ((1n << selector) - 1n))] as number) << (width * k);
    return value;
  };
  if (kind === 0) return a & b;
  if (kind === 1) return a | b;
  if (kind === 2) return a % 70n;
  if (kind === 3) return a >> (b & 63n);
  if (kind <= 6) return pick(BYTES, 4n, 8n);
  if (kind <= 9) return pick(WORD_EDGES, 3n, 16n);
  if (kind === 10) return (DWORD_EDGES[Number(a & 3n)] as bigint) | ((DWORD_EDGES[Number((a >> 2n) & 3n)] as bigint) << 32n);
  return a;
}

interface FloatBits {
  readonly sign: bigint;
  readonly infinity: bigint;
  readonly quiet: bigint;
  readonly fraction: bigint;
  readonly limit: (r: bigint) => bigint;
  readonly half: bigint;
  readonly exponent: bigint;
  readonly shift: bigint;
}
const SINGLE: FloatBits = {
  sign: 1n << 31n, infinity: 0x7f800000n, quiet: 0x7fc00000n, fraction: 0x7fffffn, limit: (r) => 0x4effffffn + (r & 3n), half: 0x3effffffn, exponent: 125n, shift: 23n,
};
const DOUBLE: FloatBits = {
  sign: 1n << 63n, infinity: 0x7ff0000000000000n, quiet: 0x7ff8000000000000n, fraction: 0xfffffffffffffn,
  limit: (r) => 0x41dfffffffffffffn - (r & 3n) * 0x100000n, half: 0x3fdfffffffffffffn, exponent: 1021n, shift: 52n,
};

function randomFloat(format: FloatBits, r: bigint, kind: bigint): bigint {
  const sign = r & format.sign;
  switch (Number(kind & 15n)) {
    case 0: return sign;
    case 1: return sign | format.infinity;
    case 2: return sign | format.quiet | (r & 0xffn);
    case 3: return sign | format.infinity | 1n;
    case 4: return sign | (r & format.fraction);
    case 5: return sign | format.limit(r);
    case 6: return sign | (format.half + (r & 3n));
    case 7: return r;
    default: return sign | ((format.exponent + ((kind >> 4n) % 34n)) << format.shift) | (r & format.fraction);
  }
}
function randomFloats(next: () => bigint): bigint {
  const kinds = next();
  const r = next();
  if (kinds >> 63n) return randomFloat(DOUBLE, r, kinds & 0xffffn);
  return randomFloat(SINGLE, r & 0xffffffffn, kinds & 0xffffn) | (randomFloat(SINGLE, r >> 32n, (kinds >> 16n) & 0xffffn) << 32n);
}

function randomRegisters(next: () => bigint, floats: boolean): bigint[] {
  const words = [randomLanes(next), randomLanes(next)];
  for (let k = 0; k < 6; k++) words.push(floats ? randomFloats(next) : randomLanes(next));
  words.push(randomLanes(next));
  const r = next();
  const masks = (r >> 16n) & 3n ? 0x1f80n : (r >> 20n) & 0x1f80n;
  const flags = (r >> 40n) & 7n ? 0n : (r >> 44n) & 0x7fn;
  words.push(floats ? (r & 0x6000n) | masks | flags : 0x1f80n);
  return words;
}

export interface MmxVectors {
  readonly processor: string;
  readonly forms: readonly MmxForm[];
}

export function readMmxVectors(bytes: Uint8Array): MmxVectors {
  const end = bytes.findIndex((byte, at) => byte === 10 && bytes[at + 1] === 10);
  const [magic, processor = '', seed = '', count = '', ...lines] = new TextDecoder('latin1').decode(bytes.subarray(0, end)).split('\n');
  if (magic !== 'pckit-mmx-vectors 1') throw new Error(`not MMX vectors: ${magic}`);
  const cases = Number(count);
  const view = new DataView(bytes.buffer, bytes.byteOffset + end + 2, bytes.byteLength - end - 2);
  const forms = lines.map((line, form): MmxForm => {
    const [hex = '', name = ''] = line.split('  ');
    const start = form * (IMAGE + cases * CASE);
    const next = random(BigInt(seed) * 1000003n + BigInt(form));
    return {
      name,
      bytes: Uint8Array.from(hex.split(' '), (byte) => parseInt(byte, 16)),
      image: new DataView(view.buffer, view.byteOffset + start, IMAGE),
      cases: Array.from({ length: cases }, (_, k): MmxCase => {
        const at = start + IMAGE + k * CASE;
        const before = randomRegisters(next, name.startsWith('cvt'));
        return { before, after: before.map((word, n) => word ^ view.getBigUint64(at + 8 * n, true)), trapped: view.getUint8(at + WORDS * 8) !== 0 };
      }),
    };
  });
  return { processor, forms };
}
