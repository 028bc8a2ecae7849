/** Inputs for the variants, from a seed: the same on every host, so that a recording needs to hold results only. */
import type { Variant } from './variants.js';

/** What `struct state` of `golden/sse/execute.c` holds. */
export const State = { xmm: 0, memory: 48, memorySize: 32, rax: 80, rcx: 88, rdx: 96, eflags: 104, mxcsr: 108, size: 112 } as const;

export interface Case {
  readonly code: Uint8Array;
  readonly state: Uint8Array;
}

/** Marsaglia's xorshift on 32 bits. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }
  u32(): number {
    let s = this.#state;
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    this.#state = s;
    return Math.imul(s, 0x2545f491) >>> 0;
  }
  below(limit: number): number {
    return this.u32() % limit;
  }
  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }
}

/** FNV-1a on 32 bits. */
export function hash(bytes: Iterable<number>, start = 0x811c9dc5): number {
  let value = start;
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}

const F32 = [
  0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc01234, 0x7f800001, 0xffa00000, 0x00800000, 0x80800000, 0x00800001, 0x007fffff, 0x00000001, 0x80000001, 0x7f7fffff,
  0xff7fffff, 0x3f800000, 0xbf800000, 0x3f000000, 0x4f000000, 0xcf000000, 0x4effffff, 0x5f000000, 0xdf000000, 0x3fc00000, 0x4b000001, 0x1f800000, 0x20000000, 0x5f7fffff,
];
const F64 = [
  0n, 1n << 63n, 0x7ffn << 52n, 0xfffn << 52n, 0x7ff8n << 48n, 0xfff8000000001234n, 0x7ff0000000000001n, 0xfff4n << 48n, 1n << 52n, 0x8010000000000000n, (1n << 52n) + 1n, (1n << 52n) - 1n, 1n,
  0x8000000000000001n, 0x7fefffffffffffffn, 0xffefffffffffffffn, 0x3ff0n << 48n, 0xbff0n << 48n, 0x3fe0n << 48n, 0x41e0n << 48n, 0xc1e0n << 48n, 0x41dfffffffc00000n, 0x41dfffffffe00000n,
  0x43e0n << 48n, 0xc3e0n << 48n, 0x3ff8n << 48n, 0x4330000000000001n, 0x47efffffe0000000n, 0x47efffffefffffffn, 0x47f0n << 48n, 0x3810n << 48n, 0x380fffffffffffffn, 0x36a0n << 48n,
];

