/**
 * The floating-point formats of x86 and the one shape in which all arithmetic here sees their values. SDM vol. 1, 4.2.2
 * "Floating-Point Data Types", 4.8.3 "Real Number and Non-number Encodings", 8.2.2 "Unsupported Double
 * Extended-Precision ...".
 */

/**
 * - `finite`: `significand * 2^exponent`, significand > 0
 * - `quiet`, `signaling`: NaNs; the significand is that of the f80 NaN with the same payload (integer bit at 63, quiet
 *   bit at 62)
 * - `unsupported`: f80 unnormals, pseudo-infinities, pseudo-NaNs: invalid as an operand of any arithmetic
 */
export type FloatKind = 'zero' | 'finite' | 'infinity' | 'quiet' | 'signaling' | 'unsupported';

export interface Unpacked {
  readonly kind: FloatKind;
  readonly sign: 0 | 1;
  readonly exponent: number;
  readonly significand: bigint;
  /** A denormal (or f80 pseudo-denormal) of its format. */
  readonly denormal: boolean;
}

export interface Float80 {
  /** Sign at bit 15, biased exponent below. */
  readonly signExponent: number;
  /** 64 bits, with the explicit integer bit at 63. */
  readonly significand: bigint;
}

export interface FloatFormat<Bits> {
  readonly name: 'f16' | 'f32' | 'f64' | 'f80';
  /** Bits of a normal significand, its integer bit included. */
  readonly precision: number;
  /** Of the leading bit, in normal numbers. */
  readonly minExponent: number;
  readonly maxExponent: number;
  /** What an x87 result's exponent is adjusted by on unmasked overflow and underflow. SDM vol. 1, 8.5.4 and 8.5.5. */
  readonly biasAdjustment: number;
  /** Negative quiet NaN with an empty payload: "real indefinite". */
  readonly indefinite: Bits;
  unpack(bits: Bits): Unpacked;
  zero(sign: 0 | 1): Bits;
  infinity(sign: 0 | 1): Bits;
  /** @param significand as in an unpacked NaN, quiet or not; low bits that do not fit are dropped */
  nan(sign: 0 | 1, significand: bigint): Bits;
  /**
   * @param exponent of the significand's bit `precision - 1`; `minExponent` for denormals
   * @param significand below 2^precision; below 2^(precision - 1) only with `exponent === minExponent`
   */
  finite(sign: 0 | 1, exponent: number, significand: bigint): Bits;
}

export const INTEGER_BIT = 1n << 63n;
export const QUIET_BIT = 1n << 62n;

export function unpackedZero(sign: 0 | 1): Unpacked {
  return { kind: 'zero', sign, exponent: 0, significand: 0n, denormal: false };
}

export function unpackedFinite(sign: 0 | 1, exponent: number, significand: bigint, denormal = false): Unpacked {
  return { kind: 'finite', sign, exponent, significand, denormal };
}

/** Every integer is exact. */
export function unpackInteger(value: bigint): Unpacked {
  if (value === 0n) return unpackedZero(0);
  return value < 0n ? unpackedFinite(1, 0, -value) : unpackedFinite(0, 0, value);
}

