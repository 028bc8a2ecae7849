import type { Emitter, I32, I64 } from '../emit/emitter.js';
import { Type } from '../emit/opcodes.js';
import { emitSettle } from '../interpreter/settle-flags.js';
import { StateFlagWords } from '../interpreter/state-flag-words.js';
import { Flags, type FlagWord } from '../semantics/flags.js';
import { FlagKind, FlagOverlay, State } from '../state-layout.js';
import { ALL_WORDS, WORD } from './flag-sets.js';

/** What set the flags last, where that is known while code is made. Operands that are no constants are in the locals `a` and `b`. */
export interface KnownFlags {
  readonly kind: number;
  readonly size: number;
  readonly a: I64 | undefined;
  readonly b: I64 | undefined;
}

/** The four words in the state block are valid. */
const IN_WORDS: KnownFlags = { kind: FlagKind.words, size: 8, a: undefined, b: undefined };

/** What changed CF, or CF and OF, since then: nothing, CF alone, something, or it depends on where control came from. */
type Overlay = 'none' | 'carry' | 'some';

/** What is known of the flags at a place. */
export interface FlagState {
  /** Undefined: it depends on where control came from, and the locals tell. */
  readonly known: KnownFlags | undefined;
  readonly overlay: Overlay;
}

/** The base-2 logarithm of an operand size; what has no size has that of a register. */
function sizeCode(size: number): number {
  return size === 0 ? 3 : Math.log2(size);
}

/** An operand that is the sign extension of what has so many bytes. */
function sized(operand: I64, { size }: KnownFlags): I64 {
  return size === 1 || size === 2 || size === 4 ? operand.asSigned32() : operand;
}

/** What the compiler knows of the flags around one instruction. */
export interface FlagUse {
  /** Words that someone may look at after it: an instruction of the region, or whoever goes on where the region is left. */
  readonly needed: number;
  /** Words that it sets in any case. */
  readonly kills: number;
  /** Words that it reads. */
  readonly reads: number;
  /** It sets flags on some paths only: what they were must be in the words. */
  readonly conditional: boolean;
}

/**
 * Flags in a region. What sets all of them keeps its operands in two locals, and a number that says which operation it was in a third; a condition
 * right behind becomes one comparison, and who leaves the region hands them over (`State.lazyKind`). What changes only CF and OF keeps its operand
 * in a local of its own. Everything else sets the four words in the state block, but those that nobody will look at.
 */
export class RegionFlags extends Flags {
  readonly #kindLocal: number;
  readonly #aLocal: number;
  readonly #bLocal: number;
  readonly #overlayLocal: number;
  readonly #overLocal: number;
  #known: KnownFlags | undefined = IN_WORDS;
  #overlay: Overlay = 'none';
  /** Whether the locals are ever set. */
  #used = false;
  /** The region has instructions that make overlays. */
  #overlays = false;
  #use: FlagUse = { needed: ALL_WORDS, kills: 0, reads: 0, conditional: false };
  #size = 8;
  #settled = false;
  #spreading = false;

  constructor(e: Emitter, private readonly state: I32) {
    super(e, new StateFlagWords(e, state));
    this.#kindLocal = e.reserve(Type.i32);
    this.#aLocal = e.reserve(Type.i64);
    this.#bLocal = e.reserve(Type.i64);
    this.#overlayLocal = e.reserve(Type.i32);
    this.#overLocal = e.reserve(Type.i64);
  }

  /** Before the region's code. */
  start(overlays: boolean): void {
    this.#overlays = overlays;
  }

