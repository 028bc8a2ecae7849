import { Simd } from '../../emit/opcodes.js';
import { State, Vector } from '../../state-layout.js';
import type { Context } from '../context.js';
import type { Definitions } from '../definition.js';
import { defineUnary, extendZero, lowSource, requireAligned, vectorSource } from './operand.js';

// SDM vol. 2: MOVAPS MOVUPS MOVSS MOVSD MOVLPS MOVHPS MOVD MOVQ and their kin, non-temporal moves, MOVMSKPS, LDMXCSR, STMXCSR.

/** MXCSR bits that LDMXCSR refuses: all but MXCSR_MASK of FXSAVE. */
const MXCSR_RESERVED = 0xffff0000 | 0;

export function defineSseMove(d: Definitions): void {
  const store = (x: Context, aligned: boolean): void => {
    const linear = x.linear(16, true);
    if (aligned) requireAligned(x, linear);
    x.storeV128(linear, x.xmmOperand(1));
  };
  const whole = (mnemonic: string, aligned: boolean): void => {
    d.define(mnemonic, { shapes: ['xx', 'xm', 'mx'], hot: true }, (x) => {
      x.requireSse();
      if (x.shape === 'mx') store(x, aligned);
      else x.setXmmOperand(0, vectorSource(x, 1, aligned));
    });
  };
  for (const mnemonic of ['Movaps', 'Movapd', 'Movdqa']) whole(mnemonic, true);
  for (const mnemonic of ['Movups', 'Movupd', 'Movdqu']) whole(mnemonic, false);

  for (const mnemonic of ['Movntps', 'Movntpd', 'Movntdq']) {
    d.define(mnemonic, { shapes: ['mx'] }, (x) => {
      x.requireSse();
      store(x, true);
    });
  }
  for (const [mnemonic, aligned] of [['Movntdqa', true], ['Lddqu', false]] as const) {
    d.define(mnemonic, { shapes: ['xm'] }, (x) => {
      x.requireSse();
      x.setXmmOperand(0, vectorSource(x, 1, aligned));
    });
  }
  // MOVNTI works on general registers: neither CR0.EM nor CR4.OSFXSR matters (SDM vol. 3, 13.1.2).
  d.define('Movnti', { shapes: ['mr'], sizes: [4, 8] }, (x) => x.operand(0).write(x.operand(1).read()));

  // MOVSS and MOVSD: a load clears the rest of the register, a move between registers keeps it.
  for (const [mnemonic, size] of [['Movss', 4], ['Movsd', 8]] as const) {
    d.define(mnemonic, { shapes: ['xx', 'xm', 'mx'], hot: true }, (x) => {
      x.requireSse();
      if (x.shape === 'mx') x.store(x.linear(size, true), size, x.xmmLow(1, size));
      else if (x.shape === 'xm') x.setXmmOperand(0, extendZero(x.e, lowSource(x, 1, size)));
      else {
        const from = x.xmmOperand(1);
        const to = x.xmmOperand(0);
        x.setXmmOperand(0, size === 4 ? to.replace(Simd.i32x4ReplaceLane, 0, from.lane32(0)) : to.replace(Simd.i64x2ReplaceLane, 0, from.lane64(0)));
      }
    });
  }

  for (const mnemonic of ['Movlps', 'Movlpd', 'Movhps', 'Movhpd']) {
    const lane = mnemonic.startsWith('Movl') ? 0 : 1;
    d.define(mnemonic, { shapes: ['xm', 'mx'] }, (x) => {
      x.requireSse();
      if (x.shape === 'mx') x.store(x.linear(8, true), 8, x.xmmOperand(1).lane64(lane));
      else {
        const value = x.load(x.linear(8, false), 8);
        x.setXmmOperand(0, x.xmmOperand(0).replace(Simd.i64x2ReplaceLane, lane, value));
      }
    });
  }
  for (const [mnemonic, to, from] of [['Movhlps', 0, 1], ['Movlhps', 1, 0]] as const) {
    d.define(mnemonic, { shapes: ['xx'] }, (x) => {
      x.requireSse();
      x.setXmmOperand(0, x.xmmOperand(0).replace(Simd.i64x2ReplaceLane, to, x.xmmOperand(1).lane64(from)));
    });
  }

  defineUnary(d, 'Movsldup', (b, { e }) => e.shuffle(b, b, [0, 1, 2, 3, 0, 1, 2, 3, 8, 9, 10, 11, 8, 9, 10, 11]));
  defineUnary(d, 'Movshdup', (b, { e }) => e.shuffle(b, b, [4, 5, 6, 7, 4, 5, 6, 7, 12, 13, 14, 15, 12, 13, 14, 15]));
  d.define('Movddup', { shapes: ['xx', 'xm'] }, (x) => {
    x.requireSse();
    x.setXmmOperand(0, lowSource(x, 1, 8).splat());
  });

  // MOVQ comes in two encodings; both clear the upper half of a register.
  for (const [mnemonic, size] of [['Movd', 4], ['Movq', 8]] as const) {
    d.define(mnemonic, { shapes: size === 8 ? ['xr', 'xm', 'rx', 'mx', 'xx'] : ['xr', 'xm', 'rx', 'mx'], hot: size === 8 }, (x) => {
      x.requireSse();
      if (x.shape === 'mx') x.store(x.linear(size, true), size, x.xmmLow(1, size));
      else if (x.shape === 'rx') x.setOperandSized(0, x.xmmLow(1, size), size);
      else x.setXmmOperand(0, extendZero(x.e, x.shape === 'xr' ? x.operand(1).readUnsigned(size) : lowSource(x, 1, size)));
    });
  }

  for (const [mnemonic, bitmask] of [['Movmskps', Simd.i32x4Bitmask], ['Movmskpd', Simd.i64x2Bitmask], ['Pmovmskb', Simd.i8x16Bitmask]] as const) {
    d.define(mnemonic, { shapes: ['rx'], hot: mnemonic === 'Pmovmskb' }, (x) => {
      x.requireSse();
      x.setOperandSized(0, x.xmmOperand(1).reduce(bitmask).toI64U(), 8);
    });
  }

  // Only the bytes whose mask bit is set are accessed, and may fault; both ends are checked before the first is stored.
  d.define('Maskmovdqu', { shapes: ['mxx'], modes: true }, (x) => {
    x.requireSse();
    const { e } = x;
    const at = (k: ReturnType<typeof e.i32>): ReturnType<typeof e.i64> => {
      const linear = base.add(k.toI64U());
      return x.long ? linear : linear.and(0xffffffff);
    };
    const base = x.linear(16, true);
    const source = x.xmmOperand(1);
    const mask = x.xmmOperand(2).reduce(Simd.i8x16Bitmask);
    e.if(mask, () => {
      x.prepareWrite(at(mask.ctz()), 1);
      x.prepareWrite(at(e.i32(31).sub(mask.clz())), 1);
      const left = e.variable(mask);
      e.loop((next) => {
        const k = left.get().ctz();
        const byte = source.binary(Simd.i8x16Swizzle, k.splat(Simd.i8x16Splat)).lane8U(0);
        x.store(at(k), 1, byte.toI64U());
        left.set(left.get().and(left.get().sub(1)));
        e.brIf(next, left.get());
      });
    });
  });

  d.define('Ldmxcsr', { shapes: ['m'] }, (x) => {
    x.requireSse();
    const value = x.load(x.linear(4, false), 4).wrap();
    x.e.if(value.and(MXCSR_RESERVED), () => x.exception(Vector.GP, x.e.i32(0)));
    x.setField32(State.mxcsr, value);
  });
  d.define('Stmxcsr', { shapes: ['m'] }, (x) => {
    x.requireSse();
    x.store(x.linear(4, true), 4, x.field32(State.mxcsr).toI64U());
  });
}
