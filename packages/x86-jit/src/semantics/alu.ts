import type { I64 } from '../emit/emitter.js';
import type { Context } from './context.js';
import type { Definitions } from './definition.js';

// SDM vol. 2: ADD ADC SUB SBB CMP AND OR XOR TEST INC DEC NEG NOT, CMPXCHG, XADD.

const SIZES = [1, 2, 4, 8];
const BINARY = ['rr', 'rm', 'mr', 'ri', 'mi'];
/** Byte and word forms are rare enough to be functions of their own. */
const hot = (size: number): boolean => size >= 4 || size === 1;

export function defineAlu(d: Definitions): void {
  const binary = (mnemonic: string, emit: (x: Context) => void, isHot = hot): void => d.define(mnemonic, { shapes: BINARY, sizes: SIZES, hot: isHot }, emit);
  const source = (x: Context): I64 => x.operand(1).read();

  binary('Add', (x) => {
    const b = source(x);
    const a = x.operand(0).readModify();
    const sum = a.add(b).signed(x.size);
    x.operand(0).write(sum);
    x.flags.afterAdd(a, b, sum);
  });
  binary('Adc', (x) => {
    const b = source(x);
    const a = x.operand(0).readModify();
    const sum = a.add(b).add(x.flags.carry().toI64U()).signed(x.size);
    x.operand(0).write(sum);
    x.flags.afterAddWithCarry(a, b, sum);
  }, () => false);
  binary('Sub', (x) => {
    const b = source(x);
    const a = x.operand(0).readModify();
    const difference = a.sub(b).signed(x.size);
    x.operand(0).write(difference);
    x.flags.afterSub(a, b, difference);
  });
  binary('Sbb', (x) => {
    const b = source(x);
    const a = x.operand(0).readModify();
    const difference = a.sub(b).sub(x.flags.carry().toI64U()).signed(x.size);
    x.operand(0).write(difference);
    x.flags.afterSubWithBorrow(a, b, difference);
  }, () => false);
  binary('Cmp', (x) => {
    const b = source(x);
    const a = x.operand(0).read();
    x.flags.afterSub(a, b, a.sub(b).signed(x.size));
  });
  for (const [mnemonic, combine] of [
    ['And', (a: I64, b: I64) => a.and(b)],
    ['Or', (a: I64, b: I64) => a.or(b)],
    ['Xor', (a: I64, b: I64) => a.xor(b)],
  ] as const) {
    binary(mnemonic, (x) => {
      const b = source(x);
      const result = combine(x.operand(0).readModify(), b);
      x.operand(0).write(result);
      x.flags.afterLogic(result);
    });
  }
  binary('Test', (x) => x.flags.afterLogic(x.operand(0).read().and(source(x))));

  const unary = (mnemonic: string, emit: (x: Context) => void, isHot: boolean): void => d.define(mnemonic, { shapes: ['r', 'm'], sizes: SIZES, hot: (size) => isHot && size >= 4 }, emit);
  unary('Inc', (x) => {
    const a = x.operand(0).readModify();
    const result = a.add(1).signed(x.size);
    x.operand(0).write(result);
    x.flags.afterInc(a, result);
  }, true);
  unary('Dec', (x) => {
    const a = x.operand(0).readModify();
    const result = a.sub(1).signed(x.size);
    x.operand(0).write(result);
    x.flags.afterDec(a, result);
  }, true);
  unary('Neg', (x) => {
    const a = x.operand(0).readModify();
    const result = a.neg().signed(x.size);
    x.operand(0).write(result);
    x.flags.afterSub(x.e.i64(0), a, result);
  }, true);
  unary('Not', (x) => x.operand(0).write(x.operand(0).readModify().not().signed(x.size)), true);

  d.define('Xadd', { shapes: ['rr', 'mr'], sizes: SIZES }, (x) => {
    const b = x.operand(1).read();
    const a = x.operand(0).readModify();
    const sum = a.add(b).signed(x.size);
    // Both operands may be the same register: the sum is written last. Memory faults before either.
    if (x.shape === 'mr') {
      x.operand(0).write(sum);
      x.operand(1).write(a);
    } else {
      x.operand(1).write(a);
      x.operand(0).write(sum);
    }
    x.flags.afterAdd(a, b, sum);
  });
  d.define('Cmpxchg', { shapes: ['rr', 'mr'], sizes: SIZES }, (x) => {
    const replacement = x.operand(1).read();
    const accumulator = x.gpr(0, x.size);
    const old = x.operand(0).readModify();
    const equal = old.eq(accumulator);
    // The destination is written in both cases; EAX is written only when unequal (its upper half survives otherwise).
    if (x.shape === 'rr' && x.size === 4) x.e.if(equal, () => x.operand(0).write(replacement), () => x.setGpr(0, old, x.size));
    else {
      x.operand(0).write(equal.select(replacement, old));
      x.e.if(equal.eqz(), () => x.setGpr(0, old, x.size));
    }
    x.flags.afterSub(accumulator, old, accumulator.sub(old).signed(x.size));
  });
  d.define('Cmpxchg8b', { shapes: ['m'] }, (x) => {
    const at = x.linear(8, true);
    x.prepareWrite(at, 8);
    const old = x.load(at, 8);
    const expected = x.gprUnsigned(0, 4).or(x.gprUnsigned(2, 4).shl(32));
    const equal = old.eq(expected);
    x.store(at, 8, equal.select(x.gprUnsigned(3, 4).or(x.gprUnsigned(1, 4).shl(32)), old));
    x.e.if(equal.eqz(), () => {
      x.setGpr(0, old, 4);
      x.setGpr(2, old.shrU(32), 4);
    });
    x.flags.setZero(equal);
  });
  d.define('Cmpxchg16b', { shapes: ['m'] }, (x) => {
    const at = x.linear(16, true);
    x.e.if(at.and(15).ne(0), () => x.exception(13, x.e.i32(0)));
    x.prepareWrite(at, 16);
    const low = x.load(at, 8);
    const high = x.load(at.add(8), 8);
    const equal = low.eq(x.gpr(0)).and(high.eq(x.gpr(2)));
    x.store(at, 8, equal.select(x.gpr(3), low));
    x.store(at.add(8), 8, equal.select(x.gpr(1), high));
    x.e.if(equal.eqz(), () => {
      x.setGpr(0, low);
      x.setGpr(2, high);
    });
    x.flags.setZero(equal);
  });

  // ADX: one chain of carries each.
  for (const [mnemonic, bit] of [['Adcx', 'C'], ['Adox', 'O']] as const) {
    d.define(mnemonic, { shapes: ['rr', 'rm'], sizes: [4, 8] }, (x) => {
      const b = source(x);
      const a = x.operand(0).read();
      const sum = a.add(b).add((bit === 'C' ? x.flags.carry() : x.flags.overflow()).toI64U()).signed(x.size);
      const carry = a.and(b).or(a.or(b).and(sum.not())).ltS(0);
      x.operand(0).write(sum);
      if (bit === 'C') x.flags.setCarry(carry);
      else x.flags.setOverflow(carry);
    });
  }
}
