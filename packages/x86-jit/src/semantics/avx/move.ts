import { Simd } from '../../emit/opcodes.js';
import type { I32, I64 } from '../../emit/emitter.js';
import type { Context, Half } from '../context.js';
import type { Definitions } from '../definition.js';
import { requireAligned, splat16, splat32, splat8, zero } from '../sse/operand.js';
import { ifWide, setVector } from './operand.js';

// SDM vol. 2: moves of whole AVX registers, VMOVDDUP, VMOVMSK*, VPMOVMSKB, VPTEST, VTESTPS, VTESTPD, broadcasts, VZEROUPPER, VZEROALL.

/** Stores register operand `index`; nothing is written if part of it can't be. */
function store(x: Context, index: number, aligned: boolean): void {
  const whole = (bytes: 16 | 32): I64 => {
    const linear = x.linear(bytes, true);
    if (aligned) requireAligned(x, linear, bytes);
    return linear;
  };
  ifWide(x, () => {
    const linear = whole(32);
    x.prepareWrite(linear, 32);
    x.storeV128(linear, x.ymmOperand(index, 0));
    x.storeV128(x.linearAfter(linear, 16), x.ymmOperand(index, 1));
  }, () => x.storeV128(whole(16), x.ymmOperand(index, 0)));
}

function load(x: Context, index: number, aligned: boolean): void {
  if (aligned) {
    // Only memory has an alignment: the handler of these is not merged.
    ifWide(x, () => requireAligned(x, x.linear(32, false), 32), () => requireAligned(x, x.linear(16, false)));
  }
  const { low, high } = x.vexVectors(index);
  const upper = x.e.variable(zero(x.e));
  ifWide(x, () => upper.set(high));
  setVector(x, low, upper.get());
}

function defineWhole(d: Definitions): void {
  for (const [mnemonic, aligned] of [['Vmovaps', true], ['Vmovapd', true], ['Vmovdqa', true], ['Vmovups', false], ['Vmovupd', false], ['Vmovdqu', false]] as const) {
    const loads = (shapes: readonly string[], checked: boolean): void => {
      d.define(mnemonic, { shapes, merged: true }, (x) => {
        x.requireAvx();
        load(x, 1, checked);
      });
    };
    if (aligned) {
      loads(['xx', 'yy'], false);
      loads(['xm', 'ym'], true);
    } else loads(['xx', 'xm', 'yy', 'ym'], false);
    d.define(mnemonic, { shapes: ['mx', 'my'], merged: true }, (x) => {
      x.requireAvx();
      store(x, 1, aligned);
    });
  }
  for (const mnemonic of ['Vmovntps', 'Vmovntpd', 'Vmovntdq']) {
    d.define(mnemonic, { shapes: ['mx', 'my'], merged: true }, (x) => {
      x.requireAvx();
      store(x, 1, true);
    });
  }
  for (const [mnemonic, aligned] of [['Vmovntdqa', true], ['Vlddqu', false]] as const) {
    d.define(mnemonic, { shapes: ['xm', 'ym'], merged: true }, (x) => {
      x.requireAvx();
      load(x, 1, aligned);
    });
  }
}

