import { Emitter, type I32, type I64, type Label } from '../emit/emitter.js';
import { ModuleWriter } from '../emit/module-writer.js';
import { Type, type ValueType } from '../emit/opcodes.js';
import { emitFlushNonGlobal } from '../mmu/forget.js';
import { emitLookup, emitSegmentation, emitSlowAccess, type Runtime } from '../mmu/memory-access.js';
import { Access, emitHostOf, emitTranslate, isNonCanonical } from '../mmu/page-walk.js';
import { Completion } from '../semantics/context.js';
import { systemFlags } from '../semantics/system.js';
import { JumpTargets, LoopExit, NO_ADDRESS, NotFound, Record, RecordFlag, RegionExit, Regions, Segment, SegmentIndex, State, Tlb, Vector } from '../state-layout.js';
import { emitSettleFlags } from './settle-flags.js';
import { InterpreterContext, type Exits } from './context.js';
import { emitDeliverLong, emitRaise } from './deliver.js';
import { emitVectorOperand } from './vector-operand.js';
import { buildHandlerTable, Special, type Handler } from './handlers.js';

const { i32, i64, f64 } = Type;
type Types = readonly ValueType[];

/** Pages of the memory that the module says it imports: a number that takes as many bytes as any that replaces it. */
const PLACEHOLDER_PAGES = 65535;

function declareRuntime(module: ModuleWriter): Runtime {
  const imported = (name: string, params: Types, results: Types): number => module.importFunction('env', name, { params, results });
  const imports = {
    mmioRead: imported('mmioRead', [i32, f64, i32], [i64]),
    mmioWrite: imported('mmioWrite', [i32, f64, i32, i64], []),
    codeWritten: imported('codeWritten', [i32, i32, i32], []),
    portIn: imported('portIn', [i32, i32, i32], [i32]),
    portOut: imported('portOut', [i32, i32, i32, i32], []),
    execute: imported('execute', [i32, i32], [i32]),
    rdtsc: imported('rdtsc', [i32], [i64]),
    filled: imported('filled', [i32, i64, i32], [i32]),
    accessed: imported('accessed', [i32, i64, i32, i32], []),
  };
  const own = (name: string, params: Types, results: Types): number => module.declareFunction(name, { params, results }, true);
  return {
    ...imports,
    hostOf: own('hostOf', [i32, i64], [i32]),
    translate: own('translate', [i32, i64, i32], [i32]),
    slowLoad: own('slowLoad', [i32, i64, i32], [i64]),
    slowStore: own('slowStore', [i32, i64, i32, i64], []),
    prepareWrite: own('prepareWrite', [i32, i64, i32], []),
    segmentAddress: own('segmentAddress', [i32, i32, i64, i32], [i64]),
    effectiveAddress: own('effectiveAddress', [i32, i32, i32], [i64]),
    flushNonGlobal: own('flushNonGlobal', [i32], []),
    deliverLong: own('deliverLong', [i32, i32, i32, i32], [i32]),
    raise: own('raise', [i32], [i32]),
  };
}

/** The whole interpreter as one module: support functions, out-of-line handlers, and the loop. For its memory see `instantiateInterpreter`. */
export function generateInterpreter(options: { readonly names?: boolean } = {}): Uint8Array<ArrayBuffer> {
  const module = new ModuleWriter();
  const runtime = declareRuntime(module);
  const { handlers } = buildHandlerTable();
  const outOfLine = new Map<Handler, number>();
  for (const handler of handlers) {
    if (!handler.hot) outOfLine.set(handler, module.declareFunction(handler.name, { params: [i32, i32], results: [i32] }));
  }
  const getFlags = module.declareFunction('getFlags', { params: [i32], results: [i32] }, true);
  const setFlags = module.declareFunction('setFlags', { params: [i32, i32], results: [] }, true);
  const vectorOperand = module.declareFunction('vectorOperand', { params: [i32, i32, i32, i32], results: [i32] });
  const settleFlags = module.declareFunction('settleFlags', { params: [i32], results: [] });
  module.exportTable('regions', Regions.slots);
  const run = module.declareFunction('run', { params: [i32], results: [i32] }, true);

  emitHostOf(module, runtime.hostOf);
  emitTranslate(module, runtime);
  emitSlowAccess(module, runtime);
  emitSegmentation(module, runtime);
  emitFlushNonGlobal(module, runtime.flushNonGlobal);
  emitDeliverLong(module, runtime, runtime.deliverLong);
  emitRaise(module, runtime, runtime.raise);
  emitVectorOperand(module, runtime, vectorOperand);
  for (const [handler, index] of outOfLine) emitOutOfLine(module, runtime, handler, index, vectorOperand);
  emitFlagAccess(module, runtime, getFlags, setFlags);
  emitSettleFlags(module, settleFlags);
  emitLoop(module, runtime, { handlers, outOfLine, settleFlags, vectorOperand, run });
  return module.finish({ ...options, memoryPages: PLACEHOLDER_PAGES });
}