  get flagState(): FlagState {
    return { known: this.#known, overlay: this.#overlay };
  }
  /** @param state undefined where control comes from several places */
  enter(state: FlagState | undefined): void {
    this.#known = state?.known;
    this.#overlay = state ? state.overlay : this.#overlays ? 'some' : 'none';
  }
  /** The region is entered with the words valid. */
  static readonly AT_ENTRY: FlagState = { known: IN_WORDS, overlay: 'none' };
  /** Whether the instruction came to set them is known to the locals only. */
  forget(): void {
    this.#known = undefined;
  }

  /** Before each instruction. */
  begin(use: FlagUse, size: number): void {
    this.#use = use;
    this.#size = size;
    this.#settled = false;
    if (use.conditional) this.#settle();
  }

  /** Hands over what is kept. */
  writeBack(): void {
    const { e, state } = this;
    if (!this.#used) return;
    const kind = e.localI32(this.#kindLocal);
    e.storeI64(state, State.lazyA, e.localI64(this.#aLocal));
    e.storeI64(state, State.lazyB, e.localI64(this.#bLocal));
    if (this.#overlays) e.storeI64(state, State.lazyOver, e.localI64(this.#overLocal));
    e.storeI32(state, State.lazyKind, this.#overlays ? kind.or(e.localI32(this.#overlayLocal).shl(8)) : kind);
  }

  #set(local: number, value: I32 | I64): void {
    value.push();
    this.e.setLocal(local);
  }

  #a(known: KnownFlags): I64 {
    return known.a ?? sized(this.e.localI64(this.#aLocal), known);
  }
  #b(known: KnownFlags): I64 {
    const b = known.b ?? this.e.localI64(this.#bLocal);
    return known.kind === FlagKind.inc || known.kind === FlagKind.dec ? b : sized(b, known);
  }
  #result(known: KnownFlags): I64 {
    const a = this.#a(known);
    switch (known.kind) {
      case FlagKind.sub:
        return a.sub(this.#b(known)).signed(known.size);
      case FlagKind.add:
        return a.add(this.#b(known)).signed(known.size);
      case FlagKind.shl:
        return a.shl(this.#b(known)).signed(known.size);
      case FlagKind.shr:
        return a.unsigned(known.size).shrU(this.#b(known)).signed(known.size);
      case FlagKind.sar:
        return a.shrS(this.#b(known));
      case FlagKind.imul:
        return a.mul(this.#b(known)).signed(known.size);
      default:
        return a;
    }
  }

  // --- producers ----------------------------------------------------------------------------------------------------------------

  /** The words become valid: those that will be looked at and that the instruction doesn't set itself. */
  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    if (this.#valid) return;
    const wanted = this.#use.conditional ? this.#use.needed | this.#use.reads : (this.#use.needed & ~this.#use.kills) | this.#use.reads;
    if (wanted !== 0) this.#spread(wanted);
    this.#inWords();
  }
  /** The words are valid. */
  get #valid(): boolean {
    return this.#known?.kind === FlagKind.words && this.#overlay === 'none';
  }
  /** Makes all words valid. */
  #flush(): void {
    this.#spread(ALL_WORDS);
    this.#inWords();
  }
  #inWords(): void {
    this.#known = IN_WORDS;
    this.#set(this.#kindLocal, this.e.i32(FlagKind.words));
    this.#clearOverlay();
  }
  #clearOverlay(): void {
    this.#overlay = 'none';
    if (this.#overlays) this.#set(this.#overlayLocal, this.e.i32(FlagOverlay.none));
  }

  /** Makes words of what is kept. */
  #spread(wanted: number): void {
    const { e } = this;
    const known = this.#known;
    if (!known || this.#overlay !== 'none') {
      const kind = e.localI32(this.#kindLocal).or(this.#overlay === 'none' ? 0 : e.localI32(this.#overlayLocal).shl(8));
      e.if(kind, () => emitSettle(e, this.state, { kind, a: e.localI64(this.#aLocal), b: e.localI64(this.#bLocal), over: e.localI64(this.#overLocal) }));
      return;
    }
    const use = this.#use;
    this.#use = { needed: wanted, kills: ALL_WORDS, reads: 0, conditional: false };
    this.#spreading = true;
    const a = this.#a(known);
    switch (known.kind) {
      case FlagKind.sub:
        super.afterSub(a, this.#b(known), this.#result(known));
        break;
      case FlagKind.add:
        super.afterAdd(a, this.#b(known), this.#result(known));
        break;
      case FlagKind.logic:
        super.afterLogic(a);
        break;
      case FlagKind.shl:
        super.afterShl(known.size, a, this.#b(known), this.#result(known));
        break;
      case FlagKind.shr:
        super.afterShr(known.size, a, this.#b(known), this.#result(known));
        break;
      case FlagKind.sar:
        super.afterSar(a, this.#b(known), this.#result(known));
        break;
      case FlagKind.imul:
        super.afterImul(known.size, a, this.#b(known), this.#result(known));
        break;
      default: {
        // The carry that was kept is in b.
        if (wanted & WORD.C) this.words.set('C', this.#b(known));
        if (known.kind === FlagKind.inc) super.afterInc(a.sub(1).signed(known.size), a);
        else super.afterDec(a.add(1).signed(known.size), a);
      }
    }
    this.#spreading = false;
    this.#use = use;
  }

  protected override put(word: FlagWord, make: () => I64): void {
    if ((this.#use.needed & WORD[word]) === 0) return;
    if (this.#spreading) super.put(word, make);
    else this.#putIn(word, make);
  }
  #putIn(word: FlagWord, make: () => I64): void {
    if (!this.#settled) this.#settle();
    // The same instruction has kept its operands before.
    else if (!this.#valid) this.#flush();
    super.put(word, make);
  }

  /** Keeps operands instead of words. @returns whether it could */
  #record(kind: number, a: I64, b: I64 | undefined, size = this.#size): boolean {
    if (this.#use.conditional || this.#use.kills === 0) return false;
    if (this.#use.needed === 0) return true;
    this.#used = true;
    this.#settled = true;
    this.#set(this.#aLocal, a);
    if (b) this.#set(this.#bLocal, b);
    this.#set(this.#kindLocal, this.e.i32(kind * 4 + sizeCode(size)));
    this.#clearOverlay();
    this.#known = { kind, size, a: a.isConstant ? a : undefined, b: b?.isConstant ? b : undefined };
    return true;
  }
  /** Keeps the operand of what changes CF, and OF, alone. */
  #cover(change: number, over: I64): boolean {
    if (this.#use.conditional || !this.#overlays) return false;
    if ((this.#use.needed & (WORD.C | WORD.O)) === 0) return true;
    this.#used = true;
    // CF of a rotation stays under a carry of its own; OF would be lost.
    if (this.#overlay !== 'none') this.#flush();
    this.#set(this.#overLocal, over);
    this.#set(this.#overlayLocal, this.e.i32(change * 4 + sizeCode(this.#size)));
    this.#overlay = change === FlagOverlay.carry ? 'carry' : 'some';
    return true;
  }

  override afterAdd(a: I64, b: I64, result: I64): void {
    if (!this.#record(FlagKind.add, a, b)) super.afterAdd(a, b, result);
  }
  override afterSub(a: I64, b: I64, result: I64): void {
    if (!this.#record(FlagKind.sub, a, b)) super.afterSub(a, b, result);
  }
  override afterLogic(result: I64): void {
    if (!this.#record(FlagKind.logic, result, undefined)) super.afterLogic(result);
  }
  override afterShl(size: number, a: I64, n: I64, result: I64): void {
    if (!this.#record(FlagKind.shl, a, n, size)) super.afterShl(size, a, n, result);
  }
  override afterShr(size: number, a: I64, n: I64, result: I64): void {
    if (!this.#record(FlagKind.shr, a, n, size)) super.afterShr(size, a, n, result);
  }
  override afterSar(a: I64, n: I64, result: I64): void {
    if (!this.#record(FlagKind.sar, a, n)) super.afterSar(a, n, result);
  }
  override afterImul(size: number, a: I64, b: I64, low: I64): void {
    if (!this.#record(FlagKind.imul, a, b, size)) super.afterImul(size, a, b, low);
  }
  override afterInc(a: I64, result: I64): void {
    if (!this.#step(FlagKind.inc, result)) super.afterInc(a, result);
  }
  override afterDec(a: I64, result: I64): void {
    if (!this.#step(FlagKind.dec, result)) super.afterDec(a, result);
  }
  #step(kind: number, result: I64): boolean {
    if (this.#use.conditional || this.#use.kills === 0) return false;
    const carry = this.#use.needed & WORD.C ? this.carry().toI64U().shl(63) : this.e.i64(0);
    return this.#record(kind, result, carry);
  }
  override afterRol(result: I64): void {
    if (!this.#cover(FlagOverlay.rol, result)) super.afterRol(result);
  }
  override afterRor(size: number, result: I64): void {
    if (!this.#cover(FlagOverlay.ror, result)) super.afterRor(size, result);
  }
  override setCarry(carry: I32): void {
    if ((this.#settled && this.#valid) || !this.#cover(FlagOverlay.carry, carry.toI64U().shl(63))) super.setCarry(carry);
  }

  // --- consumers ----------------------------------------------------------------------------------------------------------------

  /** What is known, or nothing when the words are (or have just been made) valid. */
  #lazy(): KnownFlags | undefined {
    if (this.#known === undefined || this.#overlay !== 'none') this.#flush();
    const known = this.#known as KnownFlags;
    return known.kind === FlagKind.words ? undefined : known;
  }
  /** What one comparison can tell. */
  #compared(): KnownFlags | undefined {
    const known = this.#lazy();
    if (!known || known.kind <= FlagKind.dec) return known;
    this.#flush();
    return undefined;
  }

  override carry(): I32 {
    if (this.#overlay === 'carry') return this.e.localI64(this.#overLocal).ltS(0);
    const known = this.#compared();
    if (!known) return super.carry();
    switch (known.kind) {
      case FlagKind.sub:
        return this.#a(known).ltU(this.#b(known));
      case FlagKind.add:
        // Sign extension keeps the order of unsigned numbers.
        return this.#result(known).ltU(this.#a(known));
      case FlagKind.logic:
        return this.e.i32(0);
      default:
        return this.#b(known).ltS(0);
    }
  }
  override zero(): I32 {
    const known = this.#lazy();
    if (!known) return super.zero();
    return known.kind === FlagKind.sub ? this.#a(known).eq(this.#b(known)) : this.#result(known).eqz();
  }
  override sign(): I32 {
    const known = this.#lazy();
    return known ? this.#result(known).ltS(0) : super.sign();
  }
  override overflow(): I32 {
    const known = this.#compared();
    if (!known) return super.overflow();
    const a = this.#a(known);
    switch (known.kind) {
      case FlagKind.sub: {
        const b = this.#b(known);
        return a.xor(b).and(a.xor(this.#result(known))).ltS(0);
      }
      case FlagKind.add: {
        const result = this.#result(known);
        return a.xor(result).and(this.#b(known).xor(result)).ltS(0);
      }
      case FlagKind.logic:
        return this.e.i32(0);
      default: {
        const limit = 1n << BigInt(8 * known.size - 1);
        return a.eq(known.kind === FlagKind.inc ? -limit : limit - 1n);
      }
    }
  }
  protected override less(): I32 {
    return this.#lazy() ? this.sign().xor(this.overflow()) : super.less();
  }
  override parity(): I32 {
    const known = this.#lazy();
    return known ? this.#result(known).wrap().and(0xff).popcnt().and(1).xor(1) : super.parity();
  }
  override aux(): I32 {
    // Rare enough to go through the words.
    if (this.#lazy()) this.#flush();
    return super.aux();
  }

  override condition(code: number): I32 {
    if (code >> 1 === 1 && this.#overlay === 'carry') return code & 1 ? this.carry().eqz() : this.carry();
    const known = this.#lazy();
    const negate = (code & 1) !== 0;
    if (known?.kind === FlagKind.sub) {
      const [a, b] = [this.#a(known), this.#b(known)];
      switch (code >> 1) {
        case 1: return negate ? a.geU(b) : a.ltU(b);
        case 2: return negate ? a.ne(b) : a.eq(b);
        case 3: return negate ? a.gtU(b) : a.leU(b);
        case 6: return negate ? a.geS(b) : a.ltS(b);
        case 7: return negate ? a.gtS(b) : a.leS(b);
        default:
      }
    }
    if (known?.kind === FlagKind.logic) {
      const a = this.#a(known);
      switch (code >> 1) {
        case 2: case 3: return negate ? a.ne(0) : a.eqz();
        case 4: case 6: return negate ? a.geS(0) : a.ltS(0);
        case 7: return negate ? a.gtS(0) : a.leS(0);
        default:
      }
    }
    if (known && code >> 1 === 2 && negate) return this.#result(known).ne(0);
    return super.condition(code);
  }
}
