import { ALL_EXCEPTIONS, MXCSR_DAZ, PE, UE } from '../../src/softfloat/float-environment.js';
import { Vector } from '../../src/state-layout.js';
import type { Case } from '../sse/cases.js';
import { hex, unifyNaNs } from '../sse/comparison.js';
import type { Suite } from '../sse/fixture.js';
import type { NativeProgram, Outcome } from '../sse/native.js';
import type { Variant } from '../sse/variants.js';
import { casesOf, State } from './cases.js';
import { avxVariants, FIRST, REGISTER, SECOND } from './variants.js';

const EFLAGS_COMPARED = 0x8d5;

/** What two processors must agree on, as bytes. */
export function comparable({ mnemonic }: Variant, { state, trapped }: Outcome): Uint8Array {
  const bytes = new Uint8Array(State.size + 1);
  bytes.set(state);
  const view = new DataView(bytes.buffer);
  view.setUint32(State.eflags, view.getUint32(State.eflags, true) & EFLAGS_COMPARED, true);
  const destination = State.ymm + 32;
  // Approximations.
  if (/^Vr(cp|sqrt)/.test(mnemonic)) bytes.fill(0, destination, destination + (mnemonic.endsWith('ss') ? 4 : 32));
  if (/^Vdpp/.test(mnemonic)) unifyNaNs(bytes, destination, destination + 32, mnemonic.endsWith('ps'));
  // Of a masked store's bytes the last one, or some other, is reported.
  if (/maskmov/.test(mnemonic)) view.setUint32(State.fault, view.getUint32(State.fault, true) >>> 7, true);
  bytes[State.size] = trapped ? 1 : 0;
  return bytes;
}

/** What is left open where processors differ, made equal. */
export function unifyKinds(variant: Variant, bytes: Uint8Array): Uint8Array {
  const { mnemonic } = variant;
  if (mnemonic === 'Vmaskmovdqu') return unifyMaskedStore(variant, bytes);
  if (mnemonic === 'Vcvtps2ph') return unifyHalves(variant, bytes);
  return /gather/.test(mnemonic) ? unifyGather(variant, bytes) : bytes;
}

/**
 * VCVTPS2PH into a missing page: Intel's processors have set MXCSR's exception flags by then, and raised #XM for one that isn't masked; AMD's find the page
 * missing first. The outcome is made one of AMD's, with no flags. Where #XM reports a denormal's underflow, Intel's add PE (SDM vol. 2), AMD's only where
 * more is lost: then PE is left out.
 */
function unifyHalves({ key, operands }: Variant, bytes: Uint8Array): Uint8Array {
  const unified = Uint8Array.from(bytes);
  const view = new DataView(unified.buffer);
  const [pointer, mxcsr, vector] = [State.pointer, State.mxcsr, State.vector].map((at) => view.getUint32(at, true)) as [number, number, number];
  const wide = key.endsWith('256');
  if (operands === 'memory' && pointer + (wide ? 16 : 8) > State.memorySize) {
    view.setUint32(State.mxcsr, mxcsr & ~ALL_EXCEPTIONS, true);
    if (vector === Vector.XM) {
      view.setUint32(State.vector, Vector.PF, true);
      view.setUint32(State.fault, Math.max(pointer, State.memorySize), true);
    }
  } else if (vector === Vector.XM && reportsDenormalsAsInexact(mxcsr)) {
    const lanes = Array.from({ length: wide ? 8 : 4 }, (_, k) => view.getUint32(State.ymm + 32 * REGISTER + 4 * k, true));
    if (hasDenormal(lanes)) view.setUint32(State.mxcsr, mxcsr & ~PE, true);
  }
  return unified;
}

/** @param lanes bits of single precision numbers */
export function hasDenormal(lanes: readonly number[]): boolean {
  return lanes.some((lane) => ((lane >>> 23) & 0xff) === 0 && (lane & 0x7fffff) !== 0);
}

