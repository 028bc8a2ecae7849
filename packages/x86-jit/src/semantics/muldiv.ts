import type { I32, I64 } from '../emit/emitter.js';
import { Vector } from '../state-layout.js';
import type { Context } from './context.js';
import type { Definitions } from './definition.js';
import { mulHighSigned, mulHighUnsigned } from './wide-multiplication.js';

// SDM vol. 2: MUL IMUL DIV IDIV, MULX, and the decimal adjustments.

/** Quotient and remainder of (high:low) / divisor for high < divisor, all unsigned: restoring division, one bit a step. */
function divideWide(x: Context, high: I64, low: I64, divisor: I64): [I64, I64] {
  const { e } = x;
  const remainder = e.variable(high);
  const quotient = e.variable(low);
  const steps = e.variable(e.i32(64));
  e.if(high.eqz(), () => {
    remainder.set(low.remU(divisor));
    quotient.set(low.divU(divisor));
  }, () => {
    e.loop((again) => {
      const carry = remainder.get().ltS(0);
      const shifted = remainder.get().shl(1).or(quotient.get().shrU(63));
      const fits = carry.or(shifted.geU(divisor));
      const next = quotient.get().shl(1).or(fits.toI64U());
      remainder.set(fits.select(shifted.sub(divisor), shifted));
      quotient.set(next);
      steps.set(steps.get().sub(1));
      e.brIf(again, steps.get());
    });
  });
  return [quotient.get(), remainder.get()];
}

/** Puts a double-width result in AX, DX:AX, EDX:EAX or RDX:RAX. */
function setPair(x: Context, low: I64, high: I64): void {
  if (x.size === 1) x.setGpr(0, low.unsigned(1).or(high.unsigned(1).shl(8)), 2);
  else {
    x.setGpr(0, low, x.size);
    x.setGpr(2, high, x.size);
  }
}

