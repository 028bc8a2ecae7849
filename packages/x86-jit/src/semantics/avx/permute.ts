import type { I32, V128 } from '../../emit/emitter.js';
import { Simd } from '../../emit/opcodes.js';
import type { Context, Half, VectorHalves } from '../context.js';
import type { Definitions } from '../definition.js';
import { doubleWords, immediate8, splat32, zero } from '../sse/operand.js';
import { setVector, vectorIfWide } from './operand.js';

// SDM vol. 2: AVX and AVX2 instructions that no SSE instruction is like: permutations within and across 128 bits, VPBLENDD, insertions and
// extractions of 128 bits, shifts by a count of their own for each element.

const halfOf = (v: VectorHalves, half: Half): V128 => (half === 0 ? v.low : v.high);

/** Byte indices of double words: `index` in each 32-bit lane, 0 to 3. */
function doubleWordControl(x: Context, index: V128): V128 {
  return index.binary(Simd.i32x4Mul, splat32(x.e.i32(0x04040404))).binary(Simd.i32x4Add, splat32(x.e.i32(0x03020100)));
}
function defineInLane(d: Definitions): void {
  const BINARY = ['xxx', 'xxm', 'yyy', 'yym'];
  // VPERMILPS and VPERMILPD by a control vector: bits 1:0 of each double word, bit 1 of each quad word.
  d.define('Vpermilps', { shapes: BINARY, merged: true }, (x) => {
    x.requireAvx();
    const control = x.vexVectors(2);
    const permuted = (half: Half): V128 => {
      const index = halfOf(control, half).binary(Simd.v128And, splat32(x.e.i32(3)));
      return x.ymmOperand(1, half).binary(Simd.i8x16Swizzle, doubleWordControl(x, index));
    };
    const low = permuted(0);
    setVector(x, low, vectorIfWide(x, () => permuted(1)));
  });
  d.define('Vpermilpd', { shapes: BINARY, merged: true }, (x) => {
    x.requireAvx();
    const control = x.vexVectors(2);
    const permuted = (half: Half): V128 => {
      const a = x.ymmOperand(1, half);
      const chosen = halfOf(control, half).shift(Simd.i64x2Shl, x.e.i32(62)).shift(Simd.i64x2ShrS, x.e.i32(63));
      return a.lane64(1).splat().bitselect(a.lane64(0).splat(), chosen);
    };
    const low = permuted(0);
    setVector(x, low, vectorIfWide(x, () => permuted(1)));
  });
  // The same by the immediate.
  d.define('Vpermilps', { shapes: ['xxi', 'xmi', 'yyi', 'ymi'], merged: true }, (x) => {
    x.requireAvx();
    const source = x.vexVectors(1);
    // Four fields of two bits: a multiplication shifts each lane by its own count.
    const fields = splat32(immediate8(x)).binary(Simd.i32x4Mul, doubleWords(x.e, [64, 16, 4, 1])).shift(Simd.i32x4ShrU, x.e.i32(6)).binary(Simd.v128And, splat32(x.e.i32(3)));
    const control = doubleWordControl(x, fields);
    const low = source.low.binary(Simd.i8x16Swizzle, control);
    setVector(x, low, vectorIfWide(x, () => source.high.binary(Simd.i8x16Swizzle, control)));
  });
  d.define('Vpermilpd', { shapes: ['xxi', 'xmi', 'yyi', 'ymi'], merged: true }, (x) => {
    x.requireAvx();
    const source = x.vexVectors(1);
    const permuted = (half: Half): V128 => {
      const v = halfOf(source, half);
      const bits = immediate8(x).shrU(2 * half);
      const element = (bit: I32): ReturnType<V128['lane64']> => bit.and(1).select(v.lane64(1), v.lane64(0));
      return element(bits).splat().replace(Simd.i64x2ReplaceLane, 1, element(bits.shrU(1)));
    };
    const low = permuted(0);
    setVector(x, low, vectorIfWide(x, () => permuted(1)));
  });

  d.define('Vpblendd', { shapes: ['xxxi', 'xxmi', 'yyyi', 'yymi'], merged: true }, (x) => {
    x.requireAvx();
    const source = x.vexVectors(2);
    const blended = (half: Half): V128 => {
      const bits = doubleWords(x.e, [1, 2, 4, 8]);
      const chosen = splat32(immediate8(x).shrU(4 * half)).binary(Simd.v128And, bits).binary(Simd.i32x4Eq, bits);
      return halfOf(source, half).bitselect(x.ymmOperand(1, half), chosen);
    };
    const low = blended(0);
    setVector(x, low, vectorIfWide(x, () => blended(1)));
  });

  // Counts beyond the element's bits give zeros, or copies of the sign.
  for (const [mnemonic, size, name] of [['Vpsllvd', 4, 'shl'], ['Vpsrlvd', 4, 'shrU'], ['Vpsravd', 4, 'shrS'], ['Vpsllvq', 8, 'shl'], ['Vpsrlvq', 8, 'shrU']] as const) {
    d.define(mnemonic, { shapes: BINARY, merged: true }, (x) => {
      x.requireAvx();
      const { e } = x;
      const counts = x.vexVectors(2);
      const shifted = (half: Half): V128 => {
        const a = x.ymmOperand(1, half);
        const b = halfOf(counts, half);
        let result = a;
        for (let lane = 0; lane < 16 / size; lane++) {
          if (size === 8) {
            const count = b.lane64(lane);
            const value = name === 'shl' ? a.lane64(lane).shl(count) : a.lane64(lane).shrU(count);
            result = result.replace(Simd.i64x2ReplaceLane, lane, count.gtU(63).select(e.i64(0), value));
          } else {
            const count = b.lane32(lane);
            const tooMuch = count.gtU(31);
            const value = a.lane32(lane);
            const moved = name === 'shrS' ? value.shrS(tooMuch.select(e.i32(31), count)) : tooMuch.select(e.i32(0), name === 'shl' ? value.shl(count) : value.shrU(count));
            result = result.replace(Simd.i32x4ReplaceLane, lane, moved);
          }
        }
        return result;
      };
      const low = shifted(0);
      setVector(x, low, vectorIfWide(x, () => shifted(1)));
    });
  }
}

