import type { I64 } from '../emit/emitter.js';
import type { Context } from './context.js';
import type { Definitions } from './definition.js';

// SDM vol. 2: BT BTS BTR BTC, BSF BSR, TZCNT LZCNT POPCNT, BMI1 and BMI2, CRC32.

export function defineBits(d: Definitions): void {
  const change: Record<string, ((value: I64, bit: I64) => I64) | undefined> = {
    Bts: (v, b) => v.or(b),
    Btr: (v, b) => v.and(b.not()),
    Btc: (v, b) => v.xor(b),
  };
  for (const mnemonic of ['Bt', 'Bts', 'Btr', 'Btc']) {
    d.define(mnemonic, { shapes: ['rr', 'ri', 'mi', 'mr'], sizes: [2, 4, 8], hot: (size, shape) => size >= 4 && shape !== 'mr' && mnemonic === 'Bt' }, (x) => {
      const bits = 8 * x.size;
      const update = change[mnemonic];
      if (x.shape === 'mr') {
        // A register index reaches beyond the operand: it selects one at base + (index >> log2(bits)) * size.
        const index = x.operand(1).read();
        const displaced = index.shrS(x.size === 8 ? 6 : x.size === 4 ? 5 : 4).mul(x.size);
        const at = linearDisplaced(x, displaced, update !== undefined);
        if (update) x.prepareWrite(at, x.size);
        const value = x.loadSigned(at, x.size);
        const n = index.and(bits - 1);
        if (update) x.store(at, x.size, update(value, x.e.i64(1).shl(n)));
        x.flags.setCarry(value.shrU(n).wrap().and(1));
        return;
      }
      const n = x.operand(1).read().and(bits - 1);
      const value = update ? x.operand(0).readModify() : x.operand(0).read();
      if (update) x.operand(0).write(update(value, x.e.i64(1).shl(n)).signed(x.size));
      x.flags.setCarry(value.shrU(n).wrap().and(1));
    });
  }

  // A zero source leaves the destination as it was (documented by AMD, true of Intel); ZF says so. Other flags are undefined: kept,
  // but for those made from the result.
  d.define(['Bsf', 'Bsr'], { shapes: ['rr', 'rm'], sizes: [2, 4, 8] }, (x, mnemonic) => {
    const source = x.operand(1).readUnsigned();
    x.e.if(source.ne(0), () => x.operand(0).write(mnemonic === 'Bsf' ? source.ctz() : x.e.i64(63).sub(source.clz())));
    x.flags.setZero(source.eqz());
  });
  d.define(['Tzcnt', 'Lzcnt'], { shapes: ['rr', 'rm'], sizes: [2, 4, 8] }, (x, mnemonic) => {
    const bits = 8 * x.size;
    const source = x.operand(1).readUnsigned();
    const found = mnemonic === 'Tzcnt' ? source.ctz() : source.clz().sub(64 - bits);
    const result = source.eqz().select(x.e.i64(bits), found);
    x.operand(0).write(result);
    x.flags.afterLogic(result);
    x.flags.setCarry(source.eqz());
  });
  d.define('Popcnt', { shapes: ['rr', 'rm'], sizes: [2, 4, 8] }, (x) => {
    const result = x.operand(1).readUnsigned().popcnt();
    x.operand(0).write(result);
    // All flags but ZF are cleared; the parity of an odd count would show otherwise.
    x.flags.clear();
    x.flags.setZero(result.eqz());
  });

  d.define('Andn', { shapes: ['rrr', 'rrm'], sizes: [4, 8] }, (x) => {
    const result = x.operand(1).read().not().and(x.operand(2).read());
    x.operand(0).write(result);
    x.flags.afterLogic(result);
  });
  d.define('Bextr', { shapes: ['rrr', 'rmr'], sizes: [4, 8] }, (x) => {
    const control = x.operand(2).read();
    const start = control.and(0xff);
    const length = control.shrU(8).and(0xff);
    const shifted = start.gtU(63).select(x.e.i64(0), x.operand(1).readUnsigned().shrU(start));
    const result = length.gtU(63).select(shifted, shifted.and(x.e.i64(1).shl(length).sub(1)));
    x.operand(0).write(result);
    x.flags.afterLogic(result.signed(x.size));
  });
  d.define(['Blsi', 'Blsr', 'Blsmsk'], { shapes: ['rr', 'rm'], sizes: [4, 8] }, (x, mnemonic) => {
    const source = x.operand(1).read();
    const result = mnemonic === 'Blsi' ? source.neg().and(source) : mnemonic === 'Blsr' ? source.sub(1).and(source) : source.sub(1).xor(source);
    const signed = result.signed(x.size);
    x.operand(0).write(signed);
    x.flags.afterLogic(signed);
    x.flags.setCarry(mnemonic === 'Blsi' ? source.ne(0) : source.eqz());
  });
  d.define('Bzhi', { shapes: ['rrr', 'rmr'], sizes: [4, 8] }, (x) => {
    const n = x.operand(2).readUnsigned().and(0xff);
    const source = x.operand(1).readUnsigned();
    const over = n.gtU(8 * x.size - 1);
    const result = over.select(source, source.and(x.e.i64(1).shl(n).sub(1)));
    x.operand(0).write(result);
    x.flags.afterLogic(result.signed(x.size));
    x.flags.setCarry(over);
  });
  d.define(['Pdep', 'Pext'], { shapes: ['rrr', 'rrm'], sizes: [4, 8] }, (x, mnemonic) => {
    const { e } = x;
    const source = x.operand(1).readUnsigned();
    const mask = e.variable(x.operand(2).readUnsigned());
    const result = e.variable(e.i64(0));
    const k = e.variable(e.i64(0));
    e.block((out) => e.loop((again) => {
      const m = mask.get();
      e.brIf(out, m.eqz());
      const lowest = m.and(m.neg());
      const bit = mnemonic === 'Pdep' ? source.shrU(k.get()).and(1).wrap() : source.and(lowest).ne(0);
      const add = mnemonic === 'Pdep' ? lowest : e.i64(1).shl(k.get());
      result.set(result.get().or(bit.select(add, e.i64(0))));
      mask.set(m.and(m.sub(1)));
      k.set(k.get().add(1));
      e.br(again);
    }));
    x.operand(0).write(result.get());
  });

  // CRC-32C (polynomial 11EDC6F41H, reflected), bitwise. The source's size tells the instances apart.
  d.define('Crc32', { shapes: ['rr', 'rm'], sizes: [1, 2, 4, 8], sizeOf: 1 }, (x) => {
    const { e } = x;
    const crc = e.variable(x.operand(0).readUnsigned(4));
    const source = x.operand(1).readUnsigned(x.size);
    const steps = e.variable(e.i32(8 * x.size));
    crc.set(crc.get().xor(source));
    e.loop((again) => {
      const c = crc.get();
      crc.set(c.shrU(1).xor(c.and(1).neg().and(0x82f63b78)));
      steps.set(steps.get().sub(1));
      e.brIf(again, steps.get());
    });
    x.setOperandSized(0, crc.get().unsigned(4), 8);
  });
}

/** The sum wraps at the address size, as any effective address. */
function linearDisplaced(x: Context, displacement: I64, write: boolean): I64 {
  const size = x.addressSize();
  const mask = size.eq(8).select(x.e.i64(-1), size.eq(4).select(x.e.i64(0xffffffff), x.e.i64(0xffff)));
  return x.linearOf(x.offset().add(displacement).and(mask), x.size, write);
}