/** EFLAGS as one word, for TypeScript. */
function emitFlagAccess(module: ModuleWriter, runtime: Runtime, getFlags: number, setFlags: number): void {
  const make = (params: Types): InterpreterContext => {
    const e = new Emitter(params);
    return new InterpreterContext(e, e.paramI32(0), { get: () => e.i32(0) }, runtime, {} as Exits, 0, '', true);
  };
  const get = make([i32]);
  get.flags.image().push();
  module.defineFunction(getFlags, get.e.locals(), get.e.code.finish());
  const set = make([i32, i32]);
  const image = set.e.paramI32(1);
  set.flags.setArithmetic(image.toI64U());
  set.flags.setSystem(systemFlags(image));
  set.setAlignmentCheck(image);
  module.defineFunction(setFlags, set.e.locals(), set.e.code.finish());
}

function emitOutOfLine(module: ModuleWriter, runtime: Runtime, handler: Handler, index: number, vectorOperand: number): void {
  const e = new Emitter([i32, i32]);
  const state = e.paramI32(0);
  const record = e.paramI32(1);
  const finish = (completion: number): void => e.return(e.i32(completion));
  const nextRip = (): I64 => e.loadI64(state, State.pageBase).add(e.loadI32U16(record, Record.next).toI64U());
  const exits: Exits = {
    spill: () => undefined,
    reload: () => undefined,
    fault: () => finish(Completion.fault),
    next: () => finish(Completion.next),
    jump: (linear) => {
      e.storeI64(state, State.rip, linear);
      finish(Completion.jump);
    },
    jumpRelative: () => {
      const target = nextRip().add(e.loadI64(record, Record.immediate));
      x.requireCanonical(target);
      e.storeI64(state, State.rip, target);
      finish(Completion.jump);
    },
    repeat: () => finish(Completion.repeat),
    exit: (code) => {
      e.storeI64(state, State.rip, nextRip());
      finish(Completion.exit + code);
    },
    exitAtRip: (code) => finish(Completion.exit + code),
    budget: () => e.loadI32(state, State.budget),
    takeBudget: (iterations) => e.storeI32(state, State.budget, e.loadI32(state, State.budget).sub(iterations.wrap())),
    completion: () => e.op(0x0f),
  };
  const x: InterpreterContext = new InterpreterContext(e, state, { get: () => record }, runtime, exits, handler.size, handler.shape, handler.long, vectorOperand);
  handler.definition.emit(x, handler.mnemonic);
  e.i32(Completion.next).push();
  module.defineFunction(index, e.locals(), e.code.finish());
}

/** In place of a record's address: what was executed is a computed jump or call. */
const COMPUTED = 1;

function isComputed({ mnemonic, shape }: Handler): boolean {
  return (mnemonic === 'Jmp' || mnemonic === 'Call') && shape !== 'b';
}

interface Loop {
  readonly handlers: readonly Handler[];
  /** Functions of the handlers that aren't inline. */
  readonly outOfLine: ReadonlyMap<Handler, number>;
  readonly settleFlags: number;
  readonly vectorOperand: number;
  readonly run: number;
}

/**
 * `run(state) -> LoopExit`: executes records from `State.rip` until the budget is used up or something needs attention. One
 * `br_table` dispatches on the record's handler; hot handlers are inline, others are calls.
 */
