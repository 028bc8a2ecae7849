/** PCMPESTRI, PCMPESTRM, PCMPISTRI and PCMPISTRM. SDM vol. 2, 4.1 "Imm8 Control Byte Operation for PCMPESTRI / ...". */

/** imm8[3:2]. */
const Aggregation = { equalAny: 0, ranges: 1, equalEach: 2, equalOrdered: 3 } as const;

const WORDS = 1;
const SIGNED = 2;
const NEGATIVE = 0x10;
const MASKED = 0x20;

export interface StringOperand {
  readonly bytes: DataView;
  /** Valid elements, at most as many as there are. */
  readonly length: number;
}

export function elementCount(immediate: number): 8 | 16 {
  return immediate & WORDS ? 8 : 16;
}

function element(operand: StringOperand, index: number, immediate: number): number {
  const { bytes } = operand;
  if (immediate & WORDS) return immediate & SIGNED ? bytes.getInt16(2 * index, true) : bytes.getUint16(2 * index, true);
  return immediate & SIGNED ? bytes.getInt8(index) : bytes.getUint8(index);
}

/** The length of a string that ends with an element of zero. */
export function implicitLength(bytes: DataView, immediate: number): number {
  const count = elementCount(immediate);
  let length = 0;
  while (length < count && element({ bytes, length: count }, length, immediate) !== 0) length++;
  return length;
}

/** @returns IntRes2: a bit for each element of `b` */
export function compareStrings(a: StringOperand, b: StringOperand, immediate: number): number {
  const count = elementCount(immediate);
  const aggregation = (immediate >> 2) & 3;
  let result = 0;
  for (let j = 0; j < count; j++) {
    if (holds(a, b, immediate, aggregation, j, count)) result |= 1 << j;
  }
  if (immediate & NEGATIVE) result ^= immediate & MASKED ? (1 << b.length) - 1 : (1 << count) - 1;
  return result;
}

function holds(a: StringOperand, b: StringOperand, immediate: number, aggregation: number, j: number, count: number): boolean {
  if (aggregation === Aggregation.equalEach) {
    if (j >= a.length || j >= b.length) return j >= a.length && j >= b.length;
    return element(a, j, immediate) === element(b, j, immediate);
  }
  if (aggregation === Aggregation.equalOrdered) {
    // What lies beyond the end of `a` matches anything; what lies beyond the register is not looked at.
    for (let i = 0; i < a.length && j + i < count; i++) {
      if (j + i >= b.length || element(a, i, immediate) !== element(b, j + i, immediate)) return false;
    }
    return true;
  }
  if (j >= b.length) return false;
  const value = element(b, j, immediate);
  if (aggregation === Aggregation.equalAny) {
    for (let i = 0; i < a.length; i++) if (element(a, i, immediate) === value) return true;
    return false;
  }
  for (let i = 0; i + 1 < a.length; i += 2) {
    if (element(a, i, immediate) <= value && value <= element(a, i + 1, immediate)) return true;
  }
  return false;
}
