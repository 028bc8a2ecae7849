/** Vectors as bytes: what a case doesn't change isn't written, and addresses are written as places in the regions. */
import { FS_BASE as FS64, GS_BASE as GS64, REGIONS, segmentFacts, SEGMENT_SETS, type Mode } from './layout.js';
import { locate, startRegisters, type Case, type MemoryWrite, type Outcome, type Vector } from './vector.js';

const MAGIC = 'pckit-integer-vectors 1';
/** CF PF AF ZF SF DF OF, NT AC ID */
export const COMPARED_FLAGS = 0x8d5 | 0x400 | 0x4000 | 0x40000 | 0x200000;

export interface Fixture {
  readonly processor: string;
  readonly vectors: Vector[];
}

class Writer {
  #bytes = new Uint8Array(1 << 20);
  #length = 0;

  u8(value: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#bytes.length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length++] = value;
  }
  fixed(value: bigint, size: number): void {
    for (let k = 0; k < size; k++) this.u8(Number((value >> BigInt(8 * k)) & 0xffn));
  }
  number(value: number, size: number): void {
    this.fixed(BigInt(value), size);
  }
  /** A length, and as many bytes. */
  value(value: bigint): void {
    const unsigned = BigInt.asUintN(64, value);
    let size = 0;
    while (size < 8 && unsigned >> BigInt(8 * size) !== 0n) size++;
    this.u8(size);
    this.fixed(unsigned, size);
  }
  bytes(bytes: Uint8Array): void {
    for (const byte of bytes) this.u8(byte);
  }
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

class Reader {
  #at: number;

  constructor(
    private readonly all: Uint8Array,
    at: number,
  ) {
    this.#at = at;
  }

  get done(): boolean {
    return this.#at >= this.all.length;
  }
  u8(): number {
    const byte = this.all[this.#at++];
    if (byte === undefined) throw new RangeError(`vectors end at ${this.all.length} within a record`);
    return byte;
  }
  fixed(size: number): bigint {
    let value = 0n;
    for (let k = 0; k < size; k++) value |= BigInt(this.u8()) << BigInt(8 * k);
    return value;
  }
  number(size: number): number {
    return Number(this.fixed(size));
  }
  value(): bigint {
    return this.fixed(this.u8());
  }
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.u8());
  }
}

// --- places ---------------------------------------------------------------------------------------------------------------------------

function writePlace(w: Writer, address: bigint): void {
  const place = locate(address);
  if (!place) throw new RangeError(`${address.toString(16)} is in no region`);
  w.u8(place.region);
  w.number(place.offset, 2);
}
function readPlace(r: Reader): bigint {
  const { base } = REGIONS[r.u8()]!;
  return base + r.fixed(2);
}

const MODES: readonly Mode[] = [16, 32, 64];

function startIp({ mode, segments, at }: Pick<Case, 'mode' | 'segments' | 'at'>): bigint {
  return mode === 64 ? at : at - segmentFacts(SEGMENT_SETS[mode][segments]!.cs).base;
}
function startSelectors({ mode, segments }: Pick<Case, 'mode' | 'segments'>): number[] {
  const { cs, ss, ds, es, fs, gs } = SEGMENT_SETS[mode][segments]!;
  return [cs, ss, ds, es, fs, gs];
}

// --- vectors --------------------------------------------------------------------------------------------------------------------------

/** As every vector begins: what 64-bit code has, or the selectors' bases. */
interface Bases {
  readonly fs: bigint;
  readonly gs: bigint;
}

