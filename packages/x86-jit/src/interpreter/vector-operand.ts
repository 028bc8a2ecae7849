import { Emitter } from '../emit/emitter.js';
import type { ModuleWriter } from '../emit/module-writer.js';
import { Type } from '../emit/opcodes.js';
import { emitOffset, type Runtime } from '../mmu/memory-access.js';
import { ModeKey, Record, RecordFlag, State, Tlb } from '../state-layout.js';

/**
 * Defines `(state, record, field of the register, bytes) -> host address`: where the bytes of a VEX instruction's last source are.
 * With it one handler serves registers and memory. Memory that a TLB entry doesn't give is copied to `State.vectorScratch`; a fault is
 * left in `State.fault`.
 */
export function emitVectorOperand(module: ModuleWriter, runtime: Runtime, index: number): void {
  const { i32 } = Type;
  const e = new Emitter([i32, i32, i32, i32]);
  const [state, record, field, bytes] = [e.paramI32(0), e.paramI32(1), e.paramI32(2), e.paramI32(3)];
  const flags = e.loadI32U8(record, Record.flags);
  e.if(flags.and(RecordFlag.memory).eqz(), () => e.return(state.add(e.loadI32U16(record.add(field)))));

  const linear = e.variableI64();
  e.if(flags.and(RecordFlag.slowAddress), () => {
    linear.set(e.callI64(runtime.effectiveAddress, state, record, bytes));
    e.if(e.loadI32(state, State.fault), () => e.return(e.i32(0)));
  }, () => linear.set(emitOffset(e, state, record).add(e.loadI64(state.add(e.loadI32U16(record, Record.segmentBase))))));

  const slot = e.loadI32(state, State.tlb).add(linear.get().shrU(12).wrap().and(Tlb.indexMask).shl(Tlb.entryShift));
  const offset = linear.get().xor(e.loadI64(slot, Tlb.readTag));
  e.if(offset.leU(e.i32(4096).sub(bytes).toI64U()), () => e.return(offset.wrap().add(e.loadI32(slot, Tlb.host))));

  const legacy = e.loadI32(state, State.modeKey).and(ModeKey.codeMask).ne(ModeKey.code64);
  const step = bytes.ltU(8).select(bytes, e.i32(8));
  const done = e.variable(e.i32(0));
  e.loop((next) => {
    const at = linear.get().add(done.get().toI64U());
    const value = e.callI64(runtime.slowLoad, state, legacy.select(at.and(0xffffffff), at), step);
    e.if(e.loadI32(state, State.fault), () => e.return(e.i32(0)));
    e.storeI64(state.add(done.get()), State.vectorScratch, value);
    done.set(done.get().add(step));
    e.brIf(next, done.get().ltU(bytes));
  });
  state.add(State.vectorScratch).push();
  module.defineFunction(index, e.locals(), e.code.finish());
}
