import type { Emitter, I32, I64 } from '../emit/emitter.js';
import { Eflags } from '../state-layout.js';

const MSB = -0x8000000000000000n;

/** Where the four flag words live: state block or locals. */
export interface FlagWords {
  get(word: 'Z' | 'S' | 'C' | 'O'): I64;
  set(word: 'Z' | 'S' | 'C' | 'O', value: I64): void;
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
    private readonly e: Emitter,
    private readonly words: FlagWords,
  ) {}

  // --- producers ----------------------------------------------------------------------------------------------------------------

  result(result: I64): void {
    this.words.set('Z', result);
    this.words.set('S', result);
  }
  /** result = a + b (+ carry); all sign-extended from the operand size. */
  afterAdd(a: I64, b: I64, result: I64): void {
    this.result(result);
    this.words.set('C', a.and(b).or(a.or(b).and(result.not())));
    this.words.set('O', a.xor(result).and(b.xor(result)));
  }
  /** result = a - b (- borrow). */
  afterSub(a: I64, b: I64, result: I64): void {
    this.result(result);
    const notA = a.not();
    this.words.set('C', notA.and(b).or(notA.or(b).and(result)));
    this.words.set('O', a.xor(b).and(a.xor(result)));
  }
  /** AND, OR, XOR, TEST: CF and OF cleared; AF is undefined and cleared. */
  afterLogic(result: I64): void {
    this.result(result);
    this.words.set('C', this.e.i64(0));
    this.words.set('O', this.e.i64(0));
  }
  /** INC: as ADD 1, CF kept. */
  afterInc(a: I64, result: I64): void {
    const carry = this.words.get('C').and(MSB);
    this.result(result);
    this.words.set('C', carry.or(a.and(1).or(a.or(1).and(result.not())).and(8)));
    this.words.set('O', a.xor(result).and(result));
  }
  afterDec(a: I64, result: I64): void {
    const carry = this.words.get('C').and(MSB);
    this.result(result);
    const notA = a.not();
    this.words.set('C', carry.or(notA.and(1).or(notA.or(1).and(result)).and(8)));
    this.words.set('O', a.xor(result).and(a));
  }
  /** Sets CF and OF together (MUL, IMUL), leaving the rest. */
  setCarryOverflow(carry: I32, overflow: I32): void {
    this.words.set('C', carry.toI64U().shl(63));
    this.words.set('O', overflow.toI64U().shl(63));
  }
  setCarry(carry: I32): void {
    this.words.set('C', this.words.get('C').and(0x7fffffffffffffffn).or(carry.toI64U().shl(63)));
  }
  setOverflow(overflow: I32): void {
    this.words.set('O', overflow.toI64U().shl(63));
  }
  setZero(zero: I32): void {
    this.words.set('Z', zero.eqz().toI64U());
  }
  /** ZF alone from its own value, SF and PF from a result: for BSF and the like. */
  setSign(result: I64): void {
    this.words.set('S', result);
  }
  clear(): void {
    this.words.set('Z', this.e.i64(1));
    this.words.set('S', this.e.i64(1));
    this.words.set('C', this.e.i64(0));
    this.words.set('O', this.e.i64(0));
  }
  setAux(aux: I32): void {
    this.words.set('C', this.words.get('C').and(~8n).or(aux.toI64U().shl(3)));
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
      () => this.words.get('S').xor(this.words.get('O')).ltS(0),
      () => this.words.get('S').xor(this.words.get('O')).ltS(0).or(this.zero()),
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
    this.words.set('Z', image.shrU(6).and(1).xor(1));
    this.words.set('S', image.shl(56).and(MSB).or(image.shrU(2).and(1).xor(1)));
    this.words.set('C', image.shl(63).or(image.shrU(1).and(8)));
  }
  setArithmetic(image: I64): void {
    this.setLow(image);
    this.words.set('O', image.shl(52).and(MSB));
  }
}