/** Across 128 bits: 256-bit instructions all. */
function defineAcross(d: Definitions): void {
  // Each half's four bits: one of the sources' four halves, or zero.
  for (const mnemonic of ['Vperm2f128', 'Vperm2i128']) {
    d.define(mnemonic, { shapes: ['yyyi', 'yymi'], merged: true }, (x) => {
      x.requireAvx();
      const { e } = x;
      const b = x.vexVectors(2);
      const [a0, a1] = [x.ymmOperand(1, 0), x.ymmOperand(1, 1)];
      const chosen = (control: I32): V128 => {
        const high = control.and(1);
        const half = control.and(2).select(high.select(b.high, b.low), high.select(a1, a0));
        return control.and(8).select(zero(e), half);
      };
      const immediate = immediate8(x);
      const low = chosen(immediate);
      setVector(x, low, chosen(immediate.shrU(4)));
    });
  }
  for (const mnemonic of ['Vinsertf128', 'Vinserti128']) {
    d.define(mnemonic, { shapes: ['yyxi', 'yymi'], merged: true }, (x) => {
      x.requireAvx();
      const value = x.vexVector(2);
      const high = immediate8(x).and(1);
      const low = high.select(x.ymmOperand(1, 0), value);
      setVector(x, low, high.select(value, x.ymmOperand(1, 1)));
    });
  }
  for (const mnemonic of ['Vextractf128', 'Vextracti128']) {
    d.define(mnemonic, { shapes: ['xyi', 'myi'] }, (x) => {
      x.requireAvx();
      const value = immediate8(x).and(1).select(x.ymmOperand(1, 1), x.ymmOperand(1, 0));
      if (x.shape === 'xyi') setVector(x, value);
      else x.storeV128(x.linear(16, true), value);
    });
  }
  // Quad words by the immediate's fields.
  for (const mnemonic of ['Vpermq', 'Vpermpd']) {
    d.define(mnemonic, { shapes: ['yyi', 'ymi'], merged: true }, (x) => {
      x.requireAvx();
      const { low, high } = x.vexVectors(1);
      const immediate = immediate8(x);
      const element = (k: number): ReturnType<V128['lane64']> => {
        const half = immediate.shrU(2 * k + 1).and(1).select(high, low);
        return immediate.shrU(2 * k).and(1).select(half.lane64(1), half.lane64(0));
      };
      const pair = (k: number): V128 => element(k).splat().replace(Simd.i64x2ReplaceLane, 1, element(k + 1));
      const first = pair(0);
      setVector(x, first, pair(2));
    });
  }
  // Double words of the last source, by the first one's low three bits.
  for (const mnemonic of ['Vpermd', 'Vpermps']) {
    d.define(mnemonic, { shapes: ['yyy', 'yym'], merged: true }, (x) => {
      x.requireAvx();
      const { low, high } = x.vexVectors(2);
      const chosen = (half: Half): V128 => {
        const index = x.ymmOperand(1, half);
        const control = doubleWordControl(x, index.binary(Simd.v128And, splat32(x.e.i32(3))));
        const fromHigh = index.shift(Simd.i32x4Shl, x.e.i32(29)).shift(Simd.i32x4ShrS, x.e.i32(31));
        return high.binary(Simd.i8x16Swizzle, control).bitselect(low.binary(Simd.i8x16Swizzle, control), fromHigh);
      };
      const first = chosen(0);
      setVector(x, first, chosen(1));
    });
  }
}

export function defineAvxPermute(d: Definitions): void {
  defineInLane(d);
  defineAcross(d);
}
