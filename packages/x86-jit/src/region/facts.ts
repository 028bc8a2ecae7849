import type { Emitter, I32, I64 } from '../emit/emitter.js';
import { StateFlagWords } from '../interpreter/state-flag-words.js';
import { Flags, type FlagWord } from '../semantics/flags.js';
import { WORD } from './flag-sets.js';

/** What the region compiler must know of an instruction before it makes its code; found by a trial run of its definition. */
export interface Facts {
  /** It can be compiled into a region. */
  readonly supported: boolean;
  /** Flag words, as sets of `WORD`. */
  readonly reads: number;
  /** Set on every path. */
  readonly kills: number;
  /** Flags are set on some paths only, or the instruction repeats. */
  readonly conditional: boolean;
  /** It may leave the region in the middle of its block: for a TLB miss, a fault, a rare case. */
  readonly mayLeave: boolean;
  readonly usesSse: boolean;
  /** It changes CF, or CF and OF, alone. */
  readonly covers: boolean;
  /** It branches to its own end or beginning. */
  readonly loops: boolean;
  /** After it another TLB may count. */
  readonly switchesTlb: boolean;
  /** Its only memory access, where that comes in any case. */
  readonly access: Access | undefined;
  /** It may leave the region for something else than that access. */
  readonly leavesOtherwise: boolean;
  /** Operands that it writes, as bits. */
  readonly operandWrites: number;
  /** General registers that it writes beside those, as bits. */
  readonly registerWrites: number;
}

/** By a memory operand, or by the stack pointer. */
export interface Access {
  readonly onStack: boolean;
  /** `Tlb.readTag` or `Tlb.writeTag`. */
  readonly tag: number;
  /** In bytes. */
  readonly size: number;
}

/** An instruction that regions don't contain. */
export class Unsupported extends Error {}

export class FactCollector {
  reads = 0;
  kills = 0;
  partial = 0;
  usesSse = false;
  loops = false;
  covers = false;
  switchesTlb = false;
  leavesOtherwise = false;
  operandWrites = 0;
  registerWrites = 0;
  /** Undefined among them: one that comes on some paths only, or whose address is made in another way. */
  readonly accesses: (Access | undefined)[] = [];

  facts(supported: boolean): Facts {
    const { reads, kills, partial, usesSse, loops, covers, switchesTlb, accesses, leavesOtherwise, operandWrites, registerWrites } = this;
    return {
      supported, reads, kills: loops ? 0 : kills, conditional: (partial & ~kills) !== 0 || (loops && (kills | partial) !== 0), mayLeave: leavesOtherwise || accesses.length > 0, usesSse, loops, covers, switchesTlb,
      access: accesses.length === 1 && !loops ? accesses[0] : undefined, leavesOtherwise, operandWrites, registerWrites,
    };
  }
}

/** Flags of a trial run: notes who reads and who sets what. */
export class FactFlags extends Flags {
  collector = new FactCollector();
  /** Depth of the instruction's own code. */
  depth = 0;
  /** Within a producer that keeps part of a word: neither a read nor a kill. */
  #keeping = false;

  constructor(e: Emitter, state: I32) {
    super(e, new StateFlagWords(e, state));
  }

  protected override put(word: FlagWord, make: () => I64): void {
    make();
    if (this.#keeping) return;
    if (this.e.depth > this.depth) this.collector.partial |= WORD[word];
    else this.collector.kills |= WORD[word];
  }
  #keep(producer: () => void): void {
    this.#keeping = true;
    producer();
    this.#keeping = false;
    if (this.e.depth > this.depth) this.collector.partial |= WORD.C;
  }

  override setCarry(carry: I32): void {
    this.collector.covers = true;
    this.#keep(() => super.setCarry(carry));
  }
  override setAux(aux: I32): void {
    this.#keep(() => super.setAux(aux));
  }
  override afterInc(a: I64, result: I64): void {
    this.#keep(() => super.afterInc(a, result));
    this.#stepped();
  }
  override afterDec(a: I64, result: I64): void {
    this.#keep(() => super.afterDec(a, result));
    this.#stepped();
  }
  #stepped(): void {
    const set = WORD.Z | WORD.S | WORD.O;
    if (this.e.depth > this.depth) this.collector.partial |= set | WORD.C;
    else this.collector.kills |= set;
  }

  #read(words: number): void {
    this.collector.reads |= words;
  }
  override carry(): I32 {
    this.#read(WORD.C);
    return super.carry();
  }
  override zero(): I32 {
    this.#read(WORD.Z);
    return super.zero();
  }
  override sign(): I32 {
    this.#read(WORD.S);
    return super.sign();
  }
  override overflow(): I32 {
    this.#read(WORD.O);
    return super.overflow();
  }
  override parity(): I32 {
    this.#read(WORD.S);
    return super.parity();
  }
  override aux(): I32 {
    this.#read(WORD.C);
    return super.aux();
  }
  protected override less(): I32 {
    this.#read(WORD.S | WORD.O);
    return super.less();
  }
}
