import type { Emitter, I32, I64 } from '../emit/emitter.js';
import { Eflags } from '../state-layout.js';
import { mulHighSigned } from './wide-multiplication.js';

const MSB = -0x8000000000000000n;

/** The borrows out of each bit of a - b = result. */
function borrowOut(a: I64, b: I64, result: I64): I64 {
  const notA = a.not();
  return notA.and(b).or(notA.or(b).and(result));
}

export type FlagWord = 'Z' | 'S' | 'C' | 'O';

/** Where the four flag words live. */
export interface FlagWords {
  get(word: FlagWord): I64;
  set(word: FlagWord, value: I64): void;
  system(): I32;
  setSystem(value: I32): void;
}

/**
 * Arithmetic flags as four 64-bit words, so that no condition dispatches on the operation or size that set them:
 *
 * - Z: ZF is `Z == 0`
 * - S: SF is bit 63, PF the parity of the low byte
 * - C: CF is bit 63, AF bit 3
 * - O: OF is bit 63
 *
 * Results are kept sign-extended, which preserves order and equality, so all sizes share the formulas.
 */
export class Flags {
  constructor(
    protected readonly e: Emitter,
    protected readonly words: FlagWords,
  ) {}

  /** Sets a word, or doesn't when nobody will look at it. */
  protected put(word: FlagWord, make: () => I64): void {
    this.words.set(word, make());
  }

  // --- producers ----------------------------------------------------------------------------------------------------------------

  result(result: I64): void {
    this.put('Z', () => result);
    this.put('S', () => result);
  }
  /** result = a + b; all sign-extended from the operand size. */
  afterAdd(a: I64, b: I64, result: I64): void {
    this.afterAddWithCarry(a, b, result);
  }
  /** result = a + b + carry */
  afterAddWithCarry(a: I64, b: I64, result: I64): void {
    this.result(result);
    this.put('C', () => a.and(b).or(a.or(b).and(result.not())));
    this.put('O', () => a.xor(result).and(b.xor(result)));
  }
  /** result = a - b */
  afterSub(a: I64, b: I64, result: I64): void {
    this.afterSubWithBorrow(a, b, result);
  }
  /** result = a - b - borrow */
  afterSubWithBorrow(a: I64, b: I64, result: I64): void {
    this.result(result);
    this.put('C', () => borrowOut(a, b, result));
    this.put('O', () => a.xor(b).and(a.xor(result)));
  }
  /** AND, OR, XOR, TEST: CF and OF cleared; AF is undefined and cleared. */
  afterLogic(result: I64): void {
    this.result(result);
    this.put('C', () => this.e.i64(0));
    this.put('O', () => this.e.i64(0));
  }
  /** INC: as ADD 1, CF kept. */
  afterInc(a: I64, result: I64): void {
    const carry = this.words.get('C').and(MSB);
    this.result(result);
    this.put('C', () => carry.or(a.and(1).or(a.or(1).and(result.not())).and(8)));
    this.put('O', () => a.xor(result).and(result));
  }
  afterDec(a: I64, result: I64): void {
    const carry = this.words.get('C').and(MSB);
    this.result(result);
    this.put('C', () => carry.or(borrowOut(a, this.e.i64(1), result).and(8)));
    this.put('O', () => a.xor(result).and(a));
  }
  /**
   * Shifts by 1 to 63 of an operand of `size` bytes; `a` is sign-extended. CF is the last bit shifted out, OF what the formula for a count of 1 gives, also
   * for other counts.
   */
  afterShl(size: number, a: I64, n: I64, result: I64): void {
    this.result(result);
    // Bit (size - n); for n beyond the size it is 0.
    const out = (): I64 => a.unsigned(size).shl(n.sub(1)).shl(64 - 8 * size);
    this.put('C', () => out().and(MSB));
    this.put('O', () => out().xor(result).and(MSB));
  }
  afterShr(size: number, a: I64, n: I64, result: I64): void {
    this.result(result);
    this.put('C', () => a.unsigned(size).shrU(n.sub(1)).shl(63));
    this.put('O', () => a.and(MSB));
  }
  afterSar(a: I64, n: I64, result: I64): void {
    this.result(result);
    this.put('C', () => a.shrS(n.sub(1)).shl(63));
    this.put('O', () => this.e.i64(0));
  }
  /** ROL: CF is the result's lowest bit, OF that exclusive-or its highest; the rest is kept. */
  afterRol(result: I64): void {
    this.setCarry(result.wrap().and(1));
    this.put('O', () => result.shl(63).xor(result).and(MSB));
  }
  /** ROR: CF is the result's highest bit, OF that exclusive-or the one below. @param result sign-extended from `size` bytes */
  afterRor(size: number, result: I64): void {
    this.setCarry(result.ltS(0));
    this.put('O', () => result.xor(result.shl(65 - 8 * size)).and(MSB));
  }
  /** IMUL that keeps the low half, `low` sign-extended: CF and OF say that the product doesn't fit. SF, ZF, AF and PF are undefined: they are made from it. */
  afterImul(size: number, a: I64, b: I64, low: I64): void {
    this.result(low);
    const lost = (): I64 => (size === 8 ? mulHighSigned(a, b).ne(low.shrS(63)) : a.mul(b).ne(low)).toI64U().shl(63);
    this.put('C', lost);
    this.put('O', lost);
  }