const view = new DataView(new ArrayBuffer(8));
function f32Bits(value: number): number {
  view.setFloat32(0, value);
  return view.getUint32(0);
}
function f64Bits(value: number): bigint {
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

export type Domain = 'single' | 'double' | 'integer' | 'string';

export function domainOf(mnemonic: string): Domain {
  if (/^Pcmp[ei]str/.test(mnemonic)) return 'string';
  const source = /^Cvtt?(dq|si|ps|ss|pd|sd)/.exec(mnemonic)?.[1] ?? (/^P/.test(mnemonic) ? '' : /(ps|ss|pd|sd)$/.exec(mnemonic)?.[1] ?? '');
  return source === 'ps' || source === 'ss' ? 'single' : source === 'pd' || source === 'sd' ? 'double' : 'integer';
}

/** Instructions whose result depends on MXCSR, or that change it. */
export function usesMxcsr(mnemonic: string): boolean {
  return /^(Add|Sub|Mul|Div|Sqrt|Min|Max|Cmp|Comi|Ucomi|Cvt|Round|Dpp|Hadd|Hsub|Ldmxcsr|Stmxcsr)/.test(mnemonic);
}

/** One number; `tame`: it goes the fast path in most cases. */
function float32(random: Random, tame: boolean, like: number): number {
  switch (random.below(tame ? 4 : 8)) {
    case 0: return f32Bits(random.below(64) - 32);
    case 1: return f32Bits((random.below(2000) - 1000) / 2 ** random.below(8));
    case 2: case 3: return (random.u32() & 0x807fffff) | ((118 + random.below(20)) << 23);
    case 4: return random.u32();
    case 5: return (like + random.below(3) - 1) >>> 0;
    case 6: return (like ^ 0x80000000) >>> 0;
    default: return random.of(F32);
  }
}
function float64(random: Random, tame: boolean, like: bigint): bigint {
  switch (random.below(tame ? 4 : 8)) {
    case 0: return f64Bits(random.below(64) - 32);
    case 1: return f64Bits((random.below(2000) - 1000) / 2 ** random.below(8));
    case 2: case 3: return (random.u64() & 0x800fffffffffffffn) | (BigInt(1013 + random.below(20 + (tame ? 0 : 40))) << 52n);
    case 4: return random.u64();
    case 5: return BigInt.asUintN(64, like + BigInt(random.below(3) - 1));
    case 6: return like ^ (1n << 63n);
    default: return random.of(F64);
  }
}

export function fillVector(random: Random, domain: Domain, at: DataView, like: DataView): void {
  const tame = random.below(2) === 0;
  const kind = domain === 'string' || random.below(8) > 0 ? domain : random.of<Domain>(['single', 'double', 'integer']);
  if (kind === 'single') {
    for (let k = 0; k < 16; k += 4) at.setUint32(k, float32(random, tame, like.getUint32(k, true)), true);
  } else if (kind === 'double') {
    for (let k = 0; k < 16; k += 8) at.setBigUint64(k, float64(random, tame, like.getBigUint64(k, true)), true);
  } else if (kind === 'string') {
    // Few different characters, and an end somewhere.
    const wide = random.below(2) === 0;
    const end = random.below(wide ? 12 : 20);
    for (let k = 0; k < (wide ? 8 : 16); k++) {
      const character = k === end ? 0 : random.of([0x61, 0x62, 0x63, 0x62, 0x7f, 0x80, 0xff, 0x61]);
      if (wide) at.setUint16(2 * k, random.below(8) ? character : character | 0x8000, true);
      else at.setUint8(k, character);
    }
  } else if (random.below(3) === 0) {
    for (let k = 0; k < 16; k += 4) at.setUint32(k, random.u32(), true);
  } else {
    const size = random.of([1, 2, 4, 8]);
    for (let k = 0; k < 16; k += size) {
      const bits = BigInt(8 * size);
      const edge = 1n << (bits - 1n);
      const value = random.of([0n, 1n, edge, edge - 1n, -1n, edge + 1n, -2n, random.u64(), BigInt(random.below(20)), -BigInt(random.below(20)), random.u64() >> BigInt(random.below(64))]);
      for (let byte = 0; byte < size; byte++) at.setUint8(k + byte, Number((value >> BigInt(8 * byte)) & 0xffn));
    }
  }
}

export function mxcsr(random: Random): number {
  const sticky = random.below(64);
  switch (random.below(8)) {
    case 0: case 1: case 2: return 0x1fa0;
    case 3: return 0x1f80;
    case 4: return 0x1f80 | sticky;
    case 5: return 0x1f80 | sticky | (random.below(4) << 13);
    case 6: return 0x1f80 | sticky | (random.below(4) << 13) | random.of([0x8000, 0x40, 0x8040]);
    default: return (random.u32() & 0x1f80) | sticky | (random.below(4) << 13) | random.of([0, 0, 0x8000, 0x40, 0x8040]);
  }
}

/** The cases of one variant; different for each variant. */
export function casesOf(variant: Variant, seed: number): Case[] {
  const { mnemonic } = variant;
  const random = new Random(hash(new TextEncoder().encode(variant.key), seed >>> 0));
  const domain = domainOf(mnemonic);
  const cases: Case[] = [];
  let immediate = 0;
  for (let n = 0; n < variant.cases; n++) {
    const state = new Uint8Array(State.size);
    const at = (offset: number): DataView => new DataView(state.buffer, offset);
    fillVector(random, domain, at(16), at(0));
    fillVector(random, domain, at(0), at(16));
    fillVector(random, domain, at(32), at(16));
    fillVector(random, domain, at(State.memory), at(16));
    for (let k = State.memory + 16; k < State.memory + State.memorySize; k++) state[k] = random.u32();
    for (const register of [State.rax, State.rcx, State.rdx]) {
      const value = domain === 'string' ? random.of([BigInt(random.below(20)), -BigInt(random.below(20)), random.u64(), 1n << 31n, 1n << 32n]) : random.u64() >> BigInt(random.of([0, 0, 32, 33, 40, 11, random.below(64)]));
      at(register).setBigUint64(0, BigInt.asUintN(64, random.below(4) ? value : -value), true);
    }
    at(State.eflags).setUint32(0, (random.u32() & 0x8d5) | 0x202, true);
    at(State.mxcsr).setUint32(0, usesMxcsr(mnemonic) ? mxcsr(random) : 0x1f80 | random.below(64), true);
    // What LDMXCSR loads; reserved bits fault, which is tested elsewhere.
    if (mnemonic === 'Ldmxcsr') at(State.memory).setUint32(0, random.u32() & 0xffff, true);
    // An immediate serves for some cases, so that code is made less often.
    if (n % 5 === 0) immediate = domain === 'string' || random.below(3) ? random.below(256) : random.below(16);
    cases.push({ code: variant.hasImmediate ? Uint8Array.of(...variant.code, immediate) : variant.code, state });
  }
  return cases;
}