function writeVector(w: Writer, { input, outcome }: Vector, bases: Bases): void {
  w.u8(MODES.indexOf(input.mode) | (input.segments << 2) | (input.repeats ? 0x10 : 0) | (input.follow << 5) | (input.steps > 1 ? 0x40 : 0));
  if (input.steps > 1) w.u8(input.steps);
  w.u8(input.code.length);
  w.bytes(input.code);
  writePlace(w, input.at);
  w.number(input.seed, 4);
  w.number(input.flags, 2);
  w.u8(input.registers.size);
  for (const [register, value] of input.registers) {
    w.u8(register);
    w.value(value);
  }
  w.u8(input.memory.length);
  for (const { at, value, size } of input.memory) {
    writePlace(w, at);
    w.u8(size);
    w.fixed(value, size);
  }

  w.u8(outcome.vector & 0xff);
  if (outcome.vector >= 10) w.value(BigInt(outcome.errorCode));
  if (outcome.vector === 14) w.value(outcome.cr2);
  w.number(outcome.completed, 2);
  const distance = BigInt.asIntN(64, outcome.ip - startIp(input));
  w.value((distance << 1n) ^ (distance >> 63n));
  w.number(outcome.flags & COMPARED_FLAGS, 3);
  const start = startRegisters(input);
  w.number(start.reduce((mask, value, k) => mask | (value === outcome.registers[k] ? 0 : 1 << k), 0), 2);
  start.forEach((value, k) => {
    if (value !== outcome.registers[k]) w.value(outcome.registers[k]!);
  });
  const selectors = startSelectors(input);
  w.u8(
    selectors.reduce((mask, value, k) => mask | (value === outcome.selectors[k] ? 0 : 1 << k), 0) |
      (outcome.fsBase === bases.fs ? 0 : 0x40) | (outcome.gsBase === bases.gs ? 0 : 0x80),
  );
  selectors.forEach((value, k) => {
    if (value !== outcome.selectors[k]) w.number(outcome.selectors[k]!, 2);
  });
  if (outcome.fsBase !== bases.fs) w.value(outcome.fsBase);
  if (outcome.gsBase !== bases.gs) w.value(outcome.gsBase);
  w.u8(outcome.changes.length);
  for (const { at, value } of outcome.changes) {
    writePlace(w, at);
    w.fixed(value, 8);
  }
}

function readVector(r: Reader, bases: (input: Case) => Bases): Vector {
  const head = r.u8();
  const mode = MODES[head & 3]!;
  const steps = head & 0x40 ? r.u8() : 1;
  const code = r.bytes(r.u8());
  const at = readPlace(r);
  const seed = r.number(4);
  const flags = r.number(2);
  const registers = new Map<number, bigint>();
  for (let k = r.u8(); k > 0; k--) registers.set(r.u8(), r.value());
  const memory: MemoryWrite[] = [];
  for (let k = r.u8(); k > 0; k--) {
    const address = readPlace(r);
    const size = r.u8();
    memory.push({ at: address, value: r.fixed(size), size });
  }
  const input: Case = { mode, segments: (head >> 2) & 3, code, at, seed, registers, flags, memory, repeats: (head & 0x10) !== 0, steps, follow: (head >> 5) & 1 };

  const vector = (r.u8() << 24) >> 24;
  const errorCode = vector >= 10 ? Number(r.value()) : 0;
  const cr2 = vector === 14 ? r.value() : 0n;
  const completed = r.number(2);
  const distance = r.value();
  const ip = BigInt.asUintN(64, startIp(input) + (distance & 1n ? ~(distance >> 1n) : distance >> 1n));
  const flagsAfter = r.number(3);
  const after = startRegisters(input);
  const changed = r.number(2);
  for (let k = 0; k < 16; k++) if (changed & (1 << k)) after[k] = r.value();
  const moved = r.u8();
  const selectors = Uint16Array.from(startSelectors(input), (value, k) => (moved & (1 << k) ? r.number(2) : value));
  const start = bases(input);
  const fsBase = moved & 0x40 ? r.value() : start.fs;
  const gsBase = moved & 0x80 ? r.value() : start.gs;
  const changes: { at: bigint; value: bigint }[] = [];
  for (let k = r.u8(); k > 0; k--) changes.push({ at: readPlace(r), value: r.fixed(8) });
  const outcome: Outcome = { vector, errorCode, cr2, completed, ip, flags: flagsAfter, registers: after, selectors, fsBase, gsBase, changes };
  return { input, outcome };
}

/** Bases that most vectors of a mode and set end with: those that they begin with. */
const startBases = (input: Case): Bases => {
  const { fs, gs } = SEGMENT_SETS[input.mode][input.segments]!;
  return input.mode === 64 ? { fs: FS64, gs: GS64 } : { fs: segmentFacts(fs).base, gs: segmentFacts(gs).base };
};

export function packFixture({ processor, vectors }: Fixture): Uint8Array {
  const w = new Writer();
  w.bytes(new TextEncoder().encode(`${MAGIC}\n${processor}\n\n`));
  for (const vector of vectors) writeVector(w, vector, startBases(vector.input));
  return w.finish();
}

export function unpackFixture(bytes: Uint8Array): Fixture {
  const end = bytes.findIndex((byte, k) => byte === 10 && bytes[k + 1] === 10);
  const [magic, processor = ''] = new TextDecoder().decode(bytes.subarray(0, end)).split('\n');
  if (magic !== MAGIC) throw new Error(`not integer vectors: ${magic}`);
  const r = new Reader(bytes, end + 2);
  const vectors: Vector[] = [];
  while (!r.done) vectors.push(readVector(r, startBases));
  return { processor, vectors };
}
