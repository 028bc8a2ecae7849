import { Emitter, type I32, type I64 } from '../emit/emitter.js';
import type { ModuleWriter } from '../emit/module-writer.js';
import { Type } from '../emit/opcodes.js';
import { Flags } from '../semantics/flags.js';
import { FlagKind, FlagOverlay, State } from '../state-layout.js';
import { StateFlagWords } from './state-flag-words.js';

/** What a region keeps instead of flags: see `FlagKind` and `FlagOverlay`. */
export interface LazyFlags {
  readonly kind: I32;
  readonly a: I64;
  readonly b: I64;
  readonly over: I64;
}

/** Emits the making of the four flag words in the state block from what a region kept: by the formulas of the instructions themselves. */
export function emitSettle(e: Emitter, state: I32, { kind, a, b, over }: LazyFlags): void {
  const words = new StateFlagWords(e, state);
  const flags = new Flags(e, words);
  // By the operand's size, which is in the two lowest bits.
  const bySize = (code: I32, emit: (size: number) => void): void => {
    const size = code.and(3);
    e.if(size.eq(3), () => emit(8), () => e.if(size.eq(2), () => emit(4), () => e.if(size.eqz(), () => emit(1), () => emit(2))));
  };
  const shift = e.i64(64).sub(e.i64(8).shl(kind.and(3).toI64U()));
  const cut = (value: I64): I64 => value.shl(shift).shrS(shift);
  const operation = kind.shrU(2).and(63);
  const kinds: readonly (readonly [number, () => void])[] = [
    [FlagKind.sub, () => flags.afterSub(a, b, cut(a.sub(b)))],
    [FlagKind.logic, () => flags.afterLogic(a)],
    [FlagKind.add, () => flags.afterAdd(a, b, cut(a.add(b)))],
    [FlagKind.inc, () => {
      words.set('C', b);
      flags.afterInc(cut(a.sub(1)), a);
    }],
    [FlagKind.dec, () => {
      words.set('C', b);
      flags.afterDec(cut(a.add(1)), a);
    }],
    [FlagKind.shl, () => bySize(kind, (size) => flags.afterShl(size, a, b, a.shl(b).signed(size)))],
    [FlagKind.shr, () => bySize(kind, (size) => flags.afterShr(size, a, b, a.unsigned(size).shrU(b).signed(size)))],
    [FlagKind.sar, () => flags.afterSar(a, b, a.shrS(b))],
    [FlagKind.imul, () => bySize(kind, (size) => flags.afterImul(size, a, b, a.mul(b).signed(size)))],
  ];
  const choose = (from: number): void => {
    const [which, emit] = kinds[from] as (typeof kinds)[0];
    e.if(operation.eq(which), emit, from + 1 < kinds.length ? () => choose(from + 1) : undefined);
  };
  e.if(operation, () => choose(0));
  const overlay = kind.shrU(8);
  e.if(overlay, () => {
    const change = overlay.shrU(2);
    e.if(change.eq(FlagOverlay.carry), () => flags.setCarry(over.ltS(0)), () => {
      e.if(change.eq(FlagOverlay.rol), () => flags.afterRol(over), () => bySize(overlay, (size) => flags.afterRor(size, over)));
    });
  });
}

/** Emits `settleFlags(state)`: the four flag words from what a region left in `State.lazyKind` and its operands. */
export function emitSettleFlags(module: ModuleWriter, index: number): void {
  const e = new Emitter([Type.i32]);
  const state = e.paramI32(0);
  const kind = e.loadI32(state, State.lazyKind);
  e.storeI32(state, State.lazyKind, e.i32(FlagKind.words));
  emitSettle(e, state, { kind, a: e.loadI64(state, State.lazyA), b: e.loadI64(state, State.lazyB), over: e.loadI64(state, State.lazyOver) });
  module.defineFunction(index, e.locals(), e.code.finish());
}
