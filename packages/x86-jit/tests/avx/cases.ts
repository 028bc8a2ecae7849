/** Inputs for the AVX variants, from a seed. */
import { domainOf, fillVector, hash, mxcsr, Random, usesMxcsr, type Case, type Domain } from '../sse/cases.js';
import type { Variant } from '../sse/variants.js';

/** What `struct state` of `golden/avx/execute.c` holds. */
export const State = { ymm: 0, registers: 5, memory: 160, memorySize: 128, rax: 288, rcx: 296, rdx: 304, eflags: 312, mxcsr: 316, pointer: 320, vector: 324, fault: 328, size: 336 } as const;

/** Where RSI points at: as far into the memory operand as gathers reach back. */
const MIDDLE = 64;

/** The name that the SSE generator knows it by. */
function sseName(mnemonic: string): string {
  return `${mnemonic[1]?.toUpperCase()}${mnemonic.slice(2)}`;
}
function isFused(mnemonic: string): boolean {
  return /^Vfn?m/.test(mnemonic);
}
function domain(mnemonic: string): Domain {
  if (mnemonic === 'Vcvtph2ps') return 'integer';
  return domainOf(sseName(mnemonic));
}

/** An element of the least magnitude whose address lies within the memory operand, or now and then beyond its end. */
function gatherIndex(random: Random, scale: number, size: number): number {
  const last = random.below(6) === 0 ? MIDDLE + 16 : MIDDLE - size;
  return Math.floor((random.below(MIDDLE + last + 1) - MIDDLE) / scale);
}

function fillIndices(random: Random, mnemonic: string, key: string, at: DataView): void {
  const [, indexSize = 'd', size = 'd'] = /gather([dq])p?([dqs])/.exec(mnemonic) ?? [];
  const scale = Number(/scale (\d)/.exec(key)?.[1]);
  const bytes = size === 'd' && !mnemonic.endsWith('pd') ? 4 : mnemonic.endsWith('ps') ? 4 : 8;
  for (let k = 0; k < 32; k += indexSize === 'd' ? 4 : 8) {
    const index = gatherIndex(random, scale, bytes);
    if (indexSize === 'd') at.setInt32(k, index, true);
    else at.setBigInt64(k, BigInt(index), true);
  }
}

/** Makes one operand of a fused multiplication the negated product of the others, nearly: what is left is what rounding hides. */
function cancel(random: Random, single: boolean, view: DataView): void {
  const [x, y, sum] = random.of([[1, 2, 3], [1, 3, 2], [2, 3, 1]]) as [number, number, number];
  const sign = random.below(2) ? -1 : 1;
  const off = random.below(3) - 1;
  for (let lane = 0; lane < 32; lane += single ? 4 : 8) {
    const at = (register: number): number => State.ymm + 32 * register + lane;
    if (single) {
      view.setFloat32(at(sum), sign * view.getFloat32(at(x), true) * view.getFloat32(at(y), true), true);
      view.setUint32(at(sum), (view.getUint32(at(sum), true) + off) >>> 0, true);
    } else {
      view.setFloat64(at(sum), sign * view.getFloat64(at(x), true) * view.getFloat64(at(y), true), true);
      view.setBigUint64(at(sum), BigInt.asUintN(64, view.getBigUint64(at(sum), true) + BigInt(off)), true);
    }
  }
}

