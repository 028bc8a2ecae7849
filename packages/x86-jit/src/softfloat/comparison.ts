/** Ordered and unordered comparison. SDM vol. 1, 8.1.4 table 8-1, vol. 2 FCOM, UCOMISD, CMPPS, MAXPS. */
import { denormalOperands } from './arithmetic.js';
import type { FloatEnvironment } from './float-environment.js';
import { IE } from './float-environment.js';
import type { Unpacked } from './float-format.js';
import { isNotANumber } from './nan.js';

export type Relation = 'less' | 'equal' | 'greater' | 'unordered';

/**
 * @param signalQuiet whether a quiet NaN is invalid too (FCOM, COMISS, CMPLTPS), or only a signaling one (FUCOM,
 *   UCOMISS, CMPEQPS)
 */
export function compare(a: Unpacked, b: Unpacked, signalQuiet: boolean, environment: FloatEnvironment): Relation {
  environment.roundedUp = false;
  if (isNotANumber(a) || isNotANumber(b)) {
    if (signalQuiet || isInvalid(a) || isInvalid(b)) environment.flags |= IE;
    return 'unordered';
  }
  denormalOperands(environment, a, b);
  return compareNumbers(a, b);
}

function isInvalid({ kind }: Unpacked): boolean {
  return kind === 'signaling' || kind === 'unsupported';
}

function compareNumbers(a: Unpacked, b: Unpacked): Relation {
  if (a.kind === 'zero' && b.kind === 'zero') return 'equal';
  const signA = a.kind === 'zero' ? 0 : a.sign === 1 ? -1 : 1;
  const signB = b.kind === 'zero' ? 0 : b.sign === 1 ? -1 : 1;
  if (signA !== signB) return signA < signB ? 'less' : 'greater';
  const magnitude = compareMagnitudes(a, b);
  if (magnitude === 0) return 'equal';
  return magnitude < 0 === (signA === 1) ? 'less' : 'greater';
}

/** Of values that are not zero. */
function compareMagnitudes(a: Unpacked, b: Unpacked): -1 | 0 | 1 {
  if (a.kind === 'infinity' || b.kind === 'infinity') {
    return a.kind === b.kind ? 0 : a.kind === 'infinity' ? 1 : -1;
  }
  const exponent = Math.min(a.exponent, b.exponent);
  const left = a.significand << BigInt(a.exponent - exponent);
  const right = b.significand << BigInt(b.exponent - exponent);
  return left < right ? -1 : left > right ? 1 : 0;
}
