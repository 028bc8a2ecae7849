import type { Context } from './context.js';
import type { Definitions } from './definition.js';

// SDM vol. 2: MOV MOVZX MOVSX LEA XCHG CMOVcc SETcc MOVBE BSWAP CBW CWD LAHF SAHF XLAT.

export const CONDITIONS = ['o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g'];

export function defineMove(d: Definitions): void {
  d.define('Mov', { shapes: ['rr', 'rm', 'mr', 'ri', 'mi'], sizes: [1, 2, 4, 8], hot: true }, (x) => x.operand(0).write(x.operand(1).read()));

  // The destination's size counts; the source's decides the extension.
  const extend = (mnemonic: string, from: number, signed: boolean, sizes: number[]): void =>
    d.define(mnemonic, { shapes: ['rr', 'rm'], sizes, hot: (size) => size >= 4 }, (x) => x.operand(0).write(signed ? x.operand(1).read(from) : x.operand(1).readUnsigned(from)));
  // Instances are told apart by the source's size through a suffix that the predecoder appends.
  extend('Movzx:1', 1, false, [2, 4, 8]);
  extend('Movzx:2', 2, false, [2, 4, 8]);
  extend('Movsx:1', 1, true, [2, 4, 8]);
  extend('Movsx:2', 2, true, [2, 4, 8]);
  extend('Movsxd:4', 4, true, [4, 8]);
  extend('Movsxd:2', 2, true, [2]);

  d.define('Lea', { shapes: ['rm'], sizes: [2, 4, 8], hot: (size) => size >= 4 }, (x) => x.operand(0).write(x.offset()));

  d.define('Xchg', { shapes: ['rr', 'mr', 'rm'], sizes: [1, 2, 4, 8] }, (x) => {
    const [memory, register] = x.shape === 'rm' ? [1, 0] : [0, 1];
    const a = x.operand(memory).readModify();
    const b = x.operand(register).read();
    x.operand(memory).write(b);
    x.operand(register).write(a);
  });

  for (let code = 0; code < 16; code++) {
    const name = CONDITIONS[code] as string;
    // A memory operand is read, and may fault, whether or not the condition holds; a 32-bit destination is zero-extended either way.
    d.define(`Cmov${name}`, { shapes: ['rr', 'rm'], sizes: [2, 4, 8], hot: (size, shape) => size >= 4 && shape === 'rr' }, (x) => {
      const source = x.operand(1).read();
      x.operand(0).write(x.flags.condition(code).select(source, x.operand(0).read()));
    });
    d.define(`Set${name}`, { shapes: ['r', 'm'], sizes: [1], hot: (_, shape) => shape === 'r' }, (x) => x.operand(0).write(x.flags.condition(code).toI64U()));
  }

  const swap = (x: Context, value: ReturnType<Context['gpr']>, size: number): ReturnType<Context['gpr']> => {
    // Bytes, then words, then double words change places; what is above the size is shifted out at the end.
    let v = value.and(0x00ff00ff00ff00ffn).shl(8).or(value.shrU(8).and(0x00ff00ff00ff00ffn));
    v = v.and(0x0000ffff0000ffffn).shl(16).or(v.shrU(16).and(0x0000ffff0000ffffn));
    return v.rotl(32).shrU(64 - 8 * size);
  };
  d.define('Bswap', { shapes: ['r'], sizes: [2, 4, 8], hot: (size) => size >= 4 }, (x) => {
    // The 16-bit form is undefined; processors clear the register's low word.
    if (x.size === 2) x.operand(0).write(x.e.i64(0));
    else x.operand(0).write(swap(x, x.operand(0).readUnsigned(), x.size));
  });
  d.define('Movbe', { shapes: ['rm', 'mr'], sizes: [2, 4, 8] }, (x) => x.operand(0).write(swap(x, x.operand(1).readUnsigned(), x.size)));

  d.define('Cbw', { shapes: [''] }, (x) => x.setGpr(0, x.gpr(0, 1), 2));
  d.define('Cwde', { shapes: [''] , hot: true }, (x) => x.setGpr(0, x.gpr(0, 2), 4));
  d.define('Cdqe', { shapes: [''], hot: true }, (x) => x.setGpr(0, x.gpr(0, 4), 8));
  d.define('Cwd', { shapes: [''] }, (x) => x.setGpr(2, x.gpr(0, 2).shrS(15), 2));
  d.define('Cdq', { shapes: [''], hot: true }, (x) => x.setGpr(2, x.gpr(0, 4).shrS(31), 4));
  d.define('Cqo', { shapes: [''], hot: true }, (x) => x.setGpr(2, x.gpr(0, 8).shrS(63), 8));

  // AH is byte 1 of RAX.
  d.define('Lahf', { shapes: [''] }, (x) => x.setGpr(0, x.gpr(0).and(~0xff00).or(x.flags.arithmetic().and(0xff).shl(8).toI64U())));
  d.define('Sahf', { shapes: [''] }, (x) => x.flags.setLow(x.gpr(0).shrU(8).and(0xff)));

  // Undocumented, and on every processor: AL becomes 0FFH or 0 as CF says.
  d.define('Salc', { shapes: [''] }, (x) => x.setGpr(0, x.flags.carry().toI64U().neg(), 1));

  d.define(['Clc', 'Stc', 'Cmc'], { shapes: [''] }, (x, mnemonic) => {
    const { e } = x;
    x.flags.setCarry(mnemonic === 'Clc' ? e.i32(0) : mnemonic === 'Stc' ? e.i32(1) : x.flags.carry().eqz());
  });
  d.define(['Cld', 'Std'], { shapes: [''] }, (x, mnemonic) => {
    x.flags.setSystem(mnemonic === 'Cld' ? x.flags.system().and(~0x400) : x.flags.system().or(0x400));
  });
  d.define(['Nop', 'Reservednop', 'Endbr64', 'Endbr32', 'Prefetcht0', 'Prefetcht1', 'Prefetcht2', 'Prefetchnta', 'Prefetchw', 'Prefetch', 'Prefetchwt1', 'Prefetch_reserved'], { shapes: ['', 'r', 'm', 'rr', 'mr', 'rm'], hot: (_, shape) => shape === '' || shape === 'm' }, () => undefined);
  d.define(['Lfence', 'Sfence', 'Mfence', 'Clflush', 'Clflushopt', 'Clwb'], { shapes: ['', 'm'] }, (x) => {
    // A cache-line operation checks its address as a load of one byte does.
    if (x.shape === 'm') x.load(x.linear(1, false), 1);
  });
}