/** As `fillVector` does it for integers, without BigInts: there are many cases. */
function fillIntegers(random: Random, at: DataView): void {
  const size = random.of([1, 2, 4, 8, 4, 4]);
  if (random.below(3) === 0) {
    for (let k = 0; k < 16; k += 4) at.setUint32(k, random.u32(), true);
    return;
  }
  for (let k = 0; k < 16; k += size) {
    const edge = random.below(8);
    const small = random.below(20);
    // The least and the greatest signed number, and what is next to them; around zero; anything.
    const low = [0, 1, -1, -2, small, -small, random.u32(), random.u32()][edge] as number;
    const [first, last] = edge < 4 && random.below(2) === 0 ? [low, low < 0 ? 0x7fffffff : 0x80000000] : [low, low < 0 ? -1 : edge >= 6 ? random.u32() >>> random.below(32) : 0];
    if (size === 8) {
      at.setUint32(k, first, true);
      at.setUint32(k + 4, last, true);
    } else if (size === 4) at.setUint32(k, last === 0 || last === -1 ? first : last | (first & 3), true);
    else if (size === 2) at.setUint16(k, last === 0 || last === -1 ? first : (last >>> 16) | (first & 3), true);
    else at.setUint8(k, last === 0 || last === -1 ? first : (last >>> 24) | (first & 3));
  }
}

/** Instructions whose memory operand must be aligned. */
const ALIGNED = /^Vmov(ap|dqa|nt)/;

export function casesOf(variant: Variant, seed: number): Case[] {
  const { mnemonic, key } = variant;
  const random = new Random(hash(new TextEncoder().encode(key), seed >>> 0));
  const kind = domain(mnemonic);
  const name = sseName(mnemonic);
  const cases: Case[] = [];
  let immediate = 0;
  for (let n = 0; n < variant.cases; n++) {
    const state = new Uint8Array(State.size);
    const view = new DataView(state.buffer);
    const at = (offset: number): DataView => new DataView(state.buffer, offset);
    const fill = (to: number, like: number): void => {
      if (kind === 'integer') fillIntegers(random, at(to));
      else fillVector(random, kind, at(to), at(like));
    };
    for (let k = 0; k < 32; k += 4) view.setUint32(k, random.u32(), true);
    for (let k = 2; k < State.registers * 2; k++) fill(16 * k, 16 * ((k + 6) % 10));
    // Only gathers look at what lies before the pointer.
    for (let k = 0; k < MIDDLE; k += 4) view.setUint32(State.memory + k, random.u32(), true);
    for (let k = MIDDLE; k < State.memorySize; k += 16) fill(State.memory + k, 16 * ((k / 16) % 10));
    if (isFused(mnemonic) && random.below(4) === 0) cancel(random, /p?ss?$/.test(mnemonic) && !/[ps]d$/.test(mnemonic), view);
    if (/gather/i.test(mnemonic)) fillIndices(random, mnemonic, key, at(State.ymm + 32 * 3));
    let pointer: number = MIDDLE;
    if (!/gather/i.test(mnemonic)) pointer = ALIGNED.test(mnemonic) ? MIDDLE + (random.below(4) ? 0 : random.below(32)) : MIDDLE + random.below(random.below(8) ? 33 : 65);
    view.setUint32(State.pointer, pointer, true);
    for (const register of [State.rax, State.rcx, State.rdx]) {
      const value = kind === 'string' ? random.of([BigInt(random.below(20)), -BigInt(random.below(20)), random.u64(), 1n << 31n, 1n << 32n]) : random.u64() >> BigInt(random.of([0, 0, 32, 33, 40, 11, random.below(64)]));
      view.setBigUint64(register, BigInt.asUintN(64, random.below(4) ? value : -value), true);
    }
    view.setUint32(State.eflags, (random.u32() & 0x8d5) | 0x202, true);
    view.setUint32(State.mxcsr, usesMxcsr(name) || isFused(mnemonic) ? mxcsr(random) : 0x1f80 | random.below(64), true);
    if (mnemonic === 'Vldmxcsr' && pointer <= State.memorySize - 4) view.setUint32(State.memory + pointer, random.u32() & 0xffff, true);
    if (n % 5 === 0) immediate = kind === 'string' || random.below(3) ? random.below(256) : random.below(16);
    cases.push({ code: variant.hasImmediate ? Uint8Array.of(...variant.code, immediate) : variant.code, state });
  }
  return cases;
}