/** Whether VCVTPS2PH adds PE to a denormal's underflow on Intel's processors, beyond what AMD's do: UM and DAZ are clear. */
export function reportsDenormalsAsInexact(mxcsr: number): boolean {
  return (mxcsr & ((UE << 7) | MXCSR_DAZ)) === 0;
}

/**
 * VMASKMOVDQU where the bytes that its mask leaves out lie in a missing page: AMD's processors don't need the page, Intel's fault. (SDM vol. 2 leaves it
 * open for a mask that selects nothing.)
 */
function unifyMaskedStore({ operands }: Variant, bytes: Uint8Array): Uint8Array {
  const pointer = new DataView(bytes.buffer, bytes.byteOffset).getUint32(State.pointer, true);
  const room = State.memorySize - pointer;
  const mask = State.ymm + 32 * (operands === 'same register' ? REGISTER : SECOND);
  const needsMissing = bytes.subarray(mask, mask + 16).some((byte, k) => k >= room && byte >= 0x80);
  if (room >= 16 || needsMissing) return bytes;
  const unified = Uint8Array.from(bytes);
  unified.fill(0, State.memory, State.memory + State.memorySize);
  unified.fill(0, State.vector, State.size + 1);
  return unified;
}

/**
 * A gather that faults: of the masks of elements that haven't arrived only the sign bits mean anything, which Zen 4 leaves as they were and others spread; nor
 * does it clear what lies above a 128-bit vector before the end.
 */
function unifyGather({ key, mnemonic }: Variant, bytes: Uint8Array): Uint8Array {
  if (bytes[State.size] === 0) return bytes;
  const unified = Uint8Array.from(bytes);
  const size = /(ps|[dq]d)$/.test(mnemonic) ? 4 : 8;
  const [destination, mask] = [State.ymm + 32 * REGISTER, State.ymm + 32 * FIRST];
  for (let element = mask; element < mask + 32; element += size) unified.fill((unified[element + size - 1] as number) & 0x80 ? 0xff : 0, element, element + size);
  const wide = key.startsWith('VEX.256') && !/gatherq(ps|d)$/.test(mnemonic);
  if (!wide) for (const register of [destination, mask]) unified.fill(0, register + 16, register + 32);
  return unified;
}

export const AVX_SUITE: Suite = { magic: 'pckit-avx-results 1', stateSize: State.size, variants: avxVariants, casesOf, comparable };
export const AVX_PROGRAM: NativeProgram = { source: 'avx/execute.c', stateSize: State.size };

function parts(bytes: Uint8Array): string[] {
  const at = new DataView(bytes.buffer, bytes.byteOffset).getUint32(State.pointer, true);
  const part = (name: string, from: number, length: number): string => `${name} ${hex(bytes.subarray(from, from + length))}`;
  return [
    ...[0, 1, 2, 3, 4].map((n) => part(`ymm${n}`, State.ymm + 32 * n, 32)), part(`mem+${at}`, State.memory + at, Math.min(32, State.memorySize - at)), part('mem', State.memory, State.memorySize),
    part('rax', State.rax, 8), part('rcx', State.rcx, 8), part('rdx', State.rdx, 8), part('eflags', State.eflags, 4), part('mxcsr', State.mxcsr, 4), part('vector', State.vector, 1), part('fault', State.fault, 4),
  ];
}

/** A failure as text: where outcomes differ. */
export function difference(variant: Variant, { code, state }: Case, ours: Uint8Array, theirs: Uint8Array | undefined): string {
  const [given, our, their] = [parts(state), parts(ours), theirs && parts(theirs)];
  const lines = [`${variant.key}: ${Array.from(code, (byte) => byte.toString(16).padStart(2, '0')).join(' ')}`, `  with ${given.filter((name) => !name.startsWith('mem ')).join(' ')}`];
  our.forEach((text, k) => {
    if (their ? text !== their[k] : text !== given[k]) lines.push(`  gave ${text}${their ? `\n  not  ${their[k]}` : ''}`);
  });
  return lines.join('\n');
}