export function defineMulDiv(d: Definitions): void {
  // SF, ZF, AF and PF are undefined after a multiplication: they are made from the low half.
  const finish = (x: Context, low: I64, lost: I32): void => {
    x.flags.result(low);
    x.flags.setCarryOverflow(lost, lost);
  };
  d.define('Mul', { shapes: ['r', 'm'], sizes: [1, 2, 4, 8] }, (x) => {
    const b = x.operand(0).readUnsigned();
    const a = x.gprUnsigned(0, x.size);
    const low = a.mul(b);
    const high = x.size === 8 ? mulHighUnsigned(a, b) : low.shrU(8 * x.size);
    setPair(x, low, high);
    finish(x, low.signed(x.size), high.ne(0));
  });
  d.define('Imul', { shapes: ['r', 'm'], sizes: [1, 2, 4, 8] }, (x) => {
    const b = x.operand(0).read();
    const a = x.gpr(0, x.size);
    const low = a.mul(b);
    const high = x.size === 8 ? mulHighSigned(a, b) : low.shrS(8 * x.size);
    const kept = low.signed(x.size);
    setPair(x, low, high);
    finish(x, kept, x.size === 8 ? high.ne(low.shrS(63)) : kept.ne(low));
  });
  const truncating = (x: Context, a: I64, b: I64): void => {
    const kept = a.mul(b).signed(x.size);
    x.operand(0).write(kept);
    x.flags.afterImul(x.size, a, b, kept);
  };
  const hot = (size: number): boolean => size >= 4;
  d.define('Imul', { shapes: ['rr', 'rm'], sizes: [2, 4, 8], hot }, (x) => truncating(x, x.operand(0).read(), x.operand(1).read()));
  d.define('Imul', { shapes: ['rri', 'rmi'], sizes: [2, 4, 8], hot }, (x) => truncating(x, x.operand(1).read(), x.operand(2).read()));

  // DIV and IDIV leave the flags undefined: they stay as they are.
  d.define('Div', { shapes: ['r', 'm'], sizes: [1, 2, 4, 8] }, (x) => {
    const { e } = x;
    const divisor = x.operand(0).readUnsigned();
    if (x.size === 8) {
      const high = x.gpr(2);
      e.if(high.geU(divisor), () => x.exception(Vector.DE));
      const [quotient, remainder] = divideWide(x, high, x.gpr(0), divisor);
      x.setGpr(0, quotient);
      x.setGpr(2, remainder);
      return;
    }
    const dividend = x.size === 1 ? x.gprUnsigned(0, 2) : x.gprUnsigned(0, x.size).or(x.gprUnsigned(2, x.size).shl(8 * x.size));
    e.if(dividend.shrU(8 * x.size).geU(divisor), () => x.exception(Vector.DE));
    setPair(x, dividend.divU(divisor), dividend.remU(divisor));
  });
  d.define('Idiv', { shapes: ['r', 'm'], sizes: [1, 2, 4, 8] }, (x) => {
    const { e } = x;
    const divisor = x.operand(0).read();
    e.if(divisor.eqz(), () => x.exception(Vector.DE));
    if (x.size === 8) {
      const low = x.gpr(0);
      const high = x.gpr(2);
      // Magnitudes are divided; the quotient's sign is the product of the signs, the remainder's the dividend's.
      const negative = high.ltS(0);
      const opposite = high.xor(divisor).ltS(0);
      const absLow = negative.select(low.neg(), low);
      const absHigh = negative.select(high.not().add(low.eqz().toI64U()), high);
      const absDivisor = divisor.ltS(0).select(divisor.neg(), divisor);
      e.if(absHigh.geU(absDivisor), () => x.exception(Vector.DE));
      const [q, r] = divideWide(x, absHigh, absLow, absDivisor);
      const limit = opposite.select(e.i64(-0x8000000000000000n), e.i64(0x7fffffffffffffffn));
      e.if(q.gtU(limit), () => x.exception(Vector.DE));
      x.setGpr(0, opposite.select(q.neg(), q));
      x.setGpr(2, negative.select(r.neg(), r));
      return;
    }
    const dividend = x.size === 1 ? x.gpr(0, 2) : x.gprUnsigned(0, x.size).or(x.gprUnsigned(2, x.size).shl(8 * x.size)).signed(2 * x.size);
    // -2^63 / -1 would trap in the host; the quotient doesn't fit anyway.
    e.if(dividend.eq(-0x8000000000000000n).and(divisor.eq(-1)), () => x.exception(Vector.DE));
    const quotient = dividend.divS(divisor);
    e.if(quotient.signed(x.size).ne(quotient), () => x.exception(Vector.DE));
    setPair(x, quotient, dividend.remS(divisor));
  });

  d.define('Mulx', { shapes: ['rrr', 'rrm'], sizes: [4, 8] }, (x) => {
    const b = x.operand(2).readUnsigned();
    const a = x.gprUnsigned(2, x.size);
    const low = a.mul(b);
    const high = x.size === 8 ? mulHighUnsigned(a, b) : low.shrU(32);
    // The high half wins when both destinations are the same register.
    x.operand(1).write(low);
    x.operand(0).write(high);
  });

  // Decimal arithmetic, not in 64-bit mode.
  const adjustPacked = (mnemonic: string, subtract: boolean): void => d.define(mnemonic, { shapes: [''] }, (x) => {
    const { e } = x;
    const al = x.gprUnsigned(0, 1).wrap();
    const carry = x.flags.carry();
    const low = al.and(15).gtU(9).or(x.flags.aux());
    const high = al.gtU(0x99).or(carry);
    const delta = low.mul(6).add(high.mul(0x60));
    const result = (subtract ? al.sub(delta) : al.add(delta)).and(0xff);
    // DAS: a borrow out of the low adjustment also sets CF.
    const out = subtract ? high.or(low.and(al.ltU(6))) : high.or(low.and(al.gtU(0xf9)));
    x.setGpr(0, result.toI64U(), 1);
    x.flags.result(result.toI64U().signed(1));
    x.flags.setCarryOverflow(out, e.i32(0));
    x.flags.setAux(low);
  });
  adjustPacked('Daa', false);
  adjustPacked('Das', true);
  const adjustUnpacked = (mnemonic: string, subtract: boolean): void => d.define(mnemonic, { shapes: [''] }, (x) => {
    const { e } = x;
    const ax = x.gprUnsigned(0, 2).wrap();
    const adjust = ax.and(15).gtU(9).or(x.flags.aux());
    const moved = subtract ? ax.sub(adjust.mul(0x106)) : ax.add(adjust.mul(0x106));
    const result = moved.and(0xff0f);
    x.setGpr(0, result.toI64U(), 2);
    x.flags.result(result.toI64U().signed(1));
    x.flags.setCarryOverflow(adjust, e.i32(0));
    x.flags.setAux(adjust);
  });
  adjustUnpacked('Aaa', false);
  adjustUnpacked('Aas', true);
  d.define('Aam', { shapes: ['i'] }, (x) => {
    const base = x.immediate().unsigned(1);
    x.e.if(base.eqz(), () => x.exception(Vector.DE));
    const al = x.gprUnsigned(0, 1);
    const low = al.remU(base);
    x.setGpr(0, low.or(al.divU(base).shl(8)), 2);
    x.flags.afterLogic(low.signed(1));
  });
  d.define('Aad', { shapes: ['i'] }, (x) => {
    const sum = x.gprUnsigned(0, 1).add(x.gprUnsigned(0, 2).shrU(8).mul(x.immediate().unsigned(1))).and(0xff);
    x.setGpr(0, sum, 2);
    x.flags.afterLogic(sum.signed(1));
  });
}