/** Masks of sign bits, and comparisons that only set flags. */
function defineTests(d: Definitions): void {
  for (const [mnemonic, bitmask, lanes] of [['Vmovmskps', Simd.i32x4Bitmask, 4], ['Vmovmskpd', Simd.i64x2Bitmask, 2], ['Vpmovmskb', Simd.i8x16Bitmask, 16]] as const) {
    d.define(mnemonic, { shapes: ['rx', 'ry'], merged: true }, (x) => {
      x.requireAvx();
      const mask = (half: Half): I32 => x.ymmOperand(1, half).reduce(bitmask);
      const bits = x.e.variable(mask(0));
      ifWide(x, () => bits.set(bits.get().or(mask(1).shl(lanes))));
      x.setOperandSized(0, bits.get().toI64U(), 8);
    });
  }

  // ZF: no bit is set in both; CF: none in the second only. VTESTPS and VTESTPD look at sign bits.
  for (const [mnemonic, bitmask] of [['Vptest', undefined], ['Vtestps', Simd.i32x4Bitmask], ['Vtestpd', Simd.i64x2Bitmask]] as const) {
    d.define(mnemonic, { shapes: ['xx', 'xm', 'yy', 'ym'], merged: true }, (x) => {
      x.requireAvx();
      const source = x.vexVectors(1);
      const reduce = (v: typeof source.low): I32 => v.reduce(bitmask ?? Simd.v128AnyTrue);
      const both = (half: Half): [common: I32, missing: I32] => {
        const a = x.ymmOperand(0, half);
        const b = half === 0 ? source.low : source.high;
        return [reduce(a.binary(Simd.v128And, b)), reduce(b.binary(Simd.v128AndNot, a))];
      };
      const [common, missing] = both(0).map((value) => x.e.variable(value)) as [ReturnType<typeof x.e.variable<I32>>, ReturnType<typeof x.e.variable<I32>>];
      ifWide(x, () => {
        const [c, m] = both(1);
        common.set(common.get().or(c));
        missing.set(missing.get().or(m));
      });
      x.flags.clear();
      x.flags.setZero(common.get().eqz());
      x.flags.setCarry(missing.get().eqz());
    });
  }
}

function defineBroadcasts(d: Definitions): void {
  const broadcast = (mnemonic: string, shapes: readonly string[], size: 1 | 2 | 4 | 8): void => {
    d.define(mnemonic, { shapes, merged: true }, (x) => {
      x.requireAvx();
      const value = x.vexLow(1, size);
      const low = size === 8 ? value.splat() : { 1: splat8, 2: splat16, 4: splat32 }[size](value.wrap());
      const high = x.e.variable(zero(x.e));
      ifWide(x, () => high.set(low));
      setVector(x, low, high.get());
    });
  };
  const all = ['xx', 'xm', 'yx', 'ym'];
  broadcast('Vpbroadcastb', all, 1);
  broadcast('Vpbroadcastw', all, 2);
  broadcast('Vpbroadcastd', all, 4);
  broadcast('Vpbroadcastq', all, 8);
  broadcast('Vbroadcastss', all, 4);
  broadcast('Vbroadcastsd', ['yx', 'ym'], 8);
  for (const mnemonic of ['Vbroadcastf128', 'Vbroadcasti128']) {
    d.define(mnemonic, { shapes: ['ym'] }, (x) => {
      x.requireAvx();
      const value = x.vexVector(1);
      setVector(x, value, value);
    });
  }
  // 64 bits of each 128; the 128-bit form reads no more of memory.
  d.define('Vmovddup', { shapes: ['xx', 'xm', 'yy', 'ym'], merged: true }, (x) => {
    x.requireAvx();
    const low = x.e.variableV128();
    const high = x.e.variable(zero(x.e));
    ifWide(x, () => {
      const source = x.vexVectors(1);
      low.set(source.low.lane64(0).splat());
      high.set(source.high.lane64(0).splat());
    }, () => low.set(x.vexLow(1, 8).splat()));
    setVector(x, low.get(), high.get());
  });
}

export function defineAvxMove(d: Definitions): void {
  defineWhole(d);
  defineTests(d);
  defineBroadcasts(d);
  // Outside 64-bit mode there are eight registers, and the others keep what they have.
  d.define('Vzeroupper', { shapes: [''], modes: true }, (x) => {
    x.requireAvx();
    for (let number = 0; number < (x.long ? 16 : 8); number++) x.setYmm(number, 1, zero(x.e));
  });
  d.define('Vzeroall', { shapes: [''], modes: true }, (x) => {
    x.requireAvx();
    for (let number = 0; number < (x.long ? 16 : 8); number++) for (const half of [0, 1] as const) x.setYmm(number, half, zero(x.e));
  });
}
