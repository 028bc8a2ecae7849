import { Simd } from '../../emit/opcodes.js';
import type { Definitions } from '../definition.js';
import { defineBinaryImmediate, immediate8 } from './operand.js';

/** PCLMULQDQ: the product of two quad words as polynomials over GF(2). imm8[0] and imm8[4] choose the halves. SDM vol. 2. */
export function defineCarryLess(d: Definitions): void {
  defineBinaryImmediate(d, 'Pclmulqdq', (a, b, x) => {
    const { e } = x;
    const immediate = immediate8(x);
    const multiplicand = immediate.and(1).select(a.lane64(1), a.lane64(0));
    const multiplier = immediate.and(0x10).select(b.lane64(1), b.lane64(0));
    // Bit 63 first: the product so far is shifted left by one, as 128 bits.
    const low = e.variable(e.i64(0));
    const high = e.variable(e.i64(0));
    const rest = e.variable(multiplier);
    const count = e.variable(e.i32(64));
    e.loop((next) => {
      high.set(high.get().shl(1).or(low.get().shrU(63)));
      low.set(low.get().shl(1).xor(rest.get().shrS(63).and(multiplicand)));
      rest.set(rest.get().shl(1));
      count.set(count.get().sub(1));
      e.brIf(next, count.get());
    });
    return low.get().splat().replace(Simd.i64x2ReplaceLane, 1, high.get());
  });
}
