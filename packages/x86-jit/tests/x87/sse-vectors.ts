/** Reads what `golden/x87/sse-vectors.c` writes and says where `sseOperation` differs from the processor. */
import type { SseOperationName } from '../../src/softfloat/sse-operation.js';
import { isSseOperationName, sseOperation } from '../../src/softfloat/sse-operation.js';
import { PE } from '../../src/softfloat/float-environment.js';
import { hasDenormal, reportsDenormalsAsInexact } from '../avx/comparison.js';
import type { Generator } from './recorder.js';

const RECORD = 96;
export const SSE_GENERATOR: Generator = { source: 'sse-vectors.c', record: RECORD };

export interface SseVector {
  readonly name: SseOperationName;
  readonly immediate: number;
  readonly trapped: boolean;
  readonly mxcsr: number;
  readonly mxcsrAfter: number;
  readonly a: bigint;
  readonly b: bigint;
  readonly c: bigint;
  readonly result: bigint;
  readonly gpr: bigint;
  readonly gprAfter: bigint;
  readonly eflags: number;
}

export interface VectorFile<V> {
  readonly processor: string;
  readonly vectors: V[];
}

/** Splits the text header from the records. */
export function splitHeader(bytes: Uint8Array): { lines: string[]; records: DataView } {
  const end = bytes.findIndex((byte, at) => byte === 10 && bytes[at + 1] === 10);
  const lines = new TextDecoder('latin1').decode(bytes.subarray(0, end)).split('\n');
  return { lines, records: new DataView(bytes.buffer, bytes.byteOffset + end + 2, bytes.byteLength - end - 2) };
}

export function readSseVectors(bytes: Uint8Array): VectorFile<SseVector> {
  const { lines, records } = splitHeader(bytes);
  const [magic, processor = '', ...names] = lines;
  if (magic !== 'pckit-sse-vectors 1') throw new Error(`not SSE vectors: ${magic}`);
  const vectors: SseVector[] = [];
  for (let at = 0; at + RECORD <= records.byteLength; at += RECORD) {
    const name = names[records.getUint16(at, true)]!;
    if (!isSseOperationName(name)) throw new Error(`vectors of an unknown instruction: ${name}`);
    const vector = (offset: number): bigint =>
      (records.getBigUint64(at + offset + 8, true) << 64n) | records.getBigUint64(at + offset, true);
    vectors.push({
      name,
      immediate: records.getUint8(at + 2),
      trapped: records.getUint8(at + 3) !== 0,
      mxcsr: records.getUint16(at + 4, true),
      mxcsrAfter: records.getUint16(at + 6, true),
      a: vector(8),
      b: vector(24),
      c: vector(40),
      result: vector(56),
      gpr: records.getBigUint64(at + 72, true),
      gprAfter: records.getBigUint64(at + 80, true),
      eflags: records.getUint32(at + 88, true),
    });
  }
  return { processor, vectors };
}

const EFLAGS_COMPARED = 0x8d5n; // OF SF ZF AF PF CF: all but ZF PF CF are cleared

/**
 * @param processor its brand, from the vectors' header
 * @returns undefined where they agree
 */
export function sseMismatch(vector: SseVector, processor: string): string | undefined {
  const { name, a, c, immediate, mxcsr } = vector;
  const fromRegister = /^cvtsi2s|^cvtpi2/.test(name);
  const toRegister = /2si\d\d$|2pi$/.test(name);
  const comparesToFlags = /comis/.test(name);
  const { result, flags } = sseOperation(name, a, fromRegister ? vector.gpr : vector.b, mxcsr, { immediate, c });
  const traps = (flags & ~(mxcsr >> 7) & 0x3f) !== 0;
  const actual = toRegister
    ? vector.gprAfter
    : comparesToFlags
    ? BigInt(vector.eflags) & EFLAGS_COMPARED
    : vector.result;
  const hex = (value: bigint): string => value.toString(16).padStart(32, '0');
  const problems: string[] = [];
  if (traps !== vector.trapped) problems.push(`trap ${traps}, processor ${vector.trapped}`);
  const open = flagsLeftOpen(vector, processor);
  if (((mxcsr | flags) & ~open) !== (vector.mxcsrAfter & ~open)) {
    problems.push(`flags ${flags.toString(16)}, processor ${(vector.mxcsrAfter & 0x3f).toString(16)}`);
  }
  if (!vector.trapped && !traps) {
    const agrees = /^r(cp|sqrt)/.test(name) ? approximatelySame(result, actual, /ss$/.test(name)) : /^dpp[sd]$/.test(name) ? oneNaN(result, name === 'dppd') === oneNaN(actual, name === 'dppd') : result === actual;
    if (!agrees) problems.push(`result ${hex(result)}, processor ${hex(actual)}`);
  }
  if (problems.length === 0) return undefined;
  const source = fromRegister ? vector.gpr : vector.b;
  return `${name} imm ${immediate} a ${hex(a)} b ${hex(source)} c ${hex(c)} mxcsr ${mxcsr.toString(
    16,
  )}: ${problems.join('; ')}`;
}

/** PE beside the underflow of VCVTPS2PH's denormals, which AMD's processors set only where more is lost. */
function flagsLeftOpen({ name, mxcsr, trapped, b }: SseVector, processor: string): number {
  if (!processor.startsWith('AMD') || name !== 'vcvtps2ph' || !trapped || !reportsDenormalsAsInexact(mxcsr)) return 0;
  const lanes = [0n, 32n, 64n, 96n].map((shift) => Number(BigInt.asUintN(32, b >> shift)));
  return hasDenormal(lanes) ? PE : 0;
}

/** Which of several NaNs a sum of products keeps differs between AMD's and Intel's processors; the manual leaves the order of the additions open. */
function oneNaN(value: bigint, isDouble: boolean): bigint {
  const view = new DataView(new ArrayBuffer(16));
  view.setBigUint64(0, BigInt.asUintN(64, value), true);
  view.setBigUint64(8, value >> 64n, true);
  for (let lane = 0; lane < 16; lane += isDouble ? 8 : 4) {
    if (isDouble && Number.isNaN(view.getFloat64(lane, true))) view.setBigUint64(lane, 0x7ff8n << 48n, true);
    if (!isDouble && Number.isNaN(view.getFloat32(lane, true))) view.setUint32(lane, 0x7fc00000, true);
  }
  return view.getBigUint64(0, true) | (view.getBigUint64(8, true) << 64n);
}

/** RCPPS and RSQRTPS: each within 1.5 * 2^-12 of the true value (SDM vol. 2), so within twice that of each other. */
function approximatelySame(left: bigint, right: bigint, isScalar: boolean): boolean {
  const view = new DataView(new ArrayBuffer(8));
  for (let index = 0; index < 4; index++) {
    view.setUint32(0, Number(BigInt.asUintN(32, left >> BigInt(32 * index))));
    view.setUint32(4, Number(BigInt.asUintN(32, right >> BigInt(32 * index))));
    const x = view.getFloat32(0);
    const y = view.getFloat32(4);
    const same = view.getUint32(0) === view.getUint32(4);
    if (isScalar && index > 0 && !same) return false;
    // A result at the border of the denormals is flushed by one and not by the other.
    const tiny = Math.abs(x) < 1.2e-38 && Math.abs(y) < 1.2e-38 && view.getUint8(0) >> 7 === view.getUint8(4) >> 7;
    if (!same && !tiny && !(Math.abs(x / y - 1) <= 3 * 2 ** -12)) return false;
  }
  return true;
}