  /** Sets CF and OF together (MUL, IMUL), leaving the rest. */
  setCarryOverflow(carry: I32, overflow: I32): void {
    this.put('C', () => carry.toI64U().shl(63));
    this.put('O', () => overflow.toI64U().shl(63));
  }
  setCarry(carry: I32): void {
    this.put('C', () => this.words.get('C').and(0x7fffffffffffffffn).or(carry.toI64U().shl(63)));
  }
  setOverflow(overflow: I32): void {
    this.put('O', () => overflow.toI64U().shl(63));
  }
  setZero(zero: I32): void {
    this.put('Z', () => zero.eqz().toI64U());
  }
  /** ZF alone from its own value, SF and PF from a result: for BSF and the like. */
  setSign(result: I64): void {
    this.put('S', () => result);
  }
  clear(): void {
    this.put('Z', () => this.e.i64(1));
    this.put('S', () => this.e.i64(1));
    this.put('C', () => this.e.i64(0));
    this.put('O', () => this.e.i64(0));
  }
  setAux(aux: I32): void {
    this.put('C', () => this.words.get('C').and(~8n).or(aux.toI64U().shl(3)));
  }

  // --- consumers ----------------------------------------------------------------------------------------------------------------

  carry(): I32 {
    return this.words.get('C').ltS(0);
  }
  zero(): I32 {
    return this.words.get('Z').eqz();
  }
  sign(): I32 {
    return this.words.get('S').ltS(0);
  }
  overflow(): I32 {
    return this.words.get('O').ltS(0);
  }
  /** SF differs from OF. */
  protected less(): I32 {
    return this.words.get('S').xor(this.words.get('O')).ltS(0);
  }
  parity(): I32 {
    return this.words.get('S').wrap().and(0xff).popcnt().and(1).xor(1);
  }
  aux(): I32 {
    return this.words.get('C').wrap().shrU(3).and(1);
  }

  /** Condition code 0..15 as in the low bits of Jcc's opcode. SDM vol. 1, appendix B. */
  condition(code: number): I32 {
    const base = [
      () => this.overflow(),
      () => this.carry(),
      () => this.zero(),
      () => this.carry().or(this.zero()),
      () => this.sign(),
      () => this.parity(),
      () => this.less(),
      () => this.less().or(this.zero()),
    ][code >> 1] as () => I32;
    return (code & 1) === 0 ? base() : base().eqz();
  }

  // --- EFLAGS as a whole --------------------------------------------------------------------------------------------------------

  /** CF PF AF ZF SF OF and the fixed bit 1, as in the image that PUSHF and LAHF store. */
  arithmetic(): I32 {
    return this.carry()
      .or(this.parity().shl(2))
      .or(this.aux().shl(4))
      .or(this.zero().shl(6))
      .or(this.sign().shl(7))
      .or(this.overflow().shl(11))
      .or(Eflags.reserved1);
  }
  image(): I32 {
    return this.arithmetic().or(this.words.system());
  }
  setSystem(value: I32): void {
    this.words.setSystem(value);
  }
  system(): I32 {
    return this.words.system();
  }
  /** SF ZF AF PF CF from an image's low byte (SAHF). */
  setLow(image: I64): void {
    this.put('Z', () => image.shrU(6).and(1).xor(1));
    this.put('S', () => image.shl(56).and(MSB).or(image.shrU(2).and(1).xor(1)));
    this.put('C', () => image.shl(63).or(image.shrU(1).and(8)));
  }
  setArithmetic(image: I64): void {
    this.setLow(image);
    this.put('O', () => image.shl(52).and(MSB));
  }
}