function emitLoop(module: ModuleWriter, runtime: Runtime, { handlers, outOfLine, settleFlags, vectorOperand, run }: Loop): void {
  const e = new Emitter([i32]);
  const state = e.paramI32(0);
  const record = e.variableI32();
  const budget = e.variable(e.loadI32(state, State.budget));
  const rip = e.variable(e.loadI64(state, State.rip));
  /** The record of a branch within its page, to be linked to its target once that is found; or `COMPUTED`. */
  const chain = e.variable(e.i32(0));
  /** Host address of a computed jump or call. */
  const jumpedFrom = e.variableI32();
  const completion = e.variableI32();
  const handlerNumber = e.variableI32();
  /** `NotFound`, with `Special.missing`. */
  const missing = e.variableI32();
  const regionType = module.typeIndex({ params: [i32, i32], results: [i32] });

  const leave = (code: number): void => {
    e.storeI64(state, State.rip, rip.get());
    e.storeI32(state, State.budget, budget.get());
    e.return(e.i32(code));
  };
  const pageBase = (): I64 => e.loadI64(state, State.pageBase);
  const here = (): I64 => pageBase().add(e.loadI32U16(record.get(), Record.pageOffset).toI64U());
  const after = (): I64 => pageBase().add(e.loadI32U16(record.get(), Record.next).toI64U());
  const spill = (): void => {
    e.storeI32(state, State.budget, budget.get());
    e.storeI32(state, State.record, record.get());
  };

  /** Goes to the handler of the recorded exception of the instruction at `rip`, which did not execute. */
  const raise = (goto: Label): void => {
    e.storeI64(state, State.rip, rip.get());
    e.storeI32(state, State.budget, budget.get());
    e.if(e.callI32(runtime.raise, state), () => {
      rip.set(e.loadI64(state, State.rip));
      e.br(goto);
    });
    e.return(e.i32(LoopExit.fault));
  };

  const notFound = (why: I32, goto: Label): void => {
    e.if(why.eq(NotFound.fault), () => raise(goto));
    e.if(why.eq(NotFound.hot), () => leave(LoopExit.hot));
    leave(LoopExit.miss);
  };

  const arriveAt = (found: I32): void => {
    record.set(found);
    e.storeI64(state, State.pageBase, rip.get().and(~0xfffn));
  };

  /** After `lookup` has found the target. */
  const noteTarget = (from: I32, target: I64): void => {
    const to = e.loadI32(state, State.hostPage).add(target.wrap().and(0xfff));
    const slot = from.mul(0x9e3779b1 | 0).xor(to.mul(0x85ebca6b | 0)).shrU(32 - JumpTargets.bits).mul(JumpTargets.entrySize);
    const entry = e.loadI32(state, State.jumpTargets).add(slot);
    e.storeI32(entry, 0, from);
    e.storeI32(entry, 4, to);
    e.storeI64(entry, 8, target);
  };

  e.loop((goto) => {
    handlerNumber.set(e.i32(Special.missing));
    // Where the next instruction isn't due, neither is a fault of fetching it.
    e.if(budget.get().gtS(0), () => {
      const found = emitLookup(e, runtime, state, rip.get());
      e.if(found.gtS(0), () => {
        e.if(chain.get(), () => {
          e.if(chain.get().eq(COMPUTED), () => noteTarget(jumpedFrom.get(), rip.get()), () => e.storeI32(chain.get(), Record.target, found));
        });
        arriveAt(found);
        handlerNumber.set(e.loadI32U16(found, Record.handler));
      }, () => missing.set(found));
    });
    chain.set(e.i32(0));

    e.loop((dispatch) => {
      budget.set(budget.get().sub(1));
      /** Goes on with the record. */
      const execute = (): void => {
        handlerNumber.set(e.loadI32U16(record.get(), Record.handler));
        e.br(dispatch);
      };
      const finish = e.openBlock();
      const fault = e.openBlock();
      const afterCall = e.openBlock();
      const invalid = e.openBlock();
      const checkNextPage = e.openBlock();
      const checkLimit = e.openBlock();
      const goOn = e.openBlock();
      const region = e.openBlock();
      const breakpoint = e.openBlock();
      const absent = e.openBlock();
      const elsewhere = e.openBlock();
      const labels: Label[] = [];
      for (let i = handlers.length - 1; i >= 0; i--) labels[(handlers[i] as Handler).id] = e.openBlock();
      labels[Special.invalid] = invalid;
      labels[Special.execute] = elsewhere;
      labels[Special.checkNextPage] = checkNextPage;
      labels[Special.breakpoint] = breakpoint;
      labels[Special.checkLimit] = checkLimit;
      labels[Special.goOn] = goOn;
      labels[Special.missing] = absent;
      // A used-up budget makes a number that no handler has, and code that isn't found has one of its own: a test would be a way out of the loops before
      // this branch, and for that V8 would load every constant that two handlers share with each instruction.
      e.brTable(handlerNumber.get().or(budget.get().shrS(31)), labels, region);

      const exits: Exits = {
        spill,
        reload: () => budget.set(e.loadI32(state, State.budget)),
        fault: () => e.br(fault),
        next: () => e.br(finish),
        jump: (linear) => {
          rip.set(linear);
          e.br(goto);
        },
        jumpRelative: () => {
          const target = e.loadI32(record.get(), Record.target);
          e.if(target, () => {
            record.set(target);
            execute();
          });
          rip.set(after().add(e.loadI64(record.get(), Record.immediate)));
          e.if(isNonCanonical(rip.get()), () => {
            e.storeI32(state, State.faultVector, e.i32(Vector.GP));
            e.storeI32(state, State.faultCode, e.i32(0));
            e.br(fault);
          });
          chain.set(e.loadI32U8(record.get(), Record.flags).and(RecordFlag.chainable).select(record.get(), e.i32(0)));
          e.br(goto);
        },
        repeat: execute,
        exit: (code) => {
          rip.set(after());
          leave(code);
        },
        exitAtRip: (code) => {
          rip.set(e.loadI64(state, State.rip));
          leave(code);
        },
        budget: () => budget.get(),
        takeBudget: (iterations) => budget.set(budget.get().sub(iterations.wrap())),
        completion: () => {
          e.op1(0x21, completion.local);
          e.br(afterCall);
        },
      };

      const computed: Exits = {
        ...exits,
        jump: (linear) => {
          jumpedFrom.set(e.loadI32(state, State.hostPage).add(e.loadI32U16(record.get(), Record.pageOffset)));
          chain.set(e.i32(COMPUTED));
          exits.jump(linear);
        },
      };

      for (const handler of handlers) {
        e.closeBlock();
        const mark = e.mark();
        const call = outOfLine.get(handler);
        if (call === undefined) {
          const x = new InterpreterContext(e, state, record, runtime, isComputed(handler) ? computed : exits, handler.size, handler.shape, handler.long, vectorOperand);
          handler.definition.emit(x, handler.mnemonic);
          e.br(finish);
        } else {
          spill();
          completion.set(e.callI32(call, state, record.get()));
          e.br(afterCall);
        }
        e.release(mark);
      }

      e.closeBlock(); // elsewhere: an instruction implemented in TypeScript
      spill();
      completion.set(e.callI32(runtime.execute, state, record.get()));
      e.br(afterCall);

      e.closeBlock(); // absent: nothing is decoded at `rip`
      budget.set(budget.get().add(1));
      notFound(missing.get(), goto);

      e.closeBlock(); // breakpoint: unless the vCPU says that this one has been asked
      {
        budget.set(budget.get().add(1));
        e.if(here().ne(e.loadI64(state, State.passBreakpoint)), () => {
          rip.set(here());
          leave(LoopExit.breakpoint);
        });
        e.storeI64(state, State.passBreakpoint, e.i64(NO_ADDRESS));
        record.set(record.get().add(Record.size));
        execute();
      }

      e.closeBlock(); // region: compiled code stands in for the record, or the budget is used up
      {
        budget.set(budget.get().add(1));
        e.if(budget.get().leS(0), () => {
          e.if(handlerNumber.get().ne(Special.missing), () => {
            rip.set(here());
            e.storeI32(state, State.record, record.get());
          });
          budget.set(e.i32(0));
          leave(LoopExit.budget);
        });
        rip.set(here());
        e.loop((again) => {
          e.storeI32(state, State.budget, budget.get());
          e.storeI64(state, State.rip, rip.get());
          const slot = handlerNumber.get().sub(Regions.firstHandler);
          const exit = e.callIndirect(regionType, slot, state, slot);
          budget.set(e.loadI32(state, State.budget));
          rip.set(e.loadI64(state, State.rip));
          e.if(e.loadI32(state, State.lazyKind), () => e.call(settleFlags, state));
          e.if(budget.get().leS(0).or(exit.eq(RegionExit.budget)), () => {
            e.storeI32(state, State.budgetShort, e.i32(1));
            e.brIf(goto, budget.get().leS(0));
          });
          const found = emitLookup(e, runtime, state, rip.get());
          e.if(found.leS(0), () => notFound(found, goto));
          e.if(exit.eq(RegionExit.computed), () => noteTarget(e.loadI32(state, State.jumpedFrom), rip.get()));
          arriveAt(found);
          const next = e.loadI32U16(found, Record.handler);
          handlerNumber.set(next);
          e.if(next.geU(Regions.firstHandler), () => {
            e.brIf(again, exit.and(1).eqz());
            // After `interpret` and `budget` the instruction is executed here, even where it is a region's first: that is how a run gets on.
            handlerNumber.set(e.loadI32U16(e.loadI32(state, State.regionHandlers).add(next.sub(Regions.firstHandler).shl(1))));
          });
          e.br(dispatch);
        });
        e.unreachable();
      }

      e.closeBlock(); // goOn
      budget.set(budget.get().add(1));
      record.set(e.loadI32(record.get(), Record.target));
      execute();

      e.closeBlock(); // checkLimit: CS may have become shorter since the block was decoded
      {
        budget.set(budget.get().add(1));
        const cs = State.segments + SegmentIndex.CS * Segment.size;
        const last = here().add(e.loadI64(record.get(), Record.displacement)).sub(e.loadI64(state, cs + Segment.base)).and(0xffffffff);
        e.if(last.gtU(e.loadUnsigned(state, cs + Segment.limit, 4)), () => {
          rip.set(here());
          leave(LoopExit.miss);
        });
        record.set(record.get().add(Record.size));
        execute();
      }

      e.closeBlock(); // checkNextPage: the page after this one must be the one that was decoded
      {
        budget.set(budget.get().add(1));
        const next = pageBase().add(4096);
        const legacy = e.loadI32(state, State.modeKey).and(3).ne(2);
        const linear = legacy.select(next.and(0xffffffff), next);
        const slot = e.loadI32(state, State.tlb).add(linear.shrU(12).wrap().and(Tlb.indexMask).shl(Tlb.entryShift));
        const host = e.variable(e.loadI32(slot, Tlb.host));
        e.if(linear.ne(e.loadI64(slot, Tlb.executeTag)), () => {
          spill();
          host.set(e.callI32(runtime.translate, state, linear, e.i32(Access.execute)));
          e.if(e.loadI32(state, State.fault), () => {
            rip.set(here());
            raise(goto);
          });
        });
        e.if(host.get().ne(e.loadI32(record.get(), Record.displacement)), () => {
          rip.set(here());
          leave(LoopExit.miss);
        });
        record.set(record.get().add(Record.size));
        execute();
      }

      e.closeBlock(); // invalid
      budget.set(budget.get().add(1));
      rip.set(here());
      e.br(goto);

      e.closeBlock(); // afterCall
      budget.set(e.loadI32(state, State.budget));
      e.brIf(finish, completion.get().eqz());
      e.brIf(fault, completion.get().eq(Completion.fault));
      e.if(completion.get().eq(Completion.repeat), execute);
      rip.set(e.loadI64(state, State.rip));
      e.brIf(goto, completion.get().eq(Completion.jump));
      e.storeI32(state, State.budget, budget.get());
      e.return(completion.get().sub(Completion.exit));

      e.closeBlock(); // fault: the instruction did not execute
      budget.set(budget.get().add(1));
      rip.set(here());
      raise(goto);

      e.closeBlock(); // finish
      record.set(record.get().add(Record.size));
      execute();
    });
    void goto;
    e.unreachable();
  });
  e.unreachable();
  module.defineFunction(run, e.locals(), e.code.finish());
}

