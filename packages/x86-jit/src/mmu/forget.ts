import { Emitter, type I32 } from '../emit/emitter.js';
import type { ModuleWriter } from '../emit/module-writer.js';
import { Type } from '../emit/opcodes.js';
import { State, Tlb, TLB_FILL_LIMIT, TlbFlag } from '../state-layout.js';

/** Makes the TLB entry at host address `slot`, of pages of this `index`, serve no access. */
export function emitForgetEntry(e: Emitter, slot: I32, index: I32): void {
  const never = index.xor(1).shl(12).toI64U();
  for (const tag of [Tlb.readTag, Tlb.writeTag, Tlb.executeTag]) e.storeI64(slot, tag, never);
  e.storeI32(slot, Tlb.flags, e.i32(0));
}

/** Emits `flushNonGlobal(state)`: forgets translations of pages that aren't global. The cost is that of the fills since the last flush. */
export function emitFlushNonGlobal(module: ModuleWriter, index: number): void {
  const e = new Emitter([Type.i32]);
  const state = e.paramI32(0);
  const first = state.add(State.size);
  const forget = (slot: I32): void => {
    e.if(e.loadI32(slot, Tlb.flags).and(TlbFlag.global).eqz(), () => emitForgetEntry(e, slot, slot.sub(first).shrU(Tlb.entryShift).and(Tlb.indexMask)));
  };
  const count = e.loadI32(state, State.tlbFillCount);
  e.if(count.gtU(TLB_FILL_LIMIT), () => {
    const slot = e.variable(first);
    e.loop((next) => {
      forget(slot.get());
      slot.set(slot.get().add(1 << Tlb.entryShift));
      e.brIf(next, slot.get().ltU(first.add(Tlb.contexts * Tlb.bytes)));
    });
  }, () => {
    const k = e.variable(count);
    e.loop((next) => {
      e.if(k.get(), () => {
        k.set(k.get().sub(1));
        forget(e.loadI32(state.add(k.get().shl(2)), State.tlbFills));
        e.br(next);
      });
    });
  });
  e.storeI32(state, State.tlbFillCount, e.i32(0));
  module.defineFunction(index, e.locals(), e.code.finish());
}
