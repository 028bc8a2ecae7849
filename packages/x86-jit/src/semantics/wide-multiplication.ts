import type { I64 } from '../emit/emitter.js';

/** High half of the 128-bit unsigned product, from four 32-bit products. */
export function mulHighUnsigned(a: I64, b: I64): I64 {
  const [aLow, aHigh] = [a.and(0xffffffff), a.shrU(32)];
  const [bLow, bHigh] = [b.and(0xffffffff), b.shrU(32)];
  const cross = aHigh.mul(bLow);
  const middle = aLow.mul(bHigh).add(aLow.mul(bLow).shrU(32)).add(cross.and(0xffffffff));
  return aHigh.mul(bHigh).add(cross.shrU(32)).add(middle.shrU(32));
}

export function mulHighSigned(a: I64, b: I64): I64 {
  return mulHighUnsigned(a, b).sub(a.shrS(63).and(b)).sub(b.shrS(63).and(a));
}
