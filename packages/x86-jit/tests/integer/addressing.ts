import { Register, registerNumber } from '@pckit/x86-decoder';
import type { CaseBuilder } from './case-builder.js';
import { CODE, DATA, DATA16, FS_BASE, GS_BASE, HIGH_DATA, segmentFacts, SEGMENT_SETS } from './layout.js';

// Where the memory operands of cases lie, and the registers that make them lie there.

/** Base of a segment register (by its number: ES CS SS DS FS GS) at the case's begin. */
export function segmentBase(b: CaseBuilder, segment: number): bigint {
  if (b.mode === 64) return segment === 4 ? FS_BASE : segment === 5 ? GS_BASE : 0n;
  return segmentFacts(selectorOf(b, segment)).base;
}

export function selectorOf(b: CaseBuilder, segment: number): number {
  const set = SEGMENT_SETS[b.mode][b.segments]!;
  return [set.es, set.cs, set.ss, set.ds, set.fs, set.gs][segment]!;
}

export const sizeMask = (bytes: number): bigint => (1n << BigInt(8 * bytes)) - 1n;

/** A linear address for an access of `size` bytes by a segment: mostly fine, sometimes across a border of pages or rights. */
export function chooseTarget(b: CaseBuilder, size: number, segment: number): bigint {
  const { random, mode } = b;
  const bytes = Math.max(size, 1);
  const within = (start: bigint, length: number): bigint => start + BigInt(random.below(length));
  /** So that the access begins before the border and ends after it, where that is possible. */
  const across = (border: bigint): bigint => border - BigInt(bytes > 1 ? 1 + random.below(bytes - 1) : random.below(2));
  const flat = (): bigint => {
    const choice = random.below(100);
    if (choice < 66) return within(DATA, 0x1fc0);
    if (choice < 76) return across(DATA + 0x1000n);
    if (choice < 81) return across(DATA + 0x2000n);
    if (choice < 86) return within(DATA + 0x2000n, 0xfc0);
    if (choice < 88) return across(DATA);
    if (choice < 90) return across(DATA + 0x3000n);
    if (choice < 92) return within(0n, 0x1000);
    // AMD's processors check the offset before they add the base of FS or GS, and so at other addresses.
    return mode === 64 && segment < 4 ? high() : within(DATA, 0x1fc0);
  };
  const high = (): bigint => {
    const choice = random.below(10);
    if (choice < 5) return within(HIGH_DATA, 0x1fc0);
    if (choice < 6) return across(HIGH_DATA + 0x1000n);
    if (choice < 7) return across(HIGH_DATA + 0x2000n);
    if (choice < 8) return across(1n << 47n);
    return BigInt.asUintN(64, (1n << 47n) + (random.u64() >> BigInt(2 + random.below(20))));
  };
  if (mode === 64) return flat();
  const { base } = segmentFacts(selectorOf(b, segment));
  switch (base) {
    case DATA16:
      if (random.oneIn(6)) return across(DATA16 + random.pick([0x1000n, 0xf000n, 0x10000n]));
      return within(DATA16 + (random.oneIn(3) ? 0xf000n : 0n), 0xfc0);
    case DATA:
      return random.oneIn(4) ? across(DATA + random.pick([0x1800n, 0x800n, 0x1000n])) : within(DATA + 0x800n, 0xf00);
    case CODE:
      return within(CODE, 0x1fc0);
    default:
      return flat();
  }
}

const inverse = (odd: bigint): bigint => {
  let x = odd;
  for (let k = 0; k < 6; k++) x = BigInt.asUintN(64, x * (2n - odd * x));
  return x;
};

/**
 * Sets registers, or changes the displacement, so that the memory operand lies at a linear address.
 * @returns the address it came to: an index alone may miss by less than its scale; undefined when it can't be done
 */
export function placeOperand(b: CaseBuilder, target: bigint): bigint | undefined {
  const { instruction } = b.encoded;
  const { addressSize, base, index, scale } = instruction;
  const mask = sizeMask(addressSize);
  const origin = segmentBase(b, registerNumber(instruction.segment));
  const wanted = BigInt.asUintN(b.mode === 64 ? 64 : 32, target - origin);
  if ((wanted & mask) !== wanted && b.mode !== 64) return undefined;
  if (addressSize === 4 && b.mode === 64 && wanted > mask) return undefined;
  const displacement = (BigInt(instruction.displacementHigh) << 32n) | BigInt(instruction.displacement >>> 0);
  if (base === Register.RIP || base === Register.EIP || (base === 0 && index === 0)) {
    const from = base === 0 ? 0n : b.at + BigInt(b.encoded.bytes.length);
    return b.setDisplacement(BigInt.asUintN(64, wanted - from)) ? target : undefined;
  }
  const rest = (wanted - displacement) & mask;
  // XLAT's index is AL.
  if (index === Register.AL) {
    b.setPart(registerNumber(base), (rest - (b.register(0) & 0xffn)) & mask, addressSize);
    return target;
  }
  const shift = BigInt(scale);
  if (base === 0) {
    b.setPart(registerNumber(index), rest >> shift, addressSize);
    return target - (rest & ((1n << shift) - 1n));
  }
  if (index === 0) {
    b.setPart(registerNumber(base), rest, addressSize);
    return target;
  }
  if (registerNumber(base) !== registerNumber(index)) {
    b.setPart(registerNumber(base), (rest - (b.register(registerNumber(index)) << shift)) & mask, addressSize);
    return target;
  }
  if (scale === 0) {
    b.setPart(registerNumber(base), rest >> 1n, addressSize);
    return target - (rest & 1n);
  }
  b.setPart(registerNumber(base), (rest * inverse(1n + (1n << shift))) & mask, addressSize);
  return target;
}
