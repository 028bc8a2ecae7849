import { State, type Case } from './cases.js';
import type { Outcome } from './native.js';
import type { Variant } from './variants.js';

/** OF SF ZF AF PF CF: SSE instructions leave none of them undefined. */
const EFLAGS_COMPARED = 0x8d5;

/** What two processors must agree on, as bytes: the state with the undefined parts cleared. */
export function comparable({ mnemonic }: Variant, { state, trapped }: Outcome): Uint8Array {
  const bytes = new Uint8Array(State.size + 1);
  bytes.set(state);
  const view = new DataView(bytes.buffer);
  view.setUint32(State.eflags, view.getUint32(State.eflags, true) & EFLAGS_COMPARED, true);
  // Approximations; `softfloat`'s own tests hold them to the bounds of the manual.
  if (/^R(cp|sqrt)/.test(mnemonic)) bytes.fill(0, State.xmm + 16, State.xmm + (mnemonic.endsWith('ss') ? 20 : 32));
  bytes[State.size] = trapped ? 1 : 0;
  return bytes;
}

/** Which NaN a sum of two takes depends on the order of its operands, and DPPS's is the processor's affair: lanes with one count as equal. */
export function unifyNaNs(bytes: Uint8Array, from: number, to: number, single: boolean): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = from; at < to; at += single ? 4 : 8) {
    if (single) {
      if (Number.isNaN(view.getFloat32(at, true))) view.setUint32(at, 0x7fc00000, true);
    } else if (Number.isNaN(view.getFloat64(at, true))) view.setBigUint64(at, 0x7ff8n << 48n, true);
  }
  return bytes;
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).reverse().join('');
}

function describe(bytes: Uint8Array): string {
  const part = (name: string, from: number, length: number): string => `${name} ${hex(bytes.subarray(from, from + length))}`;
  return [
    part('xmm0', 0, 16), part('xmm1', 16, 16), part('xmm2', 32, 16), part('mem', State.memory, 16), part('rax', State.rax, 8), part('rcx', State.rcx, 8), part('rdx', State.rdx, 8),
    part('eflags', State.eflags, 4), part('mxcsr', State.mxcsr, 4),
  ].join(' ');
}

/** A failure as text: where outcomes differ. */
export function difference(variant: Variant, { code, state }: Case, ours: Uint8Array, theirs: Uint8Array | undefined): string {
  const lines = [`${variant.key}: ${Array.from(code, (byte) => byte.toString(16).padStart(2, '0')).join(' ')}`, `  with ${describe(state)}`, `  gave ${describe(ours)}${ours[State.size] ? ' #XM' : ''}`];
  if (theirs) lines.push(`  not  ${describe(theirs)}${theirs[State.size] ? ' #XM' : ''}`);
  return lines.join('\n');
}
