/** Irrational constants in fixed point, truncated. The tests compute them again from their series. */

/** Fraction bits of all fixed-point numbers here: far beyond the 64 of a result, so that one rounding decides it. */
export const WORKING_BITS = 256;

export const ONE = 1n << BigInt(WORKING_BITS);
export const PI = 0x3_243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89n;
export const LN2 = 0xb17217f7d1cf79abc9e3b39803f2f6af40f343267298b62d8a0d175b8baafa2bn;
export const LOG2_E = 0x1_71547652b82fe1777d0ffda0d23a7d11d6aef551bad2b4b1164a2cd9a342648fn;
export const LOG2_10 = 0x3_5269e12f346e2bf924afdbfd36bf6d3365b157f8deceb53a46dab2020b9e1674n;
export const LOG10_2 = 0x4d104d427de7fbcc47c4acd605be48bc13569862a1e8f9a4c52f37935be631e5n;
