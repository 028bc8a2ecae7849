import type { I32, I64 } from '../emit/emitter.js';
import type { Context } from './context.js';
import type { Definitions } from './definition.js';

// SDM vol. 2: SHL SHR SAR ROL ROR RCL RCR SHLD SHRD, and BMI2's SHLX SHRX SARX RORX.

const SIZES = [1, 2, 4, 8];
const SHAPES = ['rr', 'mr', 'ri', 'mi'];

/** The count masked to 5 bits, or 6 for 64-bit operands. */
function count(x: Context): I64 {
  return x.operand(1).read(1).and(x.size === 8 ? 63 : 31);
}

export function defineShift(d: Definitions): void {
  const shift = (mnemonics: string | string[], emit: (x: Context, a: I64, n: I64) => void): void =>
    d.define(mnemonics, { shapes: SHAPES, sizes: SIZES, hot: (size, shape) => size >= 4 && shape === 'ri' }, (x) => {
      const n = count(x);
      const a = x.operand(0).readModify();
      emit(x, a, n);
    });

  // A count of zero changes no flag. OF is defined for a count of 1 only; for others we give what the formula for 1 gives.
  shift(['Shl', 'Sal'], (x, a, n) => {
    const result = a.shl(n).signed(x.size);
    x.operand(0).write(result);
    x.e.if(n.ne(0), () => x.flags.afterShl(x.size, a, n, result));
  });
  shift('Shr', (x, a, n) => {
    const unsigned = a.unsigned(x.size);
    const result = unsigned.shrU(n).signed(x.size);
    x.operand(0).write(result);
    x.e.if(n.ne(0), () => x.flags.afterShr(x.size, a, n, result));
  });
  shift('Sar', (x, a, n) => {
    const result = a.shrS(n);
    x.operand(0).write(result);
    x.e.if(n.ne(0), () => x.flags.afterSar(a, n, result));
  });

  const rotate = (mnemonic: string, emit: (x: Context, a: I64, n: I64) => void): void => shift(mnemonic, emit);
  rotate('Rol', (x, a, n) => {
    const bits = 8 * x.size;
    const u = a.unsigned(x.size);
    const m = x.size >= 4 ? n : n.and(bits - 1);
    const result = x.size === 8 || x.size === 4 ? a.rotatedLeft(x.size, m) : u.shl(m).or(u.shrU(x.e.i64(bits).sub(m)));
    const signed = result.signed(x.size);
    x.operand(0).write(signed);
    x.e.if(n.ne(0), () => x.flags.afterRol(signed));
  });
  rotate('Ror', (x, a, n) => {
    const bits = 8 * x.size;
    const u = a.unsigned(x.size);
    const m = x.size >= 4 ? n : n.and(bits - 1);
    const result = x.size === 8 || x.size === 4 ? a.rotatedRight(x.size, m) : u.shrU(m).or(u.shl(x.e.i64(bits).sub(m)));
    const signed = result.signed(x.size);
    x.operand(0).write(signed);
    x.e.if(n.ne(0), () => x.flags.afterRor(x.size, signed));
  });
  // Through carry: one bit at a time is how it is defined, and it is rare.
  rotate('Rcl', (x, a, n) => {
    const { e } = x;
    const value = e.variable(a.unsigned(x.size));
    const carry = e.variable(x.flags.carry().toI64U());
    const left = e.variable(x.size >= 4 ? n : n.remU(8 * x.size + 1));
    e.block((out) => {
      e.loop((again) => {
        e.brIf(out, left.get().eqz());
        const top = value.get().shrU(8 * x.size - 1).and(1);
        value.set(value.get().shl(1).or(carry.get()).unsigned(x.size));
        carry.set(top);
        left.set(left.get().sub(1));
        e.br(again);
      });
    });
    x.operand(0).write(value.get().signed(x.size));
    e.if(n.ne(0), () => {
      const c = carry.get().wrap();
      x.flags.setCarry(c);
      x.flags.setOverflow(c.xor(value.get().shrU(8 * x.size - 1).wrap().and(1)));
    });
  });
  rotate('Rcr', (x, a, n) => {
    const { e } = x;
    const value = e.variable(a.unsigned(x.size));
    const carry = e.variable(x.flags.carry().toI64U());
    const left = e.variable(x.size >= 4 ? n : n.remU(8 * x.size + 1));
    e.block((out) => {
      e.loop((again) => {
        e.brIf(out, left.get().eqz());
        const low = value.get().and(1);
        value.set(value.get().shrU(1).or(carry.get().shl(8 * x.size - 1)));
        carry.set(low);
        left.set(left.get().sub(1));
        e.br(again);
      });
    });
    x.operand(0).write(value.get().signed(x.size));
    e.if(n.ne(0), () => {
      x.flags.setCarry(carry.get().wrap());
      x.flags.setOverflow(value.get().shrU(8 * x.size - 1).xor(value.get().shrU(8 * x.size - 2)).wrap().and(1));
    });
  });

  for (const left of [true, false]) {
    d.define(left ? 'Shld' : 'Shrd', { shapes: ['rri', 'mri', 'rrr', 'mrr'], sizes: [2, 4, 8] }, (x) => {
      const { e } = x;
      const bits = 8 * x.size;
      const n = x.operand(2).read(1).and(x.size === 8 ? 63 : 31);
      const filler = x.operand(1).readUnsigned();
      const a = x.operand(0).readModify();
      const u = a.unsigned(x.size);
      e.if(n.eqz(), () => {
        // A 32-bit register destination is zero-extended even so.
        x.operand(0).write(a);
        x.done();
      });
      // 16-bit operands with counts over 16 are undefined; processors rotate through the pair destination:source:destination.
      let result: I64;
      let carry: I32;
      if (x.size === 2) {
        const wide = left ? u.shl(32).or(filler.shl(16)).or(u) : u.shl(32).or(filler.shl(16)).or(u);
        result = left ? wide.shl(n).shrU(32) : wide.shrU(n);
        carry = (left ? wide.shrU(e.i64(48).sub(n)) : wide.shrU(n.sub(1))).wrap().and(1);
      } else {
        const back = e.i64(bits).sub(n);
        result = left ? u.shl(n).or(filler.shrU(back)) : u.shrU(n).or(filler.shl(back));
        carry = (left ? u.shrU(back) : u.shrU(n.sub(1))).wrap().and(1);
      }
      const signed = result.signed(x.size);
      x.operand(0).write(signed);
      x.flags.result(signed);
      x.flags.setCarryOverflow(carry, signed.xor(a).ltS(0));
    });
  }

  d.define(['Shlx', 'Shrx', 'Sarx'], { shapes: ['rrr', 'rmr'], sizes: [4, 8] }, (x, mnemonic) => {
    const a = mnemonic === 'Shrx' ? x.operand(1).readUnsigned() : x.operand(1).read();
    const n = x.operand(2).read().and(8 * x.size - 1);
    x.operand(0).write(mnemonic === 'Shlx' ? a.shl(n) : mnemonic === 'Shrx' ? a.shrU(n) : a.shrS(n));
  });
  d.define('Rorx', { shapes: ['rri', 'rmi'], sizes: [4, 8] }, (x) => {
    const u = x.operand(1).readUnsigned();
    const n = x.operand(2).read().and(8 * x.size - 1);
    x.operand(0).write(u.rotatedRight(x.size as 4 | 8, n));
  });
}
