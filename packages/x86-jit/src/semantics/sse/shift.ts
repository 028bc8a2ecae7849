import type { V128 } from '../../emit/emitter.js';
import { Simd } from '../../emit/opcodes.js';
import type { Context } from '../context.js';
import type { Definitions } from '../definition.js';
import { immediate8, iota, lowSource, splat8, vectorSource, zero } from './operand.js';

// SDM vol. 2: PSLLW PSLLD PSLLQ PSRLW PSRLD PSRLQ PSRAW PSRAD PSLLDQ PSRLDQ.

const SHIFTS: readonly (readonly [mnemonic: string, opcode: number, bits: number, arithmetic: boolean])[] = [
  ['Psllw', Simd.i16x8Shl, 16, false], ['Pslld', Simd.i32x4Shl, 32, false], ['Psllq', Simd.i64x2Shl, 64, false],
  ['Psrlw', Simd.i16x8ShrU, 16, false], ['Psrld', Simd.i32x4ShrU, 32, false], ['Psrlq', Simd.i64x2ShrU, 64, false],
  ['Psraw', Simd.i16x8ShrS, 16, true], ['Psrad', Simd.i32x4ShrS, 32, true],
];

export const SSE_SHIFTS: readonly string[] = SHIFTS.map(([mnemonic]) => mnemonic);

export function defineSseShift(d: Definitions): void {
  for (const [mnemonic, opcode, bits, arithmetic] of SHIFTS) {
    // The count is the low 64 bits of its operand, all of which count.
    d.define(mnemonic, { shapes: ['xx', 'xm', 'xi'] }, (x) => {
      x.requireSse();
      const { e } = x;
      const count = x.shape === 'xi' ? x.immediate().and(0xff) : x.shape === 'xm' ? vectorSource(x, 1).lane64(0) : lowSource(x, 1, 8);
      const a = x.xmmOperand(0);
      const tooMuch = count.gtU(bits - 1);
      const shifted = a.shift(opcode, arithmetic ? tooMuch.select(e.i32(bits - 1), count.wrap()) : count.wrap());
      x.setXmmOperand(0, arithmetic ? shifted : tooMuch.select(zero(e), shifted));
    });
  }

  // The count is in bytes; lanes whose source lies outside become zero, as SWIZZLE does with indices above 15.
  const bytes = (mnemonic: string, lanes: (x: Context, count: V128) => V128): void => {
    d.define(mnemonic, { shapes: ['xi'] }, (x) => {
      x.requireSse();
      const count = immediate8(x);
      const clamped = splat8(count.gtU(16).select(x.e.i32(16), count));
      x.setXmmOperand(0, x.xmmOperand(0).binary(Simd.i8x16Swizzle, lanes(x, clamped)));
    });
  };
  bytes('Pslldq', (x, count) => iota(x.e).binary(Simd.i8x16Sub, count));
  bytes('Psrldq', (x, count) => iota(x.e).binary(Simd.i8x16Add, count));
}