/** An IEEE 754 interchange format: sign, biased exponent, fraction without integer bit. */
function interchange<Bits>(
  name: FloatFormat<Bits>['name'],
  exponentBits: number,
  precision: number,
  toBits: (value: bigint) => Bits,
  fromBits: (bits: Bits) => bigint,
): FloatFormat<Bits> {
  const fractionBits = BigInt(precision - 1);
  const fractionMask = (1n << fractionBits) - 1n;
  const exponentMask = (1 << exponentBits) - 1;
  const bias = exponentMask >> 1;
  const signShift = BigInt(exponentBits + precision - 1);
  const nanShift = 64n - BigInt(precision);
  const assemble = (sign: 0 | 1, biased: number, fraction: bigint): Bits =>
    toBits((BigInt(sign) << signShift) | (BigInt(biased) << fractionBits) | fraction);

  return {
    name,
    precision,
    minExponent: 1 - bias,
    maxExponent: bias,
    biasAdjustment: 3 * 2 ** (exponentBits - 2),
    indefinite: assemble(1, exponentMask, 1n << (fractionBits - 1n)),
    unpack(bits) {
      const value = fromBits(bits);
      const sign = Number((value >> signShift) & 1n) as 0 | 1;
      const biased = Number(value >> fractionBits) & exponentMask;
      const fraction = value & fractionMask;
      if (biased === exponentMask) {
        if (fraction === 0n) return { kind: 'infinity', sign, exponent: 0, significand: 0n, denormal: false };
        const significand = INTEGER_BIT | (fraction << nanShift);
        const kind = (significand & QUIET_BIT) !== 0n ? 'quiet' : 'signaling';
        return { kind, sign, exponent: 0, significand, denormal: false };
      }
      if (biased === 0) {
        if (fraction === 0n) return unpackedZero(sign);
        return unpackedFinite(sign, 2 - bias - precision, fraction, true);
      }
      return unpackedFinite(sign, biased - bias - precision + 1, fraction | (1n << fractionBits));
    },
    zero: (sign) => assemble(sign, 0, 0n),
    infinity: (sign) => assemble(sign, exponentMask, 0n),
    nan: (sign, significand) => assemble(sign, exponentMask, (significand >> nanShift) & fractionMask),
    finite: (sign, exponent, significand) =>
      assemble(sign, significand >> fractionBits === 0n ? 0 : exponent + bias, significand & fractionMask),
  };
}

/** F16C's storage format. */
export const float16: FloatFormat<number> = interchange('f16', 5, 11, Number, BigInt);
/** Bits as an unsigned 32-bit number. */
export const float32: FloatFormat<number> = interchange('f32', 8, 24, Number, BigInt);
export const float64: FloatFormat<bigint> = interchange(
  'f64',
  11,
  53,
  (value) => value,
  (bits) => bits,
);

const F80_BIAS = 16383;
const F80_EXPONENT = 0x7fff;

export const float80: FloatFormat<Float80> = {
  name: 'f80',
  precision: 64,
  minExponent: 1 - F80_BIAS,
  maxExponent: F80_BIAS,
  biasAdjustment: 24576,
  indefinite: { signExponent: 0xffff, significand: INTEGER_BIT | QUIET_BIT },
  unpack({ signExponent, significand }) {
    const sign = ((signExponent >> 15) & 1) as 0 | 1;
    const biased = signExponent & F80_EXPONENT;
    const integerBit = (significand & INTEGER_BIT) !== 0n;
    if (biased === 0) {
      if (significand === 0n) return unpackedZero(sign);
      return unpackedFinite(sign, 1 - F80_BIAS - 63, significand, true);
    }
    if (!integerBit) return { kind: 'unsupported', sign, exponent: 0, significand, denormal: false };
    if (biased === F80_EXPONENT) {
      if (significand === INTEGER_BIT) return { kind: 'infinity', sign, exponent: 0, significand: 0n, denormal: false };
      const kind = (significand & QUIET_BIT) !== 0n ? 'quiet' : 'signaling';
      return { kind, sign, exponent: 0, significand, denormal: false };
    }
    return unpackedFinite(sign, biased - F80_BIAS - 63, significand);
  },
  zero: (sign) => ({ signExponent: sign << 15, significand: 0n }),
  infinity: (sign) => ({ signExponent: (sign << 15) | F80_EXPONENT, significand: INTEGER_BIT }),
  nan: (sign, significand) => ({ signExponent: (sign << 15) | F80_EXPONENT, significand }),
  finite: (sign, exponent, significand) => ({
    signExponent: (sign << 15) | ((significand & INTEGER_BIT) === 0n ? 0 : exponent + F80_BIAS),
    significand,
  }),
};
